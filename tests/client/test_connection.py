"""A connection that is lost, and how a person comes back."""

import select
import socket
import ssl
import threading

import pytest

from person import Script, where
from wire import PATIENCE, reset, unique

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


@pytest.fixture
def talking(stage, terminal, password):
    """A person in a session with a scripted server: server, person, client."""
    server = stage()
    person = terminal(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    person.sees("bob> ")
    return server, person, client


def leaves(person, client, status=0):
    person.enter(":quit:")
    client.hears_end()
    person.ends(status)


def test_a_lost_connection_is_said_and_comes_back(talking):
    server, person, client = talking
    client.close()
    person.sees("the connection is lost")
    client = server.session("alice", "another")
    person.sees("The connection is back")
    person.enter("hello again")
    client.hears("MSG bob alice hello again")
    leaves(person, client)


def test_what_is_typed_meanwhile_goes_out_in_order(talking):
    server, person, client = talking
    client.close()
    person.sees("the connection is lost")
    person.type("1\n2\n:new_target: carol\n3\n")
    person.sees("carol> ")
    client = server.session("alice", "another")
    client.hears("MSG bob alice 1", "MSG bob alice 2", "MSG carol alice 3")
    leaves(person, client)


def test_group_chat_is_turned_on_again(talking):
    server, person, client = talking
    person.enter(":toggle:")
    client.hears("CMD <group>")
    client.close()
    person.sees("the connection is lost")
    person.enter("to the group")
    client = server.session("alice", "another")
    client.hears("CMD <group>", "MSGG alice to the group")
    leaves(person, client)


def test_group_chat_toggled_meanwhile(talking):
    server, person, client = talking
    client.close()
    person.sees("the connection is lost")
    person.type(":toggle:\n:toggle:\n:toggle:\nto the group\n")
    client = server.session("alice", "another")
    client.hears("CMD <group>", "MSGG alice to the group")
    leaves(person, client)


def test_enter_tries_at_once_and_pauses_grow(talking):
    """Nobody listens: each try fails at once, and the pause after it is longer, within a quarter."""
    server, person, client = talking
    server.listener.close()
    client.close()
    for expected in (0.5, 1, 2, 4, 8, 16, 32, 60, 60):
        found = person.sees(r"Trying again in ([0-9.]+) s")
        assert 0.75 * expected - 0.051 <= float(found[1]) <= 1.25 * expected + 0.051
        person.enter()
    person.press("c")
    person.ends(0)


def test_leaving_while_the_connection_is_lost(talking):
    server, person, client = talking
    server.listener.close()
    client.close()
    person.sees("Trying again")
    person.enter("never sent")
    person.enter(":quit:")
    person.sees("not sent: 1 message")
    person.ends(5)


@pytest.mark.parametrize("words, is_final", [("server closing", False), ("too slow", False), ("query timeout", False),
                                             ("kicked", True), ("banned", True), ("idle", True),
                                             ("incorrect protocol", True), ("something new", True)])
def test_reasons_of_the_server(talking, words, is_final):
    server, person, client = talking
    client.say(f"END * <{words}>")
    client.close()
    person.sees(f"the server says: {words}")
    if is_final:
        person.ends(1)
    else:
        client = server.session("alice", "another")
        person.sees("The connection is back")
        leaves(person, client)


def test_the_old_session_may_still_be_there(talking):
    """The server has not noticed the loss yet: that is no reason to give up."""
    server, person, client = talking
    client.close()
    client = server.answer()
    client.hears_raw(b"AUTH alice a password \r\n")
    client.say("END * <user already online>")
    client.close()
    person.sees("the server says: user already online")
    person.enter()
    client = server.session("alice", "another")
    person.sees("The connection is back")
    leaves(person, client)


def test_a_password_that_was_changed_meanwhile_is_status_3(talking):
    server, person, client = talking
    client.close()
    client = server.answer()
    client.hears_raw(b"AUTH alice a password \r\n")
    client.say("END <incorrect username or password>")
    client.close()
    person.sees("incorrect username or password")
    person.ends(3)


def test_another_key_on_the_way_back_is_status_4(talking, stage, make_certificate, home, certificate):
    server, person, client = talking
    server.context.load_cert_chain(make_certificate(home / "other.pem"))
    (home / ".local/share/messager/known_servers").unlink()
    client.close()
    server.answer().hears_close()
    person.sees("WARNING: the key of .* has changed")
    person.ends(4)


def test_what_may_not_have_arrived_is_said(talking):
    """The server dies before it reads what was typed last: what it has read is not doubted, the rest is shown again."""
    server, person, client = talking
    person.enter("never read")
    assert select.select([client.tls], [], [], PATIENCE)[0]
    reset(client.tls)
    person.sees("may not have reached bob: never read")
    person.sees("the connection is lost")
    client = server.session("alice", "another")
    person.sees("The connection is back")
    leaves(person, client, 5)


def test_what_has_arrived_is_not_doubted(talking):
    server, person, client = talking
    person.enter("read")
    client.hears("MSG bob alice read")
    client.close()
    person.sees("the connection is lost")
    client = server.session("alice", "another")
    person.sees("The connection is back")
    leaves(person, client)
    assert "may not have reached" not in person.raw


def test_signed_up_people_log_in_on_the_way_back(stage, terminal, password):
    server = stage()
    person = terminal(server, "--sign-up", *LOGIN, "--password-file", password)
    client = server.answer()
    assert client.accepts("alice") == "PUT"
    person.sees("bob> ")
    client.close()
    client = server.answer()
    assert client.accepts("alice") == "AUTH"
    person.sees("The connection is back")
    leaves(person, client)


def test_a_server_that_restarts(serve, terminal, password):
    server = serve()
    alice, name = server.sign_up("alice"), unique("bob")
    person = terminal(server, "--trust-first", "--sign-up", "--user", name, "--to", alice, "--password-file", password)
    person.sees(f"{alice}> ")
    server.stop()
    person.sees("the server says: server closing")
    person.enter(f":new_target: {name}")
    person.enter("typed while it was away")
    again = serve({"server.listen": where(server.address)}, folder=server.folder)
    assert again.address == server.address
    person.enter()
    person.sees(f"{name}: typed while it was away")
    person.enter(":quit:")
    person.ends()


def test_all_addresses_of_a_name_are_tried(server, script, password):
    """localhost is ::1 first where there is IPv6; the server listens on 127.0.0.1 only."""
    name = unique("alice")
    person = Script(password.parent, f"localhost:{server.address[1]}", "--plain", "--trust-first", "--sign-up", "--user",
                    name, "--to", name, "--password-file", password)
    try:
        out, _ = person.finish(0, "hello\n")
        assert out == f"{name}: hello\n"
    finally:
        person.kill()


@pytest.mark.parametrize("host, name", [("localhost", "localhost"), ("127.0.0.1", None)])
def test_the_servers_name_is_told_in_the_handshake(stage, home, password, host, name):
    server = stage()
    told = []
    server.context.sni_callback = lambda _socket, name, _context: told.append(name)
    person = Script(home, f"{host}:{server.address[1]}", "--plain", *LOGIN, "--password-file", password)
    try:
        person.end_input()
        client = server.session("alice")
        assert told == [name]
        client.hears_end()
        person.finish(0)
    finally:
        person.kill()


def test_tls_1_2(stage, script, password):
    server = stage()
    server.context.maximum_version = ssl.TLSVersion.TLSv1_2
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    assert client.tls.version() == "TLSv1.2"
    person.say("one\n")
    client.hears("MSG bob alice one")
    person.end_input()
    client.hears_end()
    person.finish(0)


def test_a_name_that_nobody_knows_is_status_1(home, password):
    person = Script(home, "no.such.host.invalid", "--plain", *LOGIN, "--password-file", password)
    assert "cannot find the address of no.such.host.invalid" in person.finish(1, "x\n", seconds=30)[1]


def test_a_port_that_speaks_no_tls_is_status_1(home, password):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            sock, _ = listener.accept()
            sock.sendall(b"220 mail.example ready\r\n")
            sock.recv(1000)
            sock.close()
        threading.Thread(target=answer, daemon=True).start()
        person = Script(home, where(listener.getsockname()), "--plain", *LOGIN, "--password-file", password)
        assert "cannot agree on TLS" in person.finish(1, "x\n")[1]
