"""Strangers that mean harm, and peers that break: the others notice nothing."""

import os
import resource
import socket
import ssl
import time

import pytest

from ctl import Administrator
from http_client import figures
from raw_tls import RawPeer
from wire import Ending, client_context, eventually, reset

pytestmark = pytest.mark.threads


@pytest.fixture
def people(server):
    return server.sign_up("alice"), server.sign_up("bob")


def notice_nothing(server, people):
    """Demand that who was on before still talks, and that newcomers get in."""
    __tracebackhide__ = True
    alice, bob = people
    alice.message(bob, "did you notice anything?")
    bob.hears(f"RELAY {bob} {alice} did you notice anything?")
    bob.message(alice, "no")
    alice.hears(f"RELAY {alice} {bob} no")
    server.is_well()


def client_hello():
    """The first bytes of a real handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_a_port_scan(server, people):
    for _ in range(100):
        server.knock().close()
    notice_nothing(server, people)


def test_connect_and_reset_200_times(server, people):
    for _ in range(200):
        reset(server.knock())
    notice_nothing(server, people)


def test_a_reset_in_mid_handshake(server, people):
    hello = client_hello()
    for cut in range(0, len(hello), 10):
        sock = server.knock()
        sock.sendall(hello[:cut])
        reset(sock)
    for _ in range(20):
        sock = server.knock()
        sock.sendall(hello)
        sock.recv(100)
        reset(sock)
    notice_nothing(server, people)


def test_half_handshakes_stop_nobody(server, people):
    hello = client_hello()
    halves = [server.knock() for _ in range(50)]
    for number, sock in enumerate(halves):
        sock.sendall(hello[:number])
    notice_nothing(server, people)
    for sock in halves:
        sock.close()
    notice_nothing(server, people)


@pytest.mark.parametrize("said", [
    pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HTTP"),
    pytest.param(b"AUTH alice secret \r\n", id="the-protocol-without-TLS"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
    pytest.param(b"\0" * 1000, id="zeros"),
    pytest.param(b"\xff" * 1000, id="ones"),
    pytest.param(bytes(range(256)) * 80, id="all-bytes"),
    pytest.param(b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, id="too-large-a-record"),
    pytest.param(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", id="a-hello-of-one-byte"),
    pytest.param(b"\x80\x2e\x01\x00\x02" + b"\x00" * 43, id="SSL-2"),
    pytest.param(b"\x17\x03\x03\x00\x10" + b"x" * 16, id="data-before-the-handshake"),
])
def test_what_is_no_tls_is_closed(server, people, said):
    sock = server.knock()
    sock.settimeout(10)
    heard = b""
    try:
        sock.sendall(said)
        while data := sock.recv(4096):
            heard += data
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert heard == b"" or heard[0] == 0x15, f"expected a TLS alert at most, got {heard!r}"
    notice_nothing(server, people)


def test_random_bytes(server, people):
    for _ in range(50):
        sock = server.knock()
        try:
            sock.sendall(os.urandom(2000))
        except OSError:
            pass
        sock.close()
    notice_nothing(server, people)


def test_a_broken_record_ends_only_its_own_session(server, people):
    mallory = server.sign_up("mallory")
    mallory.socket.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    heard = mallory.next_record()
    while isinstance(heard, bytes):
        heard = mallory.next_record()
    assert heard is not Ending.SILENCE
    notice_nothing(server, people)
    eventually(lambda: server.log_in(mallory))


def test_key_updates_without_end(serve):
    """Those that are read at once have one answer of TLS's own; who reads no answer is let go before they fill the memory."""
    server = serve({"login.max_tries": 0, "session.output_limit": "64MiB", "metrics.listen": "127.0.0.1:0"})
    people = server.sign_up("alice"), server.sign_up("bob")
    mallory = RawPeer(server.address)
    for _ in range(100):
        mallory.say(b"PUT ! x\r\n" * 1800)  # 10 MB of answers: the socket is full
    is_gone = False
    for _ in range(1000):
        seen = figures(server)["messagerd_received_bytes_total"]
        try:
            mallory.update_keys(1)
        except OSError:
            is_gone = True
            break
        eventually(lambda: has_read(server, mallory, seen))
    assert is_gone
    notice_nothing(server, people)


def has_read(server, peer, seen):
    """Nothing else is said to the server meanwhile."""
    is_reset = peer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    assert is_reset or figures(server)["messagerd_received_bytes_total"] > seen


def test_some_key_updates_are_fine(server, people):
    mallory = RawPeer(server.address)
    for _ in range(100):
        mallory.update_keys(1)
    notice_nothing(server, people)
    mallory.update_keys(1)


@pytest.mark.parametrize("leave", ["hang_up", "die", "close_notify"])
@pytest.mark.parametrize("said", [b"", b"M", b"AUTH alice secret", b"PUT alice secret \r"], ids=repr)
def test_leaving_before_log_in(server, people, said, leave):
    peer = server.connect()
    if said:
        peer.say_raw(said)
    getattr(peer, leave)()
    notice_nothing(server, people)


@pytest.mark.parametrize("query", ["AUTH nobody secret", "PUT {name} secret"])
def test_leaving_while_a_password_is_hashed(serve, query):
    server = serve({"login.password_memory": "16MiB", "login.password_passes": 3})
    people = server.sign_up("alice"), server.sign_up("bob")
    for number in range(20):
        peer = server.connect()
        peer.say(query.format(name=f"leaver_{number}"))
        peer.die() if number % 2 else peer.hang_up()
    notice_nothing(server, people)
    people[0].say("CMD <online>")
    people[0].hears(f"CMD <{people[0]} {people[1]}>")  # and none of them is a ghost


def test_nothing_is_hashed_for_who_has_left(serve):
    server = serve({"login.password_memory": "64MiB", "login.password_passes": 6})
    admin = Administrator(server)

    crowd = 10 * os.cpu_count()
    leavers = [server.connect() for _ in range(crowd)]
    for number, peer in enumerate(leavers):
        peer.say(f"PUT leaver_{number} secret")
    eventually(lambda: has_waiting(admin, crowd // 2))
    for peer in leavers:
        peer.die()
    then = admin.asks("status")
    server.sign_up("alice")  # behind all of them in the queue
    hashed = admin.asks("status")["passwords_hashed"] - then["passwords_hashed"]
    assert hashed <= then["passwords_waiting"] // 2 + 1, f"of those who have left {hashed - 1} were hashed"


def has_waiting(admin, least):
    assert admin.asks("status")["passwords_waiting"] >= least


def test_who_signed_up_and_left_before_the_answer_is_no_ghost(serve):
    server = serve()
    name = "leaver"
    peer = server.connect()
    peer.say(f"PUT {name} secret")
    peer.die()

    def comes_back():
        """Whether or not the account was made, its name is free to use."""
        again = server.connect()
        again.say(f"PUT {name} secret")
        if again.next_record().startswith(b"ACCEPT"):
            return
        again.log_in(name, "secret")
    eventually(comes_back)


@pytest.mark.parametrize("leave", ["hang_up", "die", "close_notify"])
def test_a_session_that_dies_is_offline(server, people, leave):
    alice, bob = people
    getattr(alice, leave)()

    def is_gone():
        bob.message(alice, "hello?")
        bob.hears("CNT <user not online>")
    eventually(is_gone)
    eventually(lambda: server.log_in(alice))


@pytest.mark.parametrize("leave", ["hang_up", "die", "close_notify"])
def test_dying_in_the_middle_of_a_query(server, people, leave):
    mallory = server.sign_up("mallory")
    mallory.say_raw(b"MSG bob mallory hal")
    getattr(mallory, leave)()
    notice_nothing(server, people)
    eventually(lambda: server.log_in(mallory))


def test_dying_with_answers_on_the_way(server, people):
    for _ in range(20):
        mallory = server.sign_up("mallory")
        mallory.say_records(mallory.spelled(f"MSG {mallory} {mallory} {'x' * 3000}") for _ in range(50))
        mallory.die()
    notice_nothing(server, people)


def test_a_storm_of_visitors(server, people):
    """They come, say something, and leave in every manner; in between the others talk."""
    alice, bob = people
    for number in range(60):
        visitor = server.connect()
        visitor.say_raw([b"AUTH a b \r\n", b"PUT", b"\xff\r\n", b"PUT admin x \r\n"][number % 4])
        [visitor.hang_up, visitor.die, visitor.close_notify][number % 3]()
        alice.message(bob, str(number))
        bob.hears(f"RELAY {bob} {alice} {number}")
    notice_nothing(server, people)


def test_a_stranger_without_a_name_for_the_host(server, people):
    """Any server name in the handshake is taken."""
    for hostname in ("localhost", "example.org", "a" * 63 + ".example"):
        server.sign_up("alice", hostname=hostname).is_settled()
    notice_nothing(server, people)


def cpu_seconds(server):
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_running_out_of_files(serve):
    """More visitors than the process may have files: sessions go on, the processor rests, and later all is well."""
    server = serve()
    people = server.sign_up("alice"), server.sign_up("bob")
    alice, bob = people
    had = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files + 5, had[1]))
    visitors = [server.knock() for _ in range(40)]

    alice.message(bob, "did you notice anything?")
    bob.hears(f"RELAY {bob} {alice} did you notice anything?")
    used, began = cpu_seconds(server), time.monotonic()
    bob.hears_nothing(1)
    assert cpu_seconds(server) - used < 0.5 * (time.monotonic() - began), "the server runs in circles"

    for visitor in visitors:
        visitor.close()
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, had)
    eventually(lambda: notice_nothing(server, people))


def test_accepting_goes_on_where_nothing_else_is_waited_for(serve):
    """No session has a deadline while there are no files to spare: the pause ends all the same."""
    server = serve({"server.workers": 1, "session.check_interval": 0, "login.timeout": 0, "login.handshake_timeout": 0})
    server.sign_up("alice").is_settled()
    had = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (3, had[1]))
    visitor = server.knock()
    server.await_log(r"\baccept-paused\b")
    visitor.close()
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, had)
    server.sign_up("bob").is_settled()
