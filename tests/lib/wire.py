"""A client that speaks raw TLS and sees what the server says record by record.

One decrypted TLS record is one item: docs/protocol.md promises a record for each query, so `hears` compares a whole
record, never a stream. Everything waits for an event with a deadline (PATIENCE seconds), nothing sleeps.
"""

import ctypes
import enum
import itertools
import os
import re
import select
import socket
import ssl
import struct
import time
import warnings

PATIENCE = float(os.environ.get("PATIENCE", "10"))  # seconds until an awaited answer counts as missing
PACE = PATIENCE / 10  # how many times as long as usual a thing may take
SO_ATTACH_FILTER = 26  # Linux; Python has no name for it
SECRETS_KEPT = 100  # of each peer: some say many thousand things
RECORD_MAX = 16384  # the most plaintext that one TLS record holds

_numbers = itertools.count(1)


class Ending(enum.Enum):
    """What a read finds instead of a record."""

    CLOSE_NOTIFY = "close_notify"
    EOF = "the end of the TCP stream without a close_notify"
    RESET = "a TCP reset"
    ALERT = "a TLS alert"
    SILENCE = "nothing"


class Refused(Exception):
    """The TLS handshake did not come about; `why` is what OpenSSL or the kernel said."""

    def __init__(self, why):
        super().__init__(str(why))
        self.why = why


def to_bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def unique(nick):
    """A user name that no other test uses."""
    return f"{nick}_{next(_numbers)}"


def client_context(oldest=None, newest=None, alpn=None, certificate=None):
    """A context that trusts any server, as a client does at first sight. Versions are ssl.TLSVersion values."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1 and older, which tests offer on purpose
        if newest and newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        if oldest:
            context.minimum_version = oldest
        if newest:
            context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(alpn)
    if certificate:
        context.load_cert_chain(certificate)
    return context


_plain_context = client_context()


def tcp_connect(address, source=None, rcvbuf=None):
    """A TCP connection to (host, port), from the loopback address `source` if given, with a small window if asked for."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if source:
            sock.bind((source, 0))
        sock.settimeout(PATIENCE)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def reset(sock):
    """Close so that the other side gets a TCP reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def closed_without_a_word(sock, seconds=None):
    """Demand that the server closes this TCP connection and says nothing before."""
    __tracebackhide__ = True
    sock.settimeout(seconds or PATIENCE)
    try:
        said = sock.recv(4096)
    except ConnectionResetError:
        return
    except TimeoutError:
        raise AssertionError("expected that the server closes the connection, it is still open") from None
    assert said == b"", f"expected a close without a word, got {said!r}"


def eventually(attempt, errors=(Refused, AssertionError, OSError), seconds=None):
    """Call attempt() until it does not fail, for at most `seconds`; what it returns. For states that no event announces."""
    deadline = time.monotonic() + (seconds or PATIENCE)
    while True:
        try:
            return attempt()
        except errors:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Peer:
    """One connection. Before log-in it has no token; sign_up and log_in make it a session with `name` and `token`."""

    def __init__(self, address, context=None, hostname=None, ticket=None, **how):
        self.name = self.password = self.token = None
        self.secrets = set()  # what nobody else may learn; no log, for one
        self.deaf = False  # a deaf peer reads nothing while it sends
        self.socket = tcp_connect(address, **how)
        self.socket.setblocking(False)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or _plain_context).wrap_bio(self._incoming, self._outgoing, server_hostname=hostname,
                                                        session=ticket)
        self._gone = None  # an Ending once the TCP stream has been read to its end
        self._broken = False  # whether the server takes nothing more
        try:
            self._shake_hands()
        except (ssl.SSLError, OSError) as error:
            self.socket.close()
            raise Refused(error) from error

    def __str__(self):
        return self.name or "stranger"

    # Saying

    def spelled(self, query):
        """The query as it goes over the wire: with this session's token, if it has one, and space CR LF."""
        token = b" " + self.token.encode() if self.token else b""
        return to_bytes(query) + token + b" \r\n"

    def say(self, query):
        """Send one query, token and ending added, in a record of its own."""
        self.say_raw(self.spelled(query))

    def say_raw(self, data):
        """Send these bytes as they are; in one record if they fit into one."""
        self.tls.write(data)
        self._flush()

    def say_records(self, records):
        """Send each item in a record of its own, all of them with one write to the socket."""
        for record in records:
            self.tls.write(record)
        self._flush()

    def sealed(self, *records):
        """Each item in a record of its own, as it would go over the wire."""
        for record in records:
            self.tls.write(record)
        return self._outgoing.read()

    def say_dribbled(self, data):
        """Send one record, its ciphertext byte by byte."""
        self.tls.write(data)
        self._flush(chunk=1)

    def message(self, target, text):
        self._said(text)
        self.say(b"MSG %b %b %b" % (to_bytes(str(target)), to_bytes(self.name), to_bytes(text)))

    def group_message(self, text):
        self._said(text)
        self.say(b"MSGG %b %b" % (to_bytes(self.name), to_bytes(text)))

    # Hearing

    def next_record(self, seconds=None):
        """The next record as bytes, or the Ending that came (or did not) in its place."""
        deadline = time.monotonic() + (PATIENCE if seconds is None else seconds)
        while True:
            try:
                return self.tls.read(RECORD_MAX) or Ending.CLOSE_NOTIFY
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return Ending.CLOSE_NOTIFY
            except ssl.SSLEOFError:
                return self._gone or Ending.EOF
            except ssl.SSLError as error:
                if "ALERT" not in str(error):
                    raise
                return Ending.ALERT
            self._flush()
            if self._gone:
                self._incoming.write_eof()
            elif not self._fill(deadline):
                return Ending.SILENCE

    def hears(self, *queries, seconds=None):
        """Demand that exactly these queries come next, each (ending added) in a record of its own."""
        __tracebackhide__ = True
        for query in queries:
            self.hears_raw(to_bytes(query) + b" \r\n", seconds)

    def hears_raw(self, expected, seconds=None):
        __tracebackhide__ = True
        got = self.next_record(seconds)
        assert got == expected, f"{self}: expected the record\n  {show(expected)}\ngot\n  {show(got)}"

    def hears_match(self, pattern, seconds=None):
        """Demand that the next record matches this regular expression (str; ending added) as a whole; its match object."""
        __tracebackhide__ = True
        got = self.next_record(seconds)
        found = isinstance(got, bytes) and re.fullmatch(pattern.encode() + rb" \r\n", got, re.DOTALL)
        assert found, f"{self}: expected a record like\n  {pattern}\ngot\n  {show(got)}"
        return found

    def hears_close(self, seconds=None):
        """Demand a close_notify, then the end of the TCP stream, and not a byte more."""
        __tracebackhide__ = True
        got = self.next_record(seconds)
        assert got is Ending.CLOSE_NOTIFY, f"{self}: expected close_notify\ngot\n  {show(got)}"
        deadline = time.monotonic() + PATIENCE
        while not self._gone:
            assert self._fill(deadline), f"{self}: expected the end of the TCP stream after close_notify, it stays open"
        assert self._gone is Ending.EOF, f"{self}: expected the end of the TCP stream\ngot\n  {show(self._gone)}"
        assert not self._incoming.pending, f"{self}: {self._incoming.pending} bytes came after close_notify"

    def hears_last(self, query, seconds=None):
        """Demand this query, then the close."""
        __tracebackhide__ = True
        self.hears(query, seconds=seconds)
        self.hears_close()

    def hears_no_word(self):
        """Demand that the connection ends, properly or not, without another record."""
        __tracebackhide__ = True
        got = self.next_record()
        ended = isinstance(got, Ending) and got is not Ending.SILENCE
        assert ended, f"{self}: expected a close without a word\ngot\n  {show(got)}"

    def hears_nothing(self, seconds):
        """Demand silence. Only for where no later answer can prove it; see is_settled and heard_nothing_of."""
        __tracebackhide__ = True
        got = self.next_record(seconds)
        assert got is Ending.SILENCE, f"{self}: expected {seconds} s of silence\ngot\n  {show(got)}"

    def is_settled(self):
        """Demand that all said so far was taken in, and that nothing was sent that the test has not heard."""
        __tracebackhide__ = True
        self.say("CMD <settled>")
        self.hears("CMD <problem with command>")

    def heard_nothing_of(self, sender):
        """Demand that nothing the sender did so far reached this session: a message sent now is the next thing heard."""
        __tracebackhide__ = True
        mark = unique("mark")
        sender.message(self, mark)
        self.hears_match(rf"RELAY {self} {sender} {mark}(\\n)?")

    # Coming and going

    def sign_up(self, name, password="a password"):
        __tracebackhide__ = True
        return self._enter("PUT", name, password)

    def log_in(self, name, password="a password"):
        __tracebackhide__ = True
        return self._enter("AUTH", name, password)

    def is_accepted(self, name, password=None):
        """Demand that the next record accepts this name; from here on the peer is a session."""
        __tracebackhide__ = True
        found = self.hears_match(rf"ACCEPT {re.escape(name)} ([^ ]+)")
        self.name, self.password, self.token = name, password, found[1].decode()
        self.secrets.add(found[1])
        return self

    def quit(self):
        __tracebackhide__ = True
        self.say("END <user command>")
        self.hears_last("END <end accepted>")

    def hang_up(self):
        """Leave without a word: the server sees the end of the TCP stream."""
        self.socket.close()

    def die(self):
        """Leave as a crashed machine's kernel does: the server sees a reset."""
        reset(self.socket)

    def vanish(self):
        """From here on acknowledge nothing, as a peer whose machine or network is gone. Linux drops all that comes."""
        drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(drop_all)))

    def is_connected(self):
        """Whether the TCP stream stood when last used."""
        return self._gone is None and not self._broken

    def close_notify(self):
        """Say TLS's close_notify and keep the TCP stream open."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # the other side's close_notify is still to come
        self._flush()

    # The machinery

    def _said(self, text):
        if len(self.secrets) < SECRETS_KEPT:
            self.secrets.add(to_bytes(text))

    def _enter(self, verb, name, password):
        __tracebackhide__ = True
        self.secrets.add(to_bytes(password))
        self.say(b"%b %b %b" % (verb.encode(), to_bytes(name), to_bytes(password)))
        return self.is_accepted(name, password)

    def _shake_hands(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.tls.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            if self._gone:
                raise ConnectionResetError(f"handshake: {self._gone.value}")
            if not self._fill(deadline):
                raise TimeoutError("handshake: the server is silent")

    def _flush(self, chunk=1 << 20):
        """Send all that TLS has ready. Reads meanwhile, so that two full pipes never wait for each other."""
        unsent = memoryview(self._outgoing.read())
        deadline = time.monotonic() + PATIENCE
        while unsent and not self._gone:
            try:
                unsent = unsent[self.socket.send(unsent[:chunk]):]
                deadline = time.monotonic() + PATIENCE
            except BlockingIOError:
                assert time.monotonic() < deadline, f"{self}: the server has stopped reading"
                wait(self.socket, select.POLLOUT | (0 if self.deaf else select.POLLIN), 0.2)
                if not self.deaf:
                    self._fill(0)
            except (BrokenPipeError, ConnectionResetError):
                self._broken = True  # what the server said before it went is still to be read
                return

    def _fill(self, deadline):
        """Take in what the socket has, waiting for it until the deadline; False if nothing came."""
        while not self._gone:
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                wait(self.socket, select.POLLIN, left)
                continue
            except (ConnectionResetError, BrokenPipeError):
                self._gone = Ending.RESET
                break
            if data:
                self._incoming.write(data)
                return True
            self._gone = Ending.EOF
        return True


def wait(sock, events, seconds):
    poll = select.poll()
    poll.register(sock, events)
    poll.poll(max(0, seconds) * 1000)


def show(heard, most=300):
    """A record or an Ending for a failure message."""
    if isinstance(heard, Ending):
        return heard.value
    text = repr(bytes(heard))
    return text if len(text) <= most else f"{text[:most // 2]} … {text[-most // 2:]} ({len(heard)} bytes)"
