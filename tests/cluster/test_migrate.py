"""Moving up (messagerd --migrate-to): what the embedded store has is in PostgreSQL afterwards, and people notice no more than a pause."""

from contextlib import ExitStack

import pytest

import engines
from cluster import new_folder
from ctl import Administrator
from server import arguments, run_messagerd


@pytest.fixture
def postgres(_engines_are_here):
    with ExitStack() as stack:
        postgres = engines.Postgres(new_folder(stack))
        postgres.start()
        stack.callback(postgres.stop)
        yield postgres


def migrate(server, url):
    return run_messagerd(*arguments({"server.data": server.data}), "--migrate-to", url, seconds=60)


def upload(peer, receiver, name, data):
    peer.say(f"BEGINF {name} {receiver}")
    for at in range(0, len(data), 16384):
        peer.say_raw(data[at:at + 16384])
    peer.say("ENDF")
    peer.hears("CMD <upload complete>")


def test_all_is_there_afterwards(serve, postgres):
    server = serve()
    people = [server.sign_up("user") for _ in range(80)]
    alice, bob = people[0], people[1]
    data = bytes(range(256)) * 3000
    upload(alice, bob, "large.bin", data)
    upload(alice, bob, "\u00e9t\u00e9;--'", b"odd")
    upload(alice, alice, "empty", b"")
    Administrator(server).does("ban", "192.0.2.1")
    Administrator(server).does("ban", str(people[2]))
    assert migrate(server, postgres.url).returncode == 1  # a server is at work there
    server.stop()

    done = migrate(server, postgres.url)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "accounts: 80 copied" in done.stdout and "bans: 2 copied" in done.stdout and "files: 3 copied" in done.stdout
    assert done.stdout.endswith("all is there\n")
    again = migrate(server, postgres.url)
    assert again.returncode == 0, again.stderr
    assert "accounts: 0 copied" in again.stdout and "files: 0 copied" in again.stdout

    moved = serve({"store.url": postgres.url}, folder=server.folder)
    banned = moved.connect()
    banned.say(f"AUTH {people[2]} {people[2].password}")
    banned.hears_last("END * <banned>")
    bob = moved.log_in(bob)
    bob.say("CMD <get>")
    bob.hears("BEGIN 2", "BEGINF large.bin")
    got = b""
    while (record := bob.next_record()) != b"ENDF \r\n":
        got += record
    assert got == data


def test_a_difference_is_told(serve, postgres):
    server = serve()
    alice = server.sign_up("alice")
    upload(alice, alice, "a", b"mine")
    server.stop()
    assert migrate(server, postgres.url).returncode == 0
    postgres.asks(f"UPDATE account SET hash = 'other' WHERE name = '{alice}'")
    done = migrate(server, postgres.url)
    assert done.returncode == 1 and "accounts in the other store: differ" in done.stderr
    assert postgres.asks(f"SELECT hash FROM account WHERE name = '{alice}'") == ["other"], "what is there stays"
    postgres.asks(f"DELETE FROM account WHERE name = '{alice}'")  # and her files with her
    done = migrate(server, postgres.url)
    assert done.returncode == 0 and "accounts: 1 copied" in done.stdout and "files: 1 copied" in done.stdout


def test_only_upwards(serve, folder):
    server = serve()
    server.stop()
    assert "must be postgres" in migrate(server, f"sqlite:{folder}/other.db").stderr
    assert "cannot use the database" in migrate(server, "postgres://nobody@127.0.0.1:1/none").stderr
