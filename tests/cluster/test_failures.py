"""What happens when a part of the cluster fails, with the real programs: who is not concerned notices nothing, who is gets a clear
answer, and afterwards all is as before without anybody's help. A checker reads every transcript (transcripts.py).
"""

import signal
import time

import pytest

from ctl import Administrator
from engines import wait_until
from transcripts import Pair
from wire import Ending, eventually

LEASE_SECONDS = 20


def pairs_over(cluster, per_way=1):
    """Pairs for each way from node to node, those within a node included: a dictionary by the names of both."""
    pairs = {}
    for speaker in cluster.nodes:
        for listener in cluster.nodes:
            pairs[speaker.name, listener.name] = [Pair(speaker.sign_up("speaker"), listener.sign_up("listener"))
                                                  for _ in range(per_way)]
    return pairs


def all_speak(pairs, seconds=1.0, until=None, pause=0.02):
    """Everybody says something, again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (until and until()):
        for pair in pairs:
            pair.speak()
            pair.listen()
        time.sleep(pause)


def flat(pairs):
    return [pair for some in pairs.values() for pair in some]


def settle_and_check(pairs):
    for pair in pairs:
        pair.settle(wait_until)
        pair.check()


def log_in_elsewhere(node, known):
    return node.connect().log_in(str(known), known.password)


def test_a_node_is_killed_under_load(cluster):
    pairs = pairs_over(cluster)
    all_speak(flat(pairs))
    dead = cluster.nodes[2]
    dead.kill()
    killed = time.monotonic()
    living = [pair for (a, b), some in pairs.items() if dead.name not in (a, b) for pair in some]
    to_dead = [pair for (a, b), some in pairs.items() if b == dead.name and a != dead.name for pair in some]
    all_speak(living + to_dead, seconds=2)
    settle_and_check(living)
    for pair in to_dead:
        pair.check_broken(wait_until)

    lost = to_dead[0].listener
    refused = cluster.nodes[0].connect()
    refused.say(f"AUTH {lost} {lost.password}")
    refused.hears_last("END * <user already online>")
    again = eventually(lambda: log_in_elsewhere(cluster.nodes[0], lost), seconds=2 * LEASE_SECONDS)
    assert time.monotonic() - killed < LEASE_SECONDS + 3
    living[0].speaker.message(again, "welcome back")
    again.hears(f"RELAY {again} {living[0].speaker} welcome back")

    restarted = cluster.add(dead.name, folder=dead.folder)  # its data folder, so itself: at once
    restarted.is_well()


def test_a_node_is_stopped(cluster):
    pairs = pairs_over(cluster)
    all_speak(flat(pairs))
    for pair in flat(pairs):
        pair.settle(wait_until)
    gone = cluster.nodes[2]
    there = [pair.listener for (a, b), some in pairs.items() if b == gone.name for pair in some]
    gone.signal(signal.SIGTERM)
    for one in there:
        one.hears_last("END * <server closing>")
        log_in_elsewhere(cluster.nodes[0], one).quit()  # at once
    gone.ends()
    living = [pair for (a, b), some in pairs.items() if gone.name not in (a, b) for pair in some]
    all_speak(living)
    settle_and_check(living)
    assert not any(row.endswith(gone.name) for row in cluster.on())


@pytest.mark.soak
def test_a_node_sleeps_for_a_minute(cluster):
    pairs = pairs_over(cluster)
    all_speak(flat(pairs))
    sleeper = cluster.nodes[2]
    for pair in flat(pairs):
        pair.settle(wait_until)
    moved_pair = pairs["node1", "node3"][0]
    moved, stays = moved_pair.listener, pairs["node2", "node3"][0].listener
    speaks = pairs["node3", "node1"][0]
    sleeper.signal(signal.SIGSTOP)
    again = eventually(lambda: log_in_elsewhere(cluster.nodes[0], moved), seconds=2 * LEASE_SECONDS)
    for number in range(20):  # both nodes have it from NATS; only one may say it
        moved_pair.speaker.message(again, f"awake {number}")
        again.hears(f"RELAY {again} {moved_pair.speaker} awake {number}")
    moved.message(speaks.listener, "from the past")  # a query that the sleeper finds when it wakes
    time.sleep(40)
    sleeper.signal(signal.SIGCONT)
    moved.hears("END * <user already online>")
    assert isinstance(moved.next_record(), Ending)
    stays.is_settled()
    speaks.listener.is_settled()  # the past said nothing
    again.is_settled()
    assert sorted(cluster.on()) == sorted(set(cluster.on()))
    assert f"{moved}@node1" in cluster.on() and f"{stays}@node3" in cluster.on()
    assert Administrator(sleeper).asks("status")["sessions_lost"] == 1
    others = [pair for pair in flat(pairs) if pair.listener is not moved]
    all_speak(others)
    settle_and_check(others)


outages = pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.soak)])


@outages
def test_postgres_goes_away(cluster, seconds):
    pairs = pairs_over(cluster)
    all_speak(flat(pairs))
    known = cluster.nodes[0].sign_up("known")
    known.quit()
    receiver = pairs["node1", "node2"][0].listener
    uploader = cluster.nodes[0].sign_up("uploader")
    upload(uploader, receiver, "kept", "CMD <upload complete>")
    cluster.postgres.stop()
    try:
        all_speak(flat(pairs), seconds=seconds)
        for node in cluster.nodes:
            late = node.connect()
            late.say(f"AUTH {known} {known.password}")
            late.hears_last("END * <try later>")
        upload(uploader, receiver, "refused", "CMD <problem with command>")
        uploader.say("CMD <get>")
        uploader.hears("CMD <problem with command>")
        uploader.say("CMD <online>")
        uploader.hears_match(r"CMD <.*>")  # those it knows of
    finally:
        cluster.postgres.start()
    for node in cluster.nodes:
        eventually(lambda: log_in_elsewhere(node, known), seconds=2 * LEASE_SECONDS).quit()
    all_speak(flat(pairs))
    settle_and_check(flat(pairs))  # nobody has lost a session, nor a message
    upload(uploader, receiver, "again", "CMD <upload complete>")
    assert cluster.postgres.asks("SELECT encode(name, 'escape') FROM file ORDER BY id") == ["kept", "again"]
    assert cluster.postgres.asks("SELECT count(*) FROM upload WHERE NOT is_complete") == ["0"]


def upload(peer, receiver, name, answer):
    peer.say(f"BEGINF {name} {receiver}")
    peer.say_raw(b"some bytes")
    peer.say("ENDF")
    peer.hears(answer)


@outages
def test_nats_goes_away(cluster, seconds):
    pairs = pairs_over(cluster)
    local = [pair for (a, b), some in pairs.items() if a == b for pair in some]
    remote = [pair for pair in flat(pairs) if pair not in local]
    grouped = [pair.listener for pair in local]
    for one in grouped:
        one.say("CMD <group>")
        one.is_settled()
    all_speak(flat(pairs))
    for pair in flat(pairs):
        pair.settle(wait_until)
    cluster.nats.stop()
    for node in cluster.nodes:
        node.await_log("bus-lost")
    try:
        before = [pair.absent for pair in remote]
        all_speak(flat(pairs), seconds=seconds)
        settle_and_check(flat(pairs))
        assert all(pair.absent > absent for pair, absent in zip(remote, before))
        late = cluster.nodes[0].sign_up("late")
        late.is_settled()  # log-ins need no bus
    finally:
        cluster.nats.start()

    def are_connected():
        return all(Administrator(node).asks("status")["bus_reachable"] for node in cluster.nodes)
    wait_until(are_connected)
    absent = [pair.absent for pair in remote]
    eventually(lambda: reaches(cluster.nodes[1].sign_up("knocker"), late))
    all_speak(flat(pairs))
    settle_and_check(flat(pairs))
    assert [pair.absent for pair in remote] == absent, "it is back, and some are not heard"
    for speaker in grouped:
        speaker.group_message("all are here again")
        for one in grouped:
            if one is not speaker:
                one.hears(f"RELAYG {speaker} all are here again")


def reaches(knocker, peer):
    knocker.message(peer, "knock")
    peer.hears(f"RELAY {peer} {knocker} knock")
