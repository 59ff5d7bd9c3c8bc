"""HUP: settings and certificates are read again, nobody is dropped."""

import re
import signal

import pytest

from wire import eventually, unique


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
