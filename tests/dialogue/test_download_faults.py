"""Killed, or failing, between any two steps of a download. Needs a build with fault points (scripts/check: build-asan)."""

import pytest

from server import MESSAGERD
from transfer import download, folder_of, upload
from wire import eventually

pytestmark = pytest.mark.skipif(b"MESSAGERD_FAULT" not in MESSAGERD.read_bytes(), reason="built without fault points")

FILES = [(b"one", bytes(range(256)) * 600), (b"two", b""), (b"three", b"3")]

# In the order of the way. Until the row is removed all files come again; from then on the first does not need to, it has arrived.
STEPS = ["download-begin", "download-open", "download-read", "download-endf", "download-remove", "download-remove-bytes",
         "download-removed-bytes"]


@pytest.fixture
def waiting(serve, folder):
    """Three files wait for bob in this folder."""
    server = serve(folder=folder)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for name, data in FILES:
        upload(alice, name.decode(), bob, data)
    server.dismiss()
    server.stop()
    return bob


@pytest.mark.parametrize("step", STEPS)
def test_killed(serve, folder, waiting, step):
    server = serve(folder=folder, environment={"MESSAGERD_FAULT": f"{step}:kill"})
    bob = server.log_in(waiting)
    bob.say("CMD <get>")
    heard = []
    while isinstance(record := bob.next_record(), bytes):
        heard.append(record)
    server.ends(-9)

    again = serve(folder=folder)
    got = download(again.log_in(waiting))
    assert got == FILES[len(FILES) - len(got):]
    if not step.startswith("download-remove"):
        assert got == FILES
    for name, data in FILES[:len(FILES) - len(got)]:  # what does not come again has arrived
        start = heard.index(b"BEGINF %b \r\n" % name) + 1
        end = heard.index(b"ENDF \r\n", start)
        assert b"".join(heard[start:end]) == data
    eventually(lambda: None if folder_of(again) == [] else pytest.fail("something stays"), errors=pytest.fail.Exception)


@pytest.mark.parametrize("step", ["download-open", "download-read"])
def test_failing(serve, folder, waiting, step):
    """n was said, so each comes, without its bytes; all are kept."""
    server = serve(folder=folder, environment={"MESSAGERD_FAULT": f"{step}:EIO"})
    bob = server.log_in(waiting)
    for _ in range(2):
        assert download(bob) == [(name, b"") for name, _ in FILES]
    bob.is_settled()
    server.await_log(r"error file-failed during=read receiver=bob\S* error=\"Input/output error\"")
    server.dismiss()
    server.stop()
    again = serve(folder=folder)
    assert download(again.log_in(waiting)) == FILES
