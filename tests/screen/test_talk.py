"""Conversations, keys, what is unread, what was not delivered."""

import re

import pytest

from wire import unique


def leaves(person, status=0):
    person.keys("C-c", ":quit:", "Enter")
    person.ends(status)


def test_two_people_talk(server, talking, new_home, password):
    alice, bob = unique("alice"), unique("bob")
    one = talking(server, alice, "--sign-up", to=bob)
    home = new_home()
    other = talking(server, bob, "--sign-up", to=alice, home=home)
    one.keys("good morning \u4e2d\u6587 \U0001F44B", "Enter")
    other.sees(f"{alice}: good morning \u4e2d\u6587 \U0001F44B")
    other.keys("e\u0301t\u00e9", "Enter")
    one.sees(f"{bob}: e\u0301t\u00e9")
    leaves(other)
    leaves(one)


def test_messages_of_others_go_to_their_own_conversation(server, talking):
    alice, bob, carol = unique("alice"), server.sign_up("bob"), server.sign_up("carol")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("half a sent")
    carol.message(alice, "are you there?")
    person.sees(rf"connected │ 4 {carol} 1$")
    assert "are you there" not in person.text()
    person.sees(f"^{bob}> half a sent$")
    person.keys("M-a")
    person.sees(rf"{carol}: are you there\?")
    person.sees(f"^{carol}>$")
    person.keys("yes", "Enter")
    carol.hears(f"RELAY {carol} {alice} yes")
    person.keys("M-3")
    person.sees(f"^{bob}> half a sent$")
    person.keys("ence", "Enter")
    bob.hears(f"RELAY {bob} {alice} half a sentence")
    leaves(person)


def test_the_muted_are_not_seen(server, talking):
    alice, bob, carol = unique("alice"), server.sign_up("bob"), server.sign_up("carol")
    person = talking(server, alice, "--sign-up", to=bob)
    carol.message(alice, "before")
    person.sees(f"│ 4 {carol} 1$")
    person.keys(f":mute: {carol}", "Enter")
    person.sees(f"(?s)\\* muted: {carol}.*connected$")
    carol.message(alice, "never seen")
    carol.is_settled()
    bob.message(alice, "a mark")
    person.sees(f"{bob}: a mark")
    person.keys(f":unmute: {carol}", "Enter")
    person.sees(f"no longer muted: {carol}")
    carol.message(alice, "after")
    person.sees(f"│ 4 {carol} 2$")
    person.keys("M-4")
    person.sees(f"(?s){carol}: before.*{carol}: after")
    assert "never seen" not in person.text()
    leaves(person)


def test_what_is_unread_is_named_by_its_weight(server, talking):
    alice, bob, carol = unique("alice"), server.sign_up("bob"), server.sign_up("carol")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys(":toggle:", "Enter")
    person.sees("Group chat is on")
    person.keys("M-1")
    person.sees("^ messager")
    carol.group_message("is anybody here?")
    person.sees("│ 2 group 1$")
    bob.message(alice, "psst")
    person.sees(f"│ 3 {bob} 1  2 group 1$")
    carol.group_message(f"{alice}, are you?")
    person.sees(f"│ 2 group 2!  3 {bob} 1$")
    person.keys("M-a")
    person.sees(r"^── new ─+$")
    person.sees(f"{carol}: {alice}, are you")
    leaves(person)


def test_the_list_stands_at_the_left_of_a_wide_screen(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob, columns=100)
    person.sees(r"^ 1 messager +│")
    person.sees(r"^ 2 group +│")
    person.sees(rf"^ 3 {bob} +│")
    person.keys("C-p")
    person.sees("^group>")
    bob.message(alice, "one")
    bob.message(alice, "two")
    person.sees(rf"^ 3 {bob} +2│")
    person.resize(99, 24)
    person.sees("^ group")
    person.loses("│$")
    leaves(person)


def test_the_group_is_green(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    bob.say("CMD <group>")
    bob.is_settled()
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys(":toggle:", "Enter")
    person.sees("Group chat is on")
    person.sees(r"^ group \(on\)")
    person.keys("hello all", "Enter")
    bob.hears(f"RELAYG {alice} hello all")
    bob.group_message("hello alice")
    person.sees(f"{bob}: hello alice")
    row = person.row_of(f"{bob}: hello alice")
    at = person.glass.lines()[row].index("hello alice")
    assert {ink for _, ink in person.glass.styles(row)[at:at + 5]} == {2}
    person.keys(":toggle:", "Enter")
    person.sees("Group chat is off")
    person.keys("nobody hears this", "Enter")
    person.sees("so this was not sent")
    person.sees("^group> nobody hears this")
    bob.is_settled()
    leaves(person)


def test_a_mistyped_command_is_shown_and_not_sent(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("/onlnie", "Enter")
    person.sees("did you mean :online:")
    person.sees("/onlnie$")
    person.keys("C-c", ":onlin:", "Enter")
    person.sees("Did you mean :online:")
    bob.is_settled()
    person.keys("Enter")
    bob.hears(f"RELAY {bob} {alice} :onlin:")
    person.keys("//slash", "Enter")
    bob.hears(f"RELAY {bob} {alice} /slash")
    person.keys("/online", "Enter")
    person.sees(f"online: .*{alice}|online: .*{bob}")
    person.keys(":)", "Enter")
    bob.hears(f"RELAY {bob} {alice} :)")
    leaves(person)


def test_what_was_not_delivered_is_offered_again(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    bob.quit()
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("are you there?", "Enter")
    person.sees(r"are you there\? \[not delivered\]")
    person.sees("Not delivered: user not online")
    again = server.log_in(bob)
    again.message(alice, "I am back")
    person.sees("1 message was not delivered")
    person.keys("M-r")
    again.hears(f"RELAY {bob} {alice} are you there?")
    person.sees(r"are you there\? \[sent again\]")
    leaves(person, 5)


def test_keys_of_a_line(server, talking):
    """Only that they arrive; what each does is the editor's own test."""
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("two words", "C-w", "C-y", "C-a", "M-f", " more", "Enter")
    bob.hears(f"RELAY {bob} {alice} two more words")
    person.keys("Up", "C-u", "C-_")
    person.sees("> two more words$")
    person.keys("C-c", "C-r", "more")
    person.sees("two more words$")
    person.keys("Enter")
    person.sees(f"^{bob}> two more words$")
    person.keys("C-c")
    person.sees(f"^{bob}>$")
    person.keys("C-c")
    person.sees("C-c clears the line")
    person.keys("C-d")
    person.ends(0)


def test_a_new_line_is_told_to_be_another_message(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("one", "M-Enter", "two")
    person.sees("each line that you type is sent")
    person.keys("Enter")
    bob.hears(f"RELAY {bob} {alice} one", f"RELAY {bob} {alice} two")
    leaves(person)


def test_search_goes_back_in_the_conversation(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    for number in range(200):
        bob.message(alice, f"line {number} of many")
    person.sees("line 199 of many")
    assert person.row_of("line 100 ") is None
    person.keys("C-s", "Line 5")
    person.sees("line 59 of many")
    person.keys("C-s")
    person.sees("line 58 of many")
    person.sees("^back to: Line 5")
    person.keys("Esc")
    person.sees("line 199 of many")
    person.keys("PgUp")
    person.sees("more below")
    person.loses("line 199 of many")
    bob.message(alice, "one more")
    bob.is_settled()
    person.keys("PgDn", "PgDn")
    person.sees("one more")
    person.loses("more below")
    leaves(person)


def test_tab_completes(server, talking, home):
    alice, bob = unique("alice"), server.sign_up("bob")
    (home / "a folder").mkdir()
    (home / "a folder" / "the file").write_text("x")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("/on", "Tab")
    person.sees("> /online")
    person.keys("C-c", ":upload: ~/a", "Tab")
    person.sees(r"> :upload: ~/a\\ folder/$")
    person.keys("t", "Tab")
    person.sees(r"> :upload: ~/a\\ folder/the\\ file")
    person.keys("Enter")
    person.sees(rf"sent to {bob}")
    person.keys(bob.name[:-1], "Tab")
    person.sees(rf"> {bob}:")
    leaves(person)


@pytest.mark.parametrize("columns, rows", [(20, 5), (21, 6), (40, 10), (300, 90)])
def test_small_and_large_screens_work(server, talking, columns, rows):
    alice, bob = unique("al"), server.sign_up("bo")
    person = talking(server, alice, "--sign-up", to=bob, columns=columns, rows=rows)
    person.keys("hello", "Enter")
    bob.hears(f"RELAY {bob} {alice} hello")
    bob.message(alice, "hi there, how is it in such a screen?")
    person.sees("such a|screen")
    person.keys("a long line that takes more rows than there are in such a small screen")
    person.sees("screen$")
    assert len(person.glass.lines()) == rows
    leaves(person)


def test_a_later_resize_is_followed(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    bob.message(alice, "x" * 100)
    person.sees("x{60}")
    for columns, rows in [(30, 10), (120, 40), (20, 5), (81, 25)]:
        person.resize(columns, rows)
        person.sees(f"^ {bob}")
        person.awaits(lambda: person.glass.lines()[-1].startswith(f"{bob}>"), "the prompt in the last row")
    assert re.search("x{60}", person.text())
    leaves(person)
