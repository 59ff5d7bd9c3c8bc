"""Logging in: protocol.md section 3, AUTH, and what a connection may say before it is a session."""

import math
import socket
import time

import pytest

from wire import RECORD_MAX, Ending, eventually, unique

REFUSED = "END <incorrect username or password>"
INCORRECT = "END * <incorrect protocol>"


@pytest.fixture
def alice(server):
    """An account whose owner is not online."""
    alice = server.sign_up("alice", "open sesame")
    alice.quit()
    return alice


def test_auth_makes_a_session(server, alice):
    peer = server.connect()
    peer.say(f"AUTH {alice} open sesame")
    peer.is_accepted(alice.name)
    peer.is_settled()


def test_the_final_space_may_be_missing(server, alice):
    peer = server.connect()
    peer.say_raw(f"AUTH {alice} open sesame\r\n".encode())
    peer.is_accepted(alice.name)


@pytest.mark.parametrize("password", [
    pytest.param("wrong", id="another"),
    pytest.param("open sesam", id="one-byte-short"),
    pytest.param("open sesame!", id="one-byte-long"),
    pytest.param("Open sesame", id="case"),
    pytest.param("open  sesame", id="another-space"),
    pytest.param(" open sesame", id="space-before"),
    pytest.param("open sesame ", id="space-after"),
    pytest.param("open sesame\0", id="nul-after"),
    pytest.param("open sesame\0x", id="nul-inside"),
    pytest.param("x" * 1025, id="impossibly-long"),
    pytest.param("a\x07b", id="control-byte"),
])
def test_a_wrong_password_is_refused(server, alice, password):
    peer = server.connect()
    peer.say(f"AUTH {alice} {password}")
    peer.hears_last(REFUSED)


@pytest.mark.parametrize("name", [
    pytest.param("nobody_has_this_name", id="unknown"),
    pytest.param("bad-name", id="disallowed-character"),
    pytest.param("x" * 33, id="too-long"),
    pytest.param("x" * 9000, id="far-too-long"),
    pytest.param("admin", id="reserved"),
    pytest.param("SERVER", id="reserved-in-capitals"),
    pytest.param("../../etc/passwd", id="path"),
    pytest.param("a';--", id="sql"),
    pytest.param("al\0ice", id="nul"),
    pytest.param("\x1b[2J", id="escape"),
    pytest.param(b"\xff\xfe", id="no-utf-8"),
    pytest.param("é", id="letter-beyond-ascii"),
])
def test_an_unknown_or_impossible_name_is_refused_in_the_same_words(server, name):
    peer = server.connect()
    peer.say(b"AUTH %b secret" % (name if isinstance(name, bytes) else name.encode()))
    peer.hears_last(REFUSED)


def test_names_are_compared_exactly(server, alice):
    peer = server.connect()
    peer.say(f"AUTH {alice.name.upper()} open sesame")
    peer.hears_last(REFUSED)


def test_a_user_has_one_session(server):
    alice = server.sign_up("alice")

    second = server.connect()
    second.say(f"AUTH {alice} {alice.password}")
    second.hears_last("END * <user already online>")

    alice.is_settled()


def test_already_online_is_only_said_to_who_knows_the_password(server):
    alice = server.sign_up("alice")

    stranger = server.connect()
    stranger.say(f"AUTH {alice} wrong")
    stranger.hears_last(REFUSED)

    alice.is_settled()


@pytest.mark.threads
def test_of_two_log_ins_at_once_one_wins(server):
    for _ in range(10):
        alice = server.sign_up("alice")
        alice.quit()
        rivals = [server.connect() for _ in range(4)]
        for rival in rivals:
            rival.say(f"AUTH {alice} {alice.password}")
        answers = sorted(rival.next_record() for rival in rivals)
        assert answers[0].startswith(f"ACCEPT {alice} ".encode())
        assert answers[1:] == [b"END * <user already online> \r\n"] * 3


def test_after_quitting_one_may_come_back_at_once(server, alice):
    for _ in range(10):
        server.log_in(alice).quit()


@pytest.mark.parametrize("how", ["close_notify", "end of stream"])
def test_who_has_seen_a_session_end_may_come_back_at_once(server, how):
    alice = server.sign_up("alice")
    for _ in range(50):
        again = server.connect()
        if how == "close_notify":
            alice.close_notify()
        else:
            alice.socket.shutdown(socket.SHUT_WR)
        assert alice.next_record() in (Ending.CLOSE_NOTIFY, Ending.EOF)
        alice = again.log_in(alice.name, alice.password)


@pytest.mark.threads
@pytest.mark.parametrize("leave", ["hang_up", "die", "close_notify"])
def test_an_abrupt_leave_frees_the_user(server, leave):
    alice = server.sign_up("alice")
    getattr(alice, leave)()
    eventually(lambda: server.log_in(alice))


@pytest.mark.parametrize("said", [
    pytest.param(b"\r\n", id="nothing"),
    pytest.param(b" \r\n", id="space"),
    pytest.param(b"  \r\n", id="two-spaces"),
    pytest.param(b"AUTH\r\n", id="AUTH-alone"),
    pytest.param(b"AUTH \r\n", id="AUTH-and-space"),
    pytest.param(b"AUTH alice\r\n", id="AUTH-without-password"),
    pytest.param(b"AUTH alice \r\n", id="AUTH-without-password-and-space"),
    pytest.param(b"AUTH alice  \r\n", id="AUTH-empty-password"),
    pytest.param(b"AUTH  secret \r\n", id="AUTH-empty-name"),
    pytest.param(b"AUTH   \r\n", id="AUTH-empty-both"),
    pytest.param(b"PUT\r\n", id="PUT-alone"),
    pytest.param(b"PUT \r\n", id="PUT-and-space"),
    pytest.param(b"PUT alice\r\n", id="PUT-without-password"),
    pytest.param(b"PUT alice \r\n", id="PUT-without-password-and-space"),
    pytest.param(b"PUT alice  \r\n", id="PUT-empty-password"),
    pytest.param(b"PUT  secret \r\n", id="PUT-empty-name"),
    pytest.param(b"PUT   \r\n", id="PUT-empty-both"),
    pytest.param(b" AUTH alice secret \r\n", id="space-before"),
    pytest.param(b"auth alice secret \r\n", id="small-letters"),
    pytest.param(b"AUTHalice secret x \r\n", id="no-space-after-verb"),
    pytest.param(b"AUTH\talice\tsecret \r\n", id="tabs"),
    pytest.param(b"AUTH\0alice secret \r\n", id="nul"),
    pytest.param(b"AUTHX alice secret \r\n", id="longer-verb"),
    pytest.param(b"PU alice secret \r\n", id="shorter-verb"),
    pytest.param(b"HELLO alice secret \r\n", id="unknown-verb"),
    pytest.param(b"MSG bob alice hello 0 \r\n", id="MSG"),
    pytest.param(b"MSGG alice hello 0 \r\n", id="MSGG"),
    pytest.param(b"CMD <online> 0 \r\n", id="CMD"),
    pytest.param(b"BEGINF file.txt bob 0 \r\n", id="BEGINF"),
    pytest.param(b"ENDF 0 \r\n", id="ENDF"),
    pytest.param(b"END <user command> 0 \r\n", id="END"),
    pytest.param(b"CHECK \r\n", id="CHECK"),
    pytest.param(b"ACCEPT alice 0 \r\n", id="ACCEPT"),
    pytest.param(b"RELAY bob alice hello \r\n", id="RELAY"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HTTP"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\r\n", id="TLS-in-TLS"),
    pytest.param(bytes(range(256)) + b"\r\n", id="all-bytes"),
    pytest.param(b"\xff" * 100 + b"\r\n", id="high-bytes"),
])
def test_anything_else_before_log_in_is_a_protocol_error(server, said):
    peer = server.connect()
    peer.say_raw(said)
    peer.hears_last(INCORRECT)


@pytest.mark.parametrize("start", [b"AUTH alice ", b"PUT alice ", b"", b"\n"], ids=["AUTH", "PUT", "no-verb", "line-feed"])
def test_a_query_of_more_than_16_kib_is_a_protocol_error_before_its_end(server, start):
    peer = server.connect()
    peer.say_raw(start.ljust(RECORD_MAX, b"x"))
    peer.say_raw(b"x")
    peer.hears_last(INCORRECT)


def test_queries_wait_for_the_answer_before_them(server, alice):
    """Two AUTH at once: the second one is said in a session, where it is a protocol error."""
    peer = server.connect()
    auth = peer.spelled(f"AUTH {alice} open sesame")
    peer.say_raw(auth + auth)
    peer.is_accepted(alice.name)
    peer.hears_last(INCORRECT)


def test_the_server_says_nothing_before_it_is_asked(server, alice):
    """No greeting: the first record of all is the answer."""
    peer = server.connect()
    peer.hears_nothing(0.3)
    peer.log_in(alice.name, alice.password)


# Tokens

TOKEN_BITS = 128


def tokens(server, count):
    alice = server.sign_up("alice")
    alice.quit()
    found = []
    for _ in range(count):
        session = server.log_in(alice)
        found.append(session.token)
        session.quit()
    return found


def test_tokens_are_long_url_safe_and_differ(server):
    found = tokens(server, 200)
    assert len(set(found)) == len(found)
    assert all(set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~") for token in found)

    # What 200 samples show of each place's alphabet; a little below the truth, since some letters may not have come up.
    bits = sum(math.log2(len(set(place))) for place in zip(*found))
    assert bits > 0.95 * TOKEN_BITS, f"these tokens hold about {bits:.0f} bits: {found[:3]}"


def test_a_token_lives_as_long_as_its_session(server):
    alice = server.sign_up("alice")
    old = alice.token
    alice.quit()
    again = server.log_in(alice)
    again.say_raw(f"CMD <online> {old} \r\n".encode())
    again.hears_last(INCORRECT)


# What it costs

def cpu_seconds(server):
    return time.clock_gettime(~server.process.pid << 3 | 2)  # the process's clock, as clock_getcpuclockid(3) names it


def test_all_refusals_cost_the_same(serve):
    """By the server's own clock: on a busy machine a peer's tells little, however often it looks."""
    server = serve({"login.password_memory": "32MiB", "login.password_passes": 3})
    alice = server.sign_up("alice")
    least = dict.fromkeys([f"AUTH {alice} wrong", f"AUTH {unique('nobody')} wrong", "AUTH no-name wrong"], math.inf)
    for _ in range(10):  # in turns, and the least of each: what else runs only ever adds
        for query in least:
            peer = server.connect()
            began = cpu_seconds(server)
            peer.say(query)
            peer.hears(REFUSED)
            least[query] = min(least[query], cpu_seconds(server) - began)
    assert max(least.values()) < 1.5 * min(least.values()), least


@pytest.mark.threads
def test_sessions_do_not_wait_for_the_hashes_of_others(serve):
    """Many dear log-ins are under way; two sessions talk to the end before the last of these is answered."""
    server = serve({"login.password_memory": "64MiB", "login.password_passes": 4})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    crowd = [server.connect() for _ in range(16)]
    for one in crowd:
        one.say("AUTH nobody secret")

    for number in range(20):
        alice.message(bob, f"question {number}")
        bob.hears(f"RELAY {bob} {alice} question {number}")
        bob.message(alice, f"answer {number}")
        alice.hears(f"RELAY {alice} {bob} answer {number}")

    unanswered = [one for one in crowd if not isinstance(one.next_record(0), bytes)]
    assert unanswered, "the conversation was over only after all hashes"
    for one in unanswered:
        one.hears(REFUSED, seconds=30)


# Secrets

def times_in_memory(server, secret):
    """How often these bytes stand in the server's memory."""
    found = 0
    with open(f"/proc/{server.process.pid}/maps") as maps, open(f"/proc/{server.process.pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            begin, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw") and end - begin < 1 << 28:
                memory.seek(begin)
                try:
                    found += memory.read(end - begin).count(secret)
                except OSError:
                    continue  # a guard page of the sanitizer
    return found


@pytest.mark.parametrize("said", ["whole", "in pieces", "while waiting"])
def test_no_password_stays_in_memory(serve, said):
    server = serve()
    secret = f"open-{said}-sesame"
    alice = server.connect()
    query = f"PUT alice {secret} \r\n"
    if said == "in pieces":
        for cut in (9, 20):
            alice.say_raw(query[:cut].encode())
            query = query[cut:]
    if said == "while waiting":
        alice.say_raw(b"AUTH alice no \r\n" + query.encode())
        alice.hears_last("END <incorrect username or password>")
    else:
        alice.say_raw(query.encode())
        alice.is_accepted("alice")
    assert times_in_memory(server, f"{said}-sesame".encode()) == 0
