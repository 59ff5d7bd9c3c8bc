"""The end of a server behind a balancer (server.drain_seconds): first it says that it is not ready, and serves on."""

import http.client
import signal


def ready(server):
    host, port = server.await_log(r"metrics-served address=\"?([\d.]+):(\d+)").groups()
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/readyz")
    return connection.getresponse().status


def test_it_serves_on_and_says_that_it_is_not_ready(serve):
    server = serve({"server.drain_seconds": 60, "metrics.listen": "127.0.0.1:0"})
    alice = server.sign_up("alice")
    assert ready(server) == 200
    server.signal(signal.SIGTERM)
    server.await_log("draining")
    assert ready(server) == 503
    alice.is_settled()
    server.sign_up("late").is_settled()
    server.signal(signal.SIGTERM)  # a second one cuts it short
    alice.hears_last("END * <server closing>")
    server.ends()


def test_it_ends_by_itself(serve):
    server = serve({"server.drain_seconds": 0.3})
    alice = server.sign_up("alice")
    server.signal(signal.SIGTERM)
    alice.hears_last("END * <server closing>")
    server.ends()


def test_a_reload_changes_it(serve):
    server = serve(config="[server]\ndrain_seconds = 60\n")
    server.config.write_text("[server]\ndrain_seconds = 0\n")
    server.signal(signal.SIGHUP)
    server.await_log("reloaded")
    server.stop()
