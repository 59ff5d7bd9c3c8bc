"""What the tests share: servers, and a deadline for each test."""

import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from ctl import Administrator  # noqa: E402
from server import MESSAGERD, Server  # noqa: E402
from stage import Stage  # noqa: E402
from tally import Tally  # noqa: E402
from wire import PATIENCE  # noqa: E402

# Who is started with `nohup` or behind an `&` ignores signals, and so would every program whose end by one is tested.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)

TEST_SECONDS = int(9 * PATIENCE)  # a test that takes longer hangs
SOAK_TEST_SECONDS = 1800  # the same for one marked `soak` that does not say its own


def new_folder(stack):
    """A folder that is gone with the stack; its path is short, since a Unix socket's path has 108 bytes at most."""
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="messagerd-"))


@pytest.fixture(scope="session")
def _shared_server():
    with ExitStack() as stack:
        server = Server(new_folder(stack))
        yield server
        server.finish()


@pytest.fixture
def server(_shared_server):
    """A server with the usual settings that all tests share; nobody but the others' leftovers is on it."""
    yield _shared_server
    _shared_server.dismiss()
    assert _shared_server.process.poll() is None, "the shared server died in this test"


@pytest.fixture
def admin(server):
    """Who looks after that one."""
    return Administrator(server)


@pytest.fixture
def serve():
    """Start servers of one's own: serve({"login.max_tries": 3}). folder= restarts on the data of an earlier one."""
    with ExitStack() as stack:
        def start(settings=None, folder=None, **how):
            server = Server(folder or new_folder(stack), settings, **how)
            stack.callback(server.finish)
            return server
        yield start


@pytest.fixture
def folder():
    with ExitStack() as stack:
        yield Path(new_folder(stack))


@pytest.fixture
def tally(folder):
    """Counts the calls of a server that is started with its environment."""
    if any(word in MESSAGERD.read_bytes() for word in (b"__asan_init", b"__tsan_init")):
        pytest.skip("a sanitizer has a malloc of its own")
    return Tally(folder)


@pytest.fixture(scope="session")
def make_certificate():
    """make_certificate(path): a fresh self-signed certificate with its key, in one PEM file."""
    def make(path, name="tester"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", f"/CN={name}", "-days", "2", "-keyout", f"{path}.key", "-out", f"{path}.crt"],
                       check=True, capture_output=True)
        Path(path).write_text(Path(f"{path}.key").read_text() + Path(f"{path}.crt").read_text())
        return Path(path)
    return make


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: makes the server's threads meet; what a run under ThreadSanitizer takes")
    config.addinivalue_line("markers", "plain: says more, or anything at all, only of a build without sanitizers, which `make check` holds it with too")
    config.addinivalue_line("markers", "soak(seconds): takes minutes, so `make soak` runs it and `make check` does not; "
                            "it may take so many seconds, 1800 unless said otherwise (lib/soak.py scales its size)")


def pytest_collection_modifyitems(config, items):
    """Those marked `soak` are left out unless -m asks for them."""
    if "soak" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _deadline(request):
    soak = request.node.get_closest_marker("soak")
    limit = TEST_SECONDS
    if soak:
        limit = (soak.args or [SOAK_TEST_SECONDS])[0]

    def too_late(_number, _frame):
        pytest.fail(f"this test takes longer than {limit} s")
    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(limit)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """A failure shows what the servers logged."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in Server.running:
            title = f"messagerd {server.process.pid}, end of its log"
            report.sections.append((title, "\n".join(server.log()[-40:])))


@pytest.fixture
def small_disk(folder):
    """small_disk(8): a folder on a file system of so many MiB. Skips where none may be mounted."""
    mounted = []

    def mount(mebibytes):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder], capture_output=True)
        if done.returncode != 0:
            pytest.skip("no file system may be mounted here")
        mounted.append(folder)
        return folder
    yield mount
    for path in mounted:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def certificate(make_certificate):
    with tempfile.TemporaryDirectory(prefix="certificate-") as folder:
        yield make_certificate(Path(folder) / "stage.pem", "localhost")


@pytest.fixture
def stage(certificate, stack):
    """stage(…): a scripted server."""
    def start(**how):
        server = Stage(how.pop("certificate", certificate), **how)
        stack.callback(server.close)
        return server
    return start


@pytest.fixture
def new_home(stack):
    """new_home(): the home folder of a person who has never used messager."""
    return lambda: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="home-")))


@pytest.fixture
def home(new_home):
    return new_home()


@pytest.fixture
def password(home):
    """A file with a password."""
    path = home / "password"
    path.write_text("a password\n")
    path.chmod(0o600)
    return path
