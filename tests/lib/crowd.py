"""Many people at once."""

from wire import unique

BATCH = 200  # that shake hands and sign up together


def gather(server, count, **how):
    """That many sessions of new accounts."""
    people = []
    for start in range(0, count, BATCH):
        batch = [server.connect(**how) for _ in range(min(BATCH, count - start))]
        names = [unique("one") for _ in batch]
        for one, name in zip(batch, names):
            one.say(f"PUT {name} secret")
        people += [one.is_accepted(name) for one, name in zip(batch, names)]
    return people
