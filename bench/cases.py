"""What bench/compare measures: each case is one kind of work, given to every server in turn."""
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Case:
    key: str
    title: str
    mode: str
    options: dict = field(default_factory=dict)  # of load, without the dashes
    unit: str = "server_cpu_us"                  # what of load's report the case is about
    bytes: int = 64
    only: tuple = ()                             # dialects; none: all
    rounds: int = 0                              # it is measured in so many rounds; 0: in all
    baseline: str = "floor"                      # what it is a multiple of

    def arguments(self):
        given = {"bytes": self.bytes, **self.options}
        return [word for name, value in given.items() for word in ([f"--{name}"] if value is True else [f"--{name}", str(value)])]

    def lasting(self, seconds):
        return replace(self, options={"seconds": seconds, "warm-up": min(0.2, seconds / 3), **self.options})


def relay(pairs, window, size=64, **more):
    text = f"{size} B" if size < 1024 else f"{size // 1024} KiB"
    return Case(f"relay-{pairs}x{window}-{size}", f"{pairs} pairs × {window}, {text}", "relay",
                {"pairs": pairs, "window": window}, bytes=size, **more)


def latency(key, title, **options):
    return Case(key, title, "relay", options, unit="p50_us")


def group(members):
    return Case(f"group-{members}", f"group of {members:,}, per delivery", "fanout", {"members": members})


def idle(count, **more):
    return Case(f"idle-{count}", f"memory per idle user ({count:,})", "idle", {"count": count}, unit="memory_bytes", **more)


FULL, RESUMED = Case("login-full", "log-in, full handshake", "login"), Case("login-resumed", "log-in, with a ticket", "login", {"resume": True})
SIGNUP = Case("signup", "sign-up, durable", "signup", {"count": 2000, "at-once": 1000}, unit="per_second", only=("ours", "sqlite"),
              baseline="sqlite")


def files(mode):
    return Case(mode, f"{mode}, per MiB", mode, {"count": 8, "mib": 16}, only=("ours", "openssl"), baseline="openssl")


def spread(pairs):
    """The same traffic over few or many connections."""
    return Case(f"spread-{2 * pairs}", f"{2 * pairs:,} users, 20,000 messages/s in all", "relay",
                {"pairs": pairs, "rate": 20000}, only=("ours", "floor"), rounds=3)


STANDARD = [
    latency("latency-1x1", "1 pair × 1, latency p50", pairs=1, window=1),
    relay(50, 1), relay(50, 1, 1024), relay(50, 16), relay(50, 16, 1024), relay(500, 4), relay(500, 4, 1024),
    latency("latency-rate", "50 pairs, 5,000/s, latency p50", pairs=50, rate=5000),
    group(1000), FULL, RESUMED, SIGNUP, files("upload"), files("download"), idle(5000, rounds=1),
]
QUICK = [relay(50, 1), relay(50, 16), relay(50, 16, 1024), group(100), FULL, idle(1000, rounds=1)]
EXTRA = [relay(1, 1), group(100), spread(500), spread(7500), idle(1000), idle(15000)]

ALL = {case.key: case for case in [*QUICK, *EXTRA, *STANDARD]}
