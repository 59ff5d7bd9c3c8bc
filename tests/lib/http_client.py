"""Speaks HTTP to metrics.listen, by a socket of its own so that it can also speak it badly."""

import re
import socket

from wire import PATIENCE


def metrics_address(server, nth=-1):
    """Where the server said last that it listens for metrics."""
    lines = [line for line in server.log() if "metrics-served" in line]
    host, port = re.search(r"\baddress(?:=|\":)\"?([^\s\",}]+)", lines[nth]).group(1).rsplit(":", 1)
    return host.strip("[]"), int(port)


def everything(sock):
    answer = b""
    while data := sock.recv(1 << 16):
        answer += data
    return answer


def ask(address, request, shut=False):
    """Send these bytes; (status, fields, body) of the answer, which ends with the connection."""
    with socket.create_connection(address, PATIENCE) as sock:
        sock.settimeout(PATIENCE)
        sock.sendall(request)
        if shut:
            sock.shutdown(socket.SHUT_WR)
        answer = everything(sock)
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d\d\d [A-Za-z ]+", first), answer[:200]
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def get(server, path, nth=-1):
    return ask(metrics_address(server, nth), f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def figures(server):
    """All metrics: {'messagerd_connections{state="login"}': 1.0, ...}"""
    status, _, body = get(server, "/metrics")
    assert status == 200, (status, body)
    lines = [line for line in body.decode("ascii").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
