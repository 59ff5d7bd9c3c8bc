"""From the runs of bench/compare to a table and charts: medians over the rounds, and ratios within a round."""
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FLOOR = "floor"
SHOWN_AS = {"server_cpu_us": ("µs CPU", 1), "p50_us": ("µs", 1), "memory_bytes": ("KiB", 1024), "per_second": ("/s", 1)}


@dataclass
class Figure:
    """One server in one case: the medians, and how far the rounds lie apart."""
    value: float
    low: float
    high: float
    multiple: float = 0  # of the baseline, in the same round; 0: there is none
    multiple_low: float = 0
    multiple_high: float = 0
    multiple_of_least: float = 0  # least by least: what comes closest to an idle machine on a busy one
    rounds: int = 0


def values_of(results, case, label):
    """By round. A log-in that took no ticket is none that was resumed."""
    return {r["round"]: r[case.unit] for r in results
            if r["case"] == case.key and r["server"] == label and case.unit in r
            and not ("resumed" in r and r["resumed"] < 0.9 * r["done"])}


def figure(results, case, label):
    values, base = values_of(results, case, label), values_of(results, case, case.baseline)
    if not values:
        return None
    ratios = sorted(value / base[number] for number, value in values.items() if base.get(number))
    scale = SHOWN_AS[case.unit][1]
    ordered = sorted(value / scale for value in values.values())
    found = Figure(statistics.median(ordered), ordered[0], ordered[-1], rounds=len(ordered))
    if ratios:
        found.multiple, found.multiple_low, found.multiple_high = statistics.median(ratios), ratios[0], ratios[-1]
        found.multiple_of_least = min(values.values()) / min(base.values())
    return found


def short(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split(" (")[0].strip()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, {openssl}"


def markdown(chosen, present, figures):
    compared = [server for server in present if any((case.key, server.label) in figures for case in chosen)]
    versions = [server.version() for server in present if server.version()]
    rounds = max((found.rounds for found in figures.values()), default=0)

    def rows(title, show):
        return [[title(case)] + [show(found) if (found := figures.get((case.key, server.label))) else "–" for server in compared]
                for case in chosen]

    def value(found):
        return f"{short(found.value)} ({short(found.low)}–{short(found.high)})"

    def multiple(found):
        if not found.multiple:
            return "–"
        return f"{found.multiple:.2f} ({found.multiple_low:.2f}–{found.multiple_high:.2f}; {found.multiple_of_least:.2f})"

    head = [server.label for server in compared]
    return "\n\n".join([
        f"{machine()}. {rounds} rounds. {'; '.join(versions)}.",
        "Medians (least to most):",
        table(["", *head], rows(lambda case: f"{case.title}, {SHOWN_AS[case.unit][0]}", value)),
        "As multiples of the floor (sign-ups: of SQLite with a commit for each; files: of openssl) in the same round, medians "
        "(least to most; the least of all rounds by the floor's least):",
        table(["", *head], rows(lambda case: case.title, multiple)),
        *commit_times(chosen, figures),
    ]) + "\n"


def commit_times(chosen, figures):
    """What durable sign-ups are to be read with: how long the disk took for a commit. Nothing if they weren't measured."""
    lines = []
    for case in chosen:
        alone = figures.get((case.key, case.baseline)) if case.mode == "signup" else None
        if alone:
            took = [short(1000 / rate) for rate in (alone.value, alone.high, alone.low)]
            lines.append(f"{case.title}: in {tempfile.gettempdir()} a commit of its own took {took[0]} ms ({took[1]}–{took[2]}).")
    return lines


PLOT = """set terminal svg size {width},420 dynamic font 'sans,11' background 'white'
set output '{output}'
set title '{title}'
set style data histograms
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 border -1
set boxwidth 0.9
set grid ytics
set yrange [0:*]
set xtics rotate by -18 font ',9'
set key outside right top
set datafile missing '?'
plot {series}
"""


def chart(folder, name, title, chosen, labels, cell):
    """A group of bars for each case, a bar for each server, with lines from the least to the most. cell: (value, low, high) or None."""
    lines = []
    for case in chosen:
        columns = [cell(case, label) or ("?", "?", "?") for label in labels]
        lines.append(f'"{case.title}" ' + " ".join(str(number) for column in columns for number in column))
    data = folder / f"{name}.dat"
    data.write_text("\n".join(lines) + "\n")
    series = ", ".join(f"'{data}' using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) title '{label}'" for i, label in enumerate(labels))
    script = PLOT.format(output=folder / f"{name}.svg", title=title, series=series, width=300 + 40 * len(chosen) * max(3, len(labels) // 2))
    done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True)
    data.unlink()
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def charts(folder, chosen, present, figures):
    labels = [server.label for server in present if any((case.key, server.label) in figures for case in chosen)]
    kinds = {unit: [case for case in chosen if case.unit == unit] for unit in SHOWN_AS}
    titles = {"server_cpu_us": "Server CPU per message, delivery or log-in (µs)", "memory_bytes": "Memory per idle user (KiB)",
              "p50_us": "Latency, median (µs)"}

    def value(case, label):
        found = figures.get((case.key, label))
        return found and (found.value, found.low, found.high)

    def multiple(case, label):
        found = figures.get((case.key, label))
        return found and found.multiple and (found.multiple, found.multiple_low, found.multiple_high) or None

    work = [case for case in kinds["server_cpu_us"] if case.mode in ("relay", "fanout")]
    logins = [case for case in kinds["server_cpu_us"] if case.mode == "login"]
    for name, title, some in (("cpu", "Server CPU per message or delivery (µs)", work), ("login", "Server CPU per log-in (µs)", logins),
                              ("memory", titles["memory_bytes"], kinds["memory_bytes"]), ("latency", titles["p50_us"], kinds["p50_us"])):
        if some:
            chart(folder, name, title, some, labels, value)
    if FLOOR in labels and work + logins:
        chart(folder, "multiples", "Server CPU as a multiple of the floor", work + logins, labels, multiple)


def write(folder, chosen, present, results):
    """results.json (every run), results.md and, where gnuplot is, the charts."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {(case.key, server.label): found for case in chosen for server in present
               if (found := figure(results, case, server.label))}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(markdown(chosen, present, figures))
    if shutil.which("gnuplot"):
        charts(folder, chosen, present, figures)
