"""The settings file in plain mode: short names, users and passwords, and what is refused. What a file may say is a unit test's."""

import pytest

from person import where


@pytest.fixture
def settings(home):
    """settings(text): writes the person's settings."""
    def write(text, mode=0o600):
        path = home / ".config/messager/config"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path
    return write


@pytest.fixture
def alice(server):
    return server.sign_up("alice")


@pytest.fixture
def work(server, settings, make_account):
    """Settings with an account at the server, under the short name work."""
    name, password = make_account()
    settings(f"server = work\n[work]\nhost = {where(server.address)}\nuser = {name}\npassword_command = echo '{password}'\n")
    return name


@pytest.fixture
def make_account(server):
    """make_account(): an account that nobody uses. Returns its name and its password."""
    def make():
        person = server.sign_up("bob")
        person.quit()
        return person.name, person.password
    return make


@pytest.mark.parametrize("words", [["work"], [], ["HOST"]], ids=["by its short name", "by default", "by its host"])
def test_a_server_is_found(server, alice, script, work, words):
    words = [where(server.address) if word == "HOST" else word for word in words]
    person = script(None, *words, "--to", alice, "--trust-first")
    person.finish(0, "hello\n")
    alice.hears(f"RELAY {alice} {work} hello")


def test_another_user_does_not_get_the_password(alice, script, work):
    _, notices = script(None, "work", "--user", str(alice), "--to", "x", "--trust-first").finish(2, "")
    assert "--password-file or --password-command" in notices


def test_who_has_an_account_is_asked_for_the_password_only(server, terminal, settings, make_account):
    name, password = make_account()
    settings(f"[work]\nhost = {where(server.address)}\nuser = {name}\n")
    person = terminal(server, "--trust-first")
    person.sees("Password: ")
    person.type(password + "\r")
    person.sees(f"you are {name}")


def test_a_key_that_is_not_the_given_one_is_refused(server, script, settings, make_account):
    name, password = make_account()
    settings(f"[work]\nhost = {where(server.address)}\nuser = {name}\npassword_command = echo '{password}'\n"
             f"fingerprint = sha256:{'0' * 64}\n")
    script(None, "work", "--to", "x").finish(4, "hello\n")


def test_a_mistake_is_named_with_its_line(script, settings):
    path = settings("log = yes\nbel = no\n")
    _, notices = script(None, "work").finish(2, "")
    assert notices == f"messager: {path}:2: there is no setting bel for all servers\n"


def test_a_file_that_others_can_write_is_refused(script, settings):
    path = settings("log = yes\n", 0o666)
    _, notices = script(None, "work").finish(2, "")
    assert f"others can write to {path}" in notices


def test_help_needs_no_settings(script, settings):
    settings("nonsense\n")
    out, _ = script(None, "--help").finish(0, "")
    assert "Usage" in out


def test_the_server_may_be_said_by_its_short_name(server, terminal, settings, make_account):
    name, password = make_account()
    settings(f"[work]\nhost = {where(server.address)}\nuser = {name}\npassword_command = echo '{password}'\n"
             "[fails]\nhost = localhost\nuser = mallory\npassword_command = false\n")
    person = terminal(None, "--trust-first")
    person.sees(r"Server \[localhost\]: ")
    person.enter("fails")
    person.sees("ended with status 1")
    person.sees(r"Server \[localhost\]: ")
    person.enter("work")
    person.sees(f"you are {name}")
    person.sees("Target: ")
    person.enter(":quit:")
    person.ends(0)
