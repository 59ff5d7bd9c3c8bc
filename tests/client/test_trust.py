"""Whom the client trusts: known keys, first sight, fingerprints, authorities."""

import re
import ssl
import stat
import subprocess
import warnings

import pytest

from person import MESSAGER, environment, where
from stage import Stage, key_fingerprint
from wire import PATIENCE

LOGIN = ("--user", "alice", "--to", "bob")


@pytest.fixture
def login(password):
    return (*LOGIN, "--password-file", password)


def passes(server, person, text="x\n"):
    """The person's line reaches the server; then it quits."""
    person.say(text)
    person.end_input()
    client = server.session("alice")
    client.hears(f"MSG bob alice {text.strip()}")
    client.hears_end()
    return person.finish(0)


def is_refused(server, person):
    """The client ends with status 4 and has said nothing."""
    server.answer().hears_close()
    _, notices = person.finish(4)
    return notices


def test_an_unknown_server_in_a_pipe_is_status_4(stage, script, login, certificate):
    server = stage()
    notices = is_refused(server, script(server, *login))
    assert key_fingerprint(certificate) in notices
    for option in ("--fingerprint", "--trust-first", "--ca"):
        assert option in notices


def test_trust_first_remembers(stage, script, login, certificate, home):
    server = stage()
    passes(server, script(server, *login, "--trust-first"))
    known = home / ".local/share/messager/known_servers"
    assert known.read_text() == f"{where(server.address)} {key_fingerprint(certificate)}\n"
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.parent.stat().st_mode) == 0o700
    passes(server, script(server, *login))


@pytest.mark.parametrize("words", [(), ("--trust-first",)])
def test_a_changed_key_is_status_4(stage, script, login, home, make_certificate, known_servers, words):
    other = make_certificate(home / "other.pem")
    server = stage()
    known_servers.write_text(f"{where(server.address)} {key_fingerprint(other)}\n")
    notices = is_refused(server, script(server, *login, *words))
    assert "WARNING" in notices and "changed" in notices and key_fingerprint(other) in notices
    assert known_servers.read_text() == f"{where(server.address)} {key_fingerprint(other)}\n"


def test_a_renewed_certificate_with_the_same_key_stays_trusted(stage, script, login, home, make_certificate,
                                                               known_servers):
    first = make_certificate(home / "first.pem")
    renewed = home / "renewed.pem"
    subprocess.run(["openssl", "req", "-x509", "-key", f"{first}.key", "-subj", "/CN=renewed", "-days", "3", "-out",
                    f"{renewed}.crt"], check=True, capture_output=True)
    renewed.write_text((home / "first.pem.key").read_text() + (home / "renewed.pem.crt").read_text())
    server = stage(certificate=renewed)
    known_servers.write_text(f"{where(server.address)} {key_fingerprint(first)}\n")
    passes(server, script(server, *login))


def test_other_servers_lines_stay(stage, script, login, certificate, known_servers):
    other = "# mine\nchat.example:18443 sha256:" + "0" * 64
    known_servers.write_text(other)  # without a line end
    server = stage()
    passes(server, script(server, *login, "--trust-first"))
    assert known_servers.read_text() == f"{other}\n{where(server.address)} {key_fingerprint(certificate)}\n"


@pytest.mark.parametrize("damaged", [
    "127.0.0.1:1", "127.0.0.1:1 ", "127.0.0.1:1 sha256:1234", "127.0.0.1:1  sha256:" + "0" * 64,
    "127.0.0.1:1 sha256:" + "0" * 63, "127.0.0.1:1 sha256:" + "0" * 65, "127.0.0.1:1 sha256:" + "G" * 64,
    "127.0.0.1:1 sha256:" + "0" * 64 + " ", "127.0.0.1:x sha256:" + "0" * 64, " 127.0.0.1:1 sha256:" + "0" * 64,
    "sha256:" + "0" * 64, "\0", "127.0.0.1:1 sha256:" + "0" * 64 + "\r",
])
def test_a_damaged_line_is_status_4_and_named(stage, script, login, known_servers, damaged, certificate):
    server = stage()
    known_servers.write_text(f"{where(server.address)} {key_fingerprint(certificate)}\n{damaged}\n")
    notices = is_refused(server, script(server, *login, "--trust-first"))
    assert f"{known_servers}, line 2 is damaged" in notices


def test_a_server_with_two_lines_is_status_4(stage, script, login, known_servers, certificate):
    server = stage()
    line = f"{where(server.address)} {key_fingerprint(certificate)}\n"
    known_servers.write_text(line + line)
    assert f"{known_servers}, line 2 names" in is_refused(server, script(server, *login))


def test_an_unreadable_file_is_status_4(stage, script, login, known_servers):
    known_servers.mkdir()
    server = stage()
    assert f"cannot read {known_servers}" in is_refused(server, script(server, *login, "--trust-first"))


def test_fingerprint(stage, script, login, certificate, home):
    server = stage()
    passes(server, script(server, *login, "--fingerprint", key_fingerprint(certificate)))
    assert not (home / ".local/share/messager/known_servers").exists()
    notices = is_refused(server, script(server, *login, "--fingerprint", "sha256:" + "0" * 64))
    assert key_fingerprint(certificate) in notices


def test_fingerprint_as_other_tools_write_it(stage, script, login, certificate):
    """Of the whole certificate, in capitals, with colons: what `openssl x509 -fingerprint -sha256` prints."""
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"], check=True,
                           capture_output=True, text=True).stdout.strip().partition("=")[2]
    server = stage()
    for text in (shown, shown.lower(), shown.replace(":", "")):
        passes(server, script(server, *login, "--fingerprint", f"sha256:{text}"))
    is_refused(server, script(server, *login, "--fingerprint", f"sha256:{shown[:-1]}{'0' if shown[-1] != '0' else '1'}"))


def test_authority(script, login, home, stage):
    """--ca asks for the chain and for the name."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=home)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=ca",
            "-days", 2, "-keyout", "ca.key", "-out", "ca.crt")
    for name, san in (("right", "IP:127.0.0.1"), ("wrong", "DNS:other.example")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x", "-keyout",
                f"{name}.key", "-out", f"{name}.csr")
        (home / "san").write_text(f"subjectAltName={san}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2,
                "-extfile", "san", "-out", f"{name}.crt")
        (home / f"{name}.pem").write_text((home / f"{name}.key").read_text() + (home / f"{name}.crt").read_text())
    right, wrong = stage(certificate=home / "right.pem"), stage(certificate=home / "wrong.pem")
    words = (*login, "--ca", home / "ca.crt")
    passes(right, script(right, *words))
    assert not (home / ".local/share/messager/known_servers").exists()

    person = script(wrong, *words)
    with pytest.raises(OSError):
        wrong.answer()
    assert "cannot trust" in person.finish(4)[1]


def test_authority_that_did_not_sign_is_status_4(stage, script, login, home, make_certificate):
    make_certificate(home / "other.pem")
    server = stage()
    person = script(server, *login, "--ca", home / "other.pem.crt")
    with pytest.raises(OSError):
        server.answer()
    assert "cannot trust" in person.finish(4)[1]


# Dates

CA_SETTINGS = """
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""

DATES = {
    "expired": ("20200101000000Z", "20210101000000Z", r"has expired \(2021-01-01 00:00 UTC\).*operator must renew"),
    "not yet valid": ("20900101000000Z", "20910101000000Z", r"not valid before 2090-01-01 00:00 UTC.*clock"),
}


def dated_certificate(home, begins, ends):
    """A self-signed certificate with these dates, with its key, in one PEM file."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=home)

    (home / "settings").write_text(CA_SETTINGS)
    (home / "index").write_text("")
    (home / "serial").write_text("01\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "dated.key", "-out", "dated.csr")
    openssl("ca", "-batch", "-notext", "-config", "settings", "-selfsign", "-keyfile", "dated.key", "-in", "dated.csr",
            "-startdate", begins, "-enddate", ends, "-out", "dated.crt")
    pem = home / "dated.pem"
    pem.write_text((home / "dated.key").read_text() + (home / "dated.crt").read_text())
    return pem


@pytest.fixture(params=DATES)
def dated(request, home, stage):
    """A server whose certificate is not in force, its fingerprint, and what must be said of it."""
    begins, ends, words = DATES[request.param]
    pem = dated_certificate(home, begins, ends)
    return stage(certificate=pem), key_fingerprint(pem), words


@pytest.mark.parametrize("is_known", [False, True], ids=["unknown", "known"])
def test_a_certificate_that_is_not_in_force_is_status_4(dated, script, login, known_servers, is_known):
    server, fingerprint, words = dated
    if is_known:
        known_servers.write_text(f"{where(server.address)} {fingerprint}\n")
    notices = is_refused(server, script(server, *login, "--trust-first"))
    assert re.search(words, notices), notices
    assert "Nothing was sent" in notices and "--fingerprint" in notices
    assert known_servers.exists() == is_known


def test_a_given_fingerprint_vouches_for_it(dated, script, login):
    server, fingerprint, _ = dated
    passes(server, script(server, *login, "--fingerprint", fingerprint))


def test_an_authority_does_not(dated, script, login, home):
    server = dated[0]
    person = script(server, *login, "--ca", home / "dated.crt")
    with pytest.raises(OSError):
        server.answer()
    notices = person.finish(4)[1]
    assert "cannot trust" in notices and "Nothing was sent" in notices and "operator must" in notices


@pytest.mark.parametrize("cut", [1, 10, 25, 60, 90])
def test_a_cut_file_of_known_servers_is_status_4(stage, script, login, known_servers, certificate, cut):
    """As a full disk or an editor leaves it: the end is missing, and with it perhaps the line that counts."""
    server = stage()
    whole = f"localhost:1 sha256:{'0' * 64}\n{where(server.address)} {key_fingerprint(certificate)}\n"
    known_servers.write_text(whole[:-1 - cut])
    notices = is_refused(server, script(server, *login, "--trust-first"))
    assert re.search(r"line [12] is damaged.*correct or remove that line", notices), notices


# First sight

def test_first_sight_at_a_terminal_asks(stage, terminal, login, certificate, home):
    server = stage()
    person = terminal(server, *login)
    client = server.answer()
    person.sees(key_fingerprint(certificate))
    person.sees(r"\(yes/no\) ")
    person.enter("perhaps")
    person.sees(r"\(yes/no\) ")
    person.enter("no")
    client.hears_close()
    person.ends(4)
    assert not (home / ".local/share/messager/known_servers").exists()


def test_first_sight_at_a_terminal_is_remembered(stage, terminal, login, certificate, home):
    """The server has given up while the person compared: a new connection is made, and its key must be the same."""
    server = stage()
    person = terminal(server, *login)
    client = server.answer()
    person.sees(r"\(yes/no\) ")
    client.close()
    person.enter("YES")
    client = server.session("alice")
    person.sees("bob> ")
    assert (home / ".local/share/messager/known_servers").read_text().endswith(f"{key_fingerprint(certificate)}\n")
    person.enter(":quit:")
    client.hears_end()
    person.ends()


def test_two_clients_at_once_both_remember(server, serve, script, login, home, password):
    """Each adds its line; none is lost."""
    others = [serve() for _ in range(2)]
    people = [script(each, "--sign-up", *login, "--trust-first") for each in (server, *others) for _ in range(2)]
    for person in people:
        person.end_input()
    for person in people:
        person.process.wait(PATIENCE)
    lines = (home / ".local/share/messager/known_servers").read_text().splitlines()
    assert len(lines) == 3 and len(set(lines)) == 3


def test_the_clients_own_certificate_is_made_and_shown(stage, script, login, home):
    certc = home / ".local/share/messager/certc.pem"
    server = stage()
    passes(server, script(server, *login, "--trust-first"))
    first = certc.read_text()
    assert stat.S_IMODE(certc.stat().st_mode) == 0o600
    own = home / "own.crt"
    own.write_text(first[first.index("-----BEGIN CERTIFICATE"):])
    asking = stage(ask_for_certificate=own)
    person = script(asking, *login, "--trust-first")
    client = asking.session("alice")
    assert client.tls.getpeercert(binary_form=True)
    person.end_input()
    client.hears_end()
    person.finish(0)
    assert certc.read_text() == first


def test_a_home_that_cannot_be_written_is_only_warned_of(stage, script, login, home, certificate):
    (home / ".local").write_text("no folder")
    server = stage()
    _, notices = passes(server, script(server, *login, "--fingerprint", key_fingerprint(certificate)))
    assert "cannot make the folder" in notices


def test_xdg_data_home(stage, script, login, home):
    server = stage()
    passes(server, script(server, *login, "--trust-first", env={"XDG_DATA_HOME": str(home / "data")}))
    assert (home / "data/messager/known_servers").exists()
    passes(server, script(server, *login, "--trust-first", env={"XDG_DATA_HOME": "relative"}))
    assert (home / ".local/share/messager/known_servers").exists()


def test_old_tls_is_refused(certificate, home, password):
    """A server that knows nothing newer than TLS 1.1 gets no log-in."""
    server = Stage(certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.context.minimum_version = ssl.TLSVersion.TLSv1
        server.context.maximum_version = ssl.TLSVersion.TLSv1_1
    server.context.set_ciphers("ALL:@SECLEVEL=0")
    person = subprocess.Popen([MESSAGER, where(server.address), "--plain", *LOGIN, "--trust-first", "--password-file",
                               str(password)], env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    with pytest.raises(OSError):
        server.answer()
    server.close()
    _, notices = person.communicate(timeout=PATIENCE)
    assert person.returncode == 1 and b"cannot agree on TLS" in notices
