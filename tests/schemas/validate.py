#!/usr/bin/env python3
"""The bundled schema under another validator than the program's own: it is a good schema, every document that is shown to people is valid
under it, and what the program refuses by its schemas it refuses too.

    validate.py SOURCE_DIRECTORY FLUXGATE    (FLUXGATE: the program, whose starting documents are checked too)
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema

source, program = pathlib.Path(sys.argv[1]), sys.argv[2]
schema = json.loads((source / "schemas/fluxgate.schema.json").read_text(encoding="utf-8"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
failures = 0


def judge(name, document, good):
    global failures
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:120]}" for e in validator.iter_errors(document)]
    if bool(errors) == good:
        failures += 1
        print(f"{name}: {'; '.join(errors) if good else 'is taken, but it is wrong'}")


def run(*arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


# What people are shown.
documents = {str(p.relative_to(source)): json.loads(p.read_text(encoding="utf-8")) for p in sorted((source / "examples/pipelines").glob("*.json"))}
for page in ["README.md"]:
    text = (source / page).read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"<<'JSON'\n(.*?)\nJSON\n", text, re.DOTALL)):
        documents[f"{page}, document {number}"] = json.loads(block)
assert len(documents) >= 4, documents.keys()
for name, document in documents.items():
    judge(name, document, True)
    judge(f"{name}, as properties", {"properties": document} if "input" in document else document, True)

# What the program writes: starting documents have comments, so it is asked to write them as strict JSON.
for options in [[], ["--incremental"], ["--output", "stdout"], ["--incremental", "--output", "stdout"]]:
    text = run("init", *options)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "start.jsonc"
        path.write_text(text, encoding="utf-8")
        judge(f"init {' '.join(options)}", json.loads(run("validate", "--explain", str(path))), True)

# What is wrong.
pipeline = documents["examples/pipelines/plant-to-files.json"]
bare = documents["examples/pipelines/original-sample.json"]


def changed(document, *path, to):
    out = copy.deepcopy(document)
    at = out
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return out


judge("a reference for a number", changed(bare, "port", to="${PORT:-8086}"), True)
judge("a reference in a word", changed(bare, "compression", to="${HOW}"), True)
judge("another author's stage", changed(pipeline, "stages", "x", to={"type": "output/mine@v3", "anything": 1}), True)
for name, document in {
    "a number as text": changed(bare, "port", to="8086"),
    "a reference in a part of a number": changed(bare, "port", to="1${PORT}"),
    "a reference for a secret's name": changed(bare, "authentication", "accessToken", to="${TOKEN}"),
    "an unknown field": changed(bare, "intervall", to="5s"),
    "an unknown field of a stage": changed(pipeline, "input", "intervall", to="5s"),
    "an unknown field of an output": changed(pipeline, "stages", "files", "rot", to=1),
    "a word that is none": changed(bare, "compression", to="zip"),
    "a missing field": {k: v for k, v in bare.items() if k != "interval"},
    "an output as the source": changed(pipeline, "input", "type", to="output/stdout@v1"),
    "a source among the stages": changed(pipeline, "stages", "x", to=pipeline["input"]),
    "no stages": {"input": pipeline["input"]},
    "wrong inside properties": {"properties": {"input": pipeline["input"]}},
    "nothing": {},
    "a list": [],
}.items():
    judge(name, document, False)

print(f"{len(documents)} documents, {failures} failures")
sys.exit(failures != 0)
