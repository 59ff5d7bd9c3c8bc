"""messager in scripts: what standard input may hold, what comes out, what it ends with."""

import os
import re
import signal
import subprocess

import pytest

from person import MESSAGER, environment, where
from wire import PATIENCE, unique


@pytest.fixture
def alice(server):
    return server.sign_up("alice")


@pytest.fixture
def send(server, script, password, alice):
    """send(bytes): runs a script that writes this to alice. Returns its name and notices."""
    def run(text, *words, status=0):
        name = unique("bob")
        person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password,
                        *words)
        out, notices = person.finish(status, text)
        assert out == ""
        return name, notices
    return run


@pytest.mark.parametrize("text, relayed", [
    ("plain\n", ["plain"]),
    ("no line end", ["no line end"]),
    ("", []),
    ("\n", [""]),
    ("dos\r\nlines\r\n", ["dos", "lines"]),
    ("a\rb\r\r\n", ["a\\rb\\r"]),
    ("tab\there\n", ["tab\\there"]),
    (b"nul\0byte\n", ["nul\\x00byte"]),
    (b"\x1b[31mred\x7f\n", ["\\x1b[31mred\\x7f"]),
    ("grüß 👋\n", ["grüß 👋"]),
    (b"\xff\xfe\n", [b"\xff\xfe"]),
    ("  two  spaces  \n", ["  two  spaces  "]),
    ("\\n is two characters\n", ["\\n is two characters"]),
])
def test_lines_are_messages_byte_for_byte(send, alice, text, relayed):
    name, _ = send(text)
    for line in relayed:
        line = line.encode() if isinstance(line, str) else line
        alice.hears(f"RELAY {alice} {name} ".encode() + line)
    alice.is_settled()


def test_long_lines_are_cut_between_characters(send, alice):
    text = "€" * 5000 + "end"
    name, _ = send(text + "\n")
    got = b""
    while not got.endswith(b"end"):
        record = alice.next_record()
        assert len(record) <= 4096
        part = re.fullmatch(rf"RELAY {alice} {name} (.*) \r\n".encode(), record)[1]
        part.decode()  # whole characters
        got += part
    assert got.decode() == text


def test_a_line_longer_than_any_memory_for_it_loses_nothing(send, alice):
    text = b"".join(b"%07d " % i for i in range(40_000)) + b"end"
    name, _ = send(text)
    head = f"RELAY {alice} {name} ".encode()
    got = b""
    while not got.endswith(b"end"):
        record = alice.next_record()
        assert record.startswith(head)
        got += record[len(head):-3]
    assert got == text


def test_ten_thousand_lines_arrive_in_order(serve, script, password):
    server = serve({"session.messages_per_second": 0})
    alice, name = server.sign_up("alice"), unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.process.stdin.close = lambda: None
    writer = os.fork()
    if writer == 0:
        try:
            data = b"".join(b"line %d\n" % i for i in range(10_000))
            while data:
                data = data[os.write(person.process.stdin.fileno(), data):]
        finally:
            os._exit(0)
    os.close(person.process.stdin.fileno())
    person.process.stdin = None
    for number in range(10_000):
        alice.hears(f"RELAY {alice} {name} line {number}")
    os.waitpid(writer, 0)
    person.finish(0)


def test_a_target_that_is_not_online_is_status_5(server, script, password):
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", "nobody", "--password-file", password)
    _, notices = person.finish(5, "one\ntwo\n")
    assert "not delivered to nobody (user not online): one" in notices
    assert "not delivered to nobody (user not online): two" in notices


def test_of_many_texts_to_nobody_none_is_named_wrongly(server, script, password):
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", "nobody", "--password-file", password)
    _, notices = person.finish(5, "".join(f"text {i}\n" for i in range(300)))
    assert sum(map(int, re.findall(r"not delivered \(user not online\): (\d+) of the last messages", notices))) \
        + len(re.findall(r"not delivered to nobody \(user not online\): text ", notices)) == 300


def test_some_delivered_and_some_not_is_status_5_and_doubtful(send, alice):
    name, notices = send(f":new_target: nobody\nlost\n:new_target: {alice}\nfound\n", status=5)
    alice.hears(f"RELAY {alice} {name} found")
    assert "1 of the last messages not delivered (user not online), perhaps this one to nobody: lost" in notices
    assert f"perhaps this one to {alice}: found" in notices
    assert "not delivered to" not in notices.replace("perhaps", "")


def test_sign_up_of_a_taken_name_is_status_3(server, script, password, alice):
    person = script(server, "--trust-first", "--sign-up", "--user", alice, "--to", alice, "--password-file", password)
    assert "username already taken" in person.finish(3, "x\n")[1]


def test_wrong_password_is_status_3(server, script, home, alice):
    wrong = home / "wrong"
    wrong.write_text("not it\n")
    person = script(server, "--trust-first", "--user", alice, "--to", alice, "--password-file", wrong)
    assert "incorrect username or password" in person.finish(3, "x\n")[1]


def test_a_user_who_is_online_is_status_3(server, script, password, alice):
    person = script(server, "--trust-first", "--user", alice, "--to", alice, "--password-file", password)
    assert "user already online" in person.finish(3, "x\n")[1]


def test_nobody_listens_is_status_1(script, password, stage):
    server = stage()
    server.close()
    person = script(server, "--trust-first", "--user", "a", "--to", "b", "--password-file", password)
    assert "cannot connect to" in person.finish(1, "x\n")[1]


def test_a_server_that_goes_is_status_1(stage, script, password):
    server = stage()
    person = script(server, "--trust-first", "--user", "alice", "--to", "bob", "--password-file", password)
    client = server.session("alice")
    person.say("one\n")
    client.hears("MSG bob alice one")
    client.say("END * <kicked>")
    client.close()
    assert "the server says: kicked" in person.finish(1)[1]


def test_a_server_that_never_confirms_is_status_1(stage, script, password):
    server = stage()
    person = script(server, "--trust-first", "--user", "alice", "--to", "bob", "--password-file", password)
    client = server.session("alice")
    person.say("one\n")
    person.end_input()
    client.hears("MSG bob alice one", "END <user command>")
    client.close()
    assert "the connection is lost" in person.finish(1)[1]


def test_what_was_refused_just_before_the_end_still_counts(stage, script, password):
    server = stage()
    person = script(server, "--trust-first", "--user", "alice", "--to", "bob", "--password-file", password)
    client = server.session("alice")
    person.say("one\n")
    person.end_input()
    client.hears("MSG bob alice one", "END <user command>")
    client.say("CNT <user not online>")
    client.say("END <end accepted>")
    assert "not delivered to bob (user not online): one" in person.finish(5)[1]


def test_what_is_missing_is_said(home):
    got = subprocess.run([MESSAGER, "--plain", "--user", "a"], env=environment(home), stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=PATIENCE)
    assert got.returncode == 2
    assert "HOST, --password-file or --password-command, --to" in got.stderr


@pytest.mark.parametrize("words", [
    ["--nonsense"], ["--user"], ["--user="], ["--user", "a b"], ["a", "b"], ["host:0"], ["host:99999"], ["[::1"],
    ["--plain=yes"], ["--fingerprint", "sha256:12"], ["--password-file", "x", "--password-command", "y"],
    ["host", "--upload", "x"], ["host", "--download"],
    ["host", "--user", "a", "--to", "b", "--password-file", "/nonexistent"],
    ["host", "--user", "a", "--to", "b", "--password-command", "false"],
    ["host", "--user", "a", "--to", "b", "--password-command", "'"],
    ["host", "--user", "a", "--to", "b", "--password-command", "echo x", "--ca", "/nonexistent"],
])
def test_bad_usage_is_status_2(home, words):
    got = subprocess.run([MESSAGER, *words], env=environment(home), stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, timeout=PATIENCE)
    assert got.returncode == 2, got
    assert got.stderr.startswith("messager: ") and got.stdout == ""


def test_help_and_version(home):
    for word, expected in (("--help", "--password-command CMD"), ("--version", "messager ")):
        got = subprocess.run([MESSAGER, word], env=environment(home), capture_output=True, text=True, timeout=PATIENCE)
        assert got.returncode == 0 and expected in got.stdout and got.stderr == ""


def test_password_command_runs_without_a_shell(server, script, home):
    name = unique("bob")
    printer = home / "my printer"
    printer.write_text("#!/bin/sh\nprintf '%s\\nmore\\n' \"$1\"\n")
    printer.chmod(0o700)
    words = ["--trust-first", "--user", name, "--to", name]
    command = f"'{printer}' \"$(touch {home}/harm); a \\\"password\\\"\""
    script(server, "--sign-up", "--password-command", command, *words).finish(0, "")
    assert not (home / "harm").exists()
    stored = home / "same"
    stored.write_text(f"$(touch {home}/harm); a \"password\"\n")
    script(server, "--password-file", stored, *words).finish(0, "")


def test_a_password_file_that_others_can_read_is_warned_of(server, script, password):
    password.chmod(0o644)
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", name, "--password-file", password)
    assert "others can read the password file" in person.finish(0, "")[1]


def test_a_reader_that_goes_ends_it_with_status_1(server, script, password, alice):
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.say("ready\n")
    alice.hears(f"RELAY {alice} {name} ready")
    person.process.stdout.close()
    person.process.stdout = None
    assert person.process.wait(PATIENCE) == 1
    alice.message(name, "anybody there?")
    alice.hears("CNT <user not online>")


def test_a_closed_standard_output_is_status_1(server, home, password, alice):
    name = unique("bob")
    words = [where(server.address), "--plain", "--trust-first", "--sign-up", "--user", name, "--to", name,
             "--password-file", str(password)]
    got = subprocess.run(["/bin/sh", "-c", 'echo hello | "$@" >&-', "sh", MESSAGER, *words], env=environment(home),
                         capture_output=True, timeout=PATIENCE)
    assert got.returncode == 1, got


def test_a_slow_reader_gets_everything(server, script, password, alice):
    """Standard output is not read until all was said: nothing is lost, and the input is taken all the same."""
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.say("ready\n")
    alice.hears(f"RELAY {alice} {name} ready")
    text = "x" * 1000
    for number in range(300):
        alice.message(name, f"{number} {text}")
    alice.is_settled()
    person.say("still here\n")
    alice.hears(f"RELAY {alice} {name} still here")
    for number in range(300):
        person.shows(f"{alice}: {number} {text}")
    person.end_input()
    person.finish(0)


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM),
                                            (signal.SIGHUP, -signal.SIGHUP)])
def test_signals_end_the_session_in_order(stage, script, password, number, status):
    server = stage()
    person = script(server, "--trust-first", "--user", "alice", "--to", "bob", "--password-file", password)
    client = server.session("alice")
    person.say("one\n")
    client.hears("MSG bob alice one")
    person.process.send_signal(number)
    client.hears("END <user command>")
    client.say("END <end accepted>")
    client.hears_close()
    person.finish(status)
