"""The official clients' own loops (tests/bench/rivals): processor time beside `fluxgate run --once`, same answer, whole processes."""
import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

import answers
from processes import OUT, Failed, environment, launch, median, say, served, source_document, written

HERE = Path(__file__).resolve().parent / "rivals"
BUILT = OUT / "rivals"


@dataclasses.dataclass
class Rival:
    name: str
    label: str
    tools: list
    build: Callable  # (from the folder with its sources, into an empty folder)
    command: Callable  # of the built folder
    version: list  # a command that prints the language's version
    precision: int = 1  # the client keeps times to so many nanoseconds


def call(command, folder):
    done = subprocess.run([*map(str, command)], cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Failed(f"{Path(str(command[0])).name} failed: {' / '.join(lines[-3:])}")


def build_js(sources, folder):
    for file in sources.iterdir():
        shutil.copy(file, folder)
    call(["npm", "ci", "--no-audit", "--no-fund"], folder)


def build_python(sources, folder):
    call([sys.executable, "-m", "venv", folder], sources)
    call([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", sources / "requirements.txt"], sources)


RIVALS = [
    Rival("go", "Go, influxdb-client-go 2.14.0, encoding/json", ["go"], lambda sources, folder: call(["go", "build", "-o", folder / "client", "."], sources),
          lambda folder: [folder / "client"], ["go", "version"]),
    Rival("js", "JavaScript, @influxdata/influxdb-client 1.35.0, JSON.stringify", ["node", "npm"], build_js,
          lambda folder: ["node", folder / "main.js"], ["node", "--version"]),
    Rival("java", "Java, influxdb-client-java 7.2.0, Gson's JsonWriter", ["java", "javac", "mvn"],
          lambda sources, folder: call(["mvn", "-q", "-B", f"-Dout={folder}", "package"], sources),
          lambda folder: ["java", "-cp", f"{folder}/bench-rival-1.jar:{folder}/lib/*", "Main"], ["java", "--version"]),
    Rival("python", "Python, influxdb-client 1.50.0 [ciso], json", [sys.executable], build_python,
          lambda folder: [folder / "bin" / "python", HERE / "python" / "main.py"], [sys.executable, "--version"], precision=1000),
]


def build(rival):
    """The built folder; builds only what changed since."""
    sources, folder = HERE / rival.name, BUILT / rival.name
    files = sorted(file for file in sources.rglob("*") if file.is_file())
    state = hashlib.sha256(b"".join(file.read_bytes() for file in files) + str(folder).encode()).hexdigest()
    stamp = BUILT / f"{rival.name}.stamp"
    if stamp.exists() and stamp.read_text() == state:
        return folder
    say(f"  building {rival.name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rival.build(sources, folder)
    stamp.write_text(state)
    return folder


def built():
    """[(rival, its command)] and {name: why it is left out}."""
    ready, skipped = [], {}
    for rival in RIVALS:
        missing = [tool for tool in rival.tools if shutil.which(tool) is None]
        try:
            if missing:
                raise Failed(f"not installed: {', '.join(missing)}")
            ready.append((rival, rival.command(build(rival))))
        except Failed as why:
            skipped[rival.label] = str(why)
            say(f"  SKIPPED {rival.label}: {why}")
    return ready, skipped


def compare(ready):
    """Every rival gives the rows that fluxgate gives, and both give those of the reference reader."""
    for shape in ("grouped", "quoted"):
        with served(f"rows:20000,200,{shape}") as port, tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "output"
            with written(source_document(port)) as run:
                launch(run, output)
            messages = list(answers.of_fluxgate(output.open()))
            answers.same("fluxgate", messages, answers.reference(port))
            for rival, command in ready:
                launch([*command, f"http://127.0.0.1:{port}"], output)
                rows = map(json.loads, output.open())
                answers.same(rival.name, rows, messages, rival.precision)


def measure(plan):
    ready, skipped = built()
    say("  comparing answers")
    compare(ready)
    read = {"fluxgate": [], **{rival.name: [] for rival, _ in ready}}
    factors = {rival.name: [] for rival, _ in ready}
    say(f"  {plan.rival_rows} rows: fluxgate, {', '.join(factors)}")
    with served(f"rows:{plan.rival_rows},200") as port, written(source_document(port)) as run:
        for _ in range(plan.rounds):
            ours = launch(run)
            read["fluxgate"].append(ours)
            for rival, command in ready:
                theirs = launch([*command, f"http://127.0.0.1:{port}"])
                read[rival.name].append(theirs)
                factors[rival.name].append(theirs["cpu_seconds"] / ours["cpu_seconds"])
    figures = {name: {"cpu_seconds": median(r["cpu_seconds"] for r in runs), "peak_kib": max(r["peak_kib"] for r in runs), "rounds": len(runs)}
               for name, runs in read.items()}
    for rival, _ in ready:
        version = subprocess.run(rival.version, capture_output=True, text=True, check=False).stdout.splitlines()[0]
        figures[rival.name].update(label=rival.label, version=version, x=median(factors[rival.name]),
                                   x_range=[min(factors[rival.name]), max(factors[rival.name])])
    return {"rows": plan.rival_rows, "rounds": plan.rounds, "skipped": skipped, "figures": figures}
