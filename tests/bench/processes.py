"""Programs of the benchmark as processes: pinned, measured by the system's own accounts, served by bench_server."""
import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
OUT = ROOT / "build" / "bench"
TOKEN = "sample-token"
CLIENT_CORE, SERVER_CORE = (0, 1) if (os.cpu_count() or 1) > 1 else (0, 0)


class Failed(Exception):
    """A program did not do what it should; there is nothing to report."""


def program(name):
    """The path of one of our programs."""
    return str(BUILD / ("bench" if name.startswith("bench_") else "bin") / name)


def environment():
    """What fluxgate and the rivals are run with."""
    return {**os.environ, "TOKEN": TOKEN, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def launch(command, output="/dev/null"):
    """Runs a command on the client's core: {"seconds", "cpu_seconds", "peak_kib"}. Fails when it does."""
    command = [program("bench_launch"), str(CLIENT_CORE), str(output), *map(str, command)]
    done = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    measured = json.loads(done.stdout) if done.returncode == 0 else {"exit": done.returncode}
    if measured["exit"] != 0:
        raise Failed(f"{command[3]} ended with {measured['exit']}: {done.stderr.strip()[-2000:]}")
    return measured


@contextlib.contextmanager
def served(answer, gzip=False):
    """bench_server with an answer (see answers.hpp) on its core; gives the port."""
    yield from _serving([program("bench_server"), answer, *(["--gzip"] if gzip else [])])


@contextlib.contextmanager
def sample_server():
    """The sample InfluxDB; gives the port."""
    yield from _serving([program("fluxgate-sample-server"), "--port", "0", "--token", TOKEN])


def _serving(command):
    with tempfile.TemporaryDirectory(prefix="fluxgate-bench-") as folder:
        port_file = Path(folder) / "port"
        pin = ["taskset", "-c", str(SERVER_CORE)]
        server = subprocess.Popen([*pin, *command, "--port-file", str(port_file)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            while not port_file.exists():
                if server.poll() is not None:
                    raise Failed(f"{command[0]} did not start")
                time.sleep(0.02)
            yield int(port_file.read_text())
        finally:
            server.terminate()
            server.wait()


def source_document(port, expression=".payload.host", query='from(bucket: "plant") |> range(start: -1h)'):
    """A source alone: its messages go to standard output."""
    return {
        "displayName": "bench", "type": "input/influxdbv2@v1", "url": "http://127.0.0.1", "port": port, "organization": "test-org",
        "interval": "1h", "query": {"expression": query}, "format": {"type": "json"}, "partitionCount": 8,
        "partitionStrategy": {"type": "key", "expression": expression},
        "authentication": {"type": "accessToken", "accessToken": "TOKEN"},
    }


def file_document(port, folder):
    """The same source into output/file@v1, with the output's defaults."""
    files = {"type": "output/file@v1", "rootDirectory": str(folder), "filePath": "{{partitionId}}-{{fileNumber}}.jsonl",
             "format": {"type": "jsonStream"}}
    return {"displayName": "bench", "input": {**source_document(port), "next": ["files"]}, "stages": {"files": files}}


@contextlib.contextmanager
def written(document):
    """The document as a file; gives the command that runs it once."""
    with tempfile.TemporaryDirectory(prefix="fluxgate-bench-") as folder:
        path = Path(folder) / "bench.json"
        path.write_text(json.dumps(document))
        yield [program("fluxgate"), "run", path, "--once", "--log-level", "error", "--dead-letter", Path(folder) / "dead-letters.jsonl",
               "--fail-on-dead-letter"]


def readings(scenarios, rounds, *options):
    """bench_source's readings: {scenario: [{"seconds", "cpu_seconds", "rows", "peak_kib", ...} of each round]}."""
    command = [program("bench_source"), "--json", "--scenarios", ",".join(scenarios), "--rounds", rounds, *options]
    done = subprocess.run([*map(str, command)], env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-2000:])
    out = {name: [] for name in scenarios}
    for line in done.stdout.splitlines():
        reading = json.loads(line)
        out[reading["scenario"]].append(reading)
    return out


def median(values):
    return statistics.median(values)


def ratios(above, below, figure="seconds"):
    """Of two series of readings, round by round."""
    return [a[figure] / b[figure] for a, b in zip(above, below)]


def beside(rounds, floor, weaker):
    """Times over those of the floor and of the weaker floor."""
    times = ratios(rounds, floor)
    return {"x": median(times), "x_range": [min(times), max(times)], "x_weaker": median(ratios(rounds, weaker))}


def say(text):
    print(text, flush=True)
