"""How much one turn of a worker's loop does, whatever a crowd does: counted in system calls (tests/lib/tally.c). A clock would tell of the machine.

Each crowd is so large that it would take several times as many calls, were it served in one turn.
"""

import resource
import signal
import ssl
from contextlib import contextmanager
from pathlib import Path

import pytest

from crowd import gather
from http_client import figures
from raw_tls import RawPeer
from wire import client_context, eventually, reset, tcp_connect

pytestmark = pytest.mark.plain
CROWD = 600
SLICE, EVENTS = 24, 64  # LOOP_SLICE, LOOP_EVENTS_MAX
READ_STRANGER, READ_LEAST = 1024, 4096  # READ_STRANGER_LEN, READ_LEAST_LEN
SETTINGS = {"server.workers": 1, "session.messages_per_second": 0, "limits.unauthenticated": 0, "session.output_limit": "64KiB",
            "metrics.listen": "127.0.0.1:0"}


@pytest.fixture(autouse=True)
def _enough_files():
    had = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(had[1], 5000), had[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, had)


@pytest.fixture
def start(serve, tally):
    return lambda **more: serve({**SETTINGS, **more}, environment=tally.environment)


@contextmanager
def asleep(server):
    """What is done meanwhile, the server finds all at once."""
    def sleeps():
        for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
            assert (thread / "stat").read_text().rpartition(") ")[2][0] == "T"
    server.signal(signal.SIGSTOP)
    eventually(sleeps)
    yield
    server.signal(signal.SIGCONT)


def are_there(server, count, state):
    def is_so():
        assert figures(server)[f'messagerd_connections{{state="{state}"}}'] == count
    eventually(is_so)


def is_short(tally, server, work, most):
    """Demand that no turn makes more calls than that while work() runs, but that some make many: else nothing was counted."""
    def all_of_it():
        work()
        server.is_well()  # so the turn that ended it is over
    calls, _ = tally.most_of_a_turn(all_of_it)
    print(f"{calls} calls in the longest turn")
    assert calls <= most, f"{calls} calls in one turn"
    assert calls >= most / 10, f"{calls} calls in the longest turn: what was to be counted was not"


def test_a_text_for_a_group(tally, start):
    server = start()
    speaker, *members = gather(server, CROWD)
    for one in members:
        one.say("CMD <group>")
        one.is_settled()

    def talk():
        for number in range(3):
            speaker.group_message(f"hello {number}")
        for one in members:
            one.hears(*[f"RELAYG {speaker} hello {number}" for number in range(3)])
    is_short(tally, server, talk, 2 * SLICE)  # each is written to


def test_a_text_for_a_group_amid_much_else(tally, start):
    """The group has a share of what is done for others, not only its slice of each turn, however long that is."""
    server = start(**{"session.output_limit": "4MiB"})
    speaker, *people = gather(server, CROWD + 40)
    members, busy = people[:CROWD], people[CROWD:]
    for one in members:
        one.say("CMD <group>")
        one.is_settled()

    def talk():
        with asleep(server):
            speaker.group_message("hello")
            for one in busy:
                one.deaf = True
                one.say_records(300 * [one.spelled(f"MSG {one} {one} {'x' * 70}")])
        for one in members:
            one.hears(f"RELAYG {speaker} hello")
    turns = tally.of(talk)["epoll_wait"]
    print(f"{turns} turns")
    assert turns < CROWD / SLICE * 0.7, f"{turns} turns"


def test_receivers_who_stop_reading_and_are_dropped(tally, start):
    server = start()
    speaker, *deaf = gather(server, CROWD // 2, rcvbuf=4096)
    for one in deaf:
        one.say("CMD <group>")
        one.is_settled()
        one.deaf = True
    reason = 'messagerd_connections_ended_total{reason="too slow"}'

    def talk():
        while figures(server)[reason] < len(deaf):
            for _ in range(5):
                speaker.group_message("x" * 4000)
            speaker.is_settled()
    is_short(tally, server, talk, 5 * SLICE)  # written to in vain, waited for, told and waited for again


def test_sessions_that_break_off_at_once(tally, start):
    server = start()
    people = gather(server, CROWD)

    def break_off():
        with asleep(server):
            for one in people:
                one.die()
        are_there(server, 0, "session")
    is_short(tally, server, break_off, 3 * EVENTS + SLICE)  # asked for their error and what they got, then buried


def test_strangers_who_come_and_break_off_at_once(tally, start):
    server = start()

    def come():
        with asleep(server):
            crowd.extend(tcp_connect(server.address) for _ in range(CROWD))
        are_there(server, CROWD, "handshake")

    def break_off():
        with asleep(server):
            for sock in crowd:
                reset(sock)
        are_there(server, 0, "handshake")
    crowd = []
    is_short(tally, server, come, SLICE)  # one in a turn
    is_short(tally, server, break_off, 5 * SLICE)


def test_strangers_whose_time_is_over_at_once(tally, start):
    server = start(**{"login.handshake_timeout": 2})

    def come_and_stay():
        with asleep(server):
            crowd.extend(tcp_connect(server.address) for _ in range(CROWD))
        eventually(lambda: figures(server)["messagerd_handshakes_failed_total"] == CROWD or 1 / 0, errors=ZeroDivisionError)
    crowd = []
    is_short(tally, server, come_and_stay, 5 * SLICE)


def test_hellos_that_come_at_once(tally, start):
    """The answers to four are as much work as a slice may be."""
    server = start()
    crowd = [tcp_connect(server.address) for _ in range(100)]
    are_there(server, len(crowd), "handshake")

    def greet():
        with asleep(server):
            for sock in crowd:
                answers = ssl.MemoryBIO()
                tls = client_context().wrap_bio(ssl.MemoryBIO(), answers)
                with pytest.raises(ssl.SSLWantReadError):
                    tls.do_handshake()
                sock.sendall(answers.read())
        for sock in crowd:
            assert sock.recv(1) == b"\x16"
    is_short(tally, server, greet, SLICE)  # a dozen for each


def test_second_hellos_that_come_at_once(tally, start):
    """Who offers a key that we don't take is told so, which costs little; its next hello costs what others' first does."""
    server = start()
    crowd = [RawPeer(server.address, groups="P-521:X25519", answers=1) for _ in range(50)]

    def greet():
        with asleep(server):
            for one in crowd:
                one.say_on()
        for one in crowd:
            assert one.socket.recv(1) == b"\x16"
    is_short(tally, server, greet, SLICE)


def test_who_comes_waits_for_no_stranger(tally, start):
    """However many of those who are here have something to say, in each turn one may come in."""
    server = start()
    crowd = [RawPeer(server.address) for _ in range(80)]
    are_there(server, len(crowd), "login")

    def come():
        with asleep(server):
            for one in crowd:
                one.update_keys(1500)  # ten readings of each
            knocks.extend(tcp_connect(server.address) for _ in range(200))
        are_there(server, len(knocks), "handshake")
    knocks = []
    turns = tally.of(come)["epoll_wait"]
    print(f"{turns} turns")
    assert len(knocks) <= turns < 3 * len(knocks), f"{turns} turns"


@pytest.mark.parametrize("records", ["own", "libssl"])
@pytest.mark.parametrize("who", ["strangers", "sessions"])
def test_key_updates_that_come_at_once(tally, start, who, records):
    """They are a hundred times the work of as many bytes of queries: whoever says nothing else is read a little at a time, and one in a turn (of strangers a few)."""
    server = start(**{"tls.records": records})
    count = 600  # 16 KiB
    crowd = [RawPeer(server.address) for _ in range(20)]
    for number, one in enumerate(crowd):
        if who == "sessions":
            one.say(b"PUT stormy_%d secret \r\n" % number)
    are_there(server, len(crowd), "session" if who == "sessions" else "login")

    def storm():
        before = figures(server)["messagerd_received_bytes_total"]
        for one in crowd:
            one.update_keys(count)
        eventually(lambda: has_received(server, before + len(crowd) * count * 27))

    def all_at_once():
        with asleep(server):
            for one in crowd:
                one.update_keys(count)
        server.is_well()
        eventually(lambda: has_received(server, before + len(crowd) * count * 27))
    storm()  # from here on it is known of sessions, too
    before = figures(server)["messagerd_received_bytes_total"]
    _, received = tally.most_of_a_turn(all_at_once)
    least = READ_STRANGER if who == "strangers" else READ_LEAST
    print(f"{received} bytes in one turn")
    assert least <= received <= 2 * READ_LEAST, f"{received} bytes in one turn"


def has_received(server, least):
    assert figures(server)["messagerd_received_bytes_total"] >= least
