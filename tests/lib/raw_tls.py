"""A client that says to TLS what Python's ssl module can't: OpenSSL by ctypes, over a socket that is rarely read."""

import ctypes
import ctypes.util

from wire import tcp_connect

KEY_UPDATE_REQUESTED = 1
SET_GROUPS_LIST = 92  # for SSL_CTX_ctrl()
_pointer = ctypes.c_void_p


def _library(name, *functions):
    library = ctypes.CDLL(ctypes.util.find_library(name))
    for function in functions:
        getattr(library, function).restype = _pointer
    return library


_crypto = _library("crypto", "BIO_new", "BIO_s_mem")
_ssl = _library("ssl", "TLS_client_method", "SSL_CTX_new", "SSL_new")


class RawPeer:
    """A connection that has shaken hands; or with `answers`, one that has had so many of the server's, and has its own next word still to say_on()."""

    def __init__(self, address, groups=None, answers=None):
        self.socket = tcp_connect(address, rcvbuf=4096)
        self._context = _pointer(_ssl.SSL_CTX_new(_pointer(_ssl.TLS_client_method())))
        if groups:
            assert _ssl.SSL_CTX_ctrl(self._context, SET_GROUPS_LIST, 0, groups.encode()) == 1
        self._tls = _pointer(_ssl.SSL_new(self._context))
        self._in, self._out = (_pointer(_crypto.BIO_new(_pointer(_crypto.BIO_s_mem()))) for _ in range(2))
        _ssl.SSL_set_bio(self._tls, self._in, self._out)
        _ssl.SSL_set_connect_state(self._tls)
        while _ssl.SSL_do_handshake(self._tls) != 1:
            if answers == 0:
                return
            answers = answers and answers - 1
            self.say_on()
            data = self.socket.recv(1 << 16)
            assert data, "the server closed during the handshake"
            _crypto.BIO_write(self._in, data, len(data))
        self.say_on()

    def __del__(self):
        _ssl.SSL_free(self._tls)
        _ssl.SSL_CTX_free(self._context)

    def say(self, data):
        """Send these bytes in one record."""
        _ssl.SSL_write(self._tls, data, len(data))
        self.say_on()

    def update_keys(self, times):
        """Wish for new keys so many times, which the server has to answer each time, and read none of the answers."""
        for _ in range(times):
            _ssl.SSL_key_update(self._tls, KEY_UPDATE_REQUESTED)
            _ssl.SSL_do_handshake(self._tls)
        self.say_on()

    def say_on(self):
        """Send what TLS has to say."""
        data = ctypes.create_string_buffer(1 << 20)
        length = _crypto.BIO_read(self._out, data, len(data))
        if length > 0:
            self.socket.sendall(data.raw[:length])
