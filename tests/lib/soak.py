"""How long a soak test goes on: as it says itself, or as `make soak ROUNDS=… SECONDS=…` says.

    @pytest.mark.parametrize("rounds", [300, pytest.param(soak.rounds(10000), marks=pytest.mark.soak(3600))])

is 300 rounds in `make check` and 10,000, or ROUNDS, in `make soak`; 3600 is the test's deadline in seconds.
"""

import os


def rounds(usual):
    return int(os.environ.get("SOAK_ROUNDS") or usual)


def seconds(usual):
    return float(os.environ.get("SOAK_SECONDS") or usual)
