"""Python's ssl with what OPENSSL_CONF chooses: what comes in goes to HOST PORT, what that says comes out."""

import os
import select
import socket
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
tls = context.wrap_socket(socket.create_connection((sys.argv[1], int(sys.argv[2]))))
print(tls.version(), tls.cipher()[0], flush=True)
tls.setblocking(False)
while True:
    ready, _, _ = select.select([0, tls], [], [])
    if 0 in ready:
        tls.sendall(os.read(0, 4096))
    try:
        while data := tls.recv(16384):
            os.write(1, data)
        break
    except ssl.SSLWantReadError:
        pass
