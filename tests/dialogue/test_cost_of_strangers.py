"""What a stranger costs: memory before log-in, and that it is given back."""

import os
import resource
import select
import signal
import socket
import ssl

import pytest

from http_client import figures
from raw_tls import RawPeer
from wire import PACE, PATIENCE, client_context, closed_without_a_word, eventually, tcp_connect

KIB = 1024
STRANGERS = 2000
SHAKERS = 1000
HALF_HELLO = b"\x16\x03\x01\x0f\x00\x01\x00\x0e\xfc\x03\x03" + bytes(2000)  # 2 of 3.8 KiB that are announced
LONG_HELLO = b"\x16\x03\x01\x0f\xfb\x01\x00\x0f\xf7\x03\x03" + bytes(4080)  # all but a few bytes of the longest


@pytest.fixture(autouse=True)
def _enough_files():
    had = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(had[1], 20000), had[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, had)


def states(server, **expected):
    now = figures(server)
    got = {state: now[f'messagerd_connections{{state="{state}"}}'] for state in expected}
    assert got == expected


def knock_all(server, said):
    strangers = []
    for _ in range(STRANGERS):
        sock = tcp_connect(server.address)
        if said:
            sock.sendall(said)
        strangers.append(sock)
    eventually(lambda: states(server, handshake=STRANGERS))
    return strangers


@pytest.mark.plain
@pytest.mark.parametrize("said", [b"", b"\x16", HALF_HELLO, LONG_HELLO], ids=["nothing", "a byte", "half a hello", "a long hello"])
def test_before_the_handshake(serve, said):
    server = serve({"metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000})
    if server.is_sanitized():
        pytest.skip("a sanitizer keeps memory of its own")
    received = figures(server)["messagerd_received_bytes_total"]
    before = server.memory()
    strangers = knock_all(server, said)
    eventually(lambda: has_received(server, received + len(said) * STRANGERS))
    each = (server.memory() - before) / STRANGERS
    print(f"{each:.0f} bytes each")
    for sock in strangers:
        sock.close()
    assert each < 8 * KIB
    server.is_well()


def has_received(server, least):
    assert figures(server)["messagerd_received_bytes_total"] >= least


def figures_received(server):
    return figures(server)["messagerd_received_bytes_total"]


class Shaker:
    """A client in the midst of its handshake: its hello is said."""

    def __init__(self, server, context=None, **how):
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = (context or client_context()).wrap_bio(self._in, self._out)
        self.sock = server.knock(**how)
        hello = self._go_on()
        self.said = len(hello)
        self.sock.sendall(hello)

    def _go_on(self):
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def hears(self):
        """Our answer: what the client would say to it."""
        said = self.sock.recv(1 << 16)
        assert said, "closed in the handshake"
        self._in.write(said)
        return self._go_on()

    def is_closed(self):
        return bool(select.select([self.sock], [], [], 0)[0]) and self.sock.recv(1 << 16) == b""


def context_of(version):
    return client_context(version, version)


TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.plain
@pytest.mark.parametrize("records", ["own", "libssl"])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_in_the_handshake(serve, records, version):
    """All who may be here say their hello, and nothing to our answer. Some get none: so many answers that are not heard would cost 45 KiB each."""
    server = serve({"tls.records": records, "metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000, "limits.unauthenticated": SHAKERS})
    if server.is_sanitized():
        pytest.skip("a sanitizer keeps memory of its own")
    context = context_of(version)
    server.connect().hang_up()  # what is made once is made now
    eventually(lambda: states(server, login=0, closing=0))
    received = figures_received(server)
    before = server.memory()
    shakers = [Shaker(server, context) for _ in range(SHAKERS)]
    said = sum(shaker.said for shaker in shakers)
    eventually(lambda: has_received(server, received + said))
    each = (server.memory() - before) / SHAKERS
    print(f"{each:.0f} bytes each")
    for shaker in shakers:
        shaker.sock.close()
    assert each < 8 * KIB
    server.is_well()


PLACES = 8  # the least that a worker has for handshakes that are not answered


@pytest.fixture
def full(serve):
    """A server whose places for handshakes are all taken, by whom."""
    server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000, "limits.unauthenticated": 100})
    silent = [Shaker(server) for _ in range(PLACES)]
    for shaker in silent:
        shaker.hears()
    return server, silent


def test_a_hello_waits_for_the_place_of_the_longest_silent(full):
    server, silent = full
    late = Shaker(server)
    late.sock.sendall(late.hears())
    eventually(lambda: states(server, login=1))
    eventually(lambda: states(server, handshake=PLACES - 1))
    assert [shaker.is_closed() for shaker in silent] == [True] + [False] * (PLACES - 1)


def test_the_last_hello_gets_the_first_place(full):
    server, silent = full
    received = figures_received(server)
    early = Shaker(server)
    eventually(lambda: has_received(server, received + early.said))
    late = Shaker(server)
    eventually(lambda: has_received(server, received + early.said + late.said))
    silent.pop().sock.close()
    assert select.select([early.sock, late.sock], [], [], PATIENCE)[0] == [late.sock]
    late.sock.sendall(late.hears())
    early.sock.sendall(early.hears())
    eventually(lambda: states(server, login=2))


def test_who_is_far_away_stays_as_long_as_nobody_waits(serve):
    """It was hurried for one who waited then. The next one that waits has its place at once."""
    server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000, "limits.unauthenticated": 100,
                    "login.timeout": 3 * PACE})
    clock = server.connect()
    silent = [Shaker(server) for _ in range(PLACES)]
    for shaker in silent:
        shaker.hears()
    received = figures_received(server)
    first = Shaker(server)
    eventually(lambda: has_received(server, received + first.said))
    far = Shaker(server)
    far_says = far.hears()
    first.hears()
    clock.hears_last("END * <login timeout>")
    assert not far.is_closed()
    far.sock.sendall(far_says)
    eventually(lambda: states(server, login=1))
    assert [shaker.is_closed() for shaker in silent] == [True, True] + [False] * (PLACES - 2)


STRANGERS_AT_MOST = "[limits]\nunauthenticated = {}\n"


def reload(server, config):
    server.config.write_text(config)
    server.signal(signal.SIGHUP)
    server.await_log(r"\breloaded\b")


def test_a_reload_may_take_places_away(serve):
    """Those who have one too many and are silent lose it to a hello that waits, all of them."""
    server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000}, config=STRANGERS_AT_MOST.format(1600))
    silent = [Shaker(server) for _ in range(5 * PLACES)]
    for shaker in silent:
        shaker.hears()
    reload(server, STRANGERS_AT_MOST.format(100))
    late = Shaker(server)
    late.sock.sendall(late.hears())
    eventually(lambda: states(server, login=1))
    assert len(silent) == 5 * PLACES


def test_a_reload_may_give_places(serve):
    server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000}, config=STRANGERS_AT_MOST.format(100))
    silent = [Shaker(server) for _ in range(PLACES)]
    for shaker in silent:
        shaker.hears()
    received = figures_received(server)
    waiting = [Shaker(server) for _ in range(30)]
    eventually(lambda: has_received(server, received + sum(shaker.said for shaker in waiting)))
    reload(server, STRANGERS_AT_MOST.format(0))
    for shaker in waiting:
        shaker.sock.sendall(shaker.hears())
    eventually(lambda: states(server, login=30))


def test_who_owes_a_penalty_waits_for_who_does_not(serve):
    """However late it comes."""
    server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1000, "limits.unauthenticated": 100,
                    "limits.penalty_exempt": "127.0.0.1", "limits.penalty_handshake": 500, "limits.penalty_threshold": 1000, "limits.penalty_longest": 1000})
    server.knock(source="127.0.0.66").sendall(b"GET / HTTP/1.1\r\n\r\n")
    server.await_log("handshake-failed")
    eventually(lambda: states(server, handshake=0))
    silent = [Shaker(server) for _ in range(PLACES)]
    for shaker in silent:
        shaker.hears()
    received = figures_received(server)
    good = Shaker(server, source="127.0.0.77")
    eventually(lambda: has_received(server, received + good.said))
    bad = Shaker(server, source="127.0.0.66")
    eventually(lambda: has_received(server, received + good.said + bad.said))
    silent.pop().sock.close()
    assert good.sock in select.select([good.sock, bad.sock], [], [], PATIENCE)[0]
    good.sock.sendall(good.hears())
    bad.sock.sendall(bad.hears())
    eventually(lambda: states(server, login=2))


def test_who_waits_for_a_place_may_leave(full):
    server, silent = full
    waiting = [Shaker(server) for _ in range(20)]
    for shaker in waiting:
        shaker.sock.close()
    eventually(lambda: states(server, handshake=PLACES) or True)
    server.sign_up("alice")
    assert len(silent) == PLACES


def test_who_waits_in_vain_owes_no_penalty(full):
    """Only those who are silent in a place do, and who gets one of theirs in the meantime."""
    server, silent = full
    many = 60

    def offences():
        return figures(server)['messagerd_offences_total{kind="handshake"}']
    failed, before = figures(server)["messagerd_handshakes_failed_total"], offences()
    received = figures_received(server)
    waiting = [Shaker(server) for _ in range(many)]
    eventually(lambda: has_received(server, received + sum(shaker.said for shaker in waiting)))
    for shaker in waiting:
        shaker.sock.close()

    def all_failed():
        assert figures(server)["messagerd_handshakes_failed_total"] >= failed + many
    eventually(all_failed)
    assert offences() - before < many / 2
    assert len(silent) == PLACES


def test_good_handshakes_wait_no_longer_than_they_take(serve):
    """More at a time than there are places, and each of them gets one: nobody has to be silent, nobody is dropped."""
    server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "limits.unauthenticated": 200})
    shakers = [Shaker(server) for _ in range(100)]
    failed = figures(server)["messagerd_handshakes_failed_total"]
    waiting = {shaker.sock: shaker for shaker in shakers}
    while waiting:
        for sock in select.select(list(waiting), [], [], PATIENCE)[0]:
            sock.sendall(waiting.pop(sock).hears())
    eventually(lambda: states(server, login=100, handshake=0))
    assert figures(server)["messagerd_handshakes_failed_total"] == failed


@pytest.mark.parametrize("retried", [False, True])
def test_a_hello_that_would_be_long_is_refused_at_once(serve, retried):
    """Its head alone would make OpenSSL take 170 KiB."""
    server = serve({"login.handshake_timeout": 1000})
    sock = server.knock()
    if retried:
        retrying = RawPeer(server.address, groups="X448:P-256", answers=1)
        sock = retrying.socket
    sock.sendall(b"\x16\x03\x01\x00\x06\x01\x01\xff\xf0\x03\x03")
    eventually(lambda: server.await_log("handshake-failed"))
    assert sock.recv(1 << 16) in (b"", b"\x15\x03\x03\x00\x02\x02\x50")


def test_an_answer_that_would_be_long_is_refused_at_once(serve):
    server = serve({"login.handshake_timeout": 1000})
    shaker = Shaker(server)
    shaker.hears()
    shaker.sock.sendall(b"\x17\x03\x03\x0f\xfc" + bytes(10))
    server.await_log(r'handshake-failed .*reason="packet length too long"')
    closed_without_a_word(shaker.sock)


HASH = 256 * KIB  # what each thread of the pool has for one
AUTH = b"AUTH alice secret \r\n"
HALF_A_RECORD = b"\x17\x03\x03\x40\x00" + bytes(12000)
TALKS = {  # in a record, and as it is
    "nothing": (b"", b""),
    "half a query": (b"AUTH alice " + b"x" * 1500, b""),
    "half a record": (b"", HALF_A_RECORD),
    "a log-in": (AUTH, b""),
    "half a query and half a record": (b"AUTH alice " + b"x" * 1500, HALF_A_RECORD),
    "a log-in, half a query and half a record": (AUTH + b"PUT alice " + b"x" * 500, HALF_A_RECORD),
}


@pytest.mark.plain
@pytest.mark.parametrize("talk", TALKS)
def test_in_log_in(serve, talk):
    """A hash takes so long here that all who ask for one are still waiting."""
    server = serve({"tls.records": "own", "server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.timeout": 1000,
                    "session.query_timeout": 1000, "login.password_memory": HASH, "login.password_passes": 1000})
    if server.is_sanitized():
        pytest.skip("a sanitizer keeps memory of its own")
    sealed, raw = TALKS[talk]
    has_spoken(server)
    eventually(lambda: states(server, closing=0))
    before = server.memory()
    strangers = [server.connect() for _ in range(600)]
    for stranger in strangers:
        if sealed:
            stranger.say_raw(sealed)
        stranger.socket.sendall(raw)
    has_spoken(server)  # after all that
    hashing = os.cpu_count() * HASH if sealed.startswith(AUTH) else 0
    each = (server.memory() - before - hashing) / len(strangers)
    print(f"{each:.0f} bytes each")
    assert figures(server)['messagerd_connections{state="login"}'] > 0.8 * len(strangers)
    assert each < 8 * KIB


def has_spoken(server, context=None):
    stranger = server.connect(context=context)
    stranger.say("PUT no-name secret")
    stranger.hears("TRY <disallowed characters>")
    stranger.hang_up()


@pytest.mark.plain
@pytest.mark.parametrize("raw", [b"", HALF_A_RECORD], ids=["nothing", "half a record"])
@pytest.mark.parametrize("records, version", [("libssl", TLS_1_3), ("own", TLS_1_2)])
def test_in_log_in_with_records_of_libssl(serve, records, version, raw):
    """It has 14 KiB of its own, and counts as two (test_limits.py)."""
    server = serve({"tls.records": records, "server.workers": 1, "metrics.listen": "127.0.0.1:0", "login.timeout": 1000})
    if server.is_sanitized():
        pytest.skip("a sanitizer keeps memory of its own")
    has_spoken(server, context_of(version))  # what is made once is made now
    eventually(lambda: states(server, closing=0))
    before = server.memory()
    strangers = [server.connect(context=context_of(version)) for _ in range(300)]
    for stranger in strangers:
        stranger.socket.sendall(raw)
    has_spoken(server, context_of(version))
    each = (server.memory() - before) / len(strangers)
    print(f"{each:.0f} bytes each")
    assert each < 2 * 8 * KIB


@pytest.mark.parametrize("sealed", [b"AUTH alice " + b"x" * 2000, AUTH + b"PUT alice secret \r\n" * 30], ids=["unfinished", "behind a log-in"])
def test_who_says_too_much_before_log_in_is_sent_away(serve, sealed):
    server = serve({"login.password_memory": "128KiB", "login.password_passes": 1000})
    stranger = server.connect()
    stranger.say_raw(sealed)
    stranger.hears_last("END * <incorrect protocol>")


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("size", [1500, 5000, 16384])
def test_a_long_record_may_come_slowly(serve, size, version):
    """Most of it waits in the system; nothing of it is lost, and what is said after log-in is read as ever."""
    server = serve()
    alice = server.connect(context=context_of(version))
    said = b"PUT alice " + b"x" * (size - 13) + b" \r\n"
    alice.say_dribbled(said)
    alice.hears("TRY <disallowed password>")
    alice.sign_up("alice")
    alice.say_dribbled(alice.spelled(f"MSG {alice} {alice} " + "y" * 1000))
    alice.hears(f"RELAY {alice} {alice} " + "y" * 1000)


@pytest.mark.parametrize("records, version", [("own", TLS_1_3), ("libssl", TLS_1_3), ("own", TLS_1_2)])
def test_a_record_may_begin_before_log_in_and_end_after(serve, records, version):
    server = serve({"tls.records": records})
    alice = server.connect(context=context_of(version))
    said = alice.sealed(b"PUT alice a password \r\n", b"nonsense \r\n")
    alice.socket.sendall(said[:-10])
    alice.hears_match("ACCEPT alice .*")
    alice.socket.sendall(said[-10:])
    alice.hears_last("END * <incorrect protocol>")


def test_who_leaves_amid_a_long_record_is_gone(serve):
    server = serve({"metrics.listen": "127.0.0.1:0", "login.timeout": 1000})
    stranger = server.connect()
    stranger.socket.sendall(HALF_A_RECORD)
    eventually(lambda: states(server, login=1))
    stranger.die()
    eventually(lambda: states(server, login=0))


def test_what_a_stranger_says_after_our_last_word_is_read_and_forgotten(serve):
    """Else the connection would be reset at its end, and our last word might be lost with it: also where we waited for much more."""
    server = serve({"metrics.listen": "127.0.0.1:0", "login.timeout": 0.3})
    stranger = server.connect()
    stranger.socket.sendall(HALF_A_RECORD)
    stranger.hears_last("END * <login timeout>")
    stranger.socket.sendall(bytes(1000))
    eventually(lambda: states(server, login=0, closing=0))
    assert stranger.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_they_are_gone_at_the_deadline(serve):
    server = serve({"metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1, "login.timeout": 1})
    silent = [server.knock() for _ in range(50)] + [server.connect() for _ in range(50)]
    half = [server.knock() for _ in range(50)]
    for sock in half:
        sock.sendall(HALF_HELLO)
    silent += [Shaker(server) for _ in range(50)]
    eventually(lambda: states(server, handshake=0, login=0, closing=0), seconds=15)
    assert len(silent) == 150


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 100])
def test_a_hello_in_pieces(serve, size):
    """However it is cut, it is one hello."""
    server = serve({"metrics.listen": "127.0.0.1:0"})
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    sock = server.knock()
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    seen = figures_received(server)
    for start in range(0, len(hello), size):
        sock.sendall(hello[start:start + size])
        if start % 50 == 0:  # a reading of its own, now and then
            eventually(lambda: figures_received(server) >= seen + start or pytest.fail("not read"),
                       errors=pytest.fail.Exception)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            data = sock.recv(1 << 16)
            assert data, "closed in the handshake"
            incoming.write(data)
    tls.write(b"AUTH nobody secret \r\n")
    sock.sendall(outgoing.read())
    while True:
        try:
            assert tls.read(4096) == b"END <incorrect username or password> \r\n"
            break
        except ssl.SSLWantReadError:
            incoming.write(sock.recv(1 << 16))


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x10\x00", b"\x16\x03\x01\xff\xff" + bytes(100)], ids=["4 KiB", "64 KiB"])
def test_a_hello_that_announces_too_much_is_refused_at_once(serve, said):
    server = serve({"login.handshake_timeout": 1000})
    sock = server.knock()
    sock.sendall(said)
    closed_without_a_word(sock)
    server.await_log(r'handshake-failed .*reason="hello too long"')
