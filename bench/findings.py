"""What was measured: comparisons, the goals they are held against, curves, counts."""

import dataclasses
import os

from measuring import cpu, peak_mib, ratio, wall


def number(value):
    """Three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    return f"{number(values.median)} ({number(values.low)}–{number(values.high)})"


@dataclasses.dataclass
class Comparison:
    """The same work done by several programs; belay is the first."""
    title: str
    samples: dict
    load: float      # Of the machine, when it was over: processes that ran or waited to.
    belay: str = "belay"

    def ratio(self, other, kind="wall_ms"):
        return ratio(self.samples[self.belay], self.samples[other], kind)

    def rows(self):
        for name, samples in self.samples.items():
            beside = name != self.belay
            yield (name, spread(wall(samples)), number(cpu(samples).median), number(peak_mib(samples)),
                   spread(self.ratio(name)) if beside else "", number(self.ratio(name, "cpu_ms").median) if beside else "")


@dataclasses.dataclass
class Goal:
    what: str
    value: float
    limit: float
    unit: str
    at_least: bool = False

    def met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def figure(self):
        return f"{number(self.value)} {self.unit}"

    def goal(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}"

    def verdict(self):
        if self.met():
            return "met"
        missed = self.limit / self.value if self.at_least else self.value / self.limit
        return f"missed by {(missed - 1) * 100:.0f} %"


@dataclasses.dataclass
class Curve:
    """Cost against size. A series: its name, and points (size, cost)."""
    name: str
    title: str
    size: str
    cost: str
    series: dict


@dataclasses.dataclass
class Count:
    """What a command asked of the disk."""
    what: str
    program: str
    syncs: int
    written_bytes: int
    pages: int       # Of the database, 4 KiB each, that were written.
    by_kind: str     # Of file: syncs and bytes.

    def for_each_page(self):
        return number(self.written_bytes / self.pages) if self.pages else "–"


@dataclasses.dataclass
class Part:
    name: str
    wall: str
    processor: str
    rate: str


class Findings:
    def __init__(self):
        self.comparisons, self.goals, self.curves, self.counts, self.parts = [], [], [], [], []
        self.peak = ("", 0.0)    # Of belay's memory: where, and MiB.
        self.absent = {}         # Peers: how to get them.

    def compare(self, title, samples, belay="belay"):
        comparison = Comparison(title, samples, os.getloadavg()[0], belay)
        self.comparisons.append(comparison)
        for name, taken in samples.items():
            if name.startswith("belay"):
                self.remember(f"{title}, {name}", taken)
        print(f"\n{title}")
        for name, time, processor, memory, beside, beside_cpu in comparison.rows():
            print(f"  {name:22} {time:>26} ms   cpu {processor:>8} ms   {memory:>5} MiB" +
                  (f"   ratio {beside} cpu {beside_cpu}" if beside else ""), flush=True)
        return comparison

    def remember(self, title, samples):
        self.peak = max(self.peak, (title, peak_mib(samples)), key=lambda peak: peak[1])

    def curve(self, name, title, size, cost, series):
        self.curves.append(Curve(name, title, size, cost, series))
        print(f"\n{title}: {cost} by {size}")
        for program, points in series.items():
            print(f"  {program:22} " + "   ".join(f"{number(x)}: {number(y)}" for x, y in points), flush=True)

    def counted(self, count):
        self.counts.append(count)
        print(f"  {count.what:44} {count.program:8} {count.syncs:4} syncs {count.written_bytes:14,} bytes written   "
              f"{count.for_each_page():>8} for each page   {count.by_kind}", flush=True)

    def part(self, part):
        self.parts.append(part)
        print(f"  {part.name:40} {part.wall:>12}   {part.rate}", flush=True)

    def goal(self, *words, **more):
        goal = Goal(*words, **more)
        self.goals.append(goal)
        print(f"  {goal.what}: {goal.figure()}, goal {goal.goal()}: {goal.verdict()}", flush=True)
