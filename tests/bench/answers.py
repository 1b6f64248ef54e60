"""Are two readings of an answer the same? A reference reader (Python's csv module) and what it takes to compare JSON lines with it."""
import calendar
import csv
import json
import re
import time
import urllib.request

from processes import Failed, TOKEN

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def nanoseconds(text):
    """Of an RFC 3339 time, or None when the text is no such time."""
    match = TIME.fullmatch(text)
    if not match:
        return None
    seconds = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
    if match[3] != "Z":
        sign = -1 if match[3][0] == "-" else 1
        seconds -= sign * (int(match[3][1:3]) * 3600 + int(match[3][4:6]) * 60)
    return seconds * 10**9 + int((match[2] or "").ljust(9, "0"))


def normal(value, precision):
    """Times as counts of `precision` nanoseconds, numbers by value; the rest as it is."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return float(value)
    instant = nanoseconds(value)
    return value if instant is None else ("time", instant // precision)


def by_series(rows, precision=1):
    """{(result, table, host): its rows in order}, each row a tuple of (column, value) sorted by column. Partitions keep a host's order."""
    series = {}
    for row in rows:
        fields = tuple(sorted((name, normal(value, precision)) for name, value in row.items()))
        series.setdefault((row["result"], row["table"], row["host"]), []).append(fields)
    return series


def typed(text, datatype):
    if text == "":
        return None
    if datatype in ("long", "unsignedLong"):
        return int(text)
    if datatype == "double":
        return float(text)
    return text == "true" if datatype == "boolean" else text


def reference(port):
    """The rows of the answer at `port`, read with Python's csv module."""
    query = {"query": 'from(bucket: "plant")', "type": "flux", "dialect": {"annotations": ["datatype", "group", "default"], "header": True}}
    headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/query?org=test-org", json.dumps(query).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    types = defaults = names = None
    for line in csv.reader(text.splitlines(keepends=True)):
        if not line:
            continue
        if line[0] == "#datatype":
            types, names = line, None
        elif line[0] == "#default":
            defaults = line
        elif line[0].startswith("#"):
            continue
        elif names is None:
            names = line
        else:
            values = (typed(field or default, kind) for field, default, kind in zip(line[1:], defaults[1:], types[1:]))
            yield dict(zip(names[1:], values))


def of_fluxgate(lines, whole=True):
    """The rows that messages (or, without `whole`, payloads, which lack result and table) were made from."""
    for line in lines:
        message = json.loads(line)
        yield {**message["properties"], **message["payload"]} if whole else message


def same(name, got, wanted, precision=1):
    """Fails unless both have the same rows, in the same order within each series; gives their number."""
    got, wanted = by_series(got, precision), by_series(wanted, precision)
    for series in sorted(set(got) | set(wanted), key=str):
        ours, theirs = got.get(series, []), wanted.get(series, [])
        for number, (left, right) in enumerate(zip(ours, theirs)):
            if left != right:
                raise Failed(f"{name}: row {number} of {series} is {left}, not {right}")
        if len(ours) != len(theirs):
            raise Failed(f"{name}: {series} has {len(ours)} rows, not {len(theirs)}")
    return sum(map(len, wanted.values()))
