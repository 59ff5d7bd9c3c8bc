"""A node that loses PostgreSQL and keeps NATS, while the others have both: its lease is over, and it can't know whom it has lost."""

import pytest

from cable import Cable
from ctl import Administrator
from engines import wait_until
from wire import Ending, eventually

LEASE_SECONDS = 20


@pytest.fixture
def cable(cluster, stack):
    """Between the fourth node, node4, and PostgreSQL."""
    cable = Cable(("127.0.0.1", cluster.postgres.port))
    stack.callback(cable.close)
    stack.callback(cable.mend)
    cluster.add(settings={"store.url": cluster.postgres.url.replace(str(cluster.postgres.port), str(cable.port))})
    return cable


def test_a_node_is_cut_off_from_postgres_alone(cluster, cable):
    one, _, _, alone = cluster.nodes
    alice, bob = one.sign_up("alice"), cluster.nodes[1].sign_up("bob")
    moves, stays = alone.sign_up("moves"), alone.sign_up("stays")
    cable.cut()
    alone.await_log("node-out-of-touch", seconds=30)
    for speaker, listener in ((alice, stays), (stays, moves), (moves, bob)):  # talk goes on, from node to node too
        speaker.message(listener, "still here")
        listener.hears(f"RELAY {listener} {speaker} still here")
    refused = alone.connect()
    refused.say(f"AUTH {bob} {bob.password}")
    refused.hears_last("END * <try later>")

    again = eventually(lambda: one.connect().log_in(str(moves), moves.password), seconds=2 * LEASE_SECONDS)
    moves.hears("END * <user already online>")  # said by node1, on the bus
    assert isinstance(moves.next_record(), Ending)
    for number, speaker in enumerate((alice, bob, stays) * 5):
        speaker.message(again, f"after {number}")
        again.hears(f"RELAY {again} {speaker} after {number}")
    assert f"{again}@node1" in cluster.on() and Administrator(one).asks("status")["sessions_taken_over"] == 1
    stays.is_settled()
    again.is_settled()

    cable.mend()
    alone.await_log("node-rejoined", seconds=30)
    status = Administrator(alone).asks("status")
    assert (status["lease_certain"], status["sessions_lost"], status["online"]) == (1, 0, 1)
    wait_until(lambda: sorted(cluster.on()) == sorted([f"{alice}@node1", f"{again}@node1", f"{bob}@node2", f"{stays}@node4"]))
    stays.message(again, "all is as before")
    again.hears(f"RELAY {again} {stays} all is as before")
    stays.quit()
    one.log_in(stays).is_settled()
