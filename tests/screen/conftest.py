"""What the tests of the full screen share: people at terminals, each with a home, and scripted servers."""

import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from person import where
from screen import Screen
from stage import Stage

# Tests that run in the background ignore SIGINT, and those whom they start would too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


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


@pytest.fixture
def screen(home, stack):
    """screen(server, words…): messager at a terminal of its own."""
    def start(server, *words, home=home, **how):
        address = [where(server.address)] if server else []
        person = Screen(home, *address, *words, **how)
        stack.callback(person.kill)
        return person
    return start


@pytest.fixture
def talking(screen, password):
    """talking(server, name, words…): a person with an account of that name, who talks to bob unless said otherwise."""
    def start(server, name, *words, to="bob", **how):
        person = screen(server, "--user", name, "--password-file", password, "--trust-first", "--to", to, *words, **how)
        person.sees(rf"^{to}>")
        return person
    return start


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
