"""The servers that bench/compare measures: how each is started with its best single-process setting, and stopped.

No flood limits, no logs, no persistence, TLS with the same P-256 certificate, on 127.0.0.1. Each is one process, pinned to one core.
"""
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

SERVER_CORE = 0
START_SECONDS = 10
MANY = 100000


class Failure(Exception):
    """A server did not start, or a run went wrong; the text is what a person needs to see."""


def make_certificate(folder):
    """A P-256 certificate with its key, for as long as the comparison runs: apart and in one file."""
    key, certificate, both = (folder / name for name in ("key.pem", "certificate.pem", "both.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_text(certificate.read_text() + key.read_text())
    for path in (key, certificate, both):
        path.chmod(0o644)  # a server that leaves root's rights behind reads it too


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One kind of server. The methods that a kind gives are for its own words; start() and stop() are the same for all."""

    label = dialect = program = ""
    max_bytes = 3072      # of a text
    port_from_log = None  # a pattern, if the server picks a free port and says which
    can_be_quiet = True   # it writes no log that would be in the way; else it goes to /dev/null
    login_options = ()    # for load, where its log-ins need others

    def __init__(self, certificates):
        self.certificates = certificates

    def command(self, folder, port, case):
        raise NotImplementedError

    def version(self):
        return ""

    def is_here(self):
        self.program = shutil.which(self.program, path=f"{os.environ['PATH']}:/usr/sbin") or self.program
        return os.access(self.program, os.X_OK)

    def takes(self, case):
        return case.bytes <= self.max_bytes

    def start(self, case):
        """Starts it for a case; it is in self.process, self.port when this returns."""
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        command = [str(word) for word in self.command(self.folder, self.port, case)]
        with open(self.folder / "log" if self.can_be_quiet else os.devnull, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            start_new_session=True,
                                            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
        try:
            self.wait_until_ready()
        except Failure:
            self.stop()
            raise

    def log(self):
        return (self.folder / "log").read_text(errors="replace") if self.can_be_quiet else ""

    def wait_until_ready(self):
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and self.process.poll() is None:
            if self.is_ready():
                return
            time.sleep(0.01)
        raise Failure(f"{self.label} did not start:\n{self.log()[-2000:]}")

    def is_ready(self):
        if self.port_from_log:
            found = re.search(self.port_from_log, self.log())
            if found:
                self.port = int(found[1])
            return found is not None
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def measure(self, case, load, core, seconds):
        """Puts the case's load on it; what load reports."""
        more = self.login_options if case.mode == "login" else ()
        command = [load, "--mode", case.mode, "--dialect", self.dialect, "--label", self.label, "--port", self.port,
                   "--pid", self.process.pid, *case.arguments(), *more]
        try:
            done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  errors="replace", timeout=seconds, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        except subprocess.TimeoutExpired:
            raise Failure(f"no end after {seconds} s") from None
        if done.returncode != 0:
            raise Failure(f"{done.stderr.strip()}\n{self.log()[-1000:]}".strip())
        return json.loads(done.stdout)

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
                try:
                    self.process.wait(3)
                except subprocess.TimeoutExpired:
                    continue
        shutil.rmtree(self.folder, ignore_errors=True)


def first_line(*command):
    """What a program says of its version."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=10)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


class Floor(Server):
    """TLS and system calls and nothing else (floor.c)."""

    label = dialect = "floor"
    arguments = ()
    port_from_log = r"listening 127\.0\.0\.1:(\d+)"

    def __init__(self, certificates, program):
        super().__init__(certificates)
        self.program = str(program)

    def command(self, folder, port, case):
        mode = ["--broadcast"] if case.mode == "fanout" else []
        return [self.program, "--certificate", self.certificates / "both.pem", *self.arguments, *mode]


class MergingFloor(Floor):
    """The same, with all text of a read in one record: what our rule of a record per query costs."""

    label = "floor-merge"
    arguments = ("--merge",)

    def takes(self, case):
        return case.mode == "relay"


class Messagerd(Server):
    label, dialect = "messagerd", "ours"
    settings = {
        "server.workers": 1, "session.messages_per_second": 0, "session.check_interval": 0, "log.level": "error",
        "login.password_memory": "8KiB", "login.password_passes": 1, "limits.failed_logins_per_address_per_minute": 0,
        "limits.unauthenticated": 0, "files.upload_seconds": 0, "files.download_seconds": 0,
    }

    def __init__(self, certificates, program, label="messagerd", changes=()):
        """changes: words of the form SECTION.KEY=VALUE."""
        super().__init__(certificates)
        self.program, self.label = str(program), label
        self.settings = {**self.settings, **dict(change.split("=", 1) for change in changes)}

    def command(self, folder, port, case):
        settings = {**self.settings, "server.listen": f"127.0.0.1:{port}", "server.data": folder / "data", "tls.certificate": self.certificates / "both.pem"}
        return [self.program, *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]

    def version(self):
        return first_line(self.program, "--version")


class Ngircd(Server):
    label, dialect, program = "ngircd", "irc", "ngircd"
    max_bytes = 400       # a line has 512 bytes at most
    can_be_quiet = False

    def command(self, folder, port, case):
        (folder / "ngircd.conf").write_text(f"""
[Global]
Name = irc.bench
Info = bench
AdminEMail = bench@localhost
Listen = 127.0.0.1
Ports = {free_port()}
MotdPhrase = bench
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 16
MaxPenaltyTime = 0
PingTimeout = {MANY}
PongTimeout = {MANY}
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
CertFile = {self.certificates}/certificate.pem
KeyFile = {self.certificates}/key.pem
Ports = {port}
""")
        return [self.program, "--nodaemon", "--config", folder / "ngircd.conf"]

    def version(self):
        return first_line(self.program, "--version")


class Inspircd(Server):
    label, dialect, program = "inspircd", "irc", "inspircd"
    login_options = ("--at-once", "256", "--seconds", "3")  # it lets users in once a second

    def command(self, folder, port, case):
        (folder / "inspircd.conf").write_text(f"""
<config format="xml">
<server name="irc.bench" description="bench" network="Bench">
<admin name="bench" nick="bench" email="bench@localhost">
<module name="ssl_gnutls">
<sslprofile name="bench" provider="gnutls" certfile="{self.certificates}/certificate.pem"
            keyfile="{self.certificates}/key.pem" requestclientcert="no">
<bind address="127.0.0.1" port="{port}" type="clients" sslprofile="bench">
<connect allow="*" timeout="60" pingfreq="1d" limit="{MANY}" localmax="{MANY}" globalmax="{MANY}" maxconnwarn="no"
         resolvehostnames="no" useident="no" fakelag="no" threshold="{MANY}" commandrate="100000000" recvq="10M"
         softsendq="100M" hardsendq="100M" modes="">
<limits maxline="4096" maxnick="16">
<performance netbuffersize="65534" softlimit="{MANY}" somaxconn="4096" clonesonconnect="no" limitsomaxconn="4096">
<options defaultmodes="" splitwhois="no" hostintopic="no">
<channels users="100">
""")
        root = ["--runasroot"] if os.geteuid() == 0 else []
        return [self.program, "--nofork", "--nolog", "--nopid", *root, "--config", folder / "inspircd.conf"]

    def version(self):
        return first_line(self.program, "--version")


class Mosquitto(Server):
    label, dialect, program = "mosquitto", "mqtt", "mosquitto"

    def command(self, folder, port, case):
        (folder / "mosquitto.conf").write_text(f"""
listener {port} 127.0.0.1
certfile {self.certificates}/certificate.pem
keyfile {self.certificates}/key.pem
allow_anonymous true
persistence false
log_dest none
connection_messages false
sys_interval 0
set_tcp_nodelay true
max_queued_messages 0
max_connections -1
user {'root' if os.geteuid() == 0 else os.environ.get('USER', 'nobody')}
""")
        return [self.program, "-c", folder / "mosquitto.conf"]

    def version(self):
        return first_line(self.program, "-h")


class Nats(Server):
    label, dialect, program = "nats-server", "nats", "nats-server"

    def command(self, folder, port, case):
        (folder / "nats.conf").write_text(f"""
listen: "127.0.0.1:{port}"
tls {{ cert_file: "{self.certificates}/certificate.pem", key_file: "{self.certificates}/key.pem" }}
max_connections: {MANY}
max_pending: 1GB
ping_interval: "30m"
""")
        return [self.program, "-c", folder / "nats.conf"]

    def version(self):
        return first_line(self.program, "--version")


class SingleCommits(Server):
    """
    No server: what a sign-up would cost if each were a commit of its own in SQLite. The same table and settings as messagerd's store, one
    thread on the server's core, a prepared INSERT for each row; the log (WAL) has its size before the clock runs.
    """

    label = dialect = "sqlite"
    rows, seconds = 300, 0.5  # at least
    beforehand = 1200         # rows: what makes the log start again at its head

    def is_here(self):
        return True

    def takes(self, case):
        return case.mode == "signup"

    def start(self, case):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))

    def measure(self, case, load, core, seconds):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {SERVER_CORE})
        try:
            return self.commit_rows(seconds)
        finally:
            os.sched_setaffinity(0, cores)

    def commit_rows(self, seconds):
        store = sqlite3.connect(self.folder / "single.db", isolation_level=None)  # a commit for each row
        store.executescript("PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA synchronous = OFF;"
                            "CREATE TABLE account (name TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, created_ms INTEGER NOT NULL)"
                            "STRICT, WITHOUT ROWID")
        insert = "INSERT INTO account VALUES (?, ?, 0) ON CONFLICT DO NOTHING"
        names = (f"u{number}" for number in itertools.count())
        store.executemany(insert, ((next(names), "x" * 100) for _ in range(self.beforehand)))
        store.execute("PRAGMA synchronous = FULL")
        store.execute(insert, (next(names), "x" * 100))  # and what was not synced until now
        began = time.monotonic()
        done, took = 0, 0

        def more():
            nonlocal done, took
            while done < self.rows or took < min(self.seconds, seconds):
                yield next(names), "x" * 100
                done, took = done + 1, time.monotonic() - began

        store.executemany(insert, more())
        store.close()
        return {"done": done, "seconds": took, "per_second": done / took}

    def stop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Openssl(Server):
    """openssl s_server moving the bytes of files: from its standard input's end of a connection into a file, or from a file."""

    label = dialect = program = "openssl"
    tls = ("-quiet", "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")

    def takes(self, case):
        return case.mode in ("upload", "download")

    def start(self, case):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = free_port()
        with open(self.folder / "file", "wb") as file:  # zeros: a letter in the wrong place is a command to s_client
            file.truncate(case.options["count"] * case.options["mib"] << 20)
        (self.folder / "request").write_text("GET /file HTTP/1.0\r\n\r\n")

    def run(self, core, source, sink, *words):
        """One end. It ends when its standard input does, unless it is told not to care."""
        with open(self.folder / sink, "wb") as to:
            return subprocess.Popen([self.program, words[0], *self.tls, *map(str, words[1:])], cwd=self.folder, stdin=source,
                                    stdout=to, stderr=subprocess.DEVNULL,
                                    preexec_fn=lambda: os.sched_setaffinity(0, {core}))

    def measure(self, case, load, core, seconds):
        down = case.mode == "download"
        server = self.run(SERVER_CORE, subprocess.PIPE, "nothing" if down else "copy", "s_server", "-accept",
                          f"127.0.0.1:{self.port}", "-naccept", "1", "-cert", self.certificates / "certificate.pem",
                          "-key", self.certificates / "key.pem", *(["-HTTP"] if down else []))
        clock = (~server.pid << 3) | 2  # as clock_getcpuclockid() makes it
        self.wait_until_listening()
        before, began = time.clock_gettime(clock), time.monotonic()
        with open(self.folder / ("request" if down else "file"), "rb") as source:
            client = self.run(core, source, "copy" if down else "nothing", "s_client", "-connect",
                              f"127.0.0.1:{self.port}", "-ign_eof" if down else "-no_ign_eof")
        try:
            usage = self.end_of(server, seconds)
            client.wait(5)
        finally:
            for process in (server, client):
                if process.returncode is None:
                    process.kill()
                    process.wait()
            server.stdin.close()
        took, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime - before
        mib = (self.folder / "copy").stat().st_size >> 20
        if mib != (self.folder / "file").stat().st_size >> 20:
            raise Failure(f"openssl moved {mib} MiB only")
        return {"done": mib, "seconds": took, "per_second": mib / took, "server_cpu_us": cpu * 1e6 / mib}

    def wait_until_listening(self):
        """By looking, since a connection would be the only one that it takes."""
        give_up = time.monotonic() + START_SECONDS
        while not any(f":{self.port:04X} " in line and " 0A " in line
                      for line in Path("/proc/net/tcp").read_text().splitlines()):
            if time.monotonic() > give_up:
                raise Failure("openssl s_server did not start")
            time.sleep(0.01)

    def end_of(self, process, seconds):
        """What it used, when it has ended."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return usage
            time.sleep(0.005)
        raise Failure(f"openssl: no end after {seconds} s")

    def stop(self):
        shutil.rmtree(self.folder, ignore_errors=True)
