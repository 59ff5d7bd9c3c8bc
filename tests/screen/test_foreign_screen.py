"""What others write reaches the full screen, the desktop and the command of the settings as text only. Vt fails on what is no text."""

from foreign import ALL, assert_clean, can_be_said, queries

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


def begins(stage, screen, password, **how):
    server = stage()
    person = screen(server, *LOGIN, "--password-file", password, **how)
    client = server.session("alice")
    client.hears("CMD <online>")
    client.say("CMD <alice>")
    person.sees("^bob>")
    return person, client


def test_on_the_screen(stage, screen, password):
    """Each in every place where a server can bring it; then all that there is, is looked at."""
    person, client = begins(stage, screen, password, columns=120)
    seen = []
    for number, foreign in enumerate(filter(can_be_said, ALL)):
        client.say_raw(b"".join(query + b" \r\n" for query in queries(foreign)))
        client.say(b"RELAY alice bob <<" + foreign + b">>")
        client.say(f"RELAY alice bob end {number}")
        person.sees(f"bob: end {number}$")
        seen.append(person.text())
    for text in seen:
        assert_clean(text.encode(errors="surrogateescape"))
    assert sum(text.count("<<") for text in seen) > len(ALL)
    raw = person.raw.encode(errors="surrogateescape")
    for foreign in filter(can_be_said, ALL):
        assert b"<<" + foreign + b">>" not in raw
    client.say(b"END * <<" + b"".join(ALL) + b">>")
    client.close()
    person.sees("NOT CONNECTED|the server says")
    assert_clean(person.text().encode(errors="surrogateescape"))


def test_in_a_notice_to_the_desktop(stage, screen, password, home):
    """By OSC 9, and as arguments of a command: all in one text, some in a name."""
    script, told = home / "tell", home / "told"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{told}.new && mv {told}.new {told}\n')
    script.chmod(0o700)
    config = home / ".config/messager/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"notify = {script}\n")
    person, client = begins(stage, screen, password)
    person.focus(False)
    everything = b"".join(filter(can_be_said, ALL)).replace(b"\r\n", b"")
    client.say(b"RELAY alice \x1b]9;x\x07\xe2\x80\xae\x9b <<" + everything + b">>")
    person.awaits(lambda: person.glass.told, "a notice to the desktop")
    while not told.exists():
        person._read(0.05)
    for text in (*person.glass.told, told.read_bytes().decode()):
        assert_clean(text.encode(errors="surrogateescape"))
