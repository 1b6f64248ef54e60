"""From a row's last byte on the socket to its message, on a slow stream (bench_latency)."""
import json
import subprocess

from processes import Failed, environment, median, program, say


def measure(plan):
    rounds = []
    for number in range(plan.latency_rounds):
        say(f"  round {number + 1} of {plan.latency_rounds}")
        done = subprocess.run([program("bench_latency"), "--rows", str(plan.latency_rows)], env=environment(), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise Failed(done.stderr)
        rounds.append({line["reader"]: line for line in map(json.loads, done.stdout.splitlines())})
    return {
        "rate": rounds[0]["runner"]["rate"],
        "rows": rounds[0]["runner"]["rows"],
        "rounds": len(rounds),
        **{reader: {figure: median(r[reader][figure] for r in rounds) for figure in ("median_us", "p99_us", "max_us")}
           for reader in ("source", "runner")},
    }
