"""The SVG plots of growth.py's figures."""
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen first)
from matplotlib.ticker import FuncFormatter  # noqa: E402

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "fluxgate", "font.size": 9, "font.family": "sans-serif", "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white", "savefig.facecolor": "white",
})
SOURCE, FLOOR, OTHER = "#1f6fb4", "#8a8a8a", "#c4572b"
CPU = "CPU, ns a row"


def panel(axes, series, ylabel, log=True):
    """series: [(label, colour, points, how to get y from a point)]"""
    for label, colour, points, value in series:
        axes.plot([p["x"] for p in points], [value(p) for p in points], marker="o", markersize=3.5, color=colour, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    else:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(ylabel)
    if len(series) > 1:
        axes.legend(frameon=False)


def save(folder, name, title, xlabel, draw):
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.1))
    draw(*axes)
    for one in axes:
        one.set_xlabel(xlabel)
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def beside_floor(points):
    def draw(left, right):
        panel(left, [("source", SOURCE, points, lambda p: p["cpu_ns"]), ("floor", FLOOR, points, lambda p: p["floor_cpu_ns"])], CPU)
        panel(right, [("source", SOURCE, points, lambda p: p["ratio"])], "time, x floor", log=False)
    return draw


def partitions(grouped, mixed):
    def draw(left, right):
        panel(left, [("one series after another", SOURCE, grouped, lambda p: p["cpu_ns"]),
                     ("series mixed (group())", OTHER, mixed, lambda p: p["cpu_ns"]), ("floor", FLOOR, grouped, lambda p: p["floor_cpu_ns"])],
              CPU, log=False)
        panel(right, [("one series after another", SOURCE, grouped, lambda p: p["peak_kib"] / 1024),
                      ("series mixed (group())", OTHER, mixed, lambda p: p["peak_kib"] / 1024)], "peak memory, MiB", log=False)
    return draw


def pipelines(points):
    def draw(left, right):
        panel(left, [("CPU", SOURCE, points, lambda p: p["cpu_ns"]), ("time", FLOOR, points, lambda p: p["ns"])], "ns a row of all", log=False)
        panel(right, [("process", SOURCE, points, lambda p: p["peak_kib"] / 1024)], "peak memory of the process, MiB", log=False)
    return draw


def draw(growth, folder):
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, "columns", "Columns", "columns", beside_floor(growth["columns"]))
    save(folder, "tables", f"Tables, {growth['tables'][0]['rows']:,} rows in all", "tables", beside_floor(growth["tables"]))
    save(folder, "fields", "Size of one string field", "bytes of the field", beside_floor(growth["fields"]))
    save(folder, "partitions", "Partitions, 2,048 series", "partitions", partitions(growth["partitions"], growth["partitions_mixed"]))
    save(folder, "pipelines", f"Pipelines in one process, {growth['pipelines'][0]['rows']:,} rows in all", "pipelines", pipelines(growth["pipelines"]))
