"""A person who has never read the manual, and one who comes back."""

import signal
import time

import pytest

from person import where
from wire import PATIENCE, unique


def signs_up(person, name, secret="a secret", is_trusted=False):
    """From the first question to the session."""
    if not is_trusted:
        person.sees(r"sha256:[0-9a-f]{64}")
        person.sees(r"^Trust this key from now on\? \(yes/no\)")
        person.keys("yes", "Enter")
    person.sees(r"^Sign up\? \(y/n\)")
    person.keys("y", "Enter")
    person.sees("^Username:")
    person.keys(name, "Enter")
    person.sees("^Password:")
    person.keys(secret, "Enter")
    person.sees("^Password again:")
    person.keys(secret, "Enter")
    person.sees(rf"You are logged in as {name}")


def test_from_the_first_start_to_a_file_and_out(server, screen, home, new_home):
    """Each step is what the screen says to do."""
    alice, bob = unique("alice"), server.sign_up("bob")
    (home / "menu.txt").write_text("soup")
    person = screen(server)
    signs_up(person, alice)
    assert "a secret" not in person.raw
    person.sees(r"^Remember this server and your name\? \(y/n\)")
    person.keys("y", "Enter")
    person.sees("Kept as")
    person.sees("^Target:")
    person.sees(f"online:.* {bob}")
    person.keys(bob.name[:-1], "Tab")
    person.sees(f"^Target: {bob}$")
    person.keys("Enter")
    person.sees(f"^{bob}>")
    person.sees(":toggle: +joins the group|:toggle: joins the group")
    person.keys("hello", "Enter")
    bob.hears(f"RELAY {bob} {alice} hello")
    bob.message(alice, "hi there")
    person.sees(rf"{bob}: hi there")

    person.keys(":toggle:", "Enter")
    person.sees("Group chat is on")
    bob.say("CMD <group>")
    bob.is_settled()
    person.keys("good morning", "Enter")
    bob.hears(f"RELAYG {alice} good morning")

    person.keys("M-3")
    person.sees(f"^{bob}>")
    person.keys(":upload: ~/me", "Tab")
    person.sees(r"^\S+> :upload: ~/menu\.txt")
    person.keys("Enter")
    person.sees(rf"sent to {bob}, 4 bytes in .*: \S+/menu\.txt")
    person.keys(":quit:", "Enter")
    person.ends(0)

    again = screen(None)
    again.sees("^Password:")
    again.keys("a secret", "Enter")
    again.sees(f"You are logged in as {alice}")
    again.keys("C-d")
    again.ends(0)


def test_what_was_mistyped_is_asked_for_again(server, screen):
    alice = server.sign_up("alice")
    alice.quit()
    person = screen(server, "--trust-first")
    person.sees("^Sign up")
    person.keys("perhaps", "Enter")
    person.sees("^Sign up")
    person.keys("n", "Enter")
    person.sees("^Username:")
    person.keys("two words", "Enter")
    person.sees("A name has no spaces")
    person.keys(alice.name, "Enter")
    person.sees("^Password:")
    person.keys("wrong", "Enter")
    person.sees("incorrect username or password")
    person.sees("^Sign up")
    person.keys("Enter")
    person.sees("^Username:")
    person.keys(alice.name, "Enter")
    person.sees("^Password:")
    person.keys(alice.password, "Enter")
    person.sees("You are logged in as")
    person.keys("C-d")
    person.ends(0)


@pytest.mark.parametrize("words", ["user already online", "too many trials", "login timeout"])
def test_a_log_in_that_may_be_accepted_later_is_kept(stage, screen, words):
    server = stage()
    person = screen(server, "--trust-first")
    caller = server.answer()
    for question, answer in ("Sign up", "n"), ("Username", "alice"), ("Password", "a secret"):
        person.sees(f"^{question}")
        person.keys(answer, "Enter")
    caller.hears("AUTH alice a secret")
    caller.say(f"END * <{words}>")
    caller.close()
    person.sees(f"The server says: {words}")
    person.sees("^Try again")
    person.keys("y", "Enter")
    server.session("alice")
    person.sees("You are logged in as alice")


def test_tab_finds_who_has_come_since_it_was_asked(server, screen, password):
    person = screen(server, "--user", unique("alice"), "--sign-up", "--password-file", password, "--trust-first")
    person.sees("online: ")
    person.sees("^Target:")
    zoe = server.sign_up("zoe")
    person.keys(zoe.name[:-1], "Tab")
    person.sees(f"^Target: {zoe}$")
    person.keys("C-c", "nobody_of_that_name", "Tab")
    person.sees("^Target: nobody_of_that_name$")
    person.keys("C-c", "C-d")
    person.ends(0)


def test_tab_knows_who_has_come_meanwhile(stage, screen, password):
    server = stage()
    person = screen(server, "--user", "alice", "--to", "bob", "--trust-first", "--password-file", password)
    client = server.session("alice")
    client.hears("CMD <online>")
    client.say("CMD <alice>")
    person.sees("^bob>")
    person.keys(":new_target:", "Enter")
    client.hears("CMD <online>")
    client.say("CMD <alice zoe>")
    client.say("RELAY alice bob zoe has come")
    person.sees("zoe has come")
    person.keys("z", "Tab")
    person.sees("^Target: zoe$")
    person.keys("C-c", "C-c")
    person.sees("^bob>")
    client.tls.settimeout(0.2)
    asked = b""
    deadline = time.monotonic() + PATIENCE
    while not asked and time.monotonic() < deadline:
        person.keys("y", "Tab", "C-c")
        try:
            asked = client.next_record()
        except TimeoutError:
            pass
    assert asked == b"CMD <online> token \r\n"


def test_a_password_that_nobody_can_see_is_typed_twice(server, screen):
    name = unique("carol")
    person = screen(server, "--trust-first")
    person.sees("^Sign up")
    person.keys("y", "Enter")
    person.sees("^Username:")
    person.keys(name, "Enter")
    person.sees("^Password:")
    person.keys("sesame", "Enter")
    person.sees("^Password again:")
    person.keys("sesane", "Enter")
    person.sees("not the same")
    person.sees("^Password:")
    person.keys("open sesame", "Enter")
    person.sees("^Password again:")
    person.keys("open sesame", "Enter")
    person.sees(f"You are logged in as {name}")
    assert "sesa" not in person.raw
    person.keys("C-d")
    person.ends(0)


def test_what_is_typed_ahead_of_a_password_question_is_kept(server, screen):
    name = unique("dora")
    person = screen(server, "--trust-first")
    person.sees("^Sign up")
    person.keys("y", "Enter", name, "Enter", "p\u00e4ss word", "Enter", "p\u00e4ss word", "Enter", "C-c")
    person.sees(f"You are logged in as {name}")
    person.keys("C-d")
    person.ends(0)


def test_a_key_that_is_not_trusted_gets_nothing(stage, screen):
    server = stage()
    person = screen(server)
    caller = server.answer()
    person.sees("^Trust this key")
    person.keys("no", "Enter")
    caller.hears_close()
    person.sees("not trusted")
    person.sees("^Try again")
    person.keys("n", "Enter")
    person.ends(4)


def test_a_server_that_is_not_there_can_be_tried_again(stage, screen):
    server = stage()
    port = server.address[1]
    server.close()
    person = screen(server)
    person.sees("^Try again")
    assert str(port) in person.top()
    person.keys("y", "Enter")
    person.sees("(?s)Connection refused.*Connection refused.*^Try again")
    person.keys("n", "Enter")
    person.ends(1)


def test_the_server_is_asked_for(screen):
    person = screen(None)
    person.sees(r"^Server \[localhost\]:")
    person.keys("no server: at all", "Enter")
    person.sees("That is no HOST or HOST:PORT")
    person.keys("C-d")
    person.ends(0)


@pytest.fixture
def sections(server, home):
    """sections(text): the settings, with HOST in them for the server's and USER for an account's. Returns that account, which nobody uses."""
    def write(text):
        alice = server.sign_up("alice")
        alice.quit()
        path = home / ".config/messager/config"
        path.parent.mkdir(parents=True)
        path.write_text(text.replace("HOST", where(server.address)).replace("USER", alice.name))
        path.chmod(0o600)
        return alice
    return write


def command(home, text):
    """A program of the person's, which is the password_command of a section."""
    path = home / "say-password"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)
    return path


def test_the_server_may_be_said_by_its_short_name(screen, sections):
    alice = sections("[work]\nhost = HOST\nuser = USER\n"
                     "[strict]\nhost = localhost\nuser = mallory\nca = /nowhere/ca.pem\n"
                     "[fails]\nhost = localhost\nuser = mallory\npassword_command = false\n")
    person = screen(None, "--trust-first")
    person.sees(r"^Server \[localhost\]:")
    person.keys("strict", "Enter")
    person.sees("cannot read authorities from /nowhere/ca.pem")
    person.keys("fails", "Enter")
    person.sees("the command ended with status 1: false")
    person.keys(" work ", "Enter")
    person.sees("^Password:")
    person.keys(alice.password, "Enter")
    person.sees(f"You are logged in as {alice.name}")
    person.keys("C-c", "C-d")
    person.ends(0)


def test_a_short_name_brings_its_authorities(server, screen, sections):
    sections("[strict]\nhost = HOST\nuser = USER\nca = /etc/ssl/certs/ca-certificates.crt\n")
    person = screen(None, "--trust-first")
    person.sees(r"^Server \[localhost\]:")
    person.keys("strict", "Enter")
    person.sees("vouch")
    person.keys("n", "Enter")
    person.ends(4)


def test_a_short_name_brings_its_password(screen, sections, home):
    path = home / "secret"
    alice = sections(f"[filed]\nhost = HOST\nuser = USER\npassword_file = {path}\n")
    path.write_text(alice.password + "\n")
    path.chmod(0o644)
    person = screen(None, "--trust-first")
    person.sees(r"^Server \[localhost\]:")
    person.keys("filed", "Enter")
    person.sees("others can read the password file")
    person.sees(f"You are logged in as {alice.name}")
    person.keys("C-c", "C-d")
    person.ends(0)


def test_a_command_that_says_the_password_has_the_terminal(screen, sections, home):
    """As a pinentry does, it asks there and is answered there; what was typed in it is not messager's."""
    path = command(home, 'echo >>$0.runs\nprintf "PIN %s? " $(wc -l <$0.runs) >/dev/tty\nread -r pin </dev/tty\nprintf "%s\\n" "$pin"\n')
    alice = sections(f"[asks]\nhost = HOST\nuser = USER\npassword_command = {path}\n")
    person = screen(None, "--trust-first")
    person.sees(r"^Server \[localhost\]:")
    person.keys("asks", "Enter")
    person.sees(r"PIN 1\?")
    person.keys("C-c")
    person.sees("(?s)stopped by a signal.*^Server")
    person.keys("asks", "Enter")
    person.sees(r"PIN 2\?")
    person.keys("C-z")
    person.is_stopped()
    person.goes_on()
    person.type(alice.password + "\n")
    person.sees(f"You are logged in as {alice.name}")
    person.keys("C-c", "C-d")
    person.ends(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_one_can_be_ended_while_a_command_has_the_terminal(screen, sections, home, number):
    path = command(home, 'printf "PIN? " >/dev/tty\nread -r pin </dev/tty\n')
    sections(f"[asks]\nhost = HOST\nuser = USER\npassword_command = {path}\n")
    person = screen(None, "--trust-first")
    person.sees(r"^Server \[localhost\]:")
    person.keys("asks", "Enter")
    person.sees(r"PIN\?")
    person.signal(number)
    person.ends(-number)
    person.keys("Enter")


@pytest.mark.parametrize("words", [":quit:", "/quit"])
def test_the_words_for_leaving_are_no_answer(server, screen, words):
    person = screen(server, "--trust-first")
    person.sees("^Sign up")
    person.keys(words, "Enter")
    person.ends(0)
    alice = unique("alice")
    other = screen(server, "--trust-first")
    signs_up(other, alice, is_trusted=True)
    other.keys("n", "Enter")
    other.sees("^Target:")
    other.keys("/online", "Enter")
    other.sees(f"(?s)online: .*{alice}.*^Target:")
    other.keys(words, "Enter")
    other.ends(0)


@pytest.mark.parametrize("answers", [(), ("y",), ("n",), ("n", "alice"), ("y", "alice", "secret")])
def test_one_can_leave_at_each_question(stage, screen, answers):
    server = stage()
    person = screen(server, "--trust-first")
    caller = server.answer()
    questions = "^Sign up", "^Username:", "^Password:", "^Password again:"
    for question, answer in zip(questions, answers):
        person.sees(question)
        person.keys(answer, "Enter")
    person.sees(questions[len(answers)])
    person.keys("C-c", "C-d")
    person.ends(0)
    caller.hears_close()
