"""TLS: versions, ALPN, certificates of the server and of clients; protocol.md section 1 and messagerd.conf(5) [tls]."""

import hashlib
import re
import signal
import socket
import ssl
import stat
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from ssl import TLSVersion

import pytest

from wire import Refused, client_context, eventually

P256 = bytes.fromhex("06082a8648ce3d030107")  # the curve's object identifier in DER
CERTIFICATE_REQUEST = 13  # a handshake message, RFC 8446 section 4


def only(version):
    return client_context(oldest=version, newest=version)


# Versions

@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_versions_that_are_spoken(server, version):
    alice = server.sign_up("alice", context=only(version))
    assert alice.tls.version() == version.name.replace("_", ".")
    alice.message(alice, "hello")
    alice.hears(f"RELAY {alice} {alice} hello")
    alice.quit()


def test_the_best_version_is_chosen(server):
    assert server.connect().tls.version() == "TLSv1.3"


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_older_versions_are_not(server, version):
    with pytest.warns(DeprecationWarning):
        old = TLSVersion[version]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = old
    with pytest.raises(Refused) as refusal:
        server.connect(context=context)
    why = refusal.value.why
    assert isinstance(why, ConnectionResetError) or "ALERT" in str(why), f"the server did not refuse it: {why}"
    server.is_well()


def test_the_least_version_is_a_setting(serve):
    server = serve({"tls.min_version": "1.3"})
    with pytest.raises(Refused):
        server.connect(context=only(TLSVersion.TLSv1_2))
    server.sign_up("alice", context=only(TLSVersion.TLSv1_3))


# ALPN

@pytest.mark.parametrize("offered, chosen", [
    pytest.param(None, None, id="none"),
    pytest.param(["ssl-messager/1"], "ssl-messager/1", id="ours"),
    pytest.param(["h2", "ssl-messager/1", "http/1.1"], "ssl-messager/1", id="ours-among-others"),
    pytest.param(["ssl-messager/2"], None, id="a-later-version"),
    pytest.param(["ssl-messager/2", "ssl-messager/1"], "ssl-messager/1", id="a-later-version-and-ours"),
    pytest.param(["h2", "http/1.1"], None, id="others"),
    pytest.param(["ssl-messager/10", "ssl-messager/"], None, id="almost-ours"),
])
@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_alpn(server, version, offered, chosen):
    alice = server.sign_up("alice", context=client_context(version, version, alpn=offered))
    assert alice.tls.selected_alpn_protocol() == chosen
    alice.is_settled()


# The server's certificate

def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_a_certificate(serve):
    server = serve()
    pem = server.data / "server.pem"
    assert mode_of(pem) == 0o600
    assert mode_of(server.data) == 0o700

    shown = server.connect().tls.getpeercert(binary_form=True)
    own = re.search("-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----", pem.read_text(), re.DOTALL)
    assert shown == ssl.PEM_cert_to_DER_cert(own[0])
    assert P256 in shown

    trusting = ssl.create_default_context(cafile=pem)
    peer = server.connect(context=trusting, hostname=socket.gethostname())
    certificate = peer.tls.getpeercert()
    assert ("DNS", socket.gethostname()) in certificate["subjectAltName"]
    begins, ends = (datetime.strptime(certificate[key], "%b %d %H:%M:%S %Y %Z") for key in ("notBefore", "notAfter"))
    assert begins <= datetime.utcnow()
    assert abs(ends - datetime.utcnow() - timedelta(days=3652)) < timedelta(days=5), "valid for ten years"


def test_the_next_start_keeps_it(serve):
    first = serve()
    shown = first.connect().tls.getpeercert(binary_form=True)
    first.finish()
    second = serve(folder=first.folder)
    assert second.connect().tls.getpeercert(binary_form=True) == shown


def test_each_server_makes_its_own(serve):
    shown = {serve().connect().tls.getpeercert(binary_form=True) for _ in range(2)}
    assert len(shown) == 2


def der(pem):
    return ssl.PEM_cert_to_DER_cert(re.search("-----BEGIN CERTIFICATE-----.*", pem.read_text(), re.DOTALL)[0])


def test_a_certificate_of_ones_own(serve, folder, make_certificate):
    pem = make_certificate(folder / "own.pem")
    server = serve({"tls.certificate": pem})
    assert server.connect().tls.getpeercert(binary_form=True) == der(pem)


def test_a_key_in_a_file_of_its_own(serve, folder, make_certificate):
    pem = make_certificate(folder / "own.pem")
    server = serve({"tls.certificate": f"{pem}.crt", "tls.key": f"{pem}.key"})
    assert server.connect().tls.getpeercert(binary_form=True) == der(pem)


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


EC_P256 = "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"


def sign(authority, path, name, *key, extensions=""):
    """Makes path.key and path.crt, which the authority vouches for: a path too, of such files."""
    openssl("req", "-new", *key, "-nodes", "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.csr")
    path.with_suffix(".ext").write_text(extensions)
    openssl("x509", "-req", "-in", f"{path}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial",
            "-days", "2", "-extfile", path.with_suffix(".ext"), "-out", f"{path}.crt")


def together(path, *files):
    path.write_text("".join(Path(file).read_text() for file in files))
    return path


@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("key", [
    pytest.param(EC_P256, id="P-256"),
    pytest.param(("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"), id="P-384"),
    pytest.param(("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"), id="P-521"),
    pytest.param(("-newkey", "ed25519"), id="Ed25519"),
    pytest.param(("-newkey", "ed448"), id="Ed448"),
    pytest.param(("-newkey", "rsa:2048"), id="RSA"),
    pytest.param(("-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"), id="RSA-PSS"),
])
def test_a_chain_in_the_certificates_file_is_shown(serve, folder, make_certificate, key, version):
    """Whatever kind of key it has: who knows but the authority at its end trusts the server."""
    root = make_certificate(folder / "root.pem", "root")
    between = folder / "between"
    sign(root, between, "between", *EC_P256, extensions="basicConstraints = critical, CA:TRUE")
    sign(between, folder / "own", "localhost", *key)
    chain = together(folder / "chain.pem", folder / "own.key", folder / "own.crt", f"{between}.crt")
    server = serve({"tls.certificate": chain})
    trusting = ssl.create_default_context(cafile=f"{root}.crt")
    trusting.check_hostname = False
    trusting.minimum_version = trusting.maximum_version = version
    alice = server.sign_up("alice", context=trusting)
    assert alice.tls.getpeercert()["subject"] == ((("commonName", "localhost"),),)
    alice.is_settled()


@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("names", [350, 1200], ids=["17 KiB", "60 KiB"])
def test_a_long_chain_is_shown_too(serve, folder, make_certificate, names, version):
    """What a stranger's hello may make OpenSSL take has a limit; our own words may be longer."""
    root = make_certificate(folder / "root.pem", "root")
    between = folder / "between"
    sign(root, between, "between", *EC_P256, extensions="basicConstraints = critical, CA:TRUE\nsubjectAltName = " +
         ",".join(f"DNS:{number:04}.an-authority-of-many-names.example.org" for number in range(names)))
    sign(between, folder / "own", "localhost", *EC_P256)
    server = serve({"tls.certificate": together(folder / "chain.pem", folder / "own.key", folder / "own.crt", f"{between}.crt")})
    trusting = ssl.create_default_context(cafile=f"{root}.crt")
    trusting.check_hostname = False
    trusting.minimum_version = trusting.maximum_version = version
    server.sign_up("alice", context=trusting).is_settled()


# Certificates of clients

@pytest.fixture(scope="session")
def client_pem(tmp_path_factory, make_certificate):
    return make_certificate(tmp_path_factory.mktemp("client") / "certc.pem", "alice")


def asked_for_a_certificate(server, version):
    """Whether the server's handshake asks the client for a certificate."""
    seen = []
    context = only(version)
    context._msg_callback = lambda _c, _direction, _version, _content, message, _data: seen.append(message)
    server.sign_up("alice", context=context)
    assert seen, "no handshake message was seen"
    return CERTIFICATE_REQUEST in [getattr(message, "value", message) for message in seen]


def logs_fingerprint(server, pem):
    fingerprint = hashlib.sha256(der(pem)).hexdigest()
    return any(fingerprint in line.lower().replace(":", "") for line in server.log())


versions = pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@versions
def test_off_no_certificate_is_asked_for(serve, client_pem, version):
    server = serve({"tls.client_certificates": "off"})
    assert not asked_for_a_certificate(server, version)
    server.sign_up("bob", context=client_context(version, version, certificate=client_pem))
    assert not logs_fingerprint(server, client_pem)


@versions
def test_optional_a_certificate_is_taken_and_logged(serve, client_pem, version):
    server = serve({"tls.client_certificates": "optional"})
    assert asked_for_a_certificate(server, version)
    server.sign_up("bob", context=client_context(version, version, certificate=client_pem)).is_settled()
    server.finish()
    assert logs_fingerprint(server, client_pem)


@versions
def test_required_without_a_certificate_nobody_gets_in(serve, client_pem, version):
    server = serve({"tls.client_certificates": "required"})
    with pytest.raises((Refused, AssertionError, ssl.SSLError)):
        server.sign_up("alice", context=only(version))
    server.sign_up("bob", context=client_context(version, version, certificate=client_pem)).is_settled()
    server.finish()
    assert logs_fingerprint(server, client_pem)


@versions
def test_what_vouches_for_a_certificate_does_not_count(serve, folder, make_certificate, version):
    """The client shows another authority than the one that signed, of the same name."""
    for name in ("right", "wrong"):
        make_certificate(folder / name, "authority")
    sign(folder / "right", folder / "alice", "alice", *EC_P256)
    shown = together(folder / "alice.pem", *(folder / part for part in ("alice.key", "alice.crt", "wrong.crt")))
    server = serve({"tls.client_certificates": "required"})
    server.sign_up("alice", context=client_context(version, version, certificate=shown)).is_settled()
    server.finish()
    assert logs_fingerprint(server, folder / "alice.crt")


@versions
@pytest.mark.parametrize("mode", ["off", "optional", "required"])
def test_a_session_of_tls_may_be_resumed(serve, client_pem, version, mode):
    """With a ticket of an earlier connection one gets in, whatever the server asks clients for."""
    server = serve({"tls.client_certificates": mode})
    context = client_context(version, version, certificate=client_pem)
    alice = server.sign_up("alice", context=context)
    alice.is_settled()
    ticket = alice.tls.session
    alice.quit()
    for _ in range(3):
        server.log_in(alice, context=context, ticket=ticket).quit()


@versions
@pytest.mark.parametrize("records", ["own", "libssl"])
def test_who_shows_a_long_certificate_comes_back(serve, folder, make_certificate, version, records):
    """A ticket would hold it, and make the next hello longer than we take."""
    root = make_certificate(folder / "root.pem", "root")
    sign(root, folder / "alice", "alice", *EC_P256, extensions="subjectAltName = " +
         ",".join(f"DNS:{number:04}.a-client-of-many-names.example.org" for number in range(100)))
    shown = together(folder / "alice.pem", folder / "alice.key", folder / "alice.crt")
    server = serve({"tls.client_certificates": "required", "tls.records": records})
    context = client_context(version, version, certificate=shown)
    alice = server.sign_up("alice", context=context)
    for _ in range(3):
        alice.is_settled()
        ticket = alice.tls.session
        alice.quit()
        alice = server.log_in(alice, context=context, ticket=ticket)


@versions
def test_a_ticket_is_no_way_around_a_certificate(serve, client_pem, version):
    """It was given when none was asked for; after HUP a handshake in full finds the certificate missing."""
    server = serve({"server.workers": 1}, config="[tls]\nclient_certificates = off\n")
    context = only(version)
    alice = server.sign_up("alice", context=context)
    alice.is_settled()
    ticket = alice.tls.session
    alice.quit()
    again = server.log_in(alice, context=context, ticket=ticket)
    assert again.tls.session_reused
    again.quit()
    server.config.write_text("[tls]\nclient_certificates = required\n")
    server.signal(signal.SIGHUP)

    def is_turned_away(**how):
        with pytest.raises((Refused, AssertionError, OSError)):
            server.log_in(alice, **how).quit()
    eventually(lambda: is_turned_away(context=only(version)), errors=pytest.fail.Exception)
    is_turned_away(context=context, ticket=ticket)
    server.log_in(alice, context=client_context(version, version, certificate=client_pem)).is_settled()
