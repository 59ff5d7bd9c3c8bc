"""Much of everything: sizes, lines, conversations. The figures are printed (pytest -s) and held to generous limits, since others work here too."""

import os
import time

from server import is_sanitized
from wire import PACE, unique

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")
LINES = 100_000


def begins(stage, screen, password, *words, **how):
    server = stage()
    person = screen(server, *LOGIN, "--password-file", password, *words, **how)
    client = server.session("alice")
    client.hears("CMD <online>")
    client.say("CMD <alice>")
    person.sees("^bob>")
    return person, client


def leaves(person, client):
    person.keys("C-c", ":quit:", "Enter")
    client.hears_end()
    person.ends(0)


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def floods(client, count, text="line {} of a conversation that goes on and on"):
    """Messages of bob's, many in a write; each in a record of its own would only make the test slower."""
    batch = b""
    for number in range(count):
        batch += b"RELAY alice bob " + text.format(number).encode() + b" \r\n"
        if len(batch) > 12_000:
            client.say_raw(batch)
            batch = b""
    client.say_raw(batch)


def seconds_per_key(person, count=40):
    """From a key to what it shows, in the middle of the tries."""
    taken = []
    for number in range(count):
        letter = chr(ord("a") + number % 26)
        begun = time.monotonic()
        person.type(letter)
        person.awaits(lambda: person.glass.lines()[-1].endswith(letter), "the letter")
        taken.append(time.monotonic() - begun)
        person.type("\x7f")
        person.awaits(lambda: not person.glass.lines()[-1].endswith(letter), "no letter")
    return sorted(taken)[count // 2]


def test_a_hundred_thousand_lines_cost_a_key_nothing(stage, screen, password):
    person, client = begins(stage, screen, password)
    before = seconds_per_key(person)
    floods(client, LINES)
    client.say("RELAY alice bob that was all")
    person.sees("bob: that was all", seconds=120)
    after = seconds_per_key(person)
    cpu = cpu_seconds(person.pid)
    for _ in range(20):
        seconds_per_key(person, 5)
    cpu = (cpu_seconds(person.pid) - cpu) / 200
    resident = resident_kib(person.pid)
    print(f"\na key to the screen: {before * 1000:.1f} ms empty, {after * 1000:.1f} ms with {LINES} lines "
          f"({cpu * 1000:.2f} ms of processor); {resident / 1024:.1f} MiB resident")
    assert cpu < 0.016
    assert after < max(0.1, 8 * before), (before, after)
    assert resident < 40 * 1024 or is_sanitized(person.pid)
    person.keys("PgUp", "PgUp")
    person.sees("more below")
    person.keys("C-s", "line 7 of")
    person.sees("line 7 of a conversation|not found")
    leaves(person, client)


def test_a_thousand_resizes(stage, screen, password):
    person, client = begins(stage, screen, password)
    client.say("RELAY alice bob " + "many words " * 100)
    person.sees("bob: many words")
    for number in range(1000):
        person.resize(20 + number * 7 % 180, 5 + number * 3 % 50)
        if number % 50 == 0:
            person.keys("x")
            person.sees("x$")
    person.resize(80, 24)
    person.sees("^ bob")
    person.awaits(lambda: person.glass.lines()[-1].startswith("bob> x"), "the prompt in the last row")
    leaves(person, client)


def test_five_hundred_conversations(stage, screen, password):
    person, client = begins(stage, screen, password, columns=110)
    for number in range(500):
        client.say(f"RELAY alice person_{number} hello from {number}")
    person.sees("^ 4 person_0")
    person.keys("M-a")
    person.sees("person_0: hello from 0$")
    for number in range(1, 20):
        person.keys("M-a")
        person.sees(f"person_{number}: hello from {number}$")
    assert seconds_per_key(person, 10) < 0.5
    person.keys("C-p", "C-p")
    person.sees("^person_")
    leaves(person, client)


def test_it_starts_at_once(server, talking, screen, password):
    """From the start to the prompt, with the connection, the handshake and the log-in on this machine."""
    alice = server.sign_up("alice")
    alice.quit()
    password.write_text(alice.password)
    taken = []
    for _ in range(5):
        begun = time.monotonic()
        person = screen(server, "--user", alice.name, "--password-file", password, "--trust-first", "--to", "bob")
        person.sees("^bob>")
        taken.append(time.monotonic() - begun)
        person.keys("C-d")
        person.ends(0)
    print(f"\nstart to prompt: {min(taken) * 1000:.0f} ms")
    assert min(taken) < PACE
