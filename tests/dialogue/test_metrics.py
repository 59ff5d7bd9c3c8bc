"""Metrics over HTTP, the same through messagerctl, and whether the server is alive and ready."""

import re
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from ctl import Administrator
from http_client import ask, everything, figures, get, metrics_address
from server import REPOSITORY
from wire import PATIENCE, eventually

METRICS = {"metrics.listen": "127.0.0.1:0"}


@pytest.fixture
def server(serve):
    return serve(METRICS)


def one(name, **labels):
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"messagerd_{name}" + (f"{{{inside}}}" if inside else "")


def test_promtool_has_nothing_to_complain_about(server):
    server.sign_up("alice")
    status, fields, body = get(server, "/metrics")
    assert (status, fields["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert int(fields["Content-Length"]) == len(body)
    looked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
    assert (looked.returncode, looked.stdout, looked.stderr) == (0, b"", b"")


def test_what_happens_is_counted(server):
    before = figures(server)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.message(bob, "hello")
    bob.hears(f"RELAY {bob} {alice} hello")
    alice.message("nobody", "hello")
    alice.hears("CNT <user not online>")
    bob.say_raw(bob.spelled("CMD <group>"))
    bob.is_settled()
    alice.group_message("all")
    bob.hears(f"RELAYG {alice} all")
    stranger, liar = server.connect(), server.connect()
    liar.say(f"AUTH {alice} wrong")
    liar.hears_last("END <incorrect username or password>")
    server.connect().say_raw(b"GET / HTTP/1.1\r\n\r\n")
    server.knock().sendall(b"GET / HTTP/1.1\r\n\r\n")
    expected = {
        one("users_online"): 2,
        one("connections", state="session"): 2,
        one("connections", state="login"): 1,
        one("logins_total", result="signed up"): 2,
        one("logins_total", result="refused"): 1,
        one("connections_ended_total", reason="incorrect protocol"): 1,
        one("connections_ended_total", reason="refused"): 1,
        one("handshakes_failed_total"): 1,
        one("connections_accepted_total"): 6,
        one("private_messages_total", outcome="delivered"): 1,
        one("private_messages_total", outcome="not online"): 1,
        one("group_messages_total"): 1,
        one("group_deliveries_total"): 1,
        one("output_queue_bytes"): 0,
        one("passwords_waiting"): 0,
    }

    def grown():
        after = figures(server)
        assert {name: after[name] - before[name] for name in expected} == expected
        return after
    after = eventually(grown)
    stranger.hang_up()
    assert after[one("received_bytes_total")] > before[one("received_bytes_total")] + 1000
    assert after[one("sent_bytes_total")] > before[one("sent_bytes_total")] + 1000
    assert after[one("store_commit_seconds_count")] >= 1
    assert after[one("loop_turn_seconds_count")] > before[one("loop_turn_seconds_count")]
    years = (after[one("certificate_end_timestamp_seconds")] - time.time()) / 86400 / 365
    assert 9 < years < 11
    assert 1 << 20 < after[one("resident_memory_bytes")] < 1 << 34


def test_connections_by_state_come_back_to_nothing(server):
    people = [server.sign_up("one") for _ in range(5)] + [server.connect(), server.knock()]
    eventually(lambda: _states(server, handshake=1, login=1, session=5, closing=0))
    assert len(people) == 7
    server.dismiss()
    eventually(lambda: _states(server, handshake=0, login=0, session=0, closing=0))


def _states(server, **expected):
    now = figures(server)
    assert {state: now[one("connections", state=state)] for state in expected} == expected


def test_what_a_receiver_does_not_take_is_in_the_queue(serve):
    server = serve({**METRICS, "session.output_limit": "16MiB", "session.messages_per_second": 0})
    alice, deaf = server.sign_up("alice"), server.sign_up("deaf", rcvbuf=4096)
    deaf.deaf = True
    alice.say_records(alice.spelled(f"MSG {deaf} {alice} {'x' * 3000}") for _ in range(2000))
    alice.is_settled()
    eventually(lambda: _is_true(figures(server)[one("output_queue_bytes")] > 100000))
    deaf.die()
    eventually(lambda: _is_true(figures(server)[one("output_queue_bytes")] == 0))


def _is_true(claim):
    assert claim


def test_no_name_is_in_the_metrics(server):
    alice = server.sign_up("alice_in_wonderland")
    alice.message("tweedledee", "the white rabbit")
    alice.hears("CNT <user not online>")
    body = get(server, "/metrics")[2]
    for word in (alice.name.encode(), b"tweedledee", b"rabbit", b"127.0.0.1"):
        assert word not in body


def test_what_the_manual_names_is_there(server):
    """Rules and alerts are copied from it."""
    manual, body = (REPOSITORY / "docs/operations.md").read_text(), get(server, "/metrics")[2].decode()
    named = set(re.findall(r"messagerd_[a-z_]+", manual))
    reasons = set(re.findall(r'[{|](reason|result)!?=~?"([^"]*)"', manual))
    assert len(named) > 5 and len(reasons) > 2
    for name in named:
        assert re.search(rf"^{name}[ {{]", body, re.MULTILINE), name
    for label, values in reasons:
        for value in values.split("|"):
            assert f'{label}="{value}"' in body, value


def test_messagerctl_shows_the_same(server):
    server.sign_up("alice")
    admin = Administrator(server)
    shown, scraped = admin.asks("status"), figures(server)
    for key, name in {"connections_session": one("connections", state="session"),
                      "login_signed_up": one("logins_total", result="signed up"),
                      "ended_too_slow": one("connections_ended_total", reason="too slow"),
                      "refused_banned": one("connections_refused_total", reason="banned"),
                      "store_commit_count": one("store_commit_seconds_count"),
                      "sent_bytes": one("sent_bytes_total"),
                      "online": one("users_online")}.items():
        assert shown[key] == scraped[name], key
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["certificate_end"])
    text = admin.does("status")
    assert "login signed up: 1\n" in text and "too slow" not in text


# The answerer itself

def test_pages(server):
    for path in ("/livez", "/readyz", "/readyz?verbose"):
        assert (get(server, path)[0], get(server, path)[2]) == (200, b"ok\n")
    assert get(server, "/")[0] == 404
    assert get(server, "/metrics/")[0] == 404


def test_it_is_not_ready_when_nobody_can_log_in(server):
    """The look-up of a log-in is on a way of its own through the store."""
    alice = server.sign_up("alice")
    alice.quit()
    with closing(sqlite3.connect(server.data / "messagerd.db")) as other:
        other.execute("ALTER TABLE account RENAME TO lost")
    peer = server.connect()
    peer.say(f"AUTH {alice} {alice.password}")
    peer.hears_last("END * <try later>")
    assert get(server, "/readyz")[0] == 503
    assert figures(server)["messagerd_store_failures_total"] == 1


def test_head_has_no_body(server):
    status, fields, body = ask(metrics_address(server), b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, body) == (200, b"") and int(fields["Content-Length"]) > 1000


@pytest.mark.parametrize("status, request_bytes", [
    (400, b"\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\n\r\n"),
    (400, b"GET /livez HTTP/1.1\nHost: x\n\n"),
    (405, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
    (413, b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
    (431, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 10000),
    (505, b"GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n"),
])
def test_what_is_refused_is_answered(server, status, request_bytes):
    got, fields, _ = ask(metrics_address(server), request_bytes)
    assert got == status
    assert (fields.get("Allow") == "GET, HEAD") == (status == 405)
    assert get(server, "/livez")[0] == 200


def test_a_request_in_pieces(server):
    with socket.create_connection(metrics_address(server), PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n":
            sock.sendall(bytes([byte]))
        assert everything(sock).endswith(b"\r\n\r\nok\n")


def test_who_says_nothing_is_sent_away(server):
    with socket.create_connection(metrics_address(server), PATIENCE) as sock:
        assert everything(sock).startswith(b"HTTP/1.1 408 ")


def test_many_who_say_nothing_keep_nobody_out_for_long(server):
    address = metrics_address(server)
    silent = [socket.create_connection(address, PATIENCE) for _ in range(200)]
    server.is_well()
    eventually(lambda: get(server, "/livez"), errors=(OSError, AssertionError))
    for sock in silent:
        sock.close()


def test_who_does_not_read_keeps_nobody_waiting(server):
    address = metrics_address(server)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        sock.connect(address)
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert get(server, "/livez")[0] == 200


# Where it listens

def test_it_is_off_by_default(serve):
    server = serve()
    assert not any("metrics-served" in line for line in server.log())


def test_hup_moves_it(serve):
    server = serve(config="[metrics]\nlisten = 127.0.0.1:0\n")
    first = metrics_address(server)
    server.config.write_text("[metrics]\nlisten = 127.0.0.2:0 127.0.0.3:0\n")
    server.signal(signal.SIGHUP)
    server.await_log(r"\breloaded\b")
    assert {metrics_address(server, -1)[0], metrics_address(server, -2)[0]} == {"127.0.0.2", "127.0.0.3"}
    assert get(server, "/livez", -1)[0] == get(server, "/livez", -2)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(first, PATIENCE)


def test_hup_leaves_it_where_it_stays(serve):
    server = serve()
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
    server.config.write_text(f"[metrics]\nlisten = 127.0.0.1:{port}\n")
    server.signal(signal.SIGHUP)
    server.await_log(r"metrics-served")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as waiting:
        server.config.write_text(f"[metrics]\nlisten = 127.0.0.1:{port} 127.0.0.2:0\n")
        server.signal(signal.SIGHUP)
        server.await_log(r"metrics-served address=127\.0\.0\.2")
        waiting.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(waiting).endswith(b"ok\n")


def test_an_address_that_is_taken_changes_nothing(serve):
    server = serve(config="[metrics]\nlisten = 127.0.0.1:0\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server.config.write_text(f"[metrics]\nlisten = 127.0.0.2:0 127.0.0.1:{port}\n[login]\nregistration = closed\n")
        said = Administrator(server).fails("reload")
    assert f"can't listen on 127.0.0.1:{port} for metrics" in said
    assert get(server, "/livez", 0)[0] == 200
    server.is_well()


def test_an_address_that_is_taken_at_the_start(serve):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(AssertionError, match="for metrics"):
            serve({"metrics.listen": f"127.0.0.1:{other.getsockname()[1]}"})
