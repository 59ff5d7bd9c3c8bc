"""What a running server has given up. What that keeps it from is tried in tests/unit/server/sandbox.c."""

import os
import pwd
import subprocess

import pytest

import server as servers
from kernel import without
from wire import eventually

RELEASE = servers.REPOSITORY / "build/messagerd"  # builds with sanitizers are not confined


@pytest.fixture(autouse=True)
def release(monkeypatch):
    monkeypatch.setattr(servers, "MESSAGERD", RELEASE)


def status_of(process, key, task=None):
    folder = f"/proc/{process.pid}" + (f"/task/{task}" if task else "")
    with open(f"{folder}/status", encoding="ascii") as lines:
        return next(line.split(":", 1)[1].split() for line in lines if line.startswith(f"{key}:"))


def test_every_thread_is_confined_when_the_first_stranger_comes(serve):
    server = serve()
    confined = server.await_log(r"\bconfined\b")
    assert "seccomp=on" in confined.string and "landlock=0" not in confined.string
    log = server.log()
    assert log.index(confined.string) < next(i for i, line in enumerate(log) if " listening " in line)
    tasks = os.listdir(f"/proc/{server.process.pid}/task")
    assert len(tasks) > 4
    for task in tasks:
        assert status_of(server.process, "Seccomp", task) == ["2"]
        assert status_of(server.process, "NoNewPrivs", task) == ["1"]
    server.is_well()


def test_it_can_be_turned_off_and_says_so(serve):
    server = serve({"server.sandbox": "off"})
    server.await_log(r'\bwarn not-confined reason="server.sandbox = off"')
    assert status_of(server.process, "Seccomp") == ["0"]
    server.is_well()


@pytest.mark.parametrize("lacks, said, is_confined", [
    ("landlock_create_ruleset", 'by=Landlock reason="Function not implemented"', r"landlock=0 seccomp=on"),
    ("seccomp", 'by=seccomp reason="Operation not supported"', r"landlock=[1-9]\d* seccomp=off"),
])
def test_a_kernel_that_lacks_one_of_them_is_named_once(serve, lacks, said, is_confined):
    """And the other one is in force."""
    server = serve(before=without(lacks))
    server.is_well()
    lines = [line for line in server.log() if "not-confined" in line]
    assert len(lines) == 1 and lines[0].endswith(said), server.log()
    server.await_log(rf"\bconfined\b.*{is_confined}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_a_user_without_rights(serve, folder):
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    server = serve({"server.user": "nobody"}, folder=folder)
    assert status_of(server.process, "Uid") == [str(nobody.pw_uid)] * 4
    assert status_of(server.process, "Gid") == [str(nobody.pw_gid)] * 4
    assert int(status_of(server.process, "CapEff")[0], 16) == 1 << 10  # CAP_NET_BIND_SERVICE
    assert server.data.stat().st_uid == nobody.pw_uid
    alice = server.sign_up("alice")
    alice.quit()
    server.config.write_text("[login]\nregistration = closed\n")
    server.process.send_signal(1)
    server.await_log(r"\breloaded\b")
    assert not any("setting-needs-restart" in line for line in server.log()), server.log()

    def sign_up_is_closed():
        peer = server.connect()
        peer.say("PUT somebody secret")
        assert peer.next_record() == b"END * <registration closed> \r\n"
    eventually(sign_up_is_closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("user, data, words", [
    ("nobody", True, "is not \"nobody\"'s own (server.user): chown -R nobody"),
    ("no-such-user", False, 'there is no user "no-such-user" (server.user)')])
def test_a_user_who_can_not_serve(folder, user, data, words):
    if data:
        (folder / "data").mkdir()
    found = subprocess.run([RELEASE, "--set", f"server.data={folder}/data", "--set", f"server.user={user}", "--set",
                            "server.listen=127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert found.returncode == 1 and words in found.stderr.replace("\\", ""), found.stderr
