"""The connection: lost, tried again, back; what was typed meanwhile; files."""

import resource
import socket

from wire import unique


LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


def begins(server, screen, password, *words):
    person = screen(server, *LOGIN, "--password-file", password, *words)
    client = server.session("alice")
    client.hears("CMD <online>")
    client.say("CMD <alice>")
    person.sees("^bob>")
    return person, client


def test_what_is_typed_without_a_connection_goes_out_in_order(stage, screen, password):
    server = stage()
    person, client = begins(server, screen, password)
    person.keys("zero", "Enter")
    client.hears("MSG bob alice zero")
    client.say("CMD <settled>")
    person.sees("the server says: settled")
    client.close()
    person.sees("^ alice · NOT CONNECTED")
    person.keys("one", "Enter")
    person.sees(r"alice: one \[not sent yet\]")
    person.keys("two", "Enter", "three", "Enter")
    person.sees(r"alice: three \[not sent yet\]|alice: three$")
    back = server.session("alice")
    back.hears("MSG bob alice one", "MSG bob alice two", "MSG bob alice three")
    person.sees("The connection is back")
    person.loses("not sent yet")
    person.keys(":quit:", "Enter")
    back.hears_end()
    person.ends(0)


def test_it_is_tried_again_by_itself_and_the_password_is_not_asked_for(stage, screen, password):
    server = stage()
    person, client = begins(server, screen, password)
    for times in 1, 2:
        client.close()
        client = server.session("alice")
        person.sees("(?s)" + ".*".join(["The connection is back"] * times))
    person.keys(":quit:", "Enter")
    client.hears_end()
    person.ends(0)


def test_a_server_that_is_killed_and_comes_back(serve, talking, home):
    """The real thing, on the same port with the same data."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = serve({"server.listen": f"127.0.0.1:{port}"})
    alice = unique("alice")
    person = talking(server, alice, "--sign-up", to=alice)
    server.kill()
    person.sees("NOT CONNECTED")
    person.keys("while you were away", "Enter")
    person.sees(r"while you were away \[not sent yet\]")
    again = serve({"server.listen": f"127.0.0.1:{port}"}, folder=server.folder)
    person.sees(f"{alice} · connected", seconds=60)
    person.sees(f"(?s){alice}: while you were away.*{alice}: while you were away")
    person.keys(":quit:", "Enter")
    person.ends(0)
    again.is_well()


def test_the_end_of_a_session_is_told_and_can_be_begun_anew(stage, screen, password):
    server = stage()
    person, client = begins(server, screen, password)
    client.say("END * <kicked>")
    client.close()
    person.sees("the server says: kicked")
    person.sees("^Try again")
    person.keys("y", "Enter")
    again = server.session("alice")
    person.sees("alice · connected")
    person.keys(":quit:", "Enter")
    again.hears_end()
    person.ends(0)


def test_a_large_file_is_stopped_with_a_key(server, talking, home):
    alice, bob = unique("alice"), server.sign_up("bob")
    with open(home / "big", "wb") as file:
        file.truncate(3 << 30)
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys(":upload: ~/big", "Enter")
    person.sees(r"│ \[sending [0-9.]+ [KMG]iB, [0-9]+%, [0-9.]+ [KMG]iB/s")
    person.keys("C-c")
    person.sees("Stopped; the server keeps nothing of it")
    person.sees(f"{alice} · connected")
    person.keys("hello", "Enter")
    bob.hears(f"RELAY {bob} {alice} hello")
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_waiting_files_are_fetched(server, talking, home):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", "--downloads", str(home), to=bob)
    bob.say_raw(f"BEGINF menu.txt {alice} {bob.token} \r\n".encode())
    bob.say_raw(b"soup")
    bob.say_raw(f"ENDF {bob.token} \r\n".encode())
    bob.hears("CMD <upload complete>")
    person.keys("/download", "Enter")
    person.sees(r"(?s)saved, 4 bytes .*menu\.txt")
    assert (home / "menu.txt").read_bytes() == b"soup"
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_a_paste_that_can_not_become_a_file_says_why(stage, screen, password):
    server = stage()
    person, client = begins(server, screen, password)
    person.paste("\n".join(f"line {number}" for number in range(30)))
    person.sees("30 lines were pasted")
    limits = resource.prlimit(person.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(person.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    person.keys("f", "Enter")
    person.sees(r"(?s)could not be written to a file:.*: +Too\s+many\s+open\s+files")
    resource.prlimit(person.pid, resource.RLIMIT_NOFILE, limits)
    person.keys("C-c", "C-c")
    person.sees("^bob>$")
    person.keys(":quit:", "Enter")
    client.hears_end()
    person.ends(0)
