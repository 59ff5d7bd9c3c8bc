"""The socket of the administrator: who can open it, what is said on it, and who says nonsense, half a request or nothing."""

import signal
import socket
import stat
import threading

import pytest

from ctl import Administrator, everything
from server import USUAL, arguments, run_messagerd
from wire import eventually, unique

SECRET = "188470244621571496032947323203565848228"  # a password as the original server hashed it


# What only the server's owner can open

def test_the_socket_is_the_owners(server, admin):
    mode = admin.socket.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_a_socket_that_a_killed_server_left(serve):
    server = serve()
    server.kill()
    admin = Administrator(server)
    assert admin.socket.exists()
    assert "no server runs at" in admin.fails("status")
    serve(folder=server.folder)
    admin.does("status")


def start_with_socket(path, folder):
    return run_messagerd("--config", "/dev/null", *arguments(
        {**USUAL, "server.data": folder / "other", "admin.socket": path}))


def test_what_else_is_at_the_path_is_left_alone(serve, folder):
    file = folder / "file"
    file.write_text("precious")
    failed = start_with_socket(file, folder)
    assert failed.returncode == 1
    assert f"{file} is there and is no socket; remove it, or set admin.socket" in failed.stderr
    assert file.read_text() == "precious"
    server = serve()
    admin = Administrator(server)
    failed = start_with_socket(admin.socket, folder)
    assert failed.returncode == 1
    assert f"{admin.socket}: another server listens there" in failed.stderr
    admin.does("status")
    failed = start_with_socket(folder / "none" / "admin.sock", folder)
    assert failed.returncode == 1
    assert f"cannot listen at {folder}/none/admin.sock: permission denied, or there is no such folder" in failed.stderr


# The socket's protocol

@pytest.mark.parametrize("request_bytes, complaint", [
    (b"xml 0\nstatus\n\n", b"error\nthe request is malformed: it begins with neither text nor json\n"),
    (b"text x\nstatus\n\n", b"error\nthe request is malformed: its length is no number\n"),
    (b"json 0\n\n", b"error\n{\"error\":\"the request is malformed: there is no command\"}\n"),
    (b"text 0\nstatus\n\nmore", b"error\nthe request is malformed: it is longer than it says\n"),
    (b"text 99999999\nuser\nimport\n\n", b"error\nthe request is malformed: what belongs to the command is longer than 64 MiB\n"),
    (b"text 0\n" + b"x" * 70000, b"error\nthe request is malformed: the command is longer than 64 KiB\n"),
    (b"text 0\n" + b"x\n" * 9 + b"\n", b"error\nthe request is malformed: there are too many words\n"),
    (b"text 0\nnonsense\n\n", b"error\nthis server knows no such command; are it and messagerctl of one version?\n"),
    (b"text 0\nkick\n\n", b"error\nthis server knows no such command; are it and messagerctl of one version?\n"),
    (b"text 0\nstatus\nnow\n\n", b"error\nthis server knows no such command; are it and messagerctl of one version?\n"),
    (b"text 0\nonline\n--some\n\n", b"error\nonline takes nothing but --all\n"),
    (b"text 0\nuser\nadd\nann\n\n", b"error\nthis password can't be: it takes 1 to 1024 bytes, no control bytes, no "
                                    b"space at an end\n"),
    (b"text 0\nkick\n\xff\x1b\n\n", b"error\n\xff\\x1b is not online\n"),
    (b"json 0\nkick\n\xff\x1b\n\n", b'error\n{"error":"\\ufffd\\u001b is not online"}\n'),
])
def test_requests_refused(admin, request_bytes, complaint):
    assert admin.says(request_bytes) == complaint


def test_a_request_byte_by_byte(server, admin):
    name = unique("ann")
    with admin.connect() as sock:
        for byte in f"text 2\nuser\nadd\n{name}\n\npw".encode():
            sock.sendall(bytes([byte]))
        assert everything(sock) == f"ok\n{name} can log in\n".encode()
    server.connect().log_in(name, "pw")


def test_half_a_request_is_none(admin):
    name = unique("ann")
    request = f"text 10\nuser\nadd\n{name}\n\npassword".encode()
    for length in (1, len(request) - 9, len(request)):
        with admin.connect() as sock:
            sock.sendall(request[:length])
    with admin.connect() as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == b""
    assert name not in admin.does("user", "list")


def test_who_does_not_wait_for_the_answer_hurts_nobody(serve):
    admin = Administrator(serve())
    names = [unique("ann") for _ in range(16)]
    for name in names:
        with admin.connect() as sock:
            sock.sendall(f"text 2\nuser\nadd\n{name}\n\npw".encode())
    eventually(lambda: set_equal([user["name"] for user in admin.asks("user", "list")["accounts"]], names))


def set_equal(got, expected):
    assert set(got) == set(expected)


def test_idle_clients(serve):
    """More than it serves at a time are sent away at once; those that say nothing are, after ten seconds."""
    admin = Administrator(serve())
    idle = [admin.connect() for _ in range(16)]
    assert b"error\nthe server is busy with 16 other requests" in everything(admin.connect())
    assert "the server is busy" in admin.fails("status")
    for sock in idle:
        assert everything(sock) == b"error\nthe request was not here within 10 seconds\n"
        sock.close()
    eventually(lambda: admin.does("status"))


@pytest.mark.threads
def test_many_at_once(serve):
    server = serve()
    admin = Administrator(server)
    names = [f"user{i}" for i in range(40)]
    failed = []

    def work(mine):
        for name in mine:
            try:
                admin.does("user", "add", name, input=f"password of {name}")
                admin.does("ban", name)
                admin.asks("status")
                admin.does("unban", name)
                admin.asks("user", "list")
            except AssertionError as error:
                failed.append(error)

    threads = [threading.Thread(target=work, args=(names[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    assert {user["name"] for user in admin.asks("user", "list")["accounts"]} == set(names)
    server.connect().log_in("user39", "password of user39")


@pytest.mark.threads
def test_the_server_stops_while_it_is_asked(serve):
    """Whatever is under way then has an end, and nobody waits for ever."""
    server = serve()
    admin = Administrator(server)
    lines = "".join(f"user{i},{SECRET}\n" for i in range(20000)).encode()
    socks = [admin.connect() for _ in range(3)]
    socks[0].sendall(b"text %d\nuser\nimport\n\n" % len(lines) + lines)
    socks[1].sendall(b"text 2\nuser\nadd\nann\n\npw")
    server.signal(signal.SIGTERM)
    for sock in socks:
        everything(sock)
        sock.close()
    server.ends()
    with_all = Administrator(serve(folder=server.folder))
    answer = with_all.asks("user", "import", "-", input=lines.decode())
    assert answer["imported"] + answer["left_out"] == 20000
