"""The original client at work: what its user sees. See tests/lib/original.py for how it reads."""

import pytest

from original import OriginalClient
from wire import eventually, unique

NAMES = ("alice", "bob", "carol")


@pytest.fixture
def people(server):
    clients = [OriginalClient(server.connect()) for _ in NAMES]
    for client, nick in zip(clients, NAMES):
        assert client.sign_up(unique(nick), "secret") == "in"
    return clients


def test_signing_up_after_two_faults(server):
    taken = server.sign_up("taken")
    client = OriginalClient(server.connect())
    assert client.sign_up("bad-name", "secret") == "again"
    assert client.sign_up(taken.name, "secret") == "again"
    assert client.sign_up(unique("alice"), "secret") == "in"


def test_logging_in(server):
    alice = server.sign_up("alice", "secret")
    alice.quit()
    client = OriginalClient(server.connect())
    assert client.log_in(alice.name, "wrong") == "<incorrect username or password>"
    client = OriginalClient(server.connect())
    assert client.log_in(alice.name, "secret") == "in"
    client = OriginalClient(server.connect())
    assert client.log_in(alice.name, "secret") == "* <user already online>"


@pytest.mark.parametrize("line", ["hello", "h", "", "two  words ", " ", "12345\\", "what\\n", "<brackets>", "it's"],
                         ids=repr)
def test_a_line_is_seen_as_it_was_typed(people, line):
    alice, bob, _ = people
    alice.types(bob, line)
    assert bob.sees() == f"{alice}: {line}".replace("\\", "\\\\")  # it shows the bytes' escaped form


def test_a_conversation(people):
    alice, bob, _ = people
    for number in range(20):
        alice.types(bob, f"question {number}")
        assert bob.sees() == f"{alice}: question {number}"
        bob.types(alice, f"answer {number}")
        assert alice.sees() == f"{bob}: answer {number}"


def test_lines_that_follow_each_other_quickly(people):
    alice, bob, carol = people
    for number in range(60):
        alice.types(bob, f"a {number}")
        carol.types(bob, f"c {number}")
    seen = [bob.sees() for _ in range(120)]
    for sender, letter in ((alice, "a"), (carol, "c")):
        assert [line for line in seen if line.startswith(str(sender))] == [
            f"{sender}: {letter} {number}" for number in range(60)]


def sees_long_line(client, sender, line, shown):
    parts = ""
    while len(parts) < len(shown):
        seen = client.sees()
        assert seen.startswith(f"{sender}: ")
        parts += seen[len(f"{sender}: "):]
    assert parts == shown


@pytest.mark.parametrize("length", [2046, 2047, 2048, 2049, 4095, 4096, 6000])
def test_a_long_line_loses_nothing(people, length):
    alice, bob, _ = people
    bob.types(alice, "I am here")
    assert alice.sees() == f"{bob}: I am here"
    line = ("0123456789" * 600)[:length]
    alice.types(bob, line)
    sees_long_line(bob, alice, line, line)


def test_a_long_line_beyond_ascii_loses_nothing(people):
    alice, bob, _ = people
    bob.types(alice, "I am here")
    assert alice.sees() == f"{bob}: I am here"
    line = "😀" * 2040
    alice.types(bob, line)
    sees_long_line(bob, alice, line, repr(line.encode())[2:-1])


def test_group_chat(people):
    alice, bob, carol = people
    for client in people:
        client.toggle()
    alice.command("<online>")  # its answer shows that the toggle was taken
    bob.command("<online>")
    carol.command("<online>")
    for client in people:
        client.sees()
    alice.types(None, "hello, all")
    assert bob.sees() == f"group {alice}: hello, all"
    assert carol.sees() == f"group {alice}: hello, all"


def test_an_absent_target(people):
    alice = people[0]
    alice.types("nobody_there", "hello?")
    assert alice.sees() == "CNT <user not online>"


def test_commands(serve):
    server = serve()
    alice, bob = (OriginalClient(server.connect()) for _ in range(2))
    alice.sign_up("alice", "secret")
    bob.sign_up("bob", "secret")
    alice.command("<online>")
    assert alice.sees() == "CMD <alice bob>"
    alice.command("<nonsense>")
    assert alice.sees() == "CMD <problem with command>"


def test_quitting_as_it_does(server, people):
    alice, bob, _ = people
    alice.quit()
    eventually(lambda: server.connect().log_in(alice.name, "secret"))
    bob.types(bob, "nothing happened")
    assert bob.sees() == f"{bob}: nothing happened"


def test_talking_to_a_client_that_sends_no_line_feed(server, people):
    alice = people[0]
    modern = server.sign_up("modern")
    modern.message(alice, "hello")  # to one that has sent none yet, as the sender does
    assert alice.sees() == f"{modern}: he"
    alice.types(modern, "hello")
    modern.hears(f"RELAY {modern} {alice} hello")
    modern.message(alice, "from now on all of it")
    assert alice.sees() == f"{modern}: from now on all of it"
