"""bench/compare as a whole: it measures every server that is installed, keeps to its time, and leaves a table and charts."""
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from server import MESSAGERD, REPOSITORY  # noqa: E402

SECONDS = 80
RIVALS = ("ngircd", "inspircd", "mosquitto", "nats-server")

pytestmark = [pytest.mark.plain,
              pytest.mark.skipif(not (MESSAGERD.parent / "bench/load").exists(), reason="built without -Dbench=true"),
              pytest.mark.skipif(os.cpu_count() < 2, reason="takes two cores"),
              pytest.mark.skipif(b"__asan_init" in MESSAGERD.read_bytes(), reason="measures no sanitizers")]


def compare(results, *words):
    done = subprocess.run([REPOSITORY / "bench/compare", "--build", os.path.relpath(MESSAGERD.parent), "--seconds", "0.3", "--results", results, *words],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return json.loads((results / "results.json").read_text()), (results / "results.md").read_text()


def test_every_server_is_measured_and_shown(tmp_path):
    found, table = compare(tmp_path, "--cases", "relay-1x1-64,latency-1x1", "--rounds", "1")
    path = os.environ["PATH"] + ":/usr/sbin"
    servers = {"floor", "floor-merge", "messagerd"} | {name for name in RIVALS if shutil.which(name, path=path)}
    assert {(run["case"], run["server"]) for run in found} == {(case, one) for case in ("relay-1x1-64", "latency-1x1") for one in servers}
    for run in found:
        assert run["done"] > 0 and run["server_cpu_us"] > 0 and run["p50_us"] > 0, run
    for label in servers:
        assert re.search(rf"^\|.*\| {label} \|", table, re.MULTILINE), table
    if shutil.which("gnuplot"):
        for name in ("cpu", "latency", "multiples"):
            drawn = xml.parse(tmp_path / f"{name}.svg").getroot()
            assert drawn.tag.endswith("svg") and "messagerd" in "".join(drawn.itertext())


def test_no_round_is_begun_that_would_be_late(tmp_path):
    found, table = compare(tmp_path, "--servers", "floor,messagerd", "--cases", "relay-1x1-64", "--rounds", "9", "--minutes", "0.0001")
    assert {run["round"] for run in found} == {0} and len(found) == 2
    assert " 1 rounds. " in table


def test_sign_ups_are_shown_with_what_a_commit_takes(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    found, table = compare(tmp_path, "--servers", "messagerd,sqlite", "--cases", "signup", "--rounds", "1")
    ours, alone = (next(run for run in found if run["server"] == label) for label in ("messagerd", "sqlite"))
    assert ours["done"] == 2000 and alone["done"] >= 300 and alone["seconds"] >= 0.5
    assert f"in {tmp_path} a commit of its own took " in table
    took_ms = float(re.search(r"a commit of its own took ([\d.,]+) ms", table)[1].replace(",", ""))
    assert took_ms == pytest.approx(1000 / alone["per_second"], rel=0.1, abs=0.005)
    multiple = re.search(r"^\| sign-up, durable \| ([\d.]+) ", table, re.MULTILINE)
    assert float(multiple[1]) == pytest.approx(ours["per_second"] / alone["per_second"], abs=0.006)


def test_two_workers_are_compared_with_one():
    done = subprocess.run([REPOSITORY / "bench/workers", "--build", os.path.relpath(MESSAGERD.parent), "--rounds", "1", "--seconds", "0.1",
                           "--cases", "relay-50x1-64"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| (.+) \| [\d.]+ µs \| ([\d.]+) \(.*\) \| \d+ µs \|$", done.stdout, re.MULTILINE)
    assert [title for title, _ in rows] == ["one worker", "one worker, on the load's core", "two workers", "two workers, a core for each",
                                            "two workers on one core", "two servers, a core for each", "one floor", "two floors, a core for each"]
    assert float(rows[0][1]) == float(rows[6][1]) == 1
