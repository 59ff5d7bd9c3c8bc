"""A cluster: several messagerd, PostgreSQL and nats-server, all of them real, on loopback."""

import signal
import tempfile
from pathlib import Path

import engines
from server import Server


def new_folder(stack):
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-"))


class Cluster:
    def __init__(self, stack):
        self.folder = Path(new_folder(stack))
        self.postgres = engines.Postgres(self.folder)
        self.nats = engines.Nats(self.folder)
        for engine in (self.postgres, self.nats):
            engine.start()
            stack.callback(engine.stop)
        self._stack = stack
        self.nodes = []

    def add(self, name=None, settings=None, folder=None):
        name = name or f"node{len(self.nodes) + 1}"
        chosen = {"store.url": self.postgres.url, "bus.url": self.nats.url, "bus.node": name, "server.workers": 2,
                  **(settings or {})}
        node = Server(folder or new_folder(self._stack), chosen)
        node.name = name
        self._stack.callback(self._finish, node)
        self.nodes.append(node)
        return node

    def _finish(self, node):
        if node.process.poll() is None:
            node.signal(signal.SIGCONT)
        node.finish()

    def on(self):
        """user@node of all who have a valid lease."""
        return self.postgres.asks("SELECT name || '@' || node FROM lease WHERE until > now() ORDER BY 1")
