"""The whole benchmark; tests/bench/run.sh builds what it needs and starts it."""
import argparse
import dataclasses
import json
import signal
import sys
import time
from pathlib import Path

import growth
import incremental
import inprocess
import latency
import report
import rivals
import whole
from processes import OUT, Failed, say

HERE = Path(__file__).resolve().parent
PARTS = {"inprocess": inprocess, "incremental": incremental, "whole": whole, "rivals": rivals, "latency": latency, "growth": growth}


@dataclasses.dataclass
class Plan:
    """How much is done."""
    words: str = ""  # the options, for the report
    rounds: int = 9
    rows: int = 1_000_000
    big_rows: int = 10_000_000
    rival_rows: int = 1_000_000
    starts: int = 21
    latency_rows: int = 10_000
    latency_rounds: int = 3
    growth_rows: int = 500_000
    growth_rounds: int = 3


QUICK = {"rounds": 3, "rows": 300_000, "big_rows": 1_000_000, "rival_rows": 100_000, "starts": 7, "latency_rows": 2_000, "latency_rounds": 1,
         "growth_rows": 100_000, "growth_rounds": 1}


def parse():
    text = argparse.ArgumentParser(prog="tests/bench/run.sh", description="Measures fluxgate beside its floors and the official clients.")
    text.add_argument("--quick", action="store_true", help="few rows and rounds: whether it works, not how fast it is")
    text.add_argument("--only", metavar="PART,...", help=f"of {', '.join(PARTS)}")
    text.add_argument("--rounds", type=int, help="interleaved rounds (9)")
    text.add_argument("--rows", type=int, help="of the answers of a million rows")
    text.add_argument("--big-rows", type=int, help="of the answer of ten million rows")
    given = text.parse_args()
    parts = given.only.split(",") if given.only else list(PARTS)
    for part in parts:
        if part not in PARTS:
            text.error(f"there is no part {part}; there are {', '.join(PARTS)}")
    numbers = {name: value for name, value in (("rounds", given.rounds), ("rows", given.rows), ("big_rows", given.big_rows)) if value}
    if given.rows:
        numbers["rival_rows"] = given.rows
    return parts, Plan(words=" ".join(sys.argv[1:]), **{**(QUICK if given.quick else {}), **numbers})


def main():
    parts, plan = parse()
    OUT.mkdir(parents=True, exist_ok=True)
    begin, results = time.monotonic(), {}
    for part in parts:
        say(f"{part} ({time.monotonic() - begin:.0f} s)")
        results[part] = PARTS[part].measure(plan)
        (OUT / "results.json").write_text(json.dumps({"plan": dataclasses.asdict(plan), "results": results}, indent=1) + "\n")
    # Only a whole run replaces the figures that are kept.
    folder = HERE if not plan.words else OUT / "report"
    if "growth" in results:
        import plots  # here, so that matplotlib is needed for plots only
        plots.draw(results["growth"], folder / "plots")
    report.write(folder / "results.md", results, plan, time.monotonic() - begin)
    say("")
    for line in report.headline(results):
        say(line)
    say(f"\nwritten: {folder / 'results.md'} ({time.monotonic() - begin:.0f} s)")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that servers and files are cleared away
try:
    main()
except Failed as why:
    sys.exit(f"the benchmark failed: {why}")
