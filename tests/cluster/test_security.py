"""Credentials and TLS on the way to both engines: with the right ones it works, with wrong ones it does not, and no secret is in the log."""

import base64
import binascii
import shutil
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster import Cluster, new_folder
from ctl import Administrator
from engines import wait_until
from server import USUAL, arguments, run_messagerd


def secret_file(folder, name, text):
    path = folder / name
    path.write_text(text + "\n")
    return path


def authority(folder):
    """A CA, and a certificate of it for 127.0.0.1; paths of CA, certificate, key."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=ca", "-days", "2",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-keyout",
            "server.key", "-out", "server.csr")
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
            "san", "-out", "server.pem")
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


def nkey(folder):
    """A user's nkey: the public key, and the path of its seed."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-outform", "DER", "-out", folder / "nkey.der"], check=True,
                   capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", folder / "nkey.der", "-pubout", "-outform", "DER"],
                            check=True, capture_output=True).stdout[-32:]
    seed = (folder / "nkey.der").read_bytes()[-32:]

    def spelled(raw):
        return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")
    user, is_seed = 20 << 3, 18 << 3
    return (spelled(bytes([user]) + public),
            secret_file(folder, "seed", spelled(bytes([is_seed | user >> 5, (user & 31) << 3]) + seed)))


@pytest.fixture
def bare(_engines_are_here):
    """A cluster without nodes, whose NATS is not started yet."""
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.nats.stop()
        yield cluster


def start_nats(cluster, *options, scheme="nats", host="127.0.0.1"):
    cluster.nats.options = options
    cluster.nats.start()
    cluster.nats.url = f"{scheme}://{host}:{cluster.nats.port}"


def talk(cluster, settings):
    nodes = [cluster.add(settings=settings) for _ in range(2)]
    for node in nodes:
        node.await_log("bus-connected")
    alice, bob = nodes[0].sign_up("alice"), nodes[1].sign_up("bob")
    alice.message(bob, "hello")
    bob.hears(f"RELAY {bob} {alice} hello")
    return nodes


def is_kept_out(cluster, settings):
    node = cluster.add(settings=settings)
    node.await_log("bus-unreachable|bus-trouble")
    alice, bob = node.sign_up("alice"), node.sign_up("bob")
    alice.message(bob, "local talk goes on")
    bob.hears(f"RELAY {bob} {alice} local talk goes on")
    alice.message("somebody", "elsewhere")
    alice.hears("CNT <user not online>")
    return node


def test_user_and_password(bare):
    start_nats(bare, "--user", "messager", "--pass", "the-secret")
    right = {"bus.user": "messager", "bus.password_file": secret_file(bare.folder, "right", "the-secret")}
    nodes = talk(bare, right)
    nodes.append(is_kept_out(bare, {**right, "bus.password_file": secret_file(bare.folder, "wrong", "another-secret")}))
    for node in nodes:
        assert not any("secret" in line for line in node.log())


def test_token(bare):
    start_nats(bare, "--auth", "the-token")
    talk(bare, {"bus.token_file": secret_file(bare.folder, "token", "the-token")})
    is_kept_out(bare, {})


def test_nkey(bare):
    public, seed = nkey(bare.folder)
    config = secret_file(bare.folder, "nats.conf", f"authorization: {{ users: [ {{ nkey: {public} }} ] }}")
    start_nats(bare, "-c", str(config))
    talk(bare, {"bus.nkey": public, "bus.nkey_file": seed})
    is_kept_out(bare, {})


def test_tls_to_nats(bare):
    ca, certificate, key = authority(bare.folder)
    start_nats(bare, "--tls", "--tlscert", str(certificate), "--tlskey", str(key), scheme="tls")
    talk(bare, {"bus.ca": ca})
    with ExitStack() as stack:
        other = authority(Path(new_folder(stack)))[0]
        is_kept_out(bare, {"bus.ca": other})  # of another authority
    right = bare.nats.url
    bare.nats.stop()
    bare.nats.host = "127.0.0.2"  # which is not the certificate's
    start_nats(bare, *bare.nats.options, scheme="tls", host="127.0.0.2")
    is_kept_out(bare, {"bus.ca": ca})
    wrong = bare.nats.url
    bare.nats.stop()
    bare.nats.host = "127.0.0.1"
    start_nats(bare, *bare.nats.options, scheme="tls")
    bare.nats.url = f"{wrong},{right}"  # one of several will do, and each is asked for its own name
    node = bare.add(settings={"bus.ca": ca})
    node.await_log("bus-connected")


NO_URLS = [
    ("store.url", "postgres://ann:my@secret@127.0.0.1/x"),
    ("store.url", "postgres://ann:5/secret@127.0.0.1/x"),
    ("store.url", "postgres://ann:secret"),
    ("store.url", "postgres://ann:secret%zz@127.0.0.1/x"),
    ("store.url", "postgres:secret"),
    ("bus.url", "nats://ann:my@secret@127.0.0.1:4222"),
    ("bus.url", "nats://my/secret@127.0.0.1:4222"),
    ("bus.url", "nats://127.0.0.1:4222,ann:my,secret@127.0.0.1:4222"),
    ("bus.url", "nats://ann:127.0.0.1:42:secret!"),
]


def test_urls_that_are_none(bare, folder):
    """What reads it may explain itself with a piece of it, which may be one of the password: that is said to nobody."""
    for key, url in NO_URLS:
        settings = {**USUAL, "server.data": folder / "data", "store.url": bare.postgres.url, "bus.url": bare.nats.url, key: url}
        done = run_messagerd(*arguments(settings))
        assert done.returncode == 1 and f"{key} is no url of" in done.stderr, (url, done.stderr)
        assert "secret" not in done.stderr + done.stdout, url


def test_a_password_in_a_url_is_in_no_log(bare):
    start_nats(bare, "--user", "ann", "--pass", "the-secret")
    bare.nats.url = f"nats://ann:the-secret@127.0.0.1:{bare.nats.port}"
    bare.postgres.url = bare.postgres.url.replace("messager@", "messager:the-secret@")
    nodes = talk(bare, {"log.level": "debug"})
    for engine in (bare.nats, bare.postgres):
        engine.stop()
    for node in nodes:
        node.await_log("bus-lost")
        node.await_log("store-connection-lost")
        node.await_log("node-out-of-touch", seconds=30)
    for engine in (bare.nats, bare.postgres):
        engine.start()
    wait_until(lambda: all(Administrator(node).asks("status")["lease_certain"] and Administrator(node).asks("status")["bus_reachable"]
                           for node in nodes))
    for node in nodes:
        assert not any("secret" in line for line in node.log())


def test_plain_connections_are_warned_of(bare):
    """Where they leave the machine, which 0.0.0.0 does not, but has no name of one that stays."""
    start_nats(bare)
    near = bare.add()
    bare.postgres.url = bare.postgres.url.replace("127.0.0.1", "0.0.0.0")
    bare.nats.url = f"{bare.nats.url},nats://0.0.0.0:{bare.nats.port}"
    far = bare.add()
    for event in ("store-not-encrypted", "bus-not-encrypted"):
        assert far.await_log(event) and not any(event in line for line in near.log())


def test_a_secret_that_cannot_be_read(bare, folder):
    done = run_messagerd(*arguments({**USUAL, "server.data": folder / "data", "store.url": bare.postgres.url,
                                     "bus.url": bare.nats.url, "bus.token_file": folder / "none"}))
    assert done.returncode == 1 and f"cannot read {folder}/none" in done.stderr


def test_tls_to_postgres(bare):
    start_nats(bare)
    ca, certificate, key = authority(bare.folder)
    data = bare.postgres.data
    for source, name in ((certificate, "server.crt"), (key, "server.key")):
        (data / name).write_bytes(source.read_bytes())
        (data / name).chmod(0o600)
        if bare.postgres.user:
            shutil.chown(data / name, bare.postgres.user)
    bare.postgres.asks("ALTER SYSTEM SET ssl = on")
    bare.postgres.asks("SELECT pg_reload_conf()")
    plain = bare.postgres.url
    bare.postgres.url = f"{plain}?sslmode=verify-full&sslrootcert={ca}"
    talk(bare, {})
    assert set(bare.postgres.asks("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                  "WHERE application_name = 'messagerd'")) == {"t"}
    with ExitStack() as stack:
        other = authority(Path(new_folder(stack)))[0]
        bare.postgres.url = f"{plain}?sslmode=verify-full&sslrootcert={other}"
        with pytest.raises(AssertionError, match="certificate verify failed"):
            bare.add()


def test_forged_messages(bare):
    """Whoever gets to the bus and says what no server would: it is counted, and nobody hears it."""
    start_nats(bare)
    node = bare.add()
    bob = node.sign_up("bob")
    forged = [b"", b"x", b"1", bytes(5), b"2\0\0\3\3bobannhi", b"1\0\0\3\3bobannhi"[:7], b"1\0\0\3\5bobadminhi", bytes(20000),
              b"1\4\0\3\0bobx> \r\nCMD <y", b"1\x63\0\3\3bobannhi", b"1\0\0\xff\xffbob"]
    with socket.create_connection(("127.0.0.1", bare.nats.port)) as sock:
        sock.sendall(b'CONNECT {"verbose":false}\r\n')
        for subject in (f"messager.user.{bob}".encode(), b"messager.group", b"messager.admin"):
            for payload in forged:
                sock.sendall(b"PUB " + subject + b" " + str(len(payload)).encode() + b"\r\n" + payload + b"\r\n")
        sock.sendall(b"PING\r\n")
        wait_until(lambda: Administrator(node).asks("status")["bus_malformed"] == 3 * len(forged))
    bob.is_settled()
    node.is_well()
