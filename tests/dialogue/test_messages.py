"""MSG and MSGG: protocol.md section 4, the first two rows, and the order of messages."""

import pytest

from wire import unique

pytestmark = pytest.mark.threads

INCORRECT = "END * <incorrect protocol>"


def test_a_message_is_relayed(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say(f"MSG {bob} {alice} hello, bob")
    bob.hears(f"RELAY {bob} {alice} hello, bob")
    alice.is_settled()


def test_and_answered(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for number in range(50):
        alice.say(f"MSG {bob} {alice} question {number}")
        bob.hears(f"RELAY {bob} {alice} question {number}")
        bob.say(f"MSG {alice} {bob} answer {number}")
        alice.hears(f"RELAY {alice} {bob} answer {number}")


def test_only_the_target_hears_a_message(server):
    alice, bob, carol = server.sign_up("alice"), server.sign_up("bob"), server.sign_up("carol")
    alice.say(f"MSG {bob} {alice} between us")
    bob.hears(f"RELAY {bob} {alice} between us")
    carol.heard_nothing_of(alice)


def test_a_message_to_oneself(server):
    alice = server.sign_up("alice")
    alice.say(f"MSG {alice} {alice} note")
    alice.hears(f"RELAY {alice} {alice} note")
    alice.is_settled()


def test_a_user_who_is_not_online(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    bob.quit()
    alice.say(f"MSG {bob} {alice} hello?")
    alice.hears("CNT <user not online>")

    again = server.log_in(bob)  # and nothing was kept
    again.heard_nothing_of(alice)


@pytest.mark.parametrize("target", [
    pytest.param("nobody_of_this_name", id="unknown"),
    pytest.param("bad-name", id="disallowed-character"),
    pytest.param("x" * 33, id="too-long"),
    pytest.param("x" * 8000, id="far-too-long"),
    pytest.param("admin", id="admin"),
    pytest.param("server", id="server"),
    pytest.param("<online>", id="in-brackets"),
    pytest.param("*", id="star"),
    pytest.param("..", id="dots"),
    pytest.param("a\0b", id="nul"),
    pytest.param("a\nb", id="line-feed"),
    pytest.param("é", id="letter-beyond-ascii"),
])
def test_a_target_that_no_user_could_have_is_not_online(server, target):
    alice = server.sign_up("alice")
    alice.say(f"MSG {target} {alice} hello")
    alice.hears("CNT <user not online>")
    alice.is_settled()


def test_a_name_in_another_case_is_somebody_else(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say(f"MSG {bob.name.upper()} {alice} hello")
    alice.hears("CNT <user not online>")
    bob.heard_nothing_of(alice)


def test_who_has_not_logged_in_is_no_target(server):
    alice = server.sign_up("alice")
    name = unique("bob")
    bob = server.connect()
    bob.say(f"PUT {name}  bad password")
    bob.hears("TRY <disallowed password>")
    alice.say(f"MSG {name} {alice} hello")
    alice.hears("CNT <user not online>")
    bob.sign_up(name)
    bob.heard_nothing_of(alice)


@pytest.mark.parametrize("query", ["MSG {bob} {carol} hello", "MSG {bob} {alice}x hello", "MSG {bob} {ALICE} hello",
                                   "MSG {bob} admin hello", "MSG {bob} {bob} hello", "MSGG {carol} hello",
                                   "MSGG {ALICE} hello"])
def test_nobody_speaks_in_another_name(server, query):
    alice, bob, carol = server.sign_up("alice"), server.sign_up("bob"), server.sign_up("carol")
    bob.say("CMD <group>")
    bob.is_settled()
    alice.say(query.format(alice=alice, bob=bob, carol=carol, ALICE=alice.name.upper()))
    alice.hears_last(INCORRECT)
    bob.is_settled()  # who was named hears nothing of it
    carol.is_settled()
    server.log_in(alice)


def test_what_was_said_before_leaving_arrives(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say_records(alice.spelled(f"MSG {bob} {alice} {number}") for number in range(50))
    alice.hang_up()
    bob.hears(*(f"RELAY {bob} {alice} {number}" for number in range(50)))


# Order

def test_messages_arrive_in_the_order_sent_whole_and_once(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    texts = [f"message {number} " + "x" * (number * 37 % 3000) for number in range(200)]
    alice.say_records(alice.spelled(f"MSG {bob} {alice} {text}") for text in texts)
    bob.hears(*(f"RELAY {bob} {alice} {text}" for text in texts))
    bob.heard_nothing_of(alice)


def test_each_of_several_senders_keeps_its_order(server):
    bob = server.sign_up("bob")
    senders = [server.sign_up("sender") for _ in range(6)]
    each = 80
    for sender in senders:
        sender.say_records(sender.spelled(f"MSG {bob} {sender} {number}") for number in range(each))

    heard = {str(sender): [] for sender in senders}
    for _ in range(each * len(senders)):
        found = bob.hears_match(rf"RELAY {bob} (\w+) (\d+)")
        heard[found[1].decode()].append(int(found[2]))
    assert all(numbers == list(range(each)) for numbers in heard.values()), heard
    bob.is_settled()


def test_answers_and_messages_keep_the_order_of_their_queries(server):
    alice = server.sign_up("alice")
    alice.say_records(alice.spelled(query) for query in [
        f"MSG {alice} {alice} one", f"MSG nobody_here {alice} lost", f"MSG {alice} {alice} two", "CMD <what>"])
    alice.hears(f"RELAY {alice} {alice} one", "CNT <user not online>", f"RELAY {alice} {alice} two",
                "CMD <problem with command>")


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_conversation_with_any_number_of_workers(serve, workers):
    server = serve({"server.workers": workers})
    people = [server.sign_up("one") for _ in range(8)]
    for one in people:
        one.say("CMD <group>")
        one.is_settled()
    for one in people:
        for other in people:
            one.message(other, "hello")
            other.hears(f"RELAY {other} {one} hello")
        one.group_message("all of you")
        for other in people:
            if other is not one:
                other.hears(f"RELAYG {one} all of you")
    for one in people:
        one.is_settled()
