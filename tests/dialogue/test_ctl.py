"""messagerctl: what each command does. The socket through which it asks the server is test_admin_socket.py's."""

import json
import os
import pty
import re
import shutil
import signal

import pytest

from ctl import MESSAGERCTL, Administrator, run_messagerctl
from wire import Refused, client_context, eventually, unique

REFUSED = "END <incorrect username or password>"

# Hashes of the original server (docs/protocol: how accounts are imported).
SECRET = "188470244621571496032947323203565848228"
HORSE = "42650024386058868962313972376546587136"


def is_refused(server, name, password):
    peer = server.connect()
    peer.say(f"AUTH {name} {password}")
    peer.hears_last(REFUSED)


# Status and who is online

def test_status(server, admin):
    before = admin.asks("status")
    alice = server.sign_up("alice")
    alice.message(alice, "hello")
    alice.hears(f"RELAY {alice} {alice} hello")
    alice.message("nobody", "hello")
    alice.hears("CNT <user not online>")
    alice.group_message("all")
    alice.is_settled()
    is_refused(server, alice.name, "wrong")
    after = admin.asks("status")
    grown = {key: after[key] - before[key] for key in
             ("online", "signups", "refused_logins", "messages", "undelivered", "group_messages", "accepted")}
    assert grown == {"online": 1, "signups": 1, "refused_logins": 1, "messages": 2, "undelivered": 1,
                     "group_messages": 1, "accepted": 2}
    assert after["pid"] == server.process.pid
    assert after["data"] == str(server.data)
    assert after["started"] == before["started"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", after["started"])
    text = admin.does("status")
    assert f"pid: {server.process.pid}\n" in text
    assert f"online: {after['online']}\n" in text


def test_online(serve):
    server = serve()
    admin = Administrator(server)
    assert admin.does("online") == ""
    assert admin.asks("online") == {"users": [], "online": 0}
    alice, bob = server.sign_up("alice"), server.sign_up("bob", source="127.0.0.7")
    server.connect()  # has not logged in: seen by nobody
    users = admin.asks("online")["users"]
    assert [user["name"] for user in users] == [alice.name, bob.name]
    assert [user["address"] for user in users] == ["127.0.0.1", "127.0.0.7"]
    assert [line.split()[0] for line in admin.does("online").splitlines()] == [alice.name, bob.name]
    alice.quit()
    assert [user["name"] for user in admin.asks("online")["users"]] == [bob.name]


def test_online_shows_a_hundred_unless_asked_for_all(serve):
    server = serve()
    admin = Administrator(server)
    names = [server.sign_up("user").name for _ in range(102)]
    shown = admin.asks("online")
    assert [user["name"] for user in shown["users"]] == names[:100]
    assert shown["online"] == 102
    assert admin.does("online").splitlines()[-1] == "... and 2 more; --all shows them"
    assert [user["name"] for user in admin.asks("online", "--all")["users"]] == names
    assert [line.split()[0] for line in admin.does("online", "--all").splitlines()] == names


# Accounts

def test_an_account_made_changed_and_deleted(server, admin):
    name = unique("ann")
    assert admin.does("user", "add", name, input="old password\n") == f"{name} can log in\n"
    session = server.connect().log_in(name, "old password")
    assert admin.does("user", "passwd", name, input="new password\n") == f"{name} has a new password\n"
    session.is_settled()
    session.quit()
    is_refused(server, name, "old password")
    session = server.connect().log_in(name, "new password")
    assert admin.does("user", "delete", name) == f"{name} is deleted and off-line now\n"
    session.hears_last("END * <kicked>")
    is_refused(server, name, "new password")
    server.connect().sign_up(name).quit()


def test_accounts_come_in_where_registration_is_closed(serve):
    server = serve({"login.registration": "closed"})
    name = unique("ann")
    Administrator(server).does("user", "add", name, input="pw")
    server.connect().log_in(name, "pw")


def test_an_account_made_survives_a_kill(serve):
    server = serve()
    name = unique("ann")
    Administrator(server).does("user", "add", name, input="pw")
    server.kill()
    serve(folder=server.folder).connect().log_in(name, "pw")


@pytest.mark.parametrize("words, input, complaint", [
    (["user", "add", "taken"], "pw", "there is an account taken; user passwd changes its password"),
    (["user", "add", "b@d"], "pw", "this name can't be: it may have letters, digits and _ only"),
    (["user", "add", "x" * 33], "pw", "this name can't be: it may have 1 to 32 characters"),
    (["user", "add", "Admin"], "pw", "this name can't be: it is reserved"),
    (["user", "add", "ann"], "pw ", "this password can't be"),
    (["user", "add", "ann"], "p\tw", "this password can't be"),
    (["user", "add", "ann"], "p\0w", "this password can't be"),
    (["user", "add", "ann"], "\n", "this password can't be"),
    (["user", "add", "ann"], "x" * 1025, "this password can't be"),
    (["user", "add", "ann"], "", "no password came on standard input"),
    (["user", "passwd", "nobody"], "pw", "there is no account nobody; user add makes one"),
    (["user", "passwd", "x" * 200], "pw", "there is no account "),
    (["user", "delete", "nobody"], None, "there is no account nobody"),
])
def test_accounts_refused(serve, words, input, complaint):
    server = serve()
    admin = Administrator(server)
    admin.does("user", "add", "taken", input="pw")
    before = admin.does("user", "list")
    assert complaint in admin.fails(*words, input=input)
    assert admin.does("user", "list") == before


def test_password_bounds(server, admin):
    longest, shortest = unique("longest"), unique("shortest")
    admin.does("user", "add", longest, input="x" * 1024)
    admin.does("user", "add", shortest, input="y\r\nmore lines\n")
    server.connect().log_in(longest, "x" * 1024)
    server.connect().log_in(shortest, "y")


def test_user_list(serve):
    admin = Administrator(serve())
    assert admin.does("user", "list") == ""
    for name in ("bob", "Zoe", "alice"):
        admin.does("user", "add", name, input="pw")
    accounts = admin.asks("user", "list")["accounts"]
    assert [account["name"] for account in accounts] == ["Zoe", "alice", "bob"]
    assert {account["password"] for account in accounts} == {"own"}
    assert [line.split()[0] for line in admin.does("user", "list").splitlines()] == ["Zoe", "alice", "bob"]
    assert "argon2" not in admin.does("user", "list")


def at_a_terminal(admin, words, typed):
    """Runs messagerctl at a terminal of its own and types a line whenever it asks; status and all that is shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(MESSAGERCTL, [str(MESSAGERCTL), "--socket", str(admin.socket), *words])
    shown, typed = b"", list(typed)
    try:
        while data := os.read(terminal, 4096):
            shown += data
            if shown.endswith(b": ") and typed:
                os.write(terminal, typed.pop(0))
    except OSError:
        pass  # so a terminal ends on Linux
    os.close(terminal)
    return os.waitpid(pid, 0)[1], shown.decode()


def test_a_password_typed_at_a_terminal(server, admin):
    name = unique("ann")
    status, shown = at_a_terminal(admin, ["user", "add", name], [b"top secret\n", b"top secret\n"])
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert "secret" not in shown
    assert shown.replace("\r", "") == f"Password for {name}: \nAgain: \n{name} can log in\n"
    server.connect().log_in(name, "top secret")


def test_two_passwords_that_differ(admin):
    name = unique("ann")
    status, shown = at_a_terminal(admin, ["user", "add", name], [b"one\n", b"other\n"])
    assert os.waitstatus_to_exitcode(status) == 1
    assert "the two passwords differ; nothing was changed" in shown
    assert f"there is no account {name}" in admin.fails("user", "passwd", name, input="pw")


def test_control_c_at_the_password(admin):
    name = unique("ann")
    status, shown = at_a_terminal(admin, ["user", "add", name], [b"half\x03"])
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, shown
    assert f"there is no account {name}" in admin.fails("user", "passwd", name, input="pw")


def test_nobody_is_asked_for_a_password_in_vain(folder):
    class Absent:
        socket = folder / "admin.sock"
    status, shown = at_a_terminal(Absent, ["user", "add", "ann"], [b"pw\n", b"pw\n"])
    assert os.waitstatus_to_exitcode(status) == 1
    assert "Password" not in shown and "no server runs at" in shown


# Accounts of an original server

def test_import(serve, folder):
    server = serve()
    admin = Administrator(server)
    admin.does("user", "add", "here", input="own password")
    table = folder / "user.csv"
    table.write_bytes(f"ann,{SECRET}\nbob,{HORSE}\r\n\nno comma\nhere,{SECRET}\nb@d,{SECRET}\nadmin,{SECRET}\nann,{HORSE}\n"
                      f"cat,\ndan,12x\neve,-1\nfay,{'1' * 41}\ngus,{'1' * 400}\n,{SECRET}\n\x1b[31m,{SECRET}\n"
                      f"last,{HORSE}".encode())
    left_out = [(3, "", "the line is empty"), (4, "", "there is no comma"),
                (5, "here", "there is such an account already"), (6, "b@d", "no user can have this name"),
                (7, "admin", "no user can have this name"), (8, "ann", "there is such an account already"),
                (9, "cat", "this is no hash"), (10, "dan", "this is no hash"), (11, "eve", "this is no hash"),
                (12, "fay", "this is no hash"), (13, "gus", "this is no hash"), (14, "", "no user can have this name"),
                (15, "\x1b[31m", "no user can have this name")]
    assert admin.asks("user", "import", table) == {
        "left_out_lines": [{"line": line, "name": name, "reason": reason} for line, name, reason in left_out],
        "imported": 3, "left_out": 13}

    def how(name):
        return {user["name"]: user["password"] for user in admin.asks("user", "list")["accounts"]}[name]

    assert [how(name) for name in ("ann", "bob", "here", "last")] == ["imported", "imported", "own", "imported"]
    is_refused(server, "ann", "correct horse")
    server.connect().log_in("ann", "secret").quit()
    server.connect().log_in("bob", "correct horse").quit()
    server.connect().log_in("here", "own password").quit()
    assert [how(name) for name in ("ann", "bob", "last")] == ["own", "own", "imported"]
    server.connect().log_in("ann", "secret").quit()
    is_refused(server, "ann", "secret2")

    again = admin.does("user", "import", "-", input=table.read_text()).splitlines()
    assert again[0] == "line 1: ann: there is such an account already"
    assert again[-3:] == ["line 16: last: there is such an account already", "imported: 0", "left out: 16"]
    assert "line 15: \\x1b[31m: no user can have this name" in again
    server.connect().log_in("ann", "secret")


def test_import_of_many(serve):
    server = serve()
    admin = Administrator(server)
    count = 5000
    lines = "".join(f"user{i},{SECRET}\n" for i in range(count))
    answer = admin.asks("user", "import", "-", input=lines)
    assert answer == {"left_out_lines": [], "imported": count, "left_out": 0}
    assert len(admin.asks("user", "list")["accounts"]) == count
    server.connect().log_in(f"user{count - 1}", "secret")


@pytest.mark.parametrize("content", ["", "\n\n", "x\n" * 1000])
def test_import_of_nothing(server, admin, content):
    assert admin.asks("user", "import", "-", input=content)["imported"] == 0


def test_import_of_what_is_not_there(admin, folder):
    assert f"cannot read {folder}/none.csv: No such file" in admin.fails("user", "import", folder / "none.csv")
    assert f"cannot read {folder}: Is a directory" in admin.fails("user", "import", folder)


# Keeping people out

@pytest.mark.threads
def test_kick(server, admin):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    assert admin.does("kick", alice.name) == f"{alice} is off-line now\n"
    alice.hears_last("END * <kicked>")
    bob.is_settled()
    eventually(lambda: server.log_in(alice))
    assert "nobody is not online" in admin.fails("kick", "nobody")


@pytest.mark.threads
def test_ban_of_a_user(server, admin):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    assert admin.does("ban", alice.name) == f"{alice} is banned\n"
    alice.hears_last("END * <banned>")
    bob.is_settled()
    peer = server.connect()
    peer.say(f"AUTH {alice} {alice.password}")
    peer.hears_last("END * <banned>")
    assert f"{alice} is banned already" in admin.fails("ban", alice.name)
    assert admin.does("bans").split()[0] == alice.name
    assert [ban["name"] for ban in admin.asks("bans")["bans"]] == [alice.name]
    assert admin.does("unban", alice.name) == f"{alice} may come in again\n"
    assert f"{alice} is not banned" in admin.fails("unban", alice.name)
    assert admin.does("bans") == ""
    server.log_in(alice)


def does_not_connect(server, **how):
    with pytest.raises(Refused):
        server.connect(**how)


@pytest.mark.threads
def test_ban_of_an_address(serve):
    server = serve()
    admin = Administrator(server)
    alice, bob = server.sign_up("alice", source="127.0.0.7"), server.sign_up("bob", source="127.0.0.8")
    cat = server.sign_up("cat", source="127.0.0.7")
    assert admin.does("ban", "::ffff:127.0.0.7") == "127.0.0.7 is banned\n"
    alice.hears_last("END * <banned>")
    cat.hears_last("END * <banned>")
    bob.is_settled()
    does_not_connect(server, source="127.0.0.7")
    server.log_in(alice, source="127.0.0.8").quit()
    server.stop()
    server = serve(folder=server.folder)
    does_not_connect(server, source="127.0.0.7")
    admin = Administrator(server)
    assert admin.does("unban", "127.0.0.7") == "127.0.0.7 may come in again\n"
    server.log_in(alice, source="127.0.0.7")


def test_ban_of_an_address_in_the_middle_of_a_handshake(serve):
    server = serve()
    admin = Administrator(server)
    sock = server.knock(source="127.0.0.7")
    eventually(lambda: has_connections(admin, 1))
    admin.does("ban", "127.0.0.7")
    try:
        tls = client_context().wrap_socket(sock)
        tls.sendall(b"PUT alice secret \r\n")
        said = tls.recv(1000)
    except OSError:
        said = b""
    assert said == b"", f"somebody from a banned address got in: {said!r}"


def has_connections(admin, count):
    assert admin.asks("status")["connections"] == count


def test_ban_of_a_user_in_the_middle_of_a_sign_up(serve):
    server = serve({"login.password_memory": "64MiB", "login.password_passes": 6})
    for number in range(3):
        peer = server.connect()
        peer.say(f"PUT alice_{number} secret")
        Administrator(server).does("ban", f"alice_{number}")
        heard = peer.next_record()
        if heard != b"END * <banned> \r\n":
            assert heard.startswith(b"ACCEPT"), heard
            peer.hears_last("END * <banned>")


def test_bans_are_listed_in_their_order(serve):
    admin = Administrator(serve())
    for target in ("zoe", "10.0.0.1", "0:0::1", "bob"):
        admin.does("ban", target)
    assert [line.split()[0] for line in admin.does("bans").splitlines()] == ["zoe", "10.0.0.1", "::1", "bob"]


@pytest.mark.parametrize("target", ["b@d", "1.2.3", "1.2.3.4/8", "x" * 33, "x" * 300, "1.2.3.4:5"])
def test_ban_of_what_nobody_is(admin, target):
    assert f"{target} is neither a user name nor an IP address" in admin.fails("ban", target)
    assert f"{target} is neither a user name nor an IP address" in admin.fails("unban", target)


# Words to users

@pytest.mark.threads
def test_message(server, admin):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    assert admin.does("message", alice.name, "hello", " there ", "--", "-x") == f"sent to {alice}\n"
    alice.hears(f"RELAY {alice} admin hello  there  -x")
    admin.does("message", alice.name, "tab\there \x1b[31m héllo")
    alice.hears(f"RELAY {alice} admin tab\\there \\x1b[31m héllo")
    bob.is_settled()
    assert "nobody is not online" in admin.fails("message", "nobody", "hello")
    assert "the text is longer than 16384 bytes" in admin.fails("message", alice.name, "x" * 16385)
    admin.does("message", alice.name, "y" * 16384)
    heard = b""
    while len(heard) < 16384:
        head, _, text = alice.next_record().rpartition(b" admin ")
        assert head == f"RELAY {alice}".encode()
        heard += text.removesuffix(b" \r\n")
    assert heard == b"y" * 16384
    alice.is_settled()


@pytest.mark.threads
def test_announce(serve):
    server = serve()
    admin = Administrator(server)
    assert admin.does("announce", "nobody hears") == "sent to 0 users\n"
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    bob.say("CMD <group>")
    bob.is_settled()
    assert admin.does("announce", "we", "close") == "sent to 2 users\n"
    for peer in (alice, bob):
        heard = peer.next_record()
        assert heard in (f"RELAY {peer} admin we close \r\n".encode(), b"RELAYG admin we close \r\n"), heard
        peer.is_settled()


# The server

def test_reload(serve):
    server = serve(config="[login]\nregistration = open\n")
    admin = Administrator(server)
    alice = server.sign_up("alice")
    server.config.write_text("[login]\nregistration = closed\n[server]\nworkers = 7\n")
    assert admin.asks("reload") == {"message": "settings and certificate were read again",
                                    "needs_restart": [{"setting": "server.workers"}]}
    peer = server.connect()
    peer.say("PUT newcomer secret")
    peer.hears_last("END * <registration closed>")
    assert admin.does("reload") == ("settings and certificate were read again\n"
                                    "server.workers has changed too, which takes a restart\n")
    server.config.write_text("[login]\nregistration = open\nmax_tries = lots\n")
    complaint = admin.fails("reload")
    assert f"{server.config}:3: login.max_tries = lots: must be" in complaint
    assert "the settings are as they were" in complaint
    assert json.loads(admin.fails("--json", "reload"))["error"] == complaint.rstrip("\n")
    alice.is_settled()


@pytest.mark.threads
def test_stop(serve):
    server = serve()
    admin = Administrator(server)
    alice = server.sign_up("alice")
    assert admin.does("stop") == "the server is stopping\n"
    alice.hears_last("END * <server closing>")
    server.ends()
    assert not admin.socket.exists()
    complaint = admin.fails("status")
    assert f"no server runs at {admin.socket}; start messagerd" in complaint


# Secrets

def test_no_password_is_logged(serve):
    server = serve({"log.level": "debug"})
    admin = Administrator(server)
    admin.does("user", "add", "ann", input="very-secret-password")
    alice = server.sign_up("alice")
    admin.does("message", alice.name, "very-secret-text")
    admin.does("announce", "very-secret-text")
    admin.does("stop")
    server.ends()
    log = "\n".join(server.log())
    assert "admin-command command=\"user add\" name=ann result=ok" in log
    assert f"admin-command command=message name={alice} result=ok" in log
    assert "very-secret" not in log


# messagerctl's own command line

@pytest.mark.parametrize("words, complaint", [
    ([], "Usage: messagerctl"),
    (["nonsense"], "there is no command nonsense; --help shows them"),
    (["user"], "there is no command user; --help shows them"),
    (["user", "add"], "usage: messagerctl user add NAME"),
    (["user", "add", "ann", "password"], "usage: messagerctl user add NAME"),
    (["message", "ann"], "usage: messagerctl message NAME TEXT"),
    (["status", "now"], "usage: messagerctl status"),
    (["status", "--all"], "usage: messagerctl status"),
    (["kick", ""], "an argument is empty or has a line's end in it"),
    (["announce", "two\nlines"], "an argument is empty or has a line's end in it"),
    (["--nonsense"], "nonsense"),
    (["--socket"], "socket"),
    (["--socket", "x" * 2000, "status"], "the socket's path is too long"),
])
def test_bad_usage(words, complaint):
    done = run_messagerctl(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_options_may_stand_anywhere(admin):
    assert json.loads(run_messagerctl("status", "--json", "--socket", admin.socket).stdout)["online"] >= 0


def test_help_and_version():
    help = run_messagerctl("--help")
    assert (help.returncode, help.stderr) == (0, "")
    for words in ("status", "online [--all]", "user add NAME", "user import CSV", "ban NAME|ADDRESS", "stop"):
        assert f"  {words}  " in help.stdout
    version = run_messagerctl("--version")
    assert re.fullmatch(r"messagerctl \d+\.\d+\.\d+\n", version.stdout) and version.returncode == 0


def test_the_usual_socket_of_a_user(serve, folder):
    server = serve({"server.data": folder / "messagerd"})
    is_root = os.geteuid() == 0  # has another one, so somebody else asks, in vain, from where he may run it
    program = shutil.copy(MESSAGERCTL, folder)
    folder.chmod(0o711)
    done = run_messagerctl("status", environment={"XDG_DATA_HOME": str(folder)}, user="nobody" if is_root else None,
                           program=program)
    if is_root:
        assert done.returncode == 1
        assert f"{folder}/messagerd/admin.sock belongs to another user" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert f"pid: {server.process.pid}" in done.stdout


def test_a_socket_path_that_is_too_long_for_the_system(folder):
    done = run_messagerctl("--socket", "/" + "x" * 200, "status")
    assert done.returncode == 1
    assert "the socket's path is longer than 107 bytes" in done.stderr
