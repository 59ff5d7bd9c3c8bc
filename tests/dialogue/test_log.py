"""What messagerd writes to standard error, and what no log may hold."""

import json
import re

import pytest


def chat(server):
    """A conversation with secrets; the words that no log may hold."""
    alice, bob = server.sign_up("alice", "open-sesame-1234"), server.sign_up("bob", "another-secret-5678")
    alice.message(bob, "a-private-matter")
    bob.hears(f"RELAY {bob} {alice} a-private-matter")
    bob.say("CMD <group>")
    bob.is_settled()
    alice.group_message("a-matter-of-the-group")
    bob.hears(f"RELAYG {alice} a-matter-of-the-group")
    wrong = server.connect()
    wrong.say(f"AUTH {alice} a-wrong-password-99")
    wrong.hears_last("END <incorrect username or password>")
    bob.say_raw(f"MSG {alice} {alice} a-forged-text {bob.token} \r\n".encode())
    bob.hears_last("END * <incorrect protocol>")
    alice.quit()
    return ["open-sesame", "another-secret", "private-matter", "matter-of-the-group", "wrong-password", "forged-text",
            alice.token, bob.token]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_log_holds_a_secret_or_a_text(serve, form):
    server = serve({"log.level": "debug", "log.format": form})
    secrets = chat(server)
    server.finish()
    for line in server.log():
        assert not any(secret in line for secret in secrets), line


def test_what_peers_wrote_is_escaped_in_the_log(serve):
    server = serve({"log.level": "debug"})
    for name in ("a\x1b[31mb", "a\nlevel=error", "a\rb", "\u009b31m", "\x07"):
        for verb in ("AUTH", "PUT"):
            peer = server.connect()
            peer.say(f"{verb} {name} secret")
            peer.hears_match("(END|TRY) <.*>")
    server.finish()
    for line in server.log():
        assert line.isprintable() or not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", line), repr(line)
        assert not line.startswith("level=error")


def test_json_log_lines_are_json(serve):
    server = serve({"log.level": "debug", "log.format": "json"})
    chat(server)
    peer = server.connect()
    peer.say(b"AUTH \xff\x01\"\\ secret")
    peer.hears_last("END <incorrect username or password>")
    server.finish()
    events = []
    for line in server.log():
        entry = json.loads(line)
        assert {"time", "level", "event"} <= entry.keys(), line
        events.append(entry["event"])
    assert events.index("listening") < events.index("ready")
