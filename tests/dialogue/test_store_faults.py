"""Killed, or failing, at the database's commit: a promise is withheld, never broken. Needs a build with fault points."""

import pytest

from ctl import Administrator
from server import MESSAGERD
from transfer import PROBLEM, upload

pytestmark = pytest.mark.skipif(b"MESSAGERD_FAULT" not in MESSAGERD.read_bytes(), reason="built without fault points")


@pytest.mark.parametrize("step, lasts", [("store-commit", False), ("store-committed", True)])
def test_killed_at_a_sign_up(serve, folder, step, lasts):
    server = serve(folder=folder, environment={"MESSAGERD_FAULT": f"{step}:kill"})
    alice = server.connect()
    alice.say("PUT alice secret")
    alice.hears_no_word()
    server.ends(-9)
    again = serve(folder=folder)
    alice = again.connect()
    alice.say("AUTH alice secret")
    if lasts:
        alice.is_accepted("alice")
    else:
        alice.hears_last("END <incorrect username or password>")
        again.connect().sign_up("alice", "secret")


def test_a_commit_that_fails_is_no_promise(serve, folder):
    first = serve(folder=folder)
    alice = first.sign_up("alice")
    Administrator(first).does("ban", "192.0.2.7")
    first.finish()
    server = serve(folder=folder, environment={"MESSAGERD_FAULT": "store-commit:EIO"})
    for _ in range(3):
        bob = server.connect()
        bob.say("PUT bob secret")
        assert not bob.next_record().startswith(b"ACCEPT")
    boss = Administrator(server)
    boss.fails("ban", "192.0.2.8")
    boss.fails("unban", "192.0.2.7")
    boss.fails("user", "delete", alice.name)
    alice = server.log_in(alice)  # who only reads notices nothing
    upload(alice, "file", alice, answer=PROBLEM)
    alice.message(alice, "hello")
    alice.hears(f"RELAY {alice} {alice} hello")
    server.finish()

    again = serve(folder=folder)
    assert [row["name"] for row in Administrator(again).asks("bans")["bans"]] == ["192.0.2.7"]
    assert again.log_in(alice)
    again.connect().sign_up("bob", "secret")
