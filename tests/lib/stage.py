"""A scripted server: what it says is what the test says. For what a real one never does."""

import hashlib
import socket
import ssl
import subprocess

from wire import PATIENCE, show, to_bytes


def key_fingerprint(certificate):
    """The fingerprint of a certificate's key, as messager writes it, by the openssl program."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.stdout, check=True,
                         capture_output=True)
    return "sha256:" + hashlib.sha256(der.stdout).hexdigest()


class Stage:
    """Listens on 127.0.0.1. certificate: a PEM file with its key; ours: confirms the protocol's ALPN name.
    ask_for_certificate: a PEM file with the client's."""

    def __init__(self, certificate, ours=True, ask_for_certificate=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        if ours:
            self.context.set_alpn_protocols(["ssl-messager/1"])
        if ask_for_certificate:
            self.context.verify_mode = ssl.CERT_OPTIONAL
            self.context.load_verify_locations(ask_for_certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.address = self.listener.getsockname()
        self.callers = []

    def answer(self):
        """The next client that connects, after the handshake."""
        caller = Caller(self.context, self.listener.accept()[0])
        self.callers.append(caller)
        return caller

    def session(self, name=None, token="token"):
        """A client that logs in or signs up, and is accepted."""
        __tracebackhide__ = True
        caller = self.answer()
        caller.accepts(name, token)
        return caller

    def close(self):
        self.listener.close()
        for caller in self.callers:
            caller.close()


class Caller:
    """A client's connection, from the server's side."""

    def __init__(self, context, sock):
        self.name = self.token = None
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)

    def say(self, query):
        """One query, with its ending, in a record of its own."""
        self.say_raw(to_bytes(query) + b" \r\n")

    def say_raw(self, data):
        self.tls.sendall(data)

    def next_record(self):
        try:
            return self.tls.recv(16384)
        except ConnectionResetError:
            return b""

    def hears(self, *queries):
        """Demand that these queries come next, each with its ending in a record of its own."""
        __tracebackhide__ = True
        for query in queries:
            token = b" " + self.token if self.token else b""
            self.hears_raw(to_bytes(query) + token + b" \r\n")

    def hears_raw(self, expected):
        __tracebackhide__ = True
        got = self.next_record()
        assert got == expected, f"expected from the client\n  {show(expected)}\ngot\n  {show(got)}"

    def hears_end(self):
        """Demand that the client leaves in order."""
        __tracebackhide__ = True
        self.hears("END <user command>")
        self.say("END <end accepted>")
        assert self.next_record() == b""

    def hears_close(self):
        __tracebackhide__ = True
        got = self.next_record()
        assert got == b"", f"expected that the client closes, got {show(got)}"

    def accepts(self, name=None, token="token"):
        """Demand a log-in or sign-up, and accept it. Returns its first word."""
        __tracebackhide__ = True
        verb, user, *_ = self.next_record().split(b" ")
        assert verb in (b"AUTH", b"PUT")
        assert name is None or user == to_bytes(name)
        self.name, self.token = user, to_bytes(token)
        self.say(b"ACCEPT " + user + b" " + self.token)
        return verb.decode()

    def close(self):
        """Leave without a word."""
        self.tls.close()

