"""results.md: the headline table with its goals, the figures behind it, and what they were measured on."""
import datetime
import os
import platform
import subprocess

from processes import ROOT

MET, LEAST, MISSED = "the goal", "at least", "**missed**"


def verdict(value, least, goal, more_is_better=False):
    if more_is_better:
        return MET if value >= goal else LEAST if value >= least else MISSED
    return MET if value <= goal else LEAST if value <= least else MISSED


def spread(figures):
    low, high = figures["x_range"]
    return f"{figures['x']:.2f}x ({low:.2f} to {high:.2f})"


def beside_floors(what, figures, least, goal):
    weaker = figures["x_weaker"]
    return row(what, f"{least}x", f"{goal}x", spread(figures), verdict(figures["x"], least, goal), f"{weaker:.2f}x, {verdict(weaker, least, goal)}")


def mib(kib):
    return f"{kib / 1024:.1f} MiB"


def row(*cells):
    """Of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def inprocess_rows(r):
    shapes = [("HTTP to batches, grouped tables, jq key on a tag, 8 partitions, beside the floor", r["grouped"]["source"], 1.6, 1.25),
              ("the same, ungrouped (`group()`)", r["ungrouped"]["source"], 2.6, 2.1),
              ("the same, every string quoted", r["quoted"]["source"], 3.5, 2.9),
              ("gzip, beside a client that only inflates (ISA-L)", r["gzip"]["source-gzip"], 2.1, 1.8)]
    for what, figures, least, goal in shapes:
        yield beside_floors(what, figures, least, goal)
    grouped = r["grouped"]["source"]
    cpu, weaker = grouped["x_cpu"], grouped["x_cpu_weaker"]
    yield row("CPU of the source, beside the floor's", "1.9x", "1.5x", f"{cpu:.2f}x", verdict(cpu, 1.9, 1.5),
              f"{weaker:.2f}x, {verdict(weaker, 1.9, 1.5)}")


def jq_row(r):
    jq = r["jq"]
    added = jq["whole_above_libjq"]
    text = f"libjq's {jq['libjq']:.0f} ns {added:+.0f} ns for the whole source; beside a remembered expression {jq['added_above_libjq']:+.0f} ns"
    return row("jq expressions that cannot be remembered", "libjq + 800 ns a row", "+ 400 ns", text, verdict(added, 800, 400))


def whole_rows(r):
    big = r["big"]
    for what, figures, least, goal in [("to `/dev/null`", big["null"], 2.4, 1.8), ("to a file, without syncing", big["files"], 3.5, 2.5)]:
        yield beside_floors(f"`fluxgate run --once` {what}, {big['rows']:,} rows", figures, least, goal)


def memory_rows(r, allocations):
    few, many = r["memory"]
    counted = {"in the program": r["allocations"], **({} if allocations is None else {"in the source": allocations})}
    yield row("allocations a row", "< 0.01", "< 0.01", ", ".join(f"{each:.5f} {where}" for where, each in counted.items()),
              MET if max(counted.values()) < 0.01 else MISSED)
    peak = many["program_kib"] / 1024
    text = (f"{mib(few['program_kib'])} and {mib(many['program_kib'])} in the program, {mib(few['source_kib'])} and "
            f"{mib(many['source_kib'])} in the source alone")
    flat = many["program_kib"] < 1.1 * few["program_kib"] + 1024
    yield row(f"peak memory for {few['rows']:,} and {many['rows']:,} rows", "flat, < 48 MiB", "< 24 MiB", text,
              verdict(peak, 48, 24) if flat else MISSED)
    ms = r["startup"]["ms"]
    yield row("start-up: `fluxgate run --once`, empty answer, one jq expression", "60 ms", "30 ms",
              f"{ms:.1f} ms; a plain path, which libjq need not compile: {r['startup']['path_ms']:.1f} ms (`true`: {r['startup']['true_ms']:.1f} ms)",
              verdict(ms, 60, 30))


def rival_rows(r):
    goals = {"go": (30, 50), "js": (20, 30), "python": (60, 100)}
    for name, figures in r["figures"].items():
        if name == "fluxgate":
            continue
        least, goal = goals.get(name, (None, None))
        measured = f"{figures['x']:.1f}x less ({figures['x_range'][0]:.1f} to {figures['x_range'][1]:.1f})"
        if least is None:
            yield row(f"CPU beside {figures['label']}", "", "", measured, "no goal")
        else:
            yield row(f"CPU beside {figures['label']}", f"{least}x less", f"{goal}x less", measured, verdict(figures["x"], least, goal, True))
    for label, why in r["skipped"].items():
        yield row(f"CPU beside {label}", "", "", f"skipped: {why}", "not measured")


def latency_row(r):
    runner, source = r["runner"], r["source"]
    text = (f"median {runner['median_us'] / 1000:.2f} ms, 99th percentile {runner['p99_us'] / 1000:.2f} ms on standard output; "
            f"{source['median_us'] / 1000:.2f} and {source['p99_us'] / 1000:.2f} ms from the source")
    return row(f"latency of a row at {r['rate']:.0f} rows a second", "", "", text, "no goal")


def added(figures):
    low, high = figures["range"]
    return f"{figures['ns']:.0f} ns ({low:.0f} to {high:.0f})"


def incremental_rows(r):
    costs = r["costs"]
    yield row("incremental with `verified` delivery, time beside streaming", "1.3x", "1.3x",
              f"{spread(costs['verified'])}; beside plain streaming {costs['verified_beside_plain']['x']:.2f}x", verdict(costs["verified"]["x"], 1.3, 1.3))
    for what, figure in (("rowIds", costs["row_id"]), ("fingerprints of look-back", costs["fingerprint"])):
        yield row(f"CPU of {what}, a row", "60 ns", "60 ns", added(figure), verdict(figure["ns"], 60, 60))
    yield row("CPU of a row that look-back reads again, finds among those and leaves out", "", "", added(costs["found_again"]), "no goal")
    year = r["catch_up"]
    rates = ", ".join(f"{year['windows'] * year['rows'] / year['readers'][name]['seconds']:,.0f} rows/s ({year['windows'] / year['readers'][name]['seconds']:,.0f} "
                      f"windows/s) {label}" for name, label in (("one", "one window at a time"), ("four", "four at once")))
    yield row(f"catching up over {year['windows']:,} hourly windows of {year['rows']} rows, state synced", "", "", rates, "no goal")


def headline(results):
    out = [row("what", "at least", "the goal", "measured", "reached", "beside the weaker floor"), row(*["---"] * 6)]
    if "inprocess" in results:
        out += inprocess_rows(results["inprocess"])
    if "incremental" in results:
        out += incremental_rows(results["incremental"])
    if "whole" in results:
        out += whole_rows(results["whole"])
    if "rivals" in results:
        out += rival_rows(results["rivals"])
    if "whole" in results:
        out += memory_rows(results["whole"], results.get("inprocess", {}).get("allocations"))
    if "inprocess" in results:
        out.append(jq_row(results["inprocess"]))
    if "latency" in results:
        out.append(latency_row(results["latency"]))
    return out


def inprocess_details(r):
    yield "## The source, in a process of the benchmark"
    yield ""
    yield f"{r['rows']:,} rows, medians of {r['rounds']} interleaved rounds. Ratios are to the first line of each group."
    yield ""
    yield row("answer", "reader", "rows/s", "ns a row", "time, x", "CPU ns a row", "CPU, x", "peak memory")
    yield row("---", "---", *["---:"] * 6)
    for group in ("grouped", "ungrouped", "quoted", "gzip"):
        for name, f in r[group].items():
            yield row(group, name, f"{1e9 / f['ns']:,.0f}", f"{f['ns']:.0f}", f"{f['x']:.2f}", f"{f['cpu_ns']:.0f}", f"{f['x_cpu']:.2f}",
                      mib(f["peak_kib"]))
    yield ""
    jq = r["jq"]
    yield (f"jq, CPU ns a row over {jq['rows']:,} rows: source with a remembered expression {jq['source']:.0f}, with one that cannot be "
           f"remembered {jq['source-slow-jq']:.0f}, libjq alone on the same messages {jq['libjq']:.0f}.")
    yield ""


def incremental_details(r):
    costs, year = r["costs"], r["catch_up"]
    yield "## Incremental reading"
    yield ""
    yield (f"The source in a process of the benchmark: one plain answer of {costs['rows']:,} rows, or {costs['windows']} windows of as many. "
           "Look-back searches for no row of the second window, since all are later; the last reader is given each row twice.")
    yield ""
    yield row("reader", "rows/s", "ns a row", "time, x plain", "CPU ns a row", "peak memory")
    yield row("---", *["---:"] * 5)
    labels = {"source": "plain", "source-window": "incremental, streaming", "source-verified": "incremental, verified", "source-lookback": "with look-back"}
    for name, label in labels.items():
        f = costs["readers"][name]
        yield row(label, f"{1e9 / f['ns']:,.0f}", f"{f['ns']:.0f}", f"{f['x']:.2f}", f"{f['cpu_ns']:.0f}", mib(f["peak_kib"]))
    yield ""
    yield (f"Catching up: the program with `--state`, messages to `/dev/null`, {year['windows']:,} windows of an hour with {year['rows']} rows each, medians of "
           f"{year['rounds']} rounds.")
    yield ""
    yield row("reader", "seconds", "windows/s", "rows/s", "us a window", "CPU us a window", "peak memory")
    yield row("---", *["---:"] * 6)
    labels = {"floor": "a client that sends the queries one after the other and discards the answers", "one, no sync": "one window at a time, nothing synced",
              "four, no sync": "four at once, nothing synced", "one": "one window at a time", "four": "four at once"}
    for name, label in labels.items():
        f = year["readers"][name]
        yield row(label, f"{f['seconds']:.2f}", f"{year['windows'] / f['seconds']:,.0f}", f"{year['windows'] * year['rows'] / f['seconds']:,.0f}",
                  f"{1e6 * f['seconds'] / year['windows']:,.0f}", f"{1e6 * f['cpu_seconds'] / year['windows']:,.0f}", mib(f["peak_kib"]))
    yield ""


def whole_details(r):
    big = r["big"]
    yield "## The program"
    yield ""
    yield f"{big['rows']:,} rows, medians of {big['rounds']} interleaved rounds, whole processes."
    yield ""
    yield row("", "seconds", "rows/s", "time, x floor", "CPU seconds", "peak memory")
    yield row("---", *["---:"] * 5)
    for name, label in (("floor", "floor"), ("beast-default", "Beast's own 512-byte reads"), ("null", "`fluxgate run --once` to `/dev/null`"), ("files", "`output/file@v1`, 8 partitions")):
        f = big[name]
        yield row(label, f"{f['seconds']:.2f}", f"{big['rows'] / f['seconds']:,.0f}", f"{f['x']:.2f}", f"{f['cpu_seconds']:.2f}", mib(f["peak_kib"]))
    yield ""


def rival_details(r):
    yield "## The official clients"
    yield ""
    yield f"{r['rows']:,} rows as JSON lines to `/dev/null`, user and system time of the whole process, all on one core."
    yield ""
    yield row("", "CPU seconds", "x fluxgate", "peak memory", "rounds", "version")
    yield row("---", *["---:"] * 4, "---")
    for name, f in r["figures"].items():
        yield row(f.get("label", name), f"{f['cpu_seconds']:.2f}", f"{f.get('x', 1):.1f}", mib(f["peak_kib"]), f["rounds"], f.get("version", ""))
    yield ""


def growth_details(r):
    yield "## Growth"
    yield ""
    yield f"Medians of {r['rounds']} rounds; the plots are in [README.md](README.md#growth-cost-as-work-grows)."
    yield ""
    for name, label in (("columns", "columns"), ("tables", "tables"), ("fields", "bytes of a field"), ("partitions", "partitions"),
                        ("partitions_mixed", "partitions, series mixed"), ("pipelines", "pipelines")):
        points = r[name]
        yield row(label, *[f"{p['x']:,}" for p in points])
        yield row("---", *["---:"] * len(points))
        yield row("CPU, ns a row", *[f"{p['cpu_ns']:,.0f}" for p in points])
        if "ratio" in points[0]:
            yield row("floor's CPU", *[f"{p['floor_cpu_ns']:,.0f}" for p in points])
            yield row("time, x floor", *[f"{p['ratio']:.2f}" for p in points])
        if "made_ms" in points[0]:
            yield row("making one, CPU ms", *[f"{p['made_ms']:.1f}" for p in points])
        yield row("peak memory, MiB", *[f"{p['peak_kib'] / 1024:.1f}" for p in points])
        yield ""


def first_line(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def versions():
    packages = ["libjq1", "libisal2", "zlib1g", "libboost1.81-dev", "rapidjson-dev"]
    installed = {name: first_line("dpkg-query", "-W", "-f=${Version}", name) for name in packages}
    return ", ".join(f"{name} {version}" for name, version in installed.items())


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as text:
        cpu = next((line.split(":", 1)[1].strip() for line in text if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, {platform.system()} {platform.release()}"


def write(path, results, plan, seconds):
    """All that was measured, as Markdown."""
    commit = first_line("git", "describe", "--always")
    if first_line("git", "status", "--porcelain", "--", ".", ":!tests/bench/plots", ":!tests/bench/results.md") != "unknown": # these it writes itself
        commit += ", changed"
    out = ["# Results", "", f"Written by `tests/bench/run.sh`{' ' + plan.words if plan.words else ''}; [README.md](README.md) says what is measured and how.", ""]
    out += [f"- {datetime.date.today().isoformat()}, commit {commit}, {seconds / 60:.0f} minutes", f"- {machine()}",
            f"- {first_line('g++', '--version')}; {versions()}",
            f"- medians of {plan.rounds} interleaved rounds; in parentheses the smallest and the largest round", ""]
    out += headline(results) + [""]
    for name, details in (("inprocess", inprocess_details), ("incremental", incremental_details), ("whole", whole_details), ("rivals", rival_details), ("growth", growth_details)):
        if name in results:
            out += details(results[name])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out).rstrip() + "\n")
