"""Group chat: MSGG and CMD <group>, protocol.md section 4."""

import pytest

pytestmark = pytest.mark.threads


def toggle(*people):
    for one in people:
        one.say("CMD <group>")
        one.is_settled()


@pytest.fixture
def people(server):
    return [server.sign_up(nick) for nick in ("alice", "bob", "carol")]


def test_group_chat_is_off_at_log_in(people):
    alice, bob, carol = people
    toggle(bob)
    alice.say(f"MSGG {alice} hello")
    bob.hears(f"RELAYG {alice} hello")
    carol.heard_nothing_of(alice)


def test_everyone_with_group_chat_on_hears_but_the_sender(people):
    alice, bob, carol = people
    toggle(alice, bob, carol)
    alice.say(f"MSGG {alice} hello, all")
    bob.hears(f"RELAYG {alice} hello, all")
    carol.hears(f"RELAYG {alice} hello, all")
    alice.is_settled()
    alice.heard_nothing_of(bob)


def test_the_sender_need_not_have_it_on(people):
    alice, bob, _ = people
    toggle(bob)
    alice.say(f"MSGG {alice} hello")
    bob.hears(f"RELAYG {alice} hello")
    alice.is_settled()


def test_toggling_has_no_answer(people):
    alice = people[0]
    for _ in range(3):
        alice.say("CMD <group>")
    alice.is_settled()


def test_toggling_twice_turns_it_off(people):
    alice, bob, carol = people
    toggle(bob, bob, carol)
    alice.say(f"MSGG {alice} hello")
    carol.hears(f"RELAYG {alice} hello")
    bob.heard_nothing_of(alice)


def test_toggling_belongs_to_the_session(server, people):
    alice, bob, _ = people
    toggle(bob)
    bob.quit()
    again = server.log_in(bob)
    alice.say(f"MSGG {alice} hello")
    again.heard_nothing_of(alice)


def test_a_group_message_that_nobody_hears_has_no_answer(people):
    alice = people[0]
    alice.say(f"MSGG {alice} is anybody there?")
    alice.is_settled()


def test_private_messages_arrive_while_group_chat_is_on(people):
    alice, bob, _ = people
    toggle(bob)
    alice.say(f"MSG {bob} {alice} between us")
    bob.hears(f"RELAY {bob} {alice} between us")


def test_private_and_group_messages_of_a_sender_keep_their_order(people):
    alice, bob, _ = people
    toggle(bob)
    queries = [f"MSG {bob} {alice} {n}" if n % 3 else f"MSGG {alice} {n}" for n in range(120)]
    alice.say_records(map(alice.spelled, queries))
    bob.hears(*(f"RELAY {bob} {alice} {n}" if n % 3 else f"RELAYG {alice} {n}" for n in range(120)))


def test_who_has_left_is_not_missed(people):
    alice, bob, carol = people
    toggle(bob, carol)
    bob.die()
    alice.say(f"MSGG {alice} hello")
    carol.hears(f"RELAYG {alice} hello")
    alice.is_settled()
