"""Three servers are one messenger: what a user sees is as on one server, wherever each of them is."""

import json

import pytest

from ctl import Administrator
from wire import eventually, unique


def test_messages_between_nodes(shared):
    alice, bob, carol = (node.sign_up(nick) for node, nick in zip(shared.nodes, ("alice", "bob", "carol")))
    for number in range(50):
        alice.message(bob, f"question {number}")
        bob.hears(f"RELAY {bob} {alice} question {number}")
        bob.message(alice, f"answer {number}")
        alice.hears(f"RELAY {alice} {bob} answer {number}")
    carol.message(alice, "and me\n")  # alice has shown that she needs no mark for it
    alice.hears(f"RELAY {alice} {carol} and me")
    carol.is_settled()


@pytest.mark.threads
def test_order_is_kept(shared):
    alice, bob = shared.nodes[0].sign_up("alice"), shared.nodes[1].sign_up("bob")
    for number in range(390):
        alice.message(bob, f"{number}")
    for number in range(390):
        bob.hears(f"RELAY {bob} {alice} {number}")


def test_nobody_is_there(shared):
    alice, bob = shared.nodes[0].sign_up("alice"), shared.nodes[1].sign_up("bob")
    alice.message("nobody_of_this_name", "hello?")
    alice.hears("CNT <user not online>")
    alice.message("*", "hello?")
    alice.hears("CNT <user not online>")
    bob.quit()
    alice.message(bob, "hello?")
    alice.hears("CNT <user not online>")
    alice.is_settled()


@pytest.mark.threads
def test_who_logs_in_can_be_reached_at_once(shared):
    alice = shared.nodes[0].sign_up("alice")
    bob = shared.nodes[1].sign_up("bob")
    for number in range(20):
        alice.message(bob, f"here? {number}")
        bob.hears(f"RELAY {bob} {alice} here? {number}")
        bob.quit()
        bob = shared.nodes[number % 3].log_in(bob)


def test_one_session_in_the_cluster(shared):
    bob = shared.nodes[0].sign_up("bob")
    for node in shared.nodes:
        again = node.connect()
        again.say(f"AUTH {bob} {bob.password}")
        again.hears_last("END * <user already online>")
    bob.is_settled()
    bob.quit()
    shared.nodes[2].log_in(bob).is_settled()


@pytest.mark.threads
def test_of_many_log_ins_at_once_one_comes_in(shared):
    known = shared.nodes[0].sign_up("bob")
    known.quit()
    peers = [node.connect() for node in shared.nodes for _ in range(4)]
    for peer in peers:
        peer.say(f"AUTH {known} {known.password}")
    said = [peer.next_record() for peer in peers]
    assert sum(record.startswith(b"ACCEPT") for record in said) == 1, said
    assert sum(record == b"END * <user already online> \r\n" for record in said) == 11, said


def test_one_name_one_account(shared):
    name = unique("bob")
    peers = [node.connect() for node in shared.nodes]
    for peer in peers:
        peer.say(f"PUT {name} secret")
    said = sorted(peer.next_record().split()[0] for peer in peers)
    assert said == [b"ACCEPT", b"TRY", b"TRY"]


@pytest.mark.threads
def test_the_group(shared):
    people = [node.sign_up(nick) for node in shared.nodes for nick in ("one", "two")]
    outsider = shared.nodes[2].sign_up("outsider")
    for one in people:
        one.say("CMD <group>")
        one.is_settled()
    for speaker in people:
        speaker.group_message("hello")
        for one in people:
            if one is not speaker:
                one.hears(f"RELAYG {speaker} hello")
    for one in [*people, outsider]:
        one.is_settled()


def test_a_node_receives_a_group_text_once(shared):
    people = [node.sign_up("one") for node in shared.nodes for _ in range(7)]
    for one in people:
        one.say("CMD <group>")
        one.is_settled()

    def received():
        return [Administrator(node).asks("status")["bus_received"] for node in shared.nodes]
    before = received()
    for number in range(10):
        people[0].group_message(f"{number}")
        for one in people[1:]:
            one.hears(f"RELAYG {people[0]} {number}")
    assert [now - then for now, then in zip(received(), before)] == [0, 10, 10]


def test_online_is_all_in_order_of_log_in(shared):
    people = [shared.nodes[index % 3].sign_up("one") for index in range(7)]
    for one in people:
        one.say("CMD <online>")
        one.hears("CMD <" + " ".join(map(str, people)) + ">")
    people[0].quit()

    def the_first_is_gone():
        people[3].say("CMD <online>")
        people[3].hears("CMD <" + " ".join(map(str, people[1:])) + ">")
    eventually(the_first_is_gone)


@pytest.mark.parametrize("size", [0, 1, 262144, 1000003])
def test_files_go_from_one_node_to_the_other(shared, size):
    data = bytes(index * 7 % 251 for index in range(size))
    alice, bob = shared.nodes[0].sign_up("alice"), shared.nodes[1].sign_up("bob")
    alice.say(f"BEGINF a file.bin {bob}")
    for at in range(0, size, 16384):
        alice.say_raw(data[at:at + 16384])
    alice.say("ENDF")
    alice.hears("CMD <upload complete>")
    bob.say("CMD <get>")
    bob.hears("BEGIN 1", "BEGINF a_file.bin")
    got = b""
    while (record := bob.next_record()) != b"ENDF \r\n":
        got += record
    assert got == data
    bob.hears("CMD <file send complete>")
    eventually(lambda: nothing_waits(shared, bob))


def nothing_waits(cluster, user):
    assert cluster.postgres.asks(f"SELECT name FROM file WHERE receiver = '{user}'") == []
    assert cluster.postgres.asks("SELECT id FROM upload") == []


def test_an_upload_that_breaks_leaves_nothing(shared):
    alice, bob = shared.nodes[0].sign_up("alice"), shared.nodes[1].sign_up("bob")
    alice.say(f"BEGINF half {bob}")
    for _ in range(40):
        alice.say_raw(bytes(16384))
    eventually(lambda: pieces_of(shared) > 0 or pytest.fail("nothing came"))
    alice.die()
    eventually(lambda: nothing_waits(shared, bob))


def pieces_of(cluster):
    count = int(cluster.postgres.asks("SELECT count(*) FROM piece")[0])
    assert count > 0
    return count


@pytest.mark.threads
def test_administration(shared):
    first, second = Administrator(shared.nodes[0]), Administrator(shared.nodes[1])
    alice, bob = shared.nodes[0].sign_up("alice"), shared.nodes[1].sign_up("bob")
    rows = first.asks("online", "--all")["users"]
    assert [(row["name"], row["node"]) for row in rows] == [(str(alice), "node1"), (str(bob), "node2")]
    first.does("message", str(bob), "mind the gap")
    bob.hears(f"RELAY {bob} admin mind the gap")
    first.does("announce", "to all")
    alice.hears(f"RELAY {alice} admin to all")
    bob.hears(f"RELAY {bob} admin to all")
    assert "is not online" in first.fails("kick", "nobody_here")
    assert "is not online" in first.fails("message", "nobody_here", "hello")
    first.does("kick", str(bob))
    bob.hears_last("END * <kicked>")
    again = shared.nodes[2].log_in(bob)
    second.does("ban", str(bob))
    again.hears_last("END * <banned>")
    refused = shared.nodes[0].connect()
    refused.say(f"AUTH {bob} {bob.password}")
    refused.hears_last("END * <banned>")
    first.does("unban", str(bob))

    def may_come_in():
        shared.nodes[2].connect().log_in(str(bob), bob.password).quit()
    eventually(may_come_in)
    first.does("user", "delete", str(bob))


def test_status(shared):
    shared.nodes[1].sign_up("bob")
    status = Administrator(shared.nodes[1]).asks("status")
    assert status["node"] == "node2"
    assert (status["store_reachable"], status["bus_reachable"], status["bus_users"]) == (1, 1, 1)
    json.dumps(status)


def test_a_node_of_the_same_name_is_refused(shared, folder):
    from server import USUAL, arguments, run_messagerd
    settings = {**USUAL, "server.data": folder / "data", "store.url": shared.postgres.url, "bus.url": shared.nats.url,
                "bus.node": "node1"}
    done = run_messagerd(*arguments(settings))
    assert done.returncode == 1 and "another server of this cluster is called node1" in done.stderr


def test_a_bus_needs_a_store_that_is_shared(shared, folder):
    from server import USUAL, arguments, run_messagerd
    done = run_messagerd(*arguments({**USUAL, "server.data": folder / "data", "bus.url": shared.nats.url}))
    assert done.returncode == 1 and "store.url" in done.stderr
