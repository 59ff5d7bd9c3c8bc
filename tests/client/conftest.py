"""What the client's tests share: people at terminals and scripts, each with a home, and scripted servers."""

import pytest

from person import Script, Terminal, where


@pytest.fixture
def terminal(home, stack):
    """terminal(server, words…): messager --plain at a terminal. server None: no host is given."""
    def start(server, *words, home=home, **how):
        host = [where(server.address)] if server else []
        person = Terminal(home, *host, "--plain", *words, **how)
        stack.callback(person.kill)
        return person
    return start


@pytest.fixture
def script(home, stack):
    """script(server, words…): messager --plain with pipes. server None: no host is given."""
    def start(server, *words, home=home, **how):
        host = [where(server.address)] if server else []
        person = Script(home, *host, "--plain", *words, **how)
        stack.callback(person.kill)
        return person
    return start


@pytest.fixture
def known_servers(home):
    """The file in which the person's client keeps the keys it trusts; its folder exists."""
    path = home / ".local/share/messager/known_servers"
    path.parent.mkdir(parents=True)
    return path
