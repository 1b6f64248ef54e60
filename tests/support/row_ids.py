"""Computes properties.rowId as stages/influxdb/README.md words it, from nothing but the server's bytes and the window's edges.

    row_ids.py START STOP FILE[:FILE...] [START STOP FILE...]

START and STOP are the window's edges as the messages name them; a FILE is a decoded body of annotated CSV. Prints the identities
of the window's rows in order, one a line, and a blank line behind each window. Several files of a window are its parts, in order.
It shares no code with the program that it judges; keep it so.
"""
import csv
import io
import sys

import xxhash

SEPARATOR = b"\x1f"


def rows_of(text):
    """Yields (names, values) of each row, both with the encoder's own columns, until the end or an error table."""
    defaults, names = [], None
    for record in csv.reader(io.StringIO(text, newline=""), strict=True):
        if not record:
            names = None
        elif record[0].startswith("#"):
            if record[0] == "#default":
                defaults = record[1:]
            names = None
        elif names is None:
            names = record[1:]
            if names[:2] == ["error", "reference"]:
                return
        else:
            values = [value if value != "" else default for value, default in zip(record[1:], defaults, strict=True)]
            yield names, [value.replace("\r\n", "\n") for value in values]


def identity(names, values, start, stop):
    own = 0
    result = ""
    if names[:1] == ["result"]:
        own, result = 1, values[0]
        if names[1:2] == ["table"]:
            own = 2
    columns = list(zip(names[own:], values[own:]))
    if any(name == "_time" and value != "" for name, value in columns):
        columns = [(name, value) for name, value in columns if name not in ("_start", "_stop")]
    else:
        for edge, text in (("_start", start), ("_stop", stop)):
            if all(name != edge for name, _ in columns):
                columns.append((edge, ""))
            columns = [(name, text if name == edge and value == "" else value) for name, value in columns]
    columns.sort(key=lambda column: column[0].encode("latin-1"))  # stable: repeated names stay in column order
    parts = [result] + [part for column in columns for part in column]
    return xxhash.xxh3_128_hexdigest(b"".join(part.encode("latin-1") + SEPARATOR for part in parts))


def window_ids(start, stop, files):
    seen = {}
    for file in files:
        # One character a byte, so that bytes which are no UTF-8 stay what they are.
        with open(file, encoding="latin-1", newline="") as body:
            text = body.read()
        for names, values in rows_of(text):
            digits = identity(names, values, start, stop)
            before = seen.get(digits, 0)
            seen[digits] = before + 1
            yield digits if before == 0 else f"{digits}-{before}"


def main(arguments):
    if not arguments or len(arguments) % 3:
        sys.exit(__doc__)
    csv.field_size_limit(1 << 30)
    for at in range(0, len(arguments), 3):
        start, stop, files = arguments[at : at + 3]
        for line in window_ids(start, stop, files.split(":")):
            print(line)
        print()


main(sys.argv[1:])
