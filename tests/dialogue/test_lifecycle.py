"""Starting and ending: signals, exit statuses, what survives, what keeps a server from starting, whom it tells."""

import re
import signal
import socket
import stat

import pytest

from server import USUAL, arguments, run_messagerd
from wire import PACE, closed_without_a_word, eventually, unique

CLOSING = "END * <server closing>"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def is_closed(address):
    """Demand that nobody listens there."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address).close()


# The end


@pytest.mark.threads
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_signal_ends_it_and_tells_every_session(serve, number):
    server = serve()
    people = [server.sign_up("one") for _ in range(20)]
    server.signal(number)
    for one in people:
        one.hears_last(CLOSING)
    server.ends(0)
    is_closed(server.address)


def test_it_ends_without_anybody_on_it(serve):
    server = serve()
    server.signal(signal.SIGTERM)
    server.ends(0)


@pytest.mark.threads
def test_who_has_not_logged_in_is_closed_without_a_word(serve):
    server = serve()
    silent, new, trying = server.knock(), server.connect(), server.connect()
    trying.say("PUT admin secret")
    trying.hears("TRY <username reserved>")
    server.signal(signal.SIGTERM)
    closed_without_a_word(silent)
    new.hears_no_word()
    trying.hears_no_word()
    server.ends(0)


def stuff(server, nick="deaf"):
    """A session that reads nothing and has as much on the way to it as the system holds."""
    deaf = server.sign_up(nick, rcvbuf=4096)
    sender = server.sign_up("sender")
    for _ in range(8):
        sender.message(deaf, "x" * 4000)
    sender.is_settled()
    return deaf


def test_a_session_that_does_not_read_does_not_keep_it_alive(serve):
    server = serve()
    stuff(server)
    server.signal(signal.SIGTERM)
    server.ends(0, seconds=5)


@pytest.mark.threads
def test_a_second_signal_ends_it_at_once(serve):
    # At once: no thread is waited for, which a thread sanitizer would report.
    server = serve(environment={"TSAN_OPTIONS": "report_thread_leaks=0"})
    stuff(server)
    server.signal(signal.SIGTERM)
    eventually(lambda: is_closed(server.address), errors=(pytest.fail.Exception, OSError))
    server.signal(signal.SIGTERM)
    server.ends(0, seconds=1.5 * PACE)


def test_it_does_not_wait_for_the_hashes_that_are_left(serve):
    """Log-ins for many seconds of hashing are queued; they are closed without a word, and the end comes in time."""
    server = serve({"server.workers": 1, "login.password_memory": "64MiB", "login.password_passes": max(1, int(10 / PACE))})
    crowd = [server.connect() for _ in range(60)]
    for one in crowd:
        one.say("AUTH nobody secret")
    crowd[0].hears_last("END <incorrect username or password>")
    server.signal(signal.SIGTERM)
    crowd[30].hears_no_word()  # the last one may be among the first: its query can come with the end of its handshake
    server.ends(0)


def test_a_session_that_is_slowed_down_is_told_too(serve):
    server = serve({"session.messages_per_second": 1, "session.burst": 1})
    alice = server.sign_up("alice")
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(5))
    alice.hears(f"RELAY {alice} {alice} 0")
    server.signal(signal.SIGTERM)
    alice.hears_last(CLOSING)
    server.ends(0)


def test_messages_sent_before_the_end_arrive(serve):
    server = serve()
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say_records(alice.spelled(f"MSG {bob} {alice} {number}") for number in range(100))
    alice.is_settled()
    server.signal(signal.SIGTERM)
    bob.hears(*(f"RELAY {bob} {alice} {number}" for number in range(100)))
    bob.hears_last(CLOSING)


# What survives

def test_accounts_survive_a_clean_end(serve):
    first = serve()
    alice = first.sign_up("alice", "open sesame")
    first.finish()
    second = serve(folder=first.folder)
    taken = second.connect()
    taken.say(f"PUT {alice} another")
    taken.hears("TRY <username already taken>")
    second.log_in(alice)


@pytest.mark.threads
def test_an_accepted_account_survives_a_kill(serve):
    """Many sign up at once; the server is killed when the first hears ACCEPT. Who has heard one can log in afterwards."""
    first = serve()
    people = [first.connect() for _ in range(30)]
    names = [unique("user") for _ in people]
    for one, name in zip(people, names):
        one.say(f"PUT {name} secret")
    people[0].is_accepted(names[0])
    first.kill()

    accepted = [names[0]]
    for one, name in zip(people[1:], names[1:]):
        heard = one.next_record()
        if isinstance(heard, bytes):
            assert heard.startswith(f"ACCEPT {name} ".encode())
            accepted.append(name)

    second = serve(folder=first.folder)
    for name in accepted:
        second.connect().log_in(name, "secret")


def test_ten_kills_in_a_row_lose_nothing(serve):
    folder, known = None, []
    for _ in range(10):
        server = serve(folder=folder)
        folder = server.folder
        for alice in known:
            server.log_in(alice)
        known.append(server.sign_up("alice"))
        server.kill()


def test_no_password_lies_in_the_data_folder(serve):
    server = serve()
    server.sign_up("alice", "a-very-special-secret")
    server.finish()
    for path in server.data.iterdir():
        if path.is_file():
            assert b"a-very-special-secret" not in path.read_bytes(), path.name


# What keeps it from starting

def test_a_second_server_is_kept_out_of_the_data_folder(serve):
    server = serve()
    alice = server.sign_up("alice")
    second = run_messagerd("--config", server.config, *arguments({**USUAL, "server.data": server.data}))
    assert second.returncode == 1
    assert re.search(rf"\b{server.process.pid}\b", second.stderr), second.stderr
    alice.is_settled()
    server.is_well()


def start_on(port, folder):
    return run_messagerd("--config", "/dev/null", *arguments(
        {**USUAL, "server.data": folder / "other", "server.listen": f"127.0.0.1:{port}"}))


def test_a_port_in_use_is_an_error(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        second = start_on(port, folder)
    assert second.returncode == 1
    assert str(port) in second.stderr, second.stderr


def test_a_port_of_another_messagerd_is_in_use_too(serve, folder):
    """Its workers share the port among themselves (SO_REUSEPORT), not with strangers."""
    server = serve()
    second = start_on(server.address[1], folder)
    assert second.returncode == 1
    assert str(server.address[1]) in second.stderr, second.stderr
    server.is_well()


def test_a_data_folder_that_cannot_be_made(folder):
    (folder / "file").write_text("")
    failed = run_messagerd("--config", "/dev/null", *arguments({**USUAL, "server.data": folder / "file" / "data"}))
    assert failed.returncode == 1
    assert str(folder / "file") in failed.stderr, failed.stderr


def test_a_certificate_that_is_none(folder):
    (folder / "bad.pem").write_text("this is no certificate\n")
    failed = run_messagerd("--config", "/dev/null", *arguments(
        {**USUAL, "server.data": folder / "data", "tls.certificate": folder / "bad.pem"}))
    assert failed.returncode in (1, 2)
    assert str(folder / "bad.pem") in failed.stderr, failed.stderr


# Where it listens, and whom it tells

def test_several_addresses(serve):
    server = serve({"server.listen": "127.0.0.1:0 127.0.0.2:0"})
    assert [host for host, _ in server.addresses] == ["127.0.0.1", "127.0.0.2"]
    alice, bob = (server.sign_up("user", address=address) for address in server.addresses)
    alice.message(bob, "hello")
    bob.hears(f"RELAY {bob} {alice} hello")


def test_nobody_else_reads_the_data_folder(serve):
    server = serve()
    server.sign_up("alice")
    assert mode(server.data) == 0o700
    for path in server.data.iterdir():
        assert mode(path) & 0o077 == 0, f"{path.name} has mode {mode(path):o}"


def test_systemd_is_told(serve, folder):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(10)
        server = serve(environment={"NOTIFY_SOCKET": str(folder / "notify")})
        said = manager.recv(4096)
        while b"READY=1" not in said.split(b"\n"):
            said = manager.recv(4096)
        server.signal(signal.SIGTERM)
        while b"STOPPING=1" not in said.split(b"\n"):
            said = manager.recv(4096)
        server.ends(0)
