"""Mounts that only one server sees, in a namespace of its own. Tests skip where that may not be."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest


def behind(script):
    """For serve(before=...): these lines of shell come first, where nobody else sees what they mount."""
    return ["unshare", "--mount", "sh", "-ec", script + '\nexec "$@"', "sh"]


def may_mount():
    """Skips the test unless mounts may be made."""
    done = subprocess.run([*behind("mount -t tmpfs tmpfs /mnt"), "true"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no mounts of one's own here: {done.stderr.strip()}")


@contextmanager
def ext4(image, mebibytes):
    """A device with a fresh ext4, which turns read-only at its first error, as a real disk's does."""
    may_mount()
    with open(image, "wb") as file:
        file.truncate(mebibytes << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-e", "remount-ro", image], capture_output=True, text=True)
    found = made.returncode == 0 and subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True)
    if not found or found.returncode != 0:
        pytest.skip("no ext4 on a device of one's own here")
    device = found.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def has_an_error(device):
    """What is mounted from there finds its disk damaged."""
    trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
    if not trigger.exists():
        pytest.skip("this kernel's ext4 can't be told to fail")
    trigger.write_text("1")


def repair(device):
    assert subprocess.run(["e2fsck", "-p", "-f", device], capture_output=True).returncode < 4
