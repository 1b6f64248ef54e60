"""Incremental reading: what rowIds, fingerprints and verified delivery cost, and how fast a year of hourly windows is caught up with."""
import contextlib
import json
import subprocess
import tempfile
from pathlib import Path

from processes import Failed, environment, launch, median, program, ratios, readings, say, served, source_document
from whole import NO_SYNC

WINDOWS = 2  # in one process
YEAR = {"start": "2025-01-01T00:00:00Z", "stop": "2026-01-01T00:00:00Z", "windows": 8760}
MONTH = {"start": "2025-01-01T00:00:00Z", "stop": "2025-01-31T00:00:00Z", "windows": 720}
ROWS = 100  # of a window
QUERY = 'from(bucket: "plant") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)'


def ns(read, figure):
    return [1e9 * r[figure] / r["rows"] for r in read]


def costs(plan):
    """The source in a process of the benchmark: plain, and incremental in three ways."""
    names = ["source", "source-window", "source-verified", "source-lookback", "source-again"]
    say(f"  {', '.join(names)}")
    read = readings(names, plan.rounds, "--rows", plan.rows, "--windows", WINDOWS)
    per_row = {name: [{"seconds": wall, "cpu_seconds": cpu} for wall, cpu in zip(ns(read[name], "seconds"), ns(read[name], "cpu_seconds"))]
               for name in names}

    def times(above, below):
        each = ratios(per_row[above], per_row[below])
        return {"x": median(each), "x_range": [min(each), max(each)]}

    def added(above, below):
        each = [a["cpu_seconds"] - b["cpu_seconds"] for a, b in zip(per_row[above], per_row[below])]
        return {"ns": median(each), "range": [min(each), max(each)]}

    return {
        "rows": plan.rows,
        "windows": WINDOWS,
        "readers": {name: {"ns": median(ns(read[name], "seconds")), "cpu_ns": median(ns(read[name], "cpu_seconds")), "x": times(name, "source")["x"],
                           "peak_kib": max(r["peak_kib"] for r in read[name])} for name in names},
        "verified": times("source-verified", "source-window"),
        "verified_beside_plain": times("source-verified", "source"),
        "row_id": added("source-window", "source"),
        "fingerprint": added("source-lookback", "source-window"),
        "found_again": added("source-again", "source-lookback"),  # both deliver each row once; this one reads each twice
    }


@contextlib.contextmanager
def caught_up(port, concurrency, span):
    """The command of one run over the whole span, with a state of its own."""
    with tempfile.TemporaryDirectory(prefix="fluxgate-bench-") as folder:
        document = source_document(port, query=QUERY)
        document["incremental"] = {"start": span["start"], "stop": span["stop"], "window": "1h", "concurrency": concurrency}
        path = Path(folder) / "bench.json"
        path.write_text(json.dumps(document))
        yield [program("fluxgate"), "run", path, "--once", "--log-level", "error", "--state", Path(folder) / "state", "--dead-letter",
               Path(folder) / "dead-letters.jsonl", "--fail-on-dead-letter"]


def check(port, span):
    """Every window's rows come, each with an identity that no other row of its window has."""
    with caught_up(port, 4, span) as run, subprocess.Popen([*map(str, run)], env=environment(), stdout=subprocess.PIPE) as process:
        seen = {}
        for line in process.stdout:
            properties = json.loads(line)["properties"]
            seen.setdefault(tuple(properties["window"]), set()).add(properties["rowId"])
    if process.returncode != 0 or len(seen) != span["windows"] or any(len(ids) != ROWS for ids in seen.values()):
        raise Failed(f"catching up gave {len(seen)} windows and {sum(map(len, seen.values()))} rows, not {span['windows']} of {ROWS}")


def catch_up(plan):
    """The program, with its state synced and not; and a client that sends as many queries, one after the other, and throws the answers away."""
    span = MONTH if plan.words else YEAR
    rounds = min(plan.rounds, 3)
    say(f"  {span['windows']} windows of {ROWS} rows: checking, then {rounds} rounds")
    read = {"floor": [], "one, no sync": [], "four, no sync": [], "one": [], "four": []}
    with served(f"rows:{ROWS},10") as port:
        check(port, MONTH)
        for _ in range(rounds):
            read["floor"].append(launch([program("bench_floor"), port, "queries", span["windows"]]))
            for name, concurrency in (("one", 1), ("four", 4)):
                for suffix, prefix in ((", no sync", NO_SYNC), ("", [])):
                    with caught_up(port, concurrency, span) as run:
                        read[name + suffix].append(launch([*prefix, *run]))
    return {
        "windows": span["windows"],
        "rows": ROWS,
        "rounds": rounds,
        "readers": {name: {"seconds": median(r["seconds"] for r in runs), "cpu_seconds": median(r["cpu_seconds"] for r in runs),
                           "peak_kib": max(r["peak_kib"] for r in runs)} for name, runs in read.items()},
    }


def measure(plan):
    return {"costs": costs(plan), "catch_up": catch_up(plan)}
