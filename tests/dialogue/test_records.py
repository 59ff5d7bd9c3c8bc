"""TLS 1.3 with records of the server's own (tls.records = own): other people's TLS, and what no honest client sends."""

import re
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from raw_tls import RawPeer
from server import MESSAGERD, Server
from wire import PATIENCE, RECORD_MAX, Ending, client_context, unique

# A cipher suite, by its names in OpenSSL, GnuTLS and NSS.
CIPHERS = {
    "aes-128-gcm": ("TLS_AES_128_GCM_SHA256", "AES-128-GCM", "1301"),
    "aes-256-gcm": ("TLS_AES_256_GCM_SHA384", "AES-256-GCM", "1302"),
    "chacha20": ("TLS_CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "1303"),
}
TOOLS = {
    "openssl": lambda host, port, names: [
        "openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_3", "-ciphersuites", names[0]],
    "gnutls": lambda host, port, names: [
        "gnutls-cli", "--insecure", "--no-ca-verification", "--priority",
        f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{names[1]}", host, "-p", str(port)],
    "nss": lambda host, port, names: [
        "tstclnt", "-h", host, "-p", str(port), "-o", "-D", "-V", "tls1.3:tls1.3", "-c", f":{names[2]}"],
}


PYTHON_CLIENT = Path(__file__).resolve().parents[1] / "lib/python_client.py"


@pytest.fixture(scope="module")
def _own():
    with tempfile.TemporaryDirectory(prefix="messagerd-") as folder:
        server = Server(folder, {"tls.records": "own"})
        yield server
        server.finish()


@pytest.fixture
def own(_own):
    """A server that makes its own records, for all tests here."""
    yield _own
    _own.dismiss()


class Tool:
    """Somebody's TLS client, which sends what it is told and shows what it hears."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self._shown = b""
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while data := self.process.stdout.read1(65536):
            with self._changed:
                self._shown += data
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def says(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def shows(self, pattern):
        """Wait for this in what it shows, which is then gone; the match."""
        __tracebackhide__ = True
        found = None

        def there():
            nonlocal found
            found = re.search(pattern.encode(), self._shown)
            return found or self._ended

        with self._changed:
            self._changed.wait_for(there, PATIENCE)
            assert found, f"expected {pattern!r}, it shows {self._shown[-600:]!r}"
            self._shown = self._shown[found.end():]
        return found

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


@pytest.fixture
def tool():
    tools = []

    def start(command):
        tools.append(Tool(command))
        return tools[-1]
    yield start
    for each in tools:
        each.end()


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("name", TOOLS)
def test_other_peoples_clients_talk(own, tool, name, cipher):
    talks_to_itself(tool(TOOLS[name](*own.address, CIPHERS[cipher])))


def talks_to_itself(client):
    __tracebackhide__ = True
    user = unique("tool")
    client.says(f"PUT {user} password \r\n")
    token = client.shows(rf"ACCEPT {user} (\S+) ")[1].decode()
    for i in range(20):
        client.says(f"MSG {user} {user} number-{i} {token} \r\n")
        client.shows(rf"RELAY {user} {user} number-{i} \r\n")
    client.says(f"END <bye> {token} \r\n")
    client.shows("END <end accepted> ")


@pytest.mark.parametrize("suite", ["AES-128-GCM-SHA256", "AES-256-GCM-SHA384", "CHACHA20-POLY1305-SHA256"])
def test_mbedtls_talks(own, tool, suite):
    """That of Debian 12 speaks TLS 1.2, so its records stay libssl's, beside those of others that do not."""
    program = MESSAGERD.parent / "tests/mbedtls_client"
    if not program.exists():
        pytest.skip("built without mbedTLS")
    client = tool([program, own.address[0], str(own.address[1]), f"TLS-ECDHE-ECDSA-WITH-{suite}"])
    client.shows(rf"TLSv1\.2 TLS-ECDHE-ECDSA-WITH-{suite}\n")
    talks_to_itself(client)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_python_talks_with_each_cipher(own, tool, folder, cipher):
    """It can't choose itself, but its OpenSSL reads a file that does."""
    name, config = CIPHERS[cipher][0], folder / "openssl.cnf"
    config.write_text(f"openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = chosen\n[chosen]\nCiphersuites = {name}\n")
    client = tool(["env", f"OPENSSL_CONF={config}", sys.executable, PYTHON_CLIENT, own.address[0], str(own.address[1])])
    client.shows(rf"TLSv1\.3 {name}\n")
    talks_to_itself(client)


# What has a client change its keys, and what it shows then: with a wish for ours to be changed too, and without.
RENEWALS = {
    "openssl-both": ("openssl", (), "K\n", "KEYUPDATE"),
    "openssl": ("openssl", (), "k\n", "KEYUPDATE"),
    "gnutls-both": ("gnutls", ("--inline-commands",), "^rekey^\n", "Rekey was completed"),
    "gnutls": ("gnutls", ("--inline-commands",), "^rekey1^\n", "Rekey was completed"),
}


@pytest.mark.parametrize("how", RENEWALS)
def test_key_updates_between_messages(own, tool, how):
    name, options, command, shown = RENEWALS[how]
    client = tool([*TOOLS[name](*own.address, CIPHERS["aes-128-gcm"]), *options])
    user = unique("renewing")
    client.says(f"PUT {user} password \r\n")
    token = client.shows(rf"ACCEPT {user} (\S+) ")[1].decode()
    for i in range(5):  # GnuTLS takes eight a second
        client.says(command)
        client.shows(shown)
        client.says(f"MSG {user} {user} number-{i} {token} \r\n")
        client.shows(rf"RELAY {user} {user} number-{i} \r\n")


def test_python_talks(own):
    alice = own.sign_up("alice")
    assert alice.tls.version() == "TLSv1.3"
    for size in (0, 1, 100, 4000):
        alice.message(alice, "x" * size)
        alice.hears(f"RELAY {alice} {alice} {'x' * size}")
    alice.quit()


def test_a_storm_of_key_updates_hurts_nobody(own):
    """A thousand wishes for new keys, and nothing is read: one answer to each read is all that waits."""
    alice = own.sign_up("alice")
    stormy = RawPeer(own.address)
    for _ in range(20):
        stormy.update_keys(50)
    alice.is_settled()
    stormy.socket.close()


def spelled_records(peer, *texts):
    """What these queries are on the wire, not yet sent: a record each."""
    records = []
    for text in texts:
        peer.tls.write(peer.spelled(f"MSG {peer} {peer} {text}"))
        records.append(peer._outgoing.read())
    return records


def with_byte(record, at, value):
    at %= len(record)
    return record[:at] + bytes([value(record[at])]) + record[at + 1:]


def alert_to(peer):
    """What it hears, and the alert with which that ends."""
    deadline = time.monotonic() + PATIENCE
    heard = []
    while True:
        try:
            heard.append(peer.tls.read(RECORD_MAX))
        except ssl.SSLWantReadError:
            assert not peer._gone and peer._fill(deadline), f"no alert came, but {heard} and {peer._gone}"
        except ssl.SSLError as error:
            return heard, error.reason


FLIPPED = lambda byte: byte ^ 1  # noqa: E731
# What becomes of the records of "one" and "two", and the alert that answers it, as Python's ssl spells it.
HARMS = {
    "wrong-tag": (lambda one, two: with_byte(one, -1, FLIPPED) + two, "BAD_RECORD_MAC"),
    "wrong-byte": (lambda one, two: with_byte(one, 9, FLIPPED) + two, "BAD_RECORD_MAC"),
    "replay": (lambda one, two: one + one, "BAD_RECORD_MAC"),
    "reorder": (lambda one, two: two + one, "BAD_RECORD_MAC"),
    "lost": (lambda one, two: two, "BAD_RECORD_MAC"),
    "shortened": (lambda one, two: b"\x17\x03\x03" + (len(one) - 6).to_bytes(2, "big") + one[5:-1] + two, "BAD_RECORD_MAC"),
    "empty": (lambda one, two: b"\x17\x03\x03\0\0" + one, "BAD_RECORD_MAC"),
    "oversize": (lambda one, two: b"\x17\x03\x03\x41\x01" + one, "RECORD_OVERFLOW"),
    "wrong-type": (lambda one, two: b"\x16" + one[1:], "UNEXPECTED_MESSAGE"),
    "change-cipher-spec": (lambda one, two: b"\x14\x03\x03\0\x01\x01" + one, "UNEXPECTED_MESSAGE"),
    "plain-alert": (lambda one, two: b"\x15\x03\x03\0\x02\x01\0" + one, "UNEXPECTED_MESSAGE"),
    "wrong-version": (lambda one, two: b"\x17\x03\x01" + one[3:], "DECODE_ERROR"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_harm_gets_its_alert_and_delivers_nothing(own, harm):
    change, alert = HARMS[harm]
    bob = own.sign_up("bob")
    eve = own.sign_up("eve")
    one, two = spelled_records(eve, "one", "two")
    eve.socket.sendall(change(one, two))
    heard, said = alert_to(eve)
    assert said.endswith(alert)
    # What came before the harm was whole (the answer to it may be lost with the connection); nothing of the rest was.
    whole = [f"RELAY {eve} {eve} one \r\n".encode()] if harm == "replay" else []
    assert heard in ([], whole)
    bob.is_settled()
    bob.hang_up()


def test_a_record_that_is_cut_off_delivers_nothing(own):
    bob, eve = own.sign_up("bob"), own.sign_up("eve")
    eve.tls.write(eve.spelled(f"MSG {bob} {eve} cut"))
    eve.socket.sendall(eve._outgoing.read()[:-1])
    eve.hang_up()
    own.await_log(rf"session-ended user={eve}")
    bob.message(bob, "nothing came")
    bob.hears(f"RELAY {bob} {bob} nothing came")


def test_fragments_of_one_byte(own):
    """Of TCP and of TLS: each byte of a query in a record of its own, and each record byte by byte."""
    alice = own.sign_up("alice")
    query = alice.spelled(f"MSG {alice} {alice} in pieces")
    alice.say_records([query[i:i + 1] for i in range(len(query))])
    alice.hears(f"RELAY {alice} {alice} in pieces")
    alice.say_dribbled(query)
    alice.hears(f"RELAY {alice} {alice} in pieces")


def test_older_tls_and_certificates_stay_with_libssl(serve, make_certificate, folder):
    pem = make_certificate(folder / "client", "alice")
    server = serve({"tls.records": "own", "tls.client_certificates": "optional"})
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server.sign_up("alice", context=client_context(version, version, certificate=pem)).is_settled()
        server.await_log("client-certificate user=alice")
        server.sign_up("bob", context=client_context(version, version)).is_settled()


def test_the_choice_is_for_new_connections(serve):
    """Read again, the setting changes nothing for who is there."""
    server = serve(config="[tls]\nrecords = own\n")
    alice = server.sign_up("alice")
    server.config.write_text("[tls]\nrecords = libssl\n")
    server.signal(signal.SIGHUP)
    server.await_log("reloaded")
    bob = server.sign_up("bob")
    alice.message(bob, "across")
    bob.hears(f"RELAY {bob} {alice} across")
    bob.message(alice, "and back")
    alice.hears(f"RELAY {alice} {bob} and back")


def test_close_notify_is_answered(own):
    alice = own.sign_up("alice")
    alice.quit()
    bob = own.sign_up("bob")
    bob.close_notify()
    assert bob.next_record() in (Ending.CLOSE_NOTIFY, Ending.EOF)
