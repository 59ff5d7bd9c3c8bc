"""At debug level, people do all they can do; then everything that the server has written or shows is searched for what is theirs."""

import os
import re
import select
import socket
import ssl

import pytest

import server as servers
from ctl import Administrator
from http_client import get
from transfer import download, upload
from wire import PATIENCE, client_context, eventually, tcp_connect, unique

PASSWORDS = ["open-sesame-1234", "another-secret-5678", "a-wrong-password-99", "an-admins-choice-31", "changed-by-admin-42",
             "a-refused-password-7"]
TEXTS = ["a-private-matter", "a-matter-of-the-group", "a-forged-text", "words-to-nobody", "said-by-the-admin", "told-to-all",
         "not-even-a-query"]
FILES = ["plan-of-the-bank.txt", "refused-and-long.bin", "cut-in-the-middle.dat"]
BYTES = [b"what-is-in-the-file" * 9]


@pytest.fixture(autouse=True)
def _as_it_is_shipped(monkeypatch):
    """Sanitizers keep copies of memory."""
    monkeypatch.setattr(servers, "MESSAGERD", servers.REPOSITORY / "build/messagerd")


def live(server):
    """Everything that people do; their tokens, and what the administrator and metrics show meanwhile."""
    boss = Administrator(server)
    shown = []
    alice = server.connect().sign_up(unique("alice"), PASSWORDS[0])
    bob = server.connect().sign_up(unique("bob"), PASSWORDS[1])
    alice.message(bob, TEXTS[0])
    bob.hears(f"RELAY {bob} {alice} {TEXTS[0]}")
    bob.say("CMD <group>")
    bob.is_settled()
    alice.group_message(TEXTS[1])
    bob.hears(f"RELAYG {alice} {TEXTS[1]}")
    alice.message("nobody_at_all", TEXTS[3])
    alice.hears("CNT <user not online>")
    upload(alice, FILES[0], bob, BYTES[0])
    upload(alice, FILES[1], "nobody_at_all", BYTES[0], answer="CMD <problem with command>")
    shown.append(boss.does("status"))
    assert download(bob) == [(FILES[0].encode(), BYTES[0])]
    wrong = server.connect()
    wrong.say(f"AUTH {alice} {PASSWORDS[2]}")
    wrong.hears_last("END <incorrect username or password>")
    taken = server.connect()
    taken.say(f"PUT {alice} {PASSWORDS[5]}")
    taken.hears("TRY <username already taken>")
    stranger = server.connect()
    stranger.say(TEXTS[6])
    stranger.hears_last("END * <incorrect protocol>")
    boss.does("user", "add", "carl", input=PASSWORDS[3] + "\n")
    boss.does("user", "passwd", "carl", input=PASSWORDS[4] + "\n")
    boss.does("message", bob.name, TEXTS[4])
    boss.does("announce", TEXTS[5])
    put_half = server.connect().log_in("carl", PASSWORDS[4])
    put_half.say(f"BEGINF {FILES[2]} {alice}")
    put_half.say_raw(BYTES[0])
    put_half.die()
    server.config.write_text("[login]\nmax_tries = 7\n[nonsense]\n")
    boss.run("reload")
    forger = server.log_in(alice) if not alice.is_connected() else alice
    forger.say_raw(f"MSG {alice} {alice} {TEXTS[2]} {bob.token} \r\n".encode())
    forger.hears_match(r".*")
    shown += [boss.does("online"), boss.does("status"), get(server, "/metrics")[2].decode(), get(server, "/readyz")[2].decode()]
    return [alice.token, bob.token, put_half.token], shown


def memory_of(process):
    """All of its memory that can be written, read by root."""
    with open(f"/proc/{process.pid}/maps") as maps, open(f"/proc/{process.pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if found and "[v" not in line:
                begin, end = int(found[1], 16), int(found[2], 16)
                for at in range(begin, end, 1 << 24):
                    memory.seek(at)
                    try:
                        yield memory.read(min(1 << 24, end - at))
                    except OSError:
                        break


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_of_it_is_anywhere(serve, form):
    server = serve({"log.level": "debug", "log.format": form, "metrics.listen": "127.0.0.1:0"})
    before = set(os.listdir("/tmp"))
    tokens, shown = live(server)
    secrets = PASSWORDS + TEXTS + tokens
    if os.geteuid() == 0:  # passwords are wiped; tokens of those online and the last records are in a core, so there is none
        for piece in memory_of(server.process):
            for password in PASSWORDS:
                assert password.encode() not in piece, f"{password} is in memory"
    server.finish()
    for line in server.log() + shown:
        for secret in secrets + FILES + [BYTES[0].decode()]:
            assert secret not in line, line
    for path in server.data.rglob("*"):
        if path.is_file() and "files" not in path.parts:
            content = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, f"{secret} is in {path}"
    assert {name for name in set(os.listdir("/tmp")) - before if "messagerd" not in name and os.access(f"/tmp/{name}", os.R_OK)
            and os.path.isfile(f"/tmp/{name}") and any(s.encode() in open(f"/tmp/{name}", "rb").read(1 << 20) for s in secrets + FILES)} == set()


class Shaking:
    """A client that waits with its Finished, and so for its keys, until it is told."""

    def __init__(self, address, context):
        self.socket = tcp_connect(address)
        self.socket.settimeout(PATIENCE)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.flush()
        assert select.select([self.socket], [], [], PATIENCE)[0], "the server said nothing"

    def flush(self):
        self.socket.sendall(self._outgoing.read())

    def finish(self):
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._incoming.write(self.socket.recv(1 << 16))
        self.tls.write(f"PUT {unique('shaking')} a password \r\n".encode())
        self.flush()
        self._heard()

    def _heard(self):
        while True:
            try:
                assert self.tls.read(1 << 14).startswith(b"ACCEPT ")
                return
            except ssl.SSLWantReadError:
                self._incoming.write(self.socket.recv(1 << 16))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into its memory")
@pytest.mark.parametrize("records", ["own", "libssl"])
def test_keys_are_where_they_are_used_and_nowhere_else(serve, records, tmp_path):
    """The traffic secrets of connections, while they live and when they are over."""
    server = serve({"tls.records": records, "server.workers": 1})
    context = client_context(oldest=ssl.TLSVersion.TLSv1_3)
    context.keylog_filename = tmp_path / "keys"
    clients = [Shaking(server.address, context) for _ in range(3)]
    for client in clients:
        client.finish()
    secrets = [bytes.fromhex(found) for found in re.findall(r"_TRAFFIC_SECRET_0 \S+ (\S+)", (tmp_path / "keys").read_text())]
    assert len(secrets) == 2 * len(clients)

    def counts():
        memory = list(memory_of(server.process))
        return [sum(piece.count(secret) for piece in memory) for secret in secrets]
    assert counts() == [1] * len(secrets)
    for client in clients:
        client.socket.shutdown(socket.SHUT_WR)

    def are_gone():
        assert counts() == [0] * len(secrets)
    eventually(are_gone, errors=AssertionError)
    for client in clients:
        client.socket.close()
