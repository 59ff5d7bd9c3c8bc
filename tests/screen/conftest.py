"""What the tests of the full screen share: people at terminals, each with a home, and scripted servers."""

import pytest

from person import where
from screen import Screen


@pytest.fixture
def screen(home, stack):
    """screen(server, words…): messager at a terminal of its own."""
    def start(server, *words, home=home, **how):
        address = [where(server.address)] if server else []
        person = Screen(home, *address, *words, **how)
        stack.callback(person.kill)
        return person
    return start


@pytest.fixture
def talking(screen, password):
    """talking(server, name, words…): a person with an account of that name, who talks to bob unless said otherwise."""
    def start(server, name, *words, to="bob", **how):
        person = screen(server, "--user", name, "--password-file", password, "--trust-first", "--to", to, *words, **how)
        person.sees(rf"^{to}>")
        return person
    return start
