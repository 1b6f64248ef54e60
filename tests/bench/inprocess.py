"""The source in a process of the benchmark's own, through the C ABI, beside clients that do less with the same answer."""
import json
import subprocess

from processes import Failed, beside, environment, median, program, ratios, readings, say


def timed(name, scenarios, plan, *options):
    say(f"  {name}: {', '.join(scenarios)}")
    return readings(scenarios, plan.rounds, "--rows", plan.rows, *options)


def allocations(plan):
    """Of the source for each row, over the whole answer."""
    command = ["env", f"LD_PRELOAD={program('bench_count_allocations.so')}", program("bench_source"), "--json", "--scenarios", "source",
               "--rounds", "1", "--rows", str(plan.rows), "--no-compare"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr)
    reading = json.loads(done.stdout)
    if reading["allocations"] == 0:
        raise Failed("no allocation was counted")
    return reading["allocations"] / reading["rows"]


def jq(plan):
    """Expressions that cannot be remembered: ns a row of CPU of the source, of one whose expression can be, and of libjq alone."""
    names = ["source", "source-slow-jq", "libjq"]
    rows = max(plan.rows // 5, 100_000)
    say(f"  jq: {', '.join(names)}")
    read = readings(names, plan.rounds, "--rows", rows)
    each = {name: [1e9 * r["cpu_seconds"] / r["rows"] for r in read[name]] for name in names}
    rounds = list(zip(*(each[name] for name in names)))
    return {
        "rows": rows,
        **{name: median(values) for name, values in each.items()},
        "whole_above_libjq": median(slow - libjq for _, slow, libjq in rounds),
        "added_above_libjq": median(slow - plain - libjq for plain, slow, libjq in rounds),
    }


def summary(read, floor, weaker):
    """Medians over the rounds; ratios to the floor, and to the weaker one, taken round by round."""
    out = {}
    for name, rounds in read.items():
        out[name] = {
            "ns": median(1e9 * r["seconds"] / r["rows"] for r in rounds),
            "cpu_ns": median(1e9 * r["cpu_seconds"] / r["rows"] for r in rounds),
            **beside(rounds, read[floor], read[weaker]),
            "x_cpu": median(ratios(rounds, read[floor], "cpu_seconds")),
            "x_cpu_weaker": median(ratios(rounds, read[weaker], "cpu_seconds")),
            "peak_kib": max(r["peak_kib"] for r in rounds),
        }
    return out


def beside_floors(name, plan):
    """One shape of the answer."""
    scenarios = ["floor", "beast-default", "source", *(["plain"] if name == "grouped" else [])]
    return summary(timed(name, scenarios, plan, "--shape", name), "floor", "beast-default")


def measure(plan):
    gzip = timed("gzip", ["inflate-isal", "inflate-zlib", "source-gzip"], plan)
    return {
        "rows": plan.rows,
        "rounds": plan.rounds,
        **{shape: beside_floors(shape, plan) for shape in ("grouped", "ungrouped", "quoted")},
        "gzip": summary(gzip, "inflate-isal", "inflate-zlib"),
        "jq": jq(plan),
        "allocations": allocations(plan),
    }
