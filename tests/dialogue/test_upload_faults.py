"""Killed, or failing, between any two steps of an upload. Needs a build with fault points (scripts/check: build-asan)."""

import pytest

from server import MESSAGERD
from transfer import PROBLEM, begin, download, folder_of, is_temporary, upload
from wire import eventually

pytestmark = pytest.mark.skipif(b"MESSAGERD_FAULT" not in MESSAGERD.read_bytes(), reason="built without fault points")

DATA = bytes(range(256)) * 1200  # 300 KB: several writes

# In the order of the way. From the one on after which the file is the receiver's it must be there.
STEPS = ["upload-create", "upload-created", "upload-write", "upload-sync", "upload-link", "upload-unlink",
         "upload-sync-folder", "upload-placed", "upload-entered", "upload-answer"]
LASTING = STEPS[STEPS.index("upload-entered"):]


@pytest.mark.parametrize("step", STEPS)
def test_killed(serve, folder, step):
    server = serve(folder=folder, environment={"MESSAGERD_FAULT": f"{step}:kill"})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begin(alice, "file", bob)
    alice.say_raw(DATA)
    alice.say("ENDF")
    alice.hears_no_word()  # that is not true
    server.ends(-9)

    again = serve(folder=folder)
    assert not any(is_temporary(name) for name in folder_of(again))
    bob = again.log_in(bob)
    got = download(bob)
    assert got == ([(b"file", DATA)] if step in LASTING else [])
    eventually(lambda: None if folder_of(again) == [] else pytest.fail("something stays"), errors=pytest.fail.Exception)
    upload(again.log_in(alice), "file", bob, DATA)
    assert download(bob) == [(b"file", DATA)]


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("step", ["upload-create", "upload-write", "upload-sync", "upload-link", "upload-sync-folder"])
def test_failing(serve, folder, step, error):
    server = serve(folder=folder, environment={"MESSAGERD_FAULT": f"{step}:{error}"})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "file", bob, DATA, answer=PROBLEM)
    alice.is_settled()
    upload(alice, "file", bob, DATA, answer=PROBLEM)
    server.await_log(r"error file-failed .*receiver=bob\S* error=")
    assert download(bob) == []
    eventually(lambda: None if folder_of(server) == [] else pytest.fail("something stays"), errors=pytest.fail.Exception)
    server.dismiss()
    server.stop()
    again = serve(folder=folder)
    upload(again.log_in(alice), "file", bob, DATA)


def test_failing_at_the_last_bytes(serve):
    """The mark may be here before it is known that what came before it could not be written."""
    server = serve(environment={"MESSAGERD_FAULT": "upload-write:EIO"})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for size in range(64 * 1024, 100 * 1024, 1024):
        upload(alice, "file", bob, bytes(size), answer=PROBLEM)
    alice.is_settled()
