"""Behind a balancer (server.proxy_from): each connection begins with the PROXY protocol, version 2, and counts as from where it says."""

import socket
import struct

import pytest

from ctl import Administrator
from wire import Peer, closed_without_a_word, tcp_connect

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(source, command=1):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    here = "::1" if ":" in source else "127.0.0.1"
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, here) + struct.pack(">HH", 4096, 18443)
    return SIGNATURE + bytes([0x20 | command, 0x21 if ":" in source else 0x11]) + struct.pack(">H", len(addresses)) + addresses


class Proxied(Peer):
    """A connection whose first bytes are a balancer's."""

    def __init__(self, address, said, **how):
        self.said = said
        super().__init__(address, **how)

    def _shake_hands(self):
        for at in range(len(self.said)):  # byte by byte
            self.socket.send(self.said[at:at + 1])
        super()._shake_hands()


def known_addresses(server):
    return {row["name"]: row["address"] for row in Administrator(server).asks("online", "--all")["users"]}


def test_a_session_has_its_real_address(serve):
    server = serve({"server.proxy_from": "127.0.0.1"})
    peers = {source: Proxied(server.address, header(source)) for source in ("192.0.2.7", "2001:db8::7")}
    for number, (source, peer) in enumerate(peers.items()):
        peer.sign_up(f"user{number}")
        server.await_log(rf"session-began user=user{number} address=\"?{source}")
    assert known_addresses(server) == {"user0": "192.0.2.7", "user1": "2001:db8::7"}


def test_limits_and_bans_go_by_the_real_address(serve):
    server = serve({"server.proxy_from": "127.0.0.1", "limits.connections_per_address": 1})
    Administrator(server).does("ban", "192.0.2.66")
    first = Proxied(server.address, header("192.0.2.1")).sign_up("first")
    second = Proxied(server.address, header("192.0.2.2")).sign_up("second")
    for refused in ("192.0.2.1", "192.0.2.66"):
        sock = tcp_connect(server.address)
        sock.sendall(header(refused))
        closed_without_a_word(sock)
    first.is_settled()
    second.is_settled()


def test_a_network_of_balancers(serve):
    server = serve({"server.proxy_from": "192.0.2.0/24 127.0.0.0/31"})
    peer = Proxied(server.address, header("192.0.2.7")).sign_up("proxied")
    direct = server.connect(source="127.0.0.2").sign_up("direct")
    assert known_addresses(server) == {str(peer): "192.0.2.7", str(direct): "127.0.0.2"}


def test_a_health_check_is_from_the_balancer(serve):
    server = serve({"server.proxy_from": "127.0.0.1"})
    checker = Proxied(server.address, header("192.0.2.1", command=0)).sign_up("checker")
    assert known_addresses(server) == {str(checker): "127.0.0.1"}


@pytest.mark.parametrize("said", [
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), id="tls"),
    pytest.param(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n", id="version-1"),
    pytest.param(SIGNATURE + b"\x21\x11\xff\xff", id="too-long"),
    pytest.param(SIGNATURE + b"\x21\x31\x00\x0c" + bytes(12), id="unix-socket"),
])
def test_a_balancer_that_says_something_else_is_cut_off(serve, said):
    server = serve({"server.proxy_from": "127.0.0.1"})
    sock = tcp_connect(server.address)
    sock.sendall(said)
    closed_without_a_word(sock)
    server.await_log("proxy-header-missing")


def test_a_balancer_that_says_nothing_is_cut_off(serve):
    server = serve({"server.proxy_from": "127.0.0.1", "login.handshake_timeout": 0.2})
    sock = tcp_connect(server.address)
    sock.sendall(SIGNATURE)
    closed_without_a_word(sock)


def test_nobody_else_is_believed(serve):
    server = serve({"server.proxy_from": "127.0.0.1 ::1"})
    sock = tcp_connect(server.address, source="127.0.0.2")
    sock.sendall(header("192.0.2.1"))
    server.await_log("handshake-failed address=127.0.0.2")  # for which it was taken
    server.connect(source="127.0.0.2").sign_up("direct")
    assert known_addresses(server) == {"direct": "127.0.0.2"}
