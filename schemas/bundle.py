#!/usr/bin/env python3
"""Writes fluxgate.schema.json: one schema for every document that the program reads, for editors.

It is made of the schemas beside it: pipeline.json, and one a stage type. What the program accepts beyond them stands in it too: a source
alone, a pipeline inside "properties" or "spec", and references to the environment, as "${PORT:-8086}", where a number or a word is meant.

    schemas/bundle.py            writes the file
    schemas/bundle.py --check    fails when the file is not what it would write
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
BUNDLE = HERE / "fluxgate.schema.json"
DRAFT = "http://json-schema.org/draft-07/schema#"
NAMES = ("title", "description", "default", "examples")  # what editors show, kept beside the alternatives
WHOLE_REFERENCE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$"


def reference(pattern, words):
    return {"type": "string", "pattern": pattern, "description": words}


def with_references(schema, secret=False):
    """The schema, which also takes references where the program resolves them."""
    if not isinstance(schema, dict):
        return schema
    secret = secret or schema.get("writeOnly", False)
    out = {}
    for key, value in schema.items():
        if key.startswith("x-") or key == "$schema":
            continue
        if key == "properties":
            value = {name: with_references(inside, secret) for name, inside in value.items()}
        elif key in ("items", "additionalProperties"):
            value = with_references(value, secret)
        out[key] = value
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    number = "string" not in types and any(t in types for t in ("integer", "number", "boolean"))
    word = "enum" in schema or schema.get("format") == "date-time"
    if secret or schema.get("x-code") or not (number or word):
        return out
    outer = {key: out.pop(key) for key in NAMES if key in out}
    other = (
        reference(WHOLE_REFERENCE, "An environment variable whose value is converted.")
        if number
        else reference(r"\$\{", "With the value of an environment variable.")
    )
    return {**outer, "anyOf": [out, other]}


def stage_of(kinds, types):
    """Any stage of these kinds; the fields of those that have a schema here are checked."""
    pattern = "^(" + "|".join(kinds) + r")/[^/]+@v[0-9]+$"
    known = sorted(t for t in types if t.split("/")[0] in kinds)
    return {
        "required": ["type"],
        "properties": {"type": {"anyOf": [{"enum": known}, {"type": "string", "pattern": pattern}, reference(WHOLE_REFERENCE, "A stage type.")]}},
        "allOf": [
            {"if": {"properties": {"type": {"const": t}}, "required": ["type"]}, "then": {"$ref": "#/definitions/" + t.replace("/", "~1")}}
            for t in known
        ],
    }


def bundle():
    stages = {}
    for path in sorted(HERE.glob("*.v[0-9]*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        stages[schema["properties"]["type"]["const"]] = with_references(schema)
    pipeline = with_references(json.loads((HERE / "pipeline.json").read_text(encoding="utf-8")))
    fields = pipeline["properties"]
    fields["input"] = {**fields["input"], "allOf": [stage_of(["input"], stages)]}
    every = fields["stages"]["additionalProperties"]
    fields["stages"] = {**fields["stages"], "additionalProperties": {**every, "allOf": [stage_of(["processor", "output"], stages)]}}
    inside = {"$ref": "#/definitions/pipeline"}
    return {
        "$schema": DRAFT,
        "title": "fluxgate document",
        "description": "A pipeline, the same inside \"properties\" or the \"spec\" of a resource, or a source alone. Made by bundle.py.",
        "type": "object",
        "if": {"anyOf": [{"required": ["input"]}, {"required": ["stages"]}]},
        "then": inside,
        "else": {
            "if": {"required": ["type"], "properties": {"type": {"pattern": "^input/"}}},
            "then": stage_of(["input"], stages),
            "else": {
                "if": {"required": ["properties"]},
                "then": {"properties": {"properties": inside}},
                "else": {"if": {"required": ["spec"]}, "then": {"properties": {"spec": inside}}, "else": inside},
            },
        },
        "definitions": {"pipeline": pipeline, **stages},
    }


def main(arguments):
    text = json.dumps(bundle(), indent=2, ensure_ascii=False) + "\n"
    if arguments == ["--check"]:
        if BUNDLE.exists() and BUNDLE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{BUNDLE} is not what the schemas beside it say; run {__file__}", file=sys.stderr)
        return 1
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    BUNDLE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
