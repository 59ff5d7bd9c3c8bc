"""Command lines and configuration files of messagerd."""

import configparser
import re

import pytest

from server import USUAL, arguments, run_messagerd

BAD_LINES = {
    "unknown-key": ("[login]", "max_trys = 60", "max_trys"),
    "unknown-section": ("[logins]", "max_tries = 60", "logins"),
    "key-of-another-section": ("[server]", "max_tries = 60", "max_tries"),
    "no-number": ("[login]", "max_tries = many", "max_tries"),
    "number-and-more": ("[login]", "max_tries = 60 or so", "max_tries"),
    "negative-number": ("[login]", "max_tries = -1", "max_tries"),
    "too-large-a-number": ("[login]", "max_tries = 99999999999999999999", "max_tries"),
    "no-time": ("[login]", "timeout = a minute", "timeout"),
    "negative-time": ("[session]", "check_interval = -1", "check_interval"),
    "time-that-is-none": ("[session]", "check_interval = nan", "check_interval"),
    "no-size": ("[session]", "output_limit = 1 elephant", "output_limit"),
    "unit-of-another-kind": ("[session]", "output_limit = 1MB", "output_limit"),
    "too-little-memory": ("[login]", "password_memory = 1KiB", "password_memory"),
    "unknown-choice": ("[tls]", "client_certificates = perhaps", "client_certificates"),
    "unknown-version": ("[tls]", "min_version = 1.1", "min_version"),
    "unknown-registration": ("[login]", "registration = ajar", "registration"),
    "unknown-level": ("[log]", "level = loud", "level"),
    "unknown-format": ("[log]", "format = xml", "format"),
    "no-address": ("[server]", "listen = somewhere", "listen"),
    "no-port": ("[server]", "listen = 127.0.0.1:99999", "listen"),
}
bad_lines = pytest.mark.parametrize("section, line, key", BAD_LINES.values(), ids=BAD_LINES.keys())


@bad_lines
def test_a_bad_line_in_the_file_is_named(folder, section, line, key):
    config = folder / "messagerd.conf"
    config.write_text(f"; settings\n\n{section}\n; the fifth line:\n{line}\n")
    failed = run_messagerd("--config", config, *arguments({**USUAL, "server.data": folder / "data"}))
    assert failed.returncode == 2
    assert str(config) in failed.stderr, failed.stderr
    assert key in failed.stderr, failed.stderr
    assert re.search(r"\b5\b" if key != "logins" else r"\b[35]\b", failed.stderr.replace(str(config), "")), failed.stderr
    assert not (folder / "data").exists(), "it has begun to start"


@bad_lines
def test_a_bad_setting_on_the_command_line_is_named(folder, section, line, key):
    setting = f"{section.strip('[]')}.{line.replace(' = ', '=')}"
    failed = run_messagerd("--config", "/dev/null", *arguments({**USUAL, "server.data": folder / "data"}),
                           "--set", setting)
    assert failed.returncode == 2
    assert key in failed.stderr, failed.stderr


@pytest.mark.parametrize("words", [["--nonsense"], ["--set"], ["--set", "login.max_tries"], ["--set", "=5"],
                                   ["--set", "max_tries=5"], ["--config"], ["left over"]],
                         ids=lambda words: " ".join(words))
def test_bad_usage(folder, words):
    failed = run_messagerd(*arguments({**USUAL, "server.data": folder / "data"}), *words)
    assert failed.returncode == 2
    assert failed.stderr


def test_a_configuration_file_that_is_not_there(folder):
    failed = run_messagerd("--config", folder / "none.conf", *arguments({**USUAL, "server.data": folder / "data"}))
    assert failed.returncode == 2
    assert "none.conf" in failed.stderr


def test_check_config_says_whether_it_would_start(folder):
    good, bad = folder / "good.conf", folder / "bad.conf"
    good.write_text("[login]\nmax_tries = 3\ntimeout = 0.5\n[session]\noutput_limit = 2MiB\n")
    bad.write_text("[login]\nmax_tries = three\n")
    assert run_messagerd("--config", good, "--check-config").returncode == 0
    failed = run_messagerd("--config", bad, "--check-config")
    assert failed.returncode == 2
    assert "max_tries" in failed.stderr


def test_print_config_is_a_configuration(folder):
    """What it prints holds every setting, and is taken again."""
    words = "server.workers=3", "login.max_tries=7", "tls.client_certificates=optional", "session.check_interval=0.5"
    first = run_messagerd("--config", "/dev/null", *(part for word in words for part in ("--set", word)), "--print-config")
    assert first.returncode == 0
    for pattern in (r"workers\s*=\s*3", r"max_tries\s*=\s*7", r"client_certificates\s*=\s*optional",
                    r"check_interval\s*=\s*0\.5", r"password_memory\s*=\s*19MiB", r"\[limits\]"):
        assert re.search(pattern, first.stdout), f"{pattern} is not in\n{first.stdout}"
    again = folder / "printed.conf"
    again.write_text(first.stdout)
    second = run_messagerd("--config", again, "--print-config")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout


DEFAULTS = """
server.listen = 0.0.0.0:18443
server.workers = 0
tls.certificate =
tls.key =
tls.client_certificates = off
tls.min_version = 1.2
tls.records = own
login.timeout = 60
login.handshake_timeout = 10
login.max_tries = 60
login.registration = open
login.min_password_length = 1
login.password_memory = 19MiB
login.password_passes = 2
session.check_interval = 15
session.user_timeout = 45
session.idle_timeout = 0
session.query_timeout = 30
session.output_limit = 1MiB
session.messages_per_second = 200
session.burst = 400
limits.connections = 0
limits.connections_per_address = 0
limits.failed_logins_per_address_per_minute = 60
limits.signups_per_address_per_minute = 60
limits.unauthenticated = 10000
log.level = info
log.format = text
"""
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def value(word):
    """A setting's value, however it is spelled."""
    found = re.fullmatch(r"([0-9.]+)(KiB|MiB|GiB)?", word)
    return float(found[1]) * UNITS.get(found[2], 1) if found and word.count(".") < 2 else word


def test_defaults():
    printed = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    printed.read_string(run_messagerd("--config", "/dev/null", "--print-config").stdout)
    for line in DEFAULTS.strip().splitlines():
        name, expected = (word.strip() for word in line.split("=", 1))
        section, key = name.split(".")
        assert value(printed[section][key]) == value(expected), name


def test_the_command_line_wins_over_the_file(serve):
    server = serve({"login.max_tries": 2}, config="[login]\nmax_tries = 9\n")
    peer = server.connect()
    peer.say("PUT admin secret")
    peer.hears("TRY <username reserved>")
    peer.say("PUT admin secret")
    peer.hears_last("END <too many trials>")


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version(word):
    shown = run_messagerd(word)
    assert shown.returncode == 0
    assert shown.stdout and not shown.stderr
