"""Programs that speak something else, and scanners, at the port: closed at once or at the handshake's limit, with a line of the log at most."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import warnings
import xml.etree.ElementTree as xml

import pytest

from wire import PACE, PATIENCE, client_context, closed_without_a_word

ALERT = 0x15  # the type of a TLS record
LOG_LIMIT_PER_MINUTE = 20  # log.h


def hello(oldest, newest):
    """The first bytes of a handshake that knows only these versions."""
    outgoing = ssl.MemoryBIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls = client_context(oldest, newest).wrap_bio(ssl.MemoryBIO(), outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
    return outgoing.read()


TLS_1_0 = hello(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1)
TLS_1_1 = hello(ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)
TLS_1_3 = hello(ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)

CLOSED_AT_ONCE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "SMTP": b"EHLO mail.example.org\r\nMAIL FROM:<a@example.org>\r\n",
    "IRC": b"NICK alice\r\nUSER alice 0 * :alice\r\n",
    "SOCKS": b"\x05\x01\x00" + b"\x05\x01\x00\x03\x0bexample.org\x00\x50",
    "the protocol without TLS": b"AUTH alice secret \r\n",
    "TLS 1.0": TLS_1_0,
    "TLS 1.1": TLS_1_1,
    "SSL 3": b"\x16\x03\x00\x00\x2f\x01\x00\x00\x2b\x03\x00" + b"r" * 32 + b"\x00\x00\x04\x00\x2f\x00\x35\x01\x00",
    "a hello with its length wrong": TLS_1_3[:6] + b"\xff\xff\xff" + TLS_1_3[9:],
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "random bytes": None,
}
WAITED_FOR = {
    "nothing": b"",
    "one byte of a hello": TLS_1_3[:1],
    "half a hello": TLS_1_3[:len(TLS_1_3) // 2],
    "all but the last byte of a hello": TLS_1_3[:-1],
    "a hello and nothing more": TLS_1_3,
}


def hears_alert_at_most(sock, seconds=PATIENCE):
    __tracebackhide__ = True
    sock.settimeout(seconds)
    heard = b""
    try:
        while data := sock.recv(4096):
            heard += data
    except ConnectionResetError:
        pass
    except TimeoutError:
        raise AssertionError("expected that the server closes the connection, it is still open") from None
    assert heard == b"" or heard[0] == ALERT, f"expected a TLS alert at most, got {heard!r}"


def lines_of_strangers(server):
    """What the log has of connections, up to now: a mark of our own is awaited first."""
    marker = server.sign_up("marker")
    server.await_log(f"session-began user={marker}")
    marker.quit()
    server.await_log(f"session-ended user={marker}")
    return [line for line in server.log() if not re.search(r"\b(session-(began|ended)|certificate|listening|ready)", line)]


@pytest.mark.parametrize("kind", CLOSED_AT_ONCE)
def test_what_is_no_tls_of_ours_is_closed_at_once(serve, kind):
    server = serve({"login.handshake_timeout": 0})  # so whatever closes it is not the limit
    before = len(lines_of_strangers(server))
    sock = server.knock()
    try:
        sock.sendall(CLOSED_AT_ONCE[kind] or b"\x80" + os.urandom(999))
    except OSError:
        pass  # it is closed already
    hears_alert_at_most(sock)
    assert len(lines_of_strangers(server)) - before <= 1


def test_what_is_half_a_handshake_is_closed_at_the_limit(serve):
    limit = 1.5 * PACE
    server = serve({"login.handshake_timeout": limit})
    before = len(lines_of_strangers(server))
    began = time.monotonic()
    socks = [server.knock() for _ in WAITED_FOR]
    for sock, said in zip(socks, WAITED_FOR.values()):
        sock.sendall(said)
    for sock in socks[:-1]:
        closed_without_a_word(sock)
    assert time.monotonic() - began >= limit - 0.1, "closed before its time"
    while socks[-1].recv(4096):  # our part of the handshake, then the end
        pass
    assert time.monotonic() - began < limit + PATIENCE
    assert len(lines_of_strangers(server)) - before <= len(socks)


def test_a_byte_now_and_then_does_not_put_the_limit_off(serve):
    server = serve({"login.handshake_timeout": 1})
    sock = server.knock()
    began = time.monotonic()
    sock.settimeout(0.05)
    gone = False
    for byte in TLS_1_3:
        try:
            sock.sendall(bytes([byte]))
            gone = sock.recv(1) == b""
        except TimeoutError:
            continue
        except OSError:
            gone = True
        if gone:
            break
    assert gone and time.monotonic() - began < 1 + PATIENCE


def test_many_of_them_do_not_fill_the_log(serve):
    """200 of each kind; every event has so many lines a minute, and says how many were left out."""
    server = serve()
    before = len(lines_of_strangers(server))
    for said in (CLOSED_AT_ONCE["HTTP"], CLOSED_AT_ONCE["SSH"], TLS_1_0):
        for _ in range(200):
            sock = server.knock()
            try:
                sock.sendall(said)
            except OSError:
                pass
            sock.close()
    lines = lines_of_strangers(server)[before:]
    events = {}
    for line in lines:
        events.setdefault(line.split()[2], []).append(line)
    for event, its_lines in events.items():
        assert len(its_lines) <= 2 * LOG_LIMIT_PER_MINUTE, f"{event}: {len(its_lines)} lines"  # a minute may end in between
        assert all("suppressed=" in line for line in its_lines)
    server.is_well()


@pytest.mark.skipif(shutil.which("sslscan") is None, reason="sslscan is not installed")
def test_sslscan_has_nothing_to_complain_about(serve):
    server = serve()
    report = subprocess.run(["sslscan", "--no-colour", "--xml=-", "--show-certificate", "{}:{}".format(*server.address)],
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=6 * PATIENCE, check=True).stdout
    found = xml.fromstring(report).find("ssltest")
    spoken = {(one.get("type"), one.get("version")) for one in found.iter("protocol") if one.get("enabled") == "1"}
    assert spoken == {("tls", "1.2"), ("tls", "1.3")}
    assert found.find("renegotiation").get("supported") == "0"
    assert all(one.get("supported") == "0" for one in found.iter("compression"))
    assert all(one.get("vulnerable") == "0" for one in found.iter("heartbleed"))
    ciphers = list(found.iter("cipher"))
    assert {one.get("sslversion") for one in ciphers} == {"TLSv1.2", "TLSv1.3"}
    for one in ciphers:
        name = one.get("cipher")
        assert one.get("strength") in ("strong", "acceptable") and int(one.get("bits")) >= 128, name
        assert re.match(r"TLS_(AES|CHACHA20)|ECDHE-(ECDSA|RSA)-(AES\d+-GCM|CHACHA20)", name), f"{name}: no forward secrecy"
    certificate = found.find("certificates/certificate[@type='short']")
    assert certificate.findtext("signature-algorithm") == "ecdsa-with-SHA256"
    assert certificate.findtext("expired") == "false" and certificate.findtext("self-signed") == "true"
    server.is_well()


def test_compression_is_not_chosen_though_offered(server):
    """sslscan can't offer it where OpenSSL is built without, so a byte is put into a hello of TLS 1.2."""
    said = bytearray(hello(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
    at = 5 + 4 + 2 + 32  # headers of record and message, version, random
    at += 1 + said[at]
    at += 2 + int.from_bytes(said[at:at + 2], "big")
    assert said[at:at + 2] == b"\x01\x00", "one method, which is none"
    said[at:at + 2] = b"\x02\x01\x00"  # deflate, and none
    for start, end in ((3, 5), (6, 9)):
        said[start:end] = (int.from_bytes(said[start:end], "big") + 1).to_bytes(end - start, "big")
    sock = server.knock()
    sock.settimeout(PATIENCE)
    sock.sendall(said)
    heard = b""
    while len(heard) < 200:  # a certificate follows
        data = sock.recv(4096)
        assert data, heard
        heard += data
    at = 5 + 4 + 2 + 32
    at += 1 + heard[at] + 2
    assert (heard[0], heard[5], heard[at]) == (0x16, 2, 0)


def test_a_wish_for_renegotiation_is_not_granted(server):
    """OpenSSL's own client asks for it with the letter R; a TLS 1.2 session goes on or ends, but has no new handshake."""
    client = subprocess.Popen(["openssl", "s_client", "-connect", "{}:{}".format(*server.address), "-tls1_2", "-legacy_renegotiation"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.set_blocking(client.stdout.fileno(), True)
    said = b""
    while b"Verify return code" not in said:  # the handshake is done
        data = os.read(client.stdout.fileno(), 4096)
        assert data, said
        said += data
    client.stdin.write(b"R\n")
    client.stdin.flush()
    out, _ = client.communicate(b"Q\n", timeout=PATIENCE)
    assert b"RENEGOTIATING" in out and (b"no renegotiation" in out or b"error" in out.lower()), out
    server.is_well()
