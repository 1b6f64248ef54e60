"""The program fluxgate as a user starts it, beside the floor as a program: big answers, memory, start-up, allocations."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import answers
from processes import (OUT, Failed, beside, environment, file_document, launch, median, program, readings, sample_server, say, served,
                       source_document, written)

SMALL_ROWS = 300_000
NO_SYNC = ["env", f"LD_PRELOAD={program('bench_no_sync.so')}"]


def compare(shape):
    """Both ways out of the program give the rows of the answer, to standard output and to files."""
    with served(f"rows:20000,200,{shape}") as port, tempfile.TemporaryDirectory() as folder:
        output, files = Path(folder) / "stdout", Path(folder) / "files"
        with written(source_document(port)) as run:
            launch(run, output)
        rows = answers.same(f"fluxgate, {shape}", answers.of_fluxgate(output.open()), answers.reference(port))
        with written(file_document(port, files)) as run:
            launch([*NO_SYNC, *run])
        # Payloads lack result and table; the answers have one result, and a host has one table or all are in one.
        missing = {"result": "_result", "table": 0}
        got = ({**row, **missing} for file in sorted(files.iterdir()) for row in answers.of_fluxgate(file.open(), whole=False))
        answers.same(f"output/file, {shape}", got, ({**row, **missing} for row in answers.reference(port)))
    return rows


def messages_through_a_pipe(port):
    with written(source_document(port)) as run, subprocess.Popen([*map(str, run)], env=environment(), stdout=subprocess.PIPE) as process:
        lines = sum(piece.count(b"\n") for piece in iter(lambda: process.stdout.read(1 << 20), b""))
    if process.returncode != 0:
        raise Failed(f"fluxgate ended with {process.returncode}")
    return lines


def lines_of(folder):
    count = 0
    for file in folder.iterdir():
        with file.open("rb") as text:
            count += sum(piece.count(b"\n") for piece in iter(lambda: text.read(1 << 20), b""))
    return count


def to_files(port, rows, check):
    """One run into files, without the time of syncing; the files are counted when asked, and removed."""
    folder = OUT / "files"
    shutil.rmtree(folder, ignore_errors=True)
    with written(file_document(port, folder)) as run:
        measured = launch([*NO_SYNC, *run])
    if check and lines_of(folder) != rows:
        raise Failed(f"{lines_of(folder)} messages are in the files, not {rows}")
    shutil.rmtree(folder)
    return measured


def big(port, rows, rounds):
    say(f"  {rows} rows: floor, to /dev/null, to files")
    if messages_through_a_pipe(port) != rows:
        raise Failed("messages are missing on standard output")
    read = {"floor": [], "beast-default": [], "null": [], "files": []}
    with written(source_document(port)) as run:
        for number in range(rounds):
            read["floor"].append(launch([program("bench_floor"), port]))
            read["beast-default"].append(launch([program("bench_floor"), port, "default"]))
            read["null"].append(launch(run))
            read["files"].append(to_files(port, rows, check=number == 0))
    out = {"rows": rows, "rounds": rounds}
    for name, runs in read.items():
        out[name] = {
            "seconds": median(r["seconds"] for r in runs),
            "cpu_seconds": median(r["cpu_seconds"] for r in runs),
            **beside(runs, read["floor"], read["beast-default"]),
            "peak_kib": max(r["peak_kib"] for r in runs),
        }
    return out


def allocations(port):
    """How many in a whole run of the program."""
    OUT.mkdir(parents=True, exist_ok=True)
    counted = OUT / "allocations"
    with written(source_document(port)) as run:
        launch(["env", f"LD_PRELOAD={program('bench_count_allocations.so')}", f"FLUXGATE_BENCH_ALLOCATIONS={counted}", *run])
    return int(counted.read_text())


def peaks(port, rows):
    """Peak memory in KiB of the program and of the source alone; and the program's allocations."""
    with written(source_document(port)) as run:
        program_kib = max(launch(run)["peak_kib"] for _ in range(3))
    source = readings(["source"], 3, "--port", port, "--rows", rows, "--no-compare")["source"]
    return {"rows": rows, "program_kib": program_kib, "source_kib": max(r["peak_kib"] for r in source), "allocations": allocations(port)}


def startup(runs):
    """Wall milliseconds of a run on an empty answer with one jq expression, beside a program that does nothing."""
    say("  start-up")
    query = 'from(bucket: "plant") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "none")'
    with sample_server() as port, written(source_document(port, ".payload.host | ascii_downcase", query)) as compiled, \
            written(source_document(port, ".payload.host", query)) as path:
        commands = {"ms": compiled, "path_ms": path, "true_ms": ["true"]}
        times = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(launch(command)["seconds"] * 1000)
    return {"runs": runs, **{name: median(each) for name, each in times.items()}}


def measure(plan):
    say("  comparing answers")
    for shape in ("grouped", "ungrouped", "quoted"):
        compare(shape)
    out = {"startup": startup(plan.starts)}
    with served(f"rows:{SMALL_ROWS},200") as port:
        few = peaks(port, SMALL_ROWS)
    with served(f"rows:{plan.big_rows},200") as port:
        out["big"] = big(port, plan.big_rows, plan.rounds)
        many = peaks(port, plan.big_rows)
    out["memory"] = [few, many]
    out["allocations"] = (many["allocations"] - few["allocations"]) / (many["rows"] - few["rows"])
    return out
