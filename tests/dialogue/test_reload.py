"""HUP: settings and certificates are read again, nobody is dropped."""

import re
import signal
import socket
import threading
from ssl import TLSVersion

import pytest

from wire import Refused, client_context, closed_without_a_word, eventually, unique


def asks_sign_up(server):
    peer = server.connect()
    name = unique("user")
    peer.say(f"PUT {name} secret")
    return peer.next_record()


def sign_up_is_closed(server):
    assert asks_sign_up(server) == b"END * <registration closed> \r\n"


@pytest.mark.threads
def test_hup_reads_the_settings_again(serve):
    server = serve(config="[login]\nregistration = open\n")
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    server.config.write_text("[login]\nregistration = closed\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sign_up_is_closed(server))
    alice.message(bob, "still here")
    bob.hears(f"RELAY {bob} {alice} still here")


def test_hup_changes_the_sessions_that_are_on(serve):
    server = serve({"session.check_interval": None}, config="[session]\ncheck_interval = 0.2\n")
    alice = server.sign_up("alice")
    alice.hears("CHECK", "CHECK")

    server.config.write_text("[session]\ncheck_interval = 0\n[login]\nregistration = closed\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sign_up_is_closed(server))
    while alice.next_record(0.5) == b"CHECK \r\n":  # what was on its way
        pass
    alice.hears_nothing(1)

    server.config.write_text("[session]\ncheck_interval = 0\nidle_timeout = 0.5\n")
    server.signal(signal.SIGHUP)
    alice.hears_last("END * <idle>")


def test_a_ticket_is_good_on_every_worker_and_after_a_reload(serve):
    server = serve({"server.workers": 2}, config="[login]\nregistration = open\n")
    context = client_context()
    alice = server.sign_up("alice", context=context)
    alice.is_settled()
    ticket = alice.tls.session
    alice.quit()
    server.config.write_text("[login]\nregistration = closed\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sign_up_is_closed(server))
    for _ in range(8):
        again = server.log_in(alice, context=context, ticket=ticket)
        assert again.tls.session_reused
        again.quit()


def try_again(peer):
    peer.say("PUT admin secret")
    return peer.next_record()


def two_tries(server):
    peer = server.connect()
    assert try_again(peer).startswith(b"TRY ")
    assert try_again(peer) == b"END <too many trials> \r\n"


def long_passwords_only(server):
    peer = server.connect()
    peer.say(f"PUT {unique('user')} short")
    peer.hears("TRY <disallowed password>")


def the_newest_tls_only(server):
    with pytest.raises(Refused):
        server.connect(context=client_context(newest=TLSVersion.TLSv1_2))
    server.connect().hang_up()


def certificates_only(server):
    with pytest.raises((Refused, AssertionError)):
        server.connect().sign_up(unique("user"))


def nobody_else(server):
    with pytest.raises(Refused):
        server.connect()


def impatient_log_ins(server):
    server.connect().hears_last("END * <login timeout>", seconds=1)


def impatient_handshakes(server):
    closed_without_a_word(server.knock(), 1)


def impatient_queries(server):
    peer = server.sign_up("user")
    peer.say_raw(b"CM")
    peer.hears_last("END * <query timeout>", seconds=1)


def one_refusal(server):
    peer = server.connect()
    peer.say("AUTH nobody secret")
    peer.hears_match("END <incorrect username or password>|END \\* <too many trials>")
    peer = server.connect()
    peer.say("AUTH nobody secret")
    peer.hears_last("END * <too many trials>")


def slow_talk(server):
    peer = server.sign_up("user")
    for _ in range(3):
        peer.say("CMD <settled>")
    peer.hears("CMD <problem with command>")
    peer.hears_nothing(0.3)


def json_lines(server):
    server.is_well()
    assert server.log()[-1].startswith("{")


CHANGES = {
    "login.max_tries=2": two_tries,
    "login.min_password_length=8": long_passwords_only,
    "login.timeout=0.3": impatient_log_ins,
    "login.handshake_timeout=0.3": impatient_handshakes,
    "tls.min_version=1.3": the_newest_tls_only,
    "tls.client_certificates=required": certificates_only,
    "session.query_timeout=0.3": impatient_queries,
    "session.messages_per_second=1 session.burst=1": slow_talk,
    "limits.connections=1": nobody_else,
    "limits.connections_per_address=1": nobody_else,
    "limits.unauthenticated=1": nobody_else,
    "limits.failed_logins_per_address_per_minute=1": one_refusal,
    "log.format=json": json_lines,
}


@pytest.mark.parametrize("change", CHANGES)
def test_hup_changes(serve, change):
    server = serve({"limits.failed_logins_per_address_per_minute": None}, config="")
    alice = server.sign_up("alice")
    if change == "limits.unauthenticated=1":
        server.connect()
    lines = []
    for word in change.split():
        section, _, setting = word.partition(".")
        lines += [f"[{section}]", setting.replace("=", " = ")]
    server.config.write_text("\n".join(lines) + "\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: CHANGES[change](server), errors=(AssertionError, Refused, OSError, pytest.fail.Exception))
    alice.is_settled()


def test_the_command_line_still_wins_after_hup(serve):
    server = serve({"login.max_tries": 2}, config="[login]\nmax_tries = 9\n")
    server.config.write_text("[login]\nmax_tries = 8\nregistration = closed\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sign_up_is_closed(server))
    server.config.write_text("[login]\nmax_tries = 8\nmin_password_length = 8\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: long_passwords_only(server))
    two_tries(server)


def test_hup_moves_no_server(serve):
    """`listen`, `data` and `workers` stay as they are until the next start."""
    server = serve({"server.listen": None}, config="[server]\nlisten = 127.0.0.1:0\nworkers = 2\n")
    alice = server.sign_up("alice")
    server.config.write_text("[server]\nlisten = 127.0.0.2:0\nworkers = 1\n[login]\nregistration = closed\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sign_up_is_closed(server))
    alice.is_settled()
    alice.quit()
    server.log_in(alice)


@pytest.mark.parametrize("line", ["max_tries = lots", "no_such_key = 1"])
def test_hup_with_a_bad_file_changes_nothing(serve, line):
    server = serve(config="[login]\nregistration = open\n")
    alice = server.sign_up("alice")
    server.config.write_text(f"[login]\nregistration = closed\n{line}\n")
    server.signal(signal.SIGHUP)
    reported = server.await_log(line.split()[0]).string
    assert "messagerd.conf" in reported and re.search(r"\b3\b", reported), reported
    server.is_well()
    alice.is_settled()

    server.config.write_text("[login]\nregistration = closed\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sign_up_is_closed(server))


def test_hup_with_no_file_changes_nothing(serve):
    server = serve(config="[login]\nmax_tries = 2\n")
    server.config.unlink()
    server.signal(signal.SIGHUP)
    server.await_log(r"messagerd\.conf")
    server.is_well()
    peer = server.connect()
    peer.say("PUT admin secret")
    peer.hears("TRY <username reserved>")
    peer.say("PUT admin secret")
    peer.hears_last("END <too many trials>")


def shows(server, certificate):
    assert server.connect().tls.getpeercert(binary_form=True) == certificate


@pytest.mark.threads
def test_hup_reads_the_certificate_again(serve, folder, make_certificate):
    pem = make_certificate(folder / "server.pem")
    server = serve({"tls.certificate": pem})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    before = server.connect().tls.getpeercert(binary_form=True)
    make_certificate(pem)
    shows(server, before)

    server.signal(signal.SIGHUP)

    def shows_another():
        assert server.connect().tls.getpeercert(binary_form=True) != before
    eventually(shows_another)
    alice.message(bob, "still here")
    bob.hears(f"RELAY {bob} {alice} still here")


def test_hup_with_a_bad_certificate_keeps_the_old_one(serve, folder, make_certificate):
    pem = make_certificate(folder / "server.pem")
    server = serve({"tls.certificate": pem})
    before = server.connect().tls.getpeercert(binary_form=True)
    pem.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    server.signal(signal.SIGHUP)
    server.await_log(re.escape(str(pem)))
    shows(server, before)
    server.is_well()


@pytest.mark.threads
def test_many_hups_in_a_row(serve):
    server = serve(config="[login]\nmax_tries = 60\n")
    alice = server.sign_up("alice")
    for _ in range(50):
        server.signal(signal.SIGHUP)
    for _ in range(20):
        server.is_well()
    alice.is_settled()


def test_the_end_comes_while_settings_are_read_again(serve):
    """Whoever asks for a reload while the server ends gets no, and the server ends as it should."""
    server = serve({"metrics.listen": "127.0.0.1:0"})
    alice = server.sign_up("alice")
    over = threading.Event()

    def reload_on_and_on():
        while not over.is_set():
            with socket.socket(socket.AF_UNIX) as admin:
                try:
                    admin.settimeout(1)
                    admin.connect(str(server.data / "admin.sock"))
                    admin.sendall(b"text 0\nreload\n\n")
                    admin.recv(10)
                except OSError:
                    pass

    threads = [threading.Thread(target=reload_on_and_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        server.await_log(r"\breloaded\b")
        server.signal(signal.SIGTERM)
        alice.hears_last("END * <server closing>")
        server.ends()
    finally:
        over.set()
        for thread in threads:
            thread.join()
