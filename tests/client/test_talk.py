"""Two people talk: at terminals and through pipes, against the real server."""

from wire import unique


def sign_up_at(terminal, server, name, target, home):
    """Answer every question, as a newcomer does."""
    person = terminal(server, home=home)
    person.sees(r"sha256:[0-9a-f]{64}")
    person.sees(r"\(yes/no\) ")
    person.enter("yes")
    person.sees(r"Sign up\? \(y/n\) ")
    person.enter("y")
    person.sees("Username: ")
    person.enter(name)
    person.sees("Password: ")
    person.enter("a password")
    person.sees("Target: ")
    person.enter(target)
    person.sees(f"{target}> ")
    return person


def test_two_people_sign_up_and_talk(server, terminal, tmp_path):
    alice, bob = unique("alice"), unique("bob")
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    at_a = sign_up_at(terminal, server, alice, bob, tmp_path / "a")
    at_b = sign_up_at(terminal, server, bob, alice, tmp_path / "b")
    at_a.enter("hello bob")
    at_b.sees(rf"\d\d:\d\d {alice}: hello bob\r\n")
    at_b.enter("hello alice, grüß dich 👋")
    at_a.sees(rf"\d\d:\d\d {bob}: hello alice, grüß dich 👋\r\n")
    at_a.enter(":quit:")
    at_a.ends()
    at_b.enter(":quit:")
    at_b.ends()


def test_everything_typed_ahead_is_taken_in_order(server, terminal):
    """What is typed before its question comes waits for it."""
    name = unique("alice")
    person = terminal(server)
    person.type(f"yes\ny\n{name}\na password\n{name}\nhello me\n:quit:\n")
    person.sees(rf"{name}: hello me\r\n")
    person.ends()


def test_options_answer_the_questions(server, terminal, password):
    name = unique("alice")
    first = terminal(server, "--trust-first", "--sign-up", "--user", name, "--to", name, "--password-file", password)
    first.sees(f"{name}> ")
    first.enter(":quit:")
    first.ends()
    again = terminal(server, "--user", name, "--to", name, "--password-file", password)
    again.sees(f"{name}> ")
    again.enter("it is me")
    again.sees(f"{name}: it is me")
    again.enter(":quit:")
    again.ends()


def test_filter_for_scripts(server, script, password):
    bob = server.sign_up("bob")
    name = unique("alice")
    sender = script(server, "--trust-first", "--sign-up", "--user", name, "--to", bob, "--password-file", password)
    assert sender.finish(0, "one\ntwo\n") == ("", "")
    bob.hears(f"RELAY {bob} {name} one", f"RELAY {bob} {name} two")


def test_incoming_messages_are_lines_on_standard_output(server, script, password):
    alice = server.sign_up("alice")
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.say(":toggle:\n:online:\n")
    person.notes("online: ")  # the server has dealt with what came before
    alice.message(name, "first")
    person.shows(f"{alice}: first")
    alice.group_message("second")
    person.shows(f"group {alice}: second")
    person.end_input()
    out, _ = person.finish(0)
    assert out == ""


def test_group_chat(server, terminal, password):
    alice = server.sign_up("alice")
    alice.say("CMD <group>")
    alice.is_settled()
    name = unique("bob")
    person = terminal(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.sees(f"{alice}> ")
    person.enter("private")
    alice.hears(f"RELAY {alice} {name} private")
    person.enter(":toggle:")
    person.sees("\x1b\\[32m")
    person.sees("Group chat is on")
    person.sees("group> ")
    person.enter("to all")
    alice.hears(f"RELAYG {name} to all")
    alice.group_message("hello group")
    person.sees(rf"\d\d:\d\d group {alice}: hello group")
    assert "to all" in person.glass.green_text and "hello group" in person.glass.green_text
    assert "private" not in person.glass.green_text
    person.enter(":toggle:")
    person.sees("\x1b\\[0m")
    person.sees("Group chat is off")
    person.sees(f"{alice}> ")
    person.enter("private again")
    alice.hears(f"RELAY {alice} {name} private again")
    person.enter(":quit:")
    person.ends()


def test_online_shows_who_is_there(server, script, password):
    alice = server.sign_up("alice")
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    _, notices = person.finish(0, ":online:\n")
    assert f"messager: online: {alice} {name}" in notices.splitlines()


def test_new_target(server, script, password):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    name = unique("carol")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.finish(0, f"1\n:new_target: {bob}\n2\n:new_target:\n{alice}\n3\n")
    alice.hears(f"RELAY {alice} {name} 1", f"RELAY {alice} {name} 3")
    bob.hears(f"RELAY {bob} {name} 2")


def test_new_target_at_a_terminal(server, terminal, password):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    name = unique("carol")
    person = terminal(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.sees(f"{alice}> ")
    person.enter(":new_target:")
    person.sees("Target: ")
    person.enter(":online:")
    person.sees(rf"online: .*{alice} {bob} {name}")
    person.sees("Target: ")
    person.enter(str(bob))
    person.sees(f"{bob}> ")
    person.enter("hello")
    bob.hears(f"RELAY {bob} {name} hello")
    person.enter(":quit:")
    person.ends()


def test_a_line_that_only_looks_like_a_command_is_a_message(server, script, password):
    alice = server.sign_up("alice")
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.finish(0, ":nothing:\n:quit:now\n :quit:\n::\n:quit:\nnever sent\n")
    for text in (":nothing:", ":quit:now", " :quit:", "::"):
        alice.hears(f"RELAY {alice} {name} {text}")
    alice.is_settled()


def test_muting(server, script, password):
    alice = server.sign_up("alice")
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", name, "--password-file", password)
    person.say(f":mute: {alice}\n")
    person.notes(f"muted: {alice}")
    alice.message(name, "never seen")
    alice.is_settled()
    person.say("a mark\n")
    person.shows(f"{name}: a mark")
    person.say(f":unmute: {alice}\n")
    person.notes(f"no longer muted: {alice}")
    alice.message(name, "seen")
    person.shows(f"{alice}: seen")
    person.end_input()
    assert person.finish(0)[0] == ""


def test_status_and_help(server, script, password):
    name = unique("bob")
    person = script(server, "--trust-first", "--sign-up", "--user", name, "--to", "nobody", "--password-file", password)
    _, notices = person.finish(0, ":status:\n:help:\n")
    for word in (f"127.0.0.1:{server.address[1]}", "trusted at first sight", f"user: {name}", "target: nobody",
                 "group chat: off", ":new_target:", ":unmute:"):
        assert word in notices
