"""Writes what was measured: report.md, report.json, and a plot for each curve."""

import dataclasses
import json


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def goals(findings):
    return table(["workload", "figure", "goal", ""],
                 [(goal.what, goal.figure(), goal.goal(), goal.verdict()) for goal in findings.goals])


def write(folder, machine, findings):
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    parts = ["# belay beside others\n", table(["", ""], machine.items()), "## Goals\n", goals(findings)]
    for name, how in findings.absent.items():
        parts.append(f"{name} is not installed, so it is missing here: {how}.\n")
    if findings.counts:
        parts += ["## Syncs and bytes\n", table(["", "", "syncs", "bytes written", "bytes for each page", "syncs / bytes, by file"],
                        [(count.what, count.program, count.syncs, f"{count.written_bytes:,}", count.for_each_page(),
                          count.by_kind) for count in findings.counts])]
    parts.append("## Whole commands\n")
    parts.append("Medians, with the lowest and the highest; belay's time divided by the other's, within each turn.\n")
    for comparison in findings.comparisons:
        parts.append(f"{comparison.title} (load {comparison.load:.1f})\n")
        parts.append(table(["", "wall, ms", "processor, ms", "peak, MiB", "ratio", "of processor time"],
                           comparison.rows()))
    if findings.parts:
        parts += ["## Parts\n", table(["", "wall", "processor", "rate"],
                                      [(part.name, part.wall, part.processor, part.rate) for part in findings.parts])]
    parts.append("## Cost against size\n")
    for curve in findings.curves:
        plot(folder / f"{curve.name}.svg", curve)
        parts.append(f"![{curve.title}]({curve.name}.svg)\n")
    (folder / "report.md").write_text("\n".join(parts))
    (folder / "report.json").write_text(json.dumps(as_data(machine, findings), indent=1) + "\n")


def as_data(machine, findings):
    return {
        "machine": machine,
        "goals": [dataclasses.asdict(goal) | {"met": goal.met()} for goal in findings.goals],
        "comparisons": [{"title": comparison.title, "load": comparison.load,
                         "samples": {name: [dataclasses.asdict(sample) for sample in samples]
                                     for name, samples in comparison.samples.items()}}
                        for comparison in findings.comparisons],
        "curves": [dataclasses.asdict(curve) for curve in findings.curves],
        "counts": [dataclasses.asdict(count) for count in findings.counts],
        "parts": [dataclasses.asdict(part) for part in findings.parts],
        "absent": findings.absent,
    }


# Told apart by people who do not see red or green as others do (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def plot(file, curve):
    """Both axes logarithmic: what is in proportion to the size is a slope of one, what does not depend on it is flat."""
    import matplotlib    # Here, because a measured process would seem to need its memory: measuring.Sample.
    matplotlib.use("svg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, LogLocator

    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "belay", "font.family": "sans-serif", "font.size": 11}
    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for colour, (name, points) in zip(COLOURS, curve.series.items()):
        sizes, costs = zip(*points)
        axes.plot(sizes, costs, marker="o", markersize=5, linewidth=1.8, color=colour, label=name)
    axes.set(xscale="log", yscale="log", xlabel=curve.size, ylabel=curve.cost)
    axes.set_title(curve.title, loc="left", fontsize=12)
    plain = FuncFormatter(lambda value, _: f"{value:,.10g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, (1, 3) if decades(axis) < 3 else (1,)))
        axis.set_major_formatter(plain)
        axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    if len(curve.series) > 1:
        axes.legend(frameon=False, loc="upper left")
    axes.grid(True, which="major", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def decades(axis):
    low, high = axis.get_view_interval()
    return len(str(int(high / low)))


def print_goals(findings):
    print("\nGoals")
    width = max(len(goal.what) for goal in findings.goals)
    for goal in findings.goals:
        print(f"  {goal.what:{width}}  {goal.figure():>28}   {goal.goal():>28}   {goal.verdict()}")
    missed = sum(not goal.met() for goal in findings.goals)
    print(f"{len(findings.goals) - missed} of {len(findings.goals)} met")
