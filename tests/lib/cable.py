"""The way between a client and a server, which can be cut as a network is: nothing comes through any more, and nobody is told."""

import selectors
import socket
import threading


class Cable:
    """Listens at `port` of 127.0.0.1 and carries what comes to the address and back."""

    def __init__(self, address):
        self._address = address
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._whole = threading.Event()
        self._whole.set()
        self._over = False
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    def close(self):
        self._over = True
        self._whole.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _run(self):
        while not self._over:
            self._whole.wait()
            for key, _ in self._selector.select(0.1):
                if not self._whole.is_set():
                    break  # what has come stays where it is
                if key.data is None:
                    self._connect()
                elif key.fileobj.fileno() >= 0:  # the other end may have closed both
                    self._carry(key.fileobj, key.data)

    def _connect(self):
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._address, 5)
        except OSError:
            near.close()
            return
        self._selector.register(near, selectors.EVENT_READ, far)
        self._selector.register(far, selectors.EVENT_READ, near)

    def _carry(self, source, sink):
        try:
            data = source.recv(1 << 16)
            sink.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (source, sink):
                self._selector.unregister(end)
                end.close()
