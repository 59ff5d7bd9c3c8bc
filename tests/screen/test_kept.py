"""What is kept of a conversation is true: what was never sent, what may not have arrived, what came before the first answer."""

import re
import socket

from person import where

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


def begins(server, screen, password):
    person = screen(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    client.hears("CMD <online>")
    client.say("CMD <alice>")
    person.sees("^bob>")
    return person, client


def is_lost(person, server, client):
    """The connection is gone, and nobody is there to come back to."""
    client.close()
    server.listener.close()
    person.sees("NOT CONNECTED")


def log_of(home, server, name="bob"):
    return home / ".local/state/messager" / where(server.address) / "alice" / f"person-{name}.log"


def signs(text):
    """The lines of a history file without their times."""
    return [line.split(" ", 1)[1] for line in text.splitlines()]


def test_what_was_never_sent_is_kept_as_not_delivered(stage, screen, password, home):
    server = stage()
    person, client = begins(server, screen, password)
    is_lost(person, server, client)
    person.keys("meet me at five", "Enter")
    person.sees("not sent yet")
    person.keys(":close:", "Enter")
    person.sees("still waits to be sent")
    person.keys(":quit:", "Enter")
    person.sees("1 message waits to be sent; the same again leaves")
    person.keys("C-d")
    person.ends(5)
    assert signs(log_of(home, server).read_text()) == ["> alice meet me at five", "! alice meet me at five"]
    server.listener = socket.create_server(server.address)
    again = screen(server, *LOGIN, "--password-file", password)
    server.session("alice")
    again.sees(r"alice: meet me at five \[not delivered\]")


def test_what_was_perhaps_not_delivered_is_kept_as_that(stage, screen, password, home):
    server = stage()
    person, client = begins(server, screen, password)
    person.type(b"one\rtwo\r")
    client.hears("MSG bob alice one", "MSG bob alice two")
    client.say("CNT <user not online>")
    person.sees(r"(?s)one \[perhaps not delivered\].*two \[perhaps not delivered\]")
    person.keys(":quit:", "Enter")
    client.hears_end()
    person.ends(5)
    assert signs(log_of(home, server).read_text()) == ["> alice one", "> alice two", "? alice one", "? alice two"]


def test_a_conversation_that_was_closed_or_forgotten_has_news_all_the_same(stage, screen, password, home):
    server = stage()
    person, client = begins(server, screen, password)
    person.keys("important", "Enter")
    client.hears("MSG bob alice important")
    person.keys(":close:", "Enter")
    person.sees("^>")
    client.say("CNT <user not online>")
    person.sees("Not delivered to bob: important")
    assert signs(log_of(home, server).read_text()) == ["> alice important", "! alice important"]
    person.keys(":new_target: carol", "Enter")
    person.sees("^carol>")
    person.keys("a secret", "Enter")
    client.hears("MSG carol alice a secret")
    person.keys(":forget:", "Enter")
    person.sees("is forgotten")
    client.say("CNT <user not online>")
    person.sees("Not delivered to carol: a secret")
    assert not log_of(home, server, "carol").exists()


def test_what_comes_before_the_first_answer_is_kept(server, screen, home):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.quit()
    log = home / ".local/state/messager" / where(server.address) / alice.name / f"person-{bob}.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"2026-11-20T10:00:00Z < {bob} earlier words\n")
    person = screen(server, "--trust-first")
    for question, answer in ("Sign up", "n"), ("Username", alice.name), ("Password", alice.password):
        person.sees(f"^{question}")
        person.keys(answer, "Enter")
    person.sees("^Remember this server")
    bob.message(alice, "are you there?")
    person.sees(f"{bob} 1")
    person.keys("n", "Enter")
    person.sees("^Target:")
    person.keys(bob.name, "Enter")
    person.sees(f"(?s){bob}: earlier words.*{bob}: are you there")
    assert signs(log.read_text()) == [f"< {bob} earlier words", f"< {bob} are you there?"]


def test_a_conversation_opened_before_the_log_in_has_its_history(stage, screen, password, home):
    server = stage()
    log = log_of(home, server)
    log.parent.mkdir(parents=True)
    log.write_text("2026-11-20T10:00:00Z < bob earlier words\n")
    person = screen(server, "--user", "alice", "--trust-first", "--password-file", password)
    client = server.answer()
    person.sees("ogging in")
    person.keys(":new_target: bob", "Enter")
    person.sees("^bob>")
    client.accepts("alice")
    person.sees("bob: earlier words")
    assert len(re.findall("earlier words", person.text())) == 1
