"""Plain mode at a terminal: typing, secrets, colours, signals."""

import os
import re
import signal

import pytest

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


@pytest.fixture
def talking(stage, terminal, password):
    """talking(words…): a person in a session with a scripted server. Returns both."""
    def start(*words, **how):
        server = stage()
        person = terminal(server, *LOGIN, "--password-file", password, *words, **how)
        client = server.session("alice")
        person.sees("bob> ")
        return person, client
    return start


def leaves(person, client, status=0):
    person.enter(":quit:")
    client.hears_end()
    person.ends(status)


# Secrets

def test_the_password_is_not_shown(stage, terminal):
    server = stage()
    person = terminal(server, "--trust-first", "--user", "alice", "--to", "bob")
    client = server.answer()
    person.sees("Sign up")
    person.enter()  # no
    person.sees("Password: ")
    assert not person.echo_is_on()
    person.type("sesame")
    person.press("u")
    person.type("open sesamee\x7f")
    person.enter()
    client.hears_raw(b"AUTH alice open sesame \r\n")
    client.say("ACCEPT alice token")
    client.token = b"token"
    person.sees("bob> ")
    assert "sesame" not in person.raw
    leaves(person, client)


def test_a_refused_name_is_asked_for_again(stage, terminal):
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    client = server.answer()
    person.sees("Sign up")
    person.enter("y")
    person.enter("alice")
    person.enter("secret")
    client.hears_raw(b"PUT alice secret \r\n")
    client.say("TRY <username already taken>")
    person.sees("username already taken")
    person.sees("Username: ")
    person.enter("alicia")
    person.sees("Password: ")
    person.enter("other secret")
    client.hears_raw(b"PUT alicia other secret \r\n")
    client.say("ACCEPT alicia token")
    client.token = b"token"
    person.sees("bob> ")
    leaves(person, client)


def test_a_wrong_password_is_asked_for_again_on_a_new_connection(stage, terminal):
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    person.type("n\nalice\nwrong\n")
    client = server.answer()
    client.hears_raw(b"AUTH alice wrong \r\n")
    client.say("END <incorrect username or password>")
    client.close()
    person.sees("incorrect username or password")
    person.sees("Username: ")
    person.type("alice\nright\n")
    client = server.session("alice")
    person.sees("bob> ")
    leaves(person, client)


@pytest.mark.parametrize("words", ["user already online", "registration closed", "login timeout"])
def test_other_refusals_are_status_3(stage, terminal, words):
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    person.type("n\nalice\nright\n")
    client = server.answer()
    client.hears_raw(b"AUTH alice right \r\n")
    client.say(f"END * <{words}>")
    client.close()
    person.sees(words)
    person.ends(3)


def test_three_wrong_passwords_are_status_3(stage, terminal):
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    person.type("n\n")
    for _ in range(3):
        person.type("alice\nwrong\n")
        client = server.answer()
        client.hears_raw(b"AUTH alice wrong \r\n")
        client.say("END <incorrect username or password>")
        client.close()
    person.ends(3)


def test_the_server_closing_while_one_types_does_not_matter(stage, terminal):
    """The log-in time of a server is over before the person has typed: a new connection is made."""
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    client = server.answer()
    person.sees("Sign up")
    client.say("END * <login timeout>")
    client.close()
    person.type("n\nalice\nsecret\n")
    client = server.session("alice")
    person.sees("bob> ")
    leaves(person, client)


# Typing

def test_an_incoming_message_does_not_destroy_the_line_being_typed(talking):
    person, client = talking()
    person.type("half a li")
    person.screen_has("bob> half a li")
    client.say("RELAY alice carol hello")
    person.screen_has(r"\d\d:\d\d carol: hello", "bob> half a li")
    person.enter("ne")
    client.hears("MSG bob alice half a line")
    person.screen_has(r"\d\d:\d\d carol: hello", "bob> half a line", "bob>")
    leaves(person, client)


@pytest.mark.parametrize("length", [73, 74, 75, 76, 154, 155, 156, 400])
def test_a_line_over_several_rows_comes_back_whole(talking, length):
    person, client = talking()
    before = map(re.escape, person.glass.lines()[:-1])
    text = "".join(chr(ord("a") + i % 26) for i in range(length))
    person.type(text)
    rows = [f"bob> {text}"[i:i + 80] for i in range(0, length + 5, 80)]
    if (length + 5) % 80 == 0:
        rows.append("")
    person.screen_has(*rows)
    client.say("RELAY alice carol hello")
    person.screen_has(*before, r"\d\d:\d\d carol: hello", *rows)
    person.enter()
    client.hears(f"MSG bob alice {text}")
    leaves(person, client)


def test_wide_characters_keep_their_columns(talking):
    person, client = talking()
    text = "日本語" * 14  # 84 columns, and a wide character that does not fit into the end of a row
    person.type(text)
    client.say("RELAY alice carol hello")
    person.screen_has(r"\d\d:\d\d carol: hello", "bob> " + text[:37], text[37:])
    person.type("\x7f" * 6)
    person.screen_has(r"\d\d:\d\d carol: hello", "bob> " + text[:36])
    person.enter()
    client.hears(f"MSG bob alice {text[:36]}")
    leaves(person, client)


@pytest.mark.parametrize("typed, sent", [
    ("abc\x7f\x7fd", "ad"),
    ("grüß\x7f\x7fn", "grn"),
    ("one two three\x17\x17four", "one four"),
    ("gone\x15kept", "kept"),
    ("\x1b[A\x1b[D\x1bOP\x1b[15~\x1bbx", "x"),
    ("a\x1b[1;5Cb", "ab"),
    ("\x7f\x7fx", "x"),
    (" a  b ", " a  b "),
])
def test_editing(talking, typed, sent):
    person, client = talking()
    person.enter(typed)
    client.hears(f"MSG bob alice {sent}")
    leaves(person, client)


def test_a_resize_is_followed(talking):
    person, client = talking()
    person.resize(20)
    person.signal(signal.SIGWINCH)
    person.type("x" * 30)
    client.say("RELAY alice carol hello")
    person.screen_has(r"\d\d:\d\d carol: hello", "bob> " + "x" * 15, "x" * 15)
    person.enter()
    client.hears("MSG bob alice " + "x" * 30)
    leaves(person, client)


def test_an_empty_line_sends_nothing(talking):
    person, client = talking()
    person.enter()
    person.enter("x")
    client.hears("MSG bob alice x")
    leaves(person, client)


def test_end_of_input_is_quit(talking):
    person, client = talking()
    person.type("x")
    person.press("d")  # not on an empty line
    person.enter("y")
    client.hears("MSG bob alice xy")
    person.press("d")
    client.hears_end()
    person.ends()


def test_a_dumb_terminal_gets_no_sequences(talking):
    person, client = talking(env={"TERM": "dumb"})
    person.type("half")
    person.sees("half")
    client.say("RELAY alice carol hello")
    person.sees(r"\r\n\d\d:\d\d carol: hello\r\nbob> half")
    person.enter(" a line")
    client.hears("MSG bob alice half a line")
    person.enter(":toggle:")
    client.hears("CMD <group>")
    leaves(person, client)
    assert "\x1b" not in person.raw


# CNT

def test_after_cnt_a_target_is_asked_for_and_the_text_is_sent_to_it(talking):
    person, client = talking()
    person.enter("first")
    client.hears("MSG bob alice first")
    client.say("CNT <user not online>")
    person.sees(r"not delivered to bob \(user not online\): first")
    person.sees("Target: ")
    person.enter("carol")
    client.hears("MSG carol alice first")
    person.sees("carol> ")
    person.enter("second")
    client.hears("MSG carol alice second")
    leaves(person, client)


def test_the_same_target_again_on_enter(talking):
    person, client = talking()
    person.enter("first")
    client.hears("MSG bob alice first")
    client.say("CNT <user not online>")
    person.sees("Target: ")
    person.enter()
    client.hears("MSG bob alice first")
    leaves(person, client)


def test_cnt_in_the_midst_of_a_line_loses_nothing_of_it(talking):
    person, client = talking()
    person.enter("first")
    client.hears("MSG bob alice first")
    person.type("second, half")
    person.screen_has("bob> second, half")
    client.say("CNT <user not online>")
    person.sees("not delivered to bob")
    person.enter(" typed")
    person.sees("Target: ")
    person.enter("how can I reach carol?")
    person.sees("kept as a message")
    person.enter("carol")
    client.hears("MSG carol alice first", "MSG carol alice second, half typed", "MSG carol alice how can I reach carol?")
    leaves(person, client)


def test_several_refused_texts_go_to_the_new_target_in_order(talking):
    person, client = talking()
    person.type("1\n2\n3\n")
    client.hears("MSG bob alice 1", "MSG bob alice 2", "MSG bob alice 3")
    for _ in range(3):
        client.say("CNT <user not online>")
    person.sees("Target: ")
    person.enter("carol")
    client.hears("MSG carol alice 1", "MSG carol alice 2", "MSG carol alice 3")
    leaves(person, client)


def test_leaving_with_a_text_that_nobody_got_is_status_5(talking):
    person, client = talking()
    person.enter("first")
    client.hears("MSG bob alice first")
    client.say("CNT <user not online>")
    person.sees("Target: ")
    leaves(person, client, 5)


# Colours

def test_group_mode_is_green_until_the_end(talking):
    person, client = talking()
    person.enter(":toggle:")
    client.hears("CMD <group>")
    person.sees("\x1b\\[32m")
    leaves(person, client)  # looks at the colour that is left


@pytest.mark.parametrize("words, env", [(("--no-color",), {}), ((), {"NO_COLOR": "1"})])
def test_no_colours(talking, words, env):
    person, client = talking(*words, env=env)
    person.enter(":toggle:")
    client.hears("CMD <group>")
    person.sees("group> ")
    client.say("RELAYG carol hello")
    person.sees("group carol: hello")
    leaves(person, client)
    assert "\x1b[3" not in person.raw and "\x1b[0m" not in person.raw


def test_no_color_must_not_be_empty(talking):
    person, client = talking(env={"NO_COLOR": ""})
    person.enter(":toggle:")
    client.hears("CMD <group>")
    person.sees("\x1b\\[32m")
    leaves(person, client)


# Signals

def test_ctrl_c_leaves_in_order(talking):
    person, client = talking()
    person.type("never sent")
    person.press("c")
    client.hears_end()
    person.ends(0)


def test_a_second_ctrl_c_does_not_wait(talking):
    person, client = talking()
    person.press("c")
    client.hears("END <user command>")
    person.press("c")
    person.ends(0)


def test_ctrl_c_at_a_question(stage, terminal):
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    client = server.answer()
    person.type("n\nalice\nsecr")
    person.sees("Password: ")
    person.press("c")
    client.hears_close()
    person.ends(0)


def test_ctrl_z_gives_the_terminal_back_and_takes_it_again(talking):
    person, client = talking()
    person.type("half a li")
    person.sees("half a li")
    person.press("z")
    person.is_stopped()
    person.is_as_found()
    person.goes_on()
    person.sees("half a li")
    assert not person.echo_is_on()
    client.say("RELAY alice carol hello")
    person.sees("carol: hello")
    person.enter("ne")
    client.hears("MSG bob alice half a line")
    leaves(person, client)


def test_ctrl_z_at_the_password(stage, terminal):
    server = stage()
    person = terminal(server, "--trust-first", "--to", "bob")
    client = server.answer()
    person.type("n\nalice\nsec")
    person.sees("Password: ")
    person.press("z")
    person.is_stopped()
    person.is_as_found()
    person.goes_on()
    person.sees("Password: ")
    person.enter("ret")
    client.hears_raw(b"AUTH alice secret \r\n")
    person.press("c")
    client.hears_close()
    person.ends(0)
    assert "sec" not in person.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT, signal.SIGUSR1])
def test_deadly_signals_leave_the_terminal_as_it_was(talking, number):
    person, client = talking()
    person.enter(":toggle:")
    client.hears("CMD <group>")
    person.sees("group> ")
    person.signal(number)
    person.ends(-number)


def test_a_terminal_that_goes_away_ends_it(talking):
    person, client = talking()
    os.close(person.slave)
    os.close(person.master)
    client.hears("END <user command>")
    person.master, person.slave = os.openpty()
