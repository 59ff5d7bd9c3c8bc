"""What a stranger costs: memory before log-in, and that it is given back."""

import resource
import ssl

import pytest

from http_client import figures
from wire import client_context, closed_without_a_word, eventually, tcp_connect

KIB = 1024
STRANGERS = 2000
HALF_HELLO = b"\x16\x03\x01\x0f\x00\x01\x00\x0e\xfc\x03\x03" + bytes(2000)  # 2 of 3.8 KiB that are announced


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
@pytest.mark.parametrize("said", [b"", b"\x16", HALF_HELLO], ids=["nothing", "a byte", "half a hello"])
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


@pytest.mark.plain
@pytest.mark.parametrize("records, version, most", [("own", ssl.TLSVersion.TLSv1_3, 8 * KIB), ("libssl", ssl.TLSVersion.TLSv1_3, 24 * KIB),
                                                    ("own", ssl.TLSVersion.TLSv1_2, 24 * KIB)])
def test_in_log_in(serve, records, version, most):
    server = serve({"tls.records": records, "metrics.listen": "127.0.0.1:0", "login.timeout": 1000})
    if server.is_sanitized():
        pytest.skip("a sanitizer keeps memory of its own")
    count = 300
    server.connect().hang_up()  # what is made once is made now
    before = server.memory()
    strangers = [server.connect(context=client_context(version, version)) for _ in range(count)]
    eventually(lambda: states(server, login=count))
    each = (server.memory() - before) / count
    print(f"{each:.0f} bytes each")
    assert len(strangers) == count and each < most


def test_they_are_gone_at_the_deadline(serve):
    server = serve({"metrics.listen": "127.0.0.1:0", "login.handshake_timeout": 1, "login.timeout": 1})
    silent = [server.knock() for _ in range(50)] + [server.connect() for _ in range(50)]
    half = [server.knock() for _ in range(50)]
    for sock in half:
        sock.sendall(HALF_HELLO)
    eventually(lambda: states(server, handshake=0, login=0, closing=0), seconds=15)
    assert len(silent) == 100


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
