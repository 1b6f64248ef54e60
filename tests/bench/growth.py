"""Cost as work grows: one dimension at a time, the source beside the floor, or more pipelines in one process."""
import json
import tempfile

from processes import Failed, launch, median, program, ratios, readings, say, served

COLUMNS = [1, 3, 10, 30, 100, 300, 1000]
TABLES = [1, 10, 100, 1000, 10_000, 100_000]
PARTITIONS = [1, 4, 16, 64, 256, 1024]
FIELDS = [10, 100, 1000, 10_000, 100_000, 1 << 20]
PIPELINES = [1, 2, 4, 8, 16, 32, 64]


def point(answer, x, rows, plan, *options):
    """The source and the floor on one answer: ns of processor time a row, and the ratio of times."""
    with served(answer) as port:
        read = readings(["floor", "source"], plan.growth_rounds, "--port", port, "--rows", rows, "--no-compare", *options)
    for r in read["source"]:
        if r["rows"] != rows:
            raise Failed(f"{answer}: {r['rows']} rows came")
    return {
        "x": x,
        "rows": rows,
        "bytes_a_row": read["floor"][0]["bytes"] / rows,
        "cpu_ns": median(1e9 * r["cpu_seconds"] / rows for r in read["source"]),
        "floor_cpu_ns": median(1e9 * r["cpu_seconds"] / rows for r in read["floor"]),
        "ratio": median(ratios(read["source"], read["floor"])),
        "peak_kib": max(r["peak_kib"] for r in read["source"]),
    }


def rows_for(bytes_a_row, plan):
    """So many that the answer has about the planned size, and the time is not that of a start."""
    return max(30, min(plan.growth_rows, int(plan.growth_rows * 170 / bytes_a_row)))


def columns(plan):
    out = []
    for count in COLUMNS:
        rows = rows_for(45 + 7 * count, plan)
        out.append(point(f"columns:{count},{rows}", count, rows, plan))
    return out


def tables(plan):
    rows = max(plan.growth_rows, TABLES[-1])
    return [point(f"rows:{rows},{count}", count, rows, plan) for count in TABLES]


def partitions(plan, shape):
    """2,048 series, so that every partition has some."""
    rows = plan.growth_rows
    return [point(f"rows:{rows},2048,{shape}", count, rows, plan, "--partitions", count) for count in PARTITIONS]


def fields(plan):
    out = []
    for size in FIELDS:
        rows = rows_for(45 + size, plan)
        out.append(point(f"field:{size},{rows}", size, rows, plan))
    return out


def pipelines(plan):
    """The same number of rows in all, read by so many pipelines of one process at once; making them counts for itself."""
    out = []
    for count in PIPELINES:
        rows = plan.growth_rows // count
        with served(f"rows:{rows},{min(200, rows)}") as port:
            runs = [run_pipelines(port, count, rows * count) for _ in range(plan.growth_rounds)]
        out.append({
            "x": count,
            "rows": rows * count,
            "cpu_ns": median(1e9 * r["cpu_seconds"] / (rows * count) for r in runs),
            "ns": median(1e9 * r["seconds"] / (rows * count) for r in runs),
            "made_ms": median(1e3 * r["made_cpu_seconds"] / count for r in runs),
            "peak_kib": max(r["peak_kib"] for r in runs),
        })
    return out


def run_pipelines(port, count, rows):
    with tempfile.NamedTemporaryFile(prefix="fluxgate-bench-") as output:
        measured = launch([program("bench_pipelines"), port, count], output.name)
        said = json.load(output)
    if said["messages"] != rows:
        raise Failed(f"{count} pipelines delivered {said['messages']} messages of {rows}")
    return {**measured, **said}


def measure(plan):
    out = {"rounds": plan.growth_rounds, "rows": plan.growth_rows}
    steps = {
        "columns": columns, "tables": tables, "partitions": lambda p: partitions(p, "grouped"),
        "partitions_mixed": lambda p: partitions(p, "ungrouped"), "fields": fields, "pipelines": pipelines,
    }
    for name, step in steps.items():
        say(f"  {name}")
        out[name] = step(plan)
    return out
