"""The terminal is left as it was found on every way out, and gets nothing but what is meant for it."""

import os
import signal

import pytest

from person import Terminal, where

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


@pytest.fixture
def with_stage(stage, screen, password):
    """with_stage(words…): a person in a session with a scripted server. Returns both."""
    def start(*words, **how):
        server = stage()
        person = screen(server, *LOGIN, "--password-file", password, *words, **how)
        client = server.session("alice")
        client.hears("CMD <online>")
        client.say("CMD <alice>")
        person.sees("^bob>")
        return person, client
    return start


def leaves(person, client, status=0):
    person.keys("C-c", ":quit:", "Enter")
    client.hears_end()
    person.ends(status)


# Ways out; each of them looks at the terminal's modes and at what it shows (Screen.is_as_found)

def test_control_d_leaves_on_an_empty_line_only(with_stage):
    person, client = with_stage()
    person.keys("xy", "C-a", "C-d")
    person.sees("^bob> y$")
    person.keys("C-c", "C-c", "C-c")
    person.sees("C-c clears the line")
    person.keys("C-d")
    client.hears_end()
    person.ends(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_says_end_first(with_stage, number):
    person, client = with_stage()
    person.keys("half a line")
    person.sees("half a line")
    person.signal(number)
    client.hears("END <user command>")
    person.ends(-number)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGQUIT])
def test_a_crash_leaves_the_terminal_as_it_was(with_stage, number):
    person, _ = with_stage()
    person.signal(number)
    person.ends(-number)


def test_control_c_never_quits(with_stage):
    person, client = with_stage()
    for _ in range(50):
        person.keys("C-c")
    person.sees("C-c clears the line")
    person.keys("still here", "Enter")
    client.hears("MSG bob alice still here")
    leaves(person, client)


def test_control_z_suspends_and_comes_back(with_stage):
    person, client = with_stage()
    person.keys("half a line")
    person.sees("half a line")
    person.keys("C-z")
    person.is_stopped()
    while person._read(0.1):
        pass
    person.is_as_found()
    client.say("RELAY alice bob meanwhile")
    person.goes_on()
    person.sees("bob: meanwhile")
    person.sees("^bob> half a line")
    assert person.glass.modes["other"] and person.glass.modes["paste"]
    leaves(person, client)


def test_a_stop_that_nobody_can_catch_is_recovered_from(with_stage):
    person, client = with_stage()
    person.signal(signal.SIGSTOP)
    person.is_stopped()
    person.goes_on()
    client.say("RELAY alice bob meanwhile")
    person.sees("bob: meanwhile")
    leaves(person, client)


def test_a_terminal_that_is_closed_ends_it(with_stage):
    person, client = with_stage()
    os.close(person.master)
    os.close(person.slave)
    client.hears("END <user command>")
    client.hears_close()
    person.master, person.slave = os.openpty()


# What reaches the terminal (vt.py fails on every other byte)

def test_nothing_foreign_is_raw(with_stage):
    person, client = with_stage()
    nasty = [b"\x1b[2J\x1b]0;title\x07", b"\x9b31m", "\u202eevil\u2066".encode(), b"\xff\xfe\xc3", b"tab\tand\rcr", "\u200b\ufeff".encode(),
             b"\x1b]52;c;aGk=\x07", b"a" * 3000, ("e" + "\u0301" * 500).encode(), "\U0001F468\u200D\U0001F469\u200D\U0001F467".encode(),
             "\U0001F1E9\U0001F1EA \u2764\ufe0f \U0001F44B\U0001F3FD".encode(), b"%s%n%x", b"\\x1b"]
    for text in nasty:
        client.say(b"RELAY alice bob " + text)
        client.say(b"RELAYG " + text.replace(b" ", b"_")[:200] + b" " + text)
        client.say(b"CMD " + text)
        client.say(b"CNT <" + text + b">")
    client.say("RELAY alice bob the end")
    person.sees("bob: the end")
    person.keys("M-2")
    person.sees("^ group")
    person.keys("M-4")
    person.keys("PgUp", "PgDn", "M-3")
    person.sees("bob: the end")
    client.say(b"HELLO \x1b[2J what is this")
    person.sees(r"does not know: HELLO \\x1b\[2J what")
    leaves(person, client, 5)


def test_a_hostile_server_is_survived(with_stage):
    person, client = with_stage()
    client.say("BEGIN 3")
    client.say("BEGINF ../../evil")
    client.say("ACCEPT mallory other")
    client.say("CNT <>")
    client.say("CMD <upload complete>")
    for number in range(300):
        client.say(f"RELAY alice {'x' * 250}{number} hello")
    client.say("RELAY alice carol " + "y" * 4000)
    client.say("RELAY alice bob still here")
    person.sees("bob: still here")
    person.keys("one", "Enter")
    client.hears("MSG bob alice one")
    client.say_raw(b"\x00" * 20000)
    person.sees("no client can take|does not know|NOT CONNECTED")
    person.keys("C-d")
    person.ends(1)


# Signs

def test_signs_are_made_when_nobody_looks(with_stage):
    person, client = with_stage()
    person.focus(False)
    client.say("RELAY alice bob look \x1b]52;c;aGk=\x07 here")
    person.awaits(lambda: person.glass.told, "a notice to the desktop")
    assert person.glass.told == ["bob: look \\x1b]52;c;aGk=\\x07 here"]
    assert person.glass.bells == 1
    person.focus(True)
    person.keys("seen", "Enter")
    client.hears("MSG bob alice seen")
    client.say("RELAY alice bob again")
    person.sees("bob: again")
    assert person.glass.bells == 1 and len(person.glass.told) == 1
    leaves(person, client)


def test_a_command_of_the_settings_is_told(with_stage, home):
    script, said = home / "tell", home / "said"
    script.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >{said}.new && mv {said}.new {said}\n')
    script.chmod(0o700)
    config = home / ".config/messager/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"notify = {script} 'a b'\nbell = no\nosc9 = no\n")
    person, client = with_stage()
    person.focus(False)
    client.say("RELAY alice bob $(touch /tmp/x) `id`; -x")
    person.sees("touch")
    while not said.exists():
        person._read(0.05)
    assert said.read_text() == "a b|bob|$(touch /tmp/x) `id`; -x|"
    assert person.glass.bells == 0 and not person.glass.told
    leaves(person, client)


# Colours

def test_without_colours_all_is_said_otherwise(with_stage):
    person, client = with_stage(env={"NO_COLOR": "1"})
    client.say("RELAY alice bob alice, look")
    person.sees("bob: alice, look")
    assert {ink for row in range(24) for _, ink in person.glass.styles(row)} == {None}
    leaves(person, client)


def test_a_name_has_its_colour(with_stage):
    person, client = with_stage()
    client.say("RELAY alice bob one")
    client.say("RELAYG bob two")
    person.sees("bob: one")

    def ink():
        row = person.row_of("bob: ")
        return person.glass.styles(row)[person.glass.lines()[row].index("bob: ")][1]
    first = ink()
    assert first is not None
    person.keys("M-2")
    person.sees("bob: two")
    assert ink() == first
    leaves(person, client)


@pytest.mark.parametrize("term", ["dumb", "no-such-terminal"])
def test_a_terminal_without_a_full_screen_has_lines(stage, stack, home, password, term):
    server = stage()
    person = Terminal(home, where(server.address), *LOGIN, "--password-file", password, env={"TERM": term})
    stack.callback(person.kill)
    client = server.session("alice")
    person.sees("bob> ")
    person.enter(":quit:")
    client.hears_end()
    person.ends(0)
