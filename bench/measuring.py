"""Running commands and what they cost: wall time, processor time, memory at the peak.

Contenders run in turn, A B C A B C …, so that what else the machine does meets all of them. Each begins from files that
are on the disk already: nobody pays for what another one left to be written. A ratio is taken within a turn, and the
median of these ratios counts.
"""

import dataclasses
import os
import pathlib
import statistics
import subprocess


@dataclasses.dataclass(frozen=True)
class Sample:
    wall_ms: float
    cpu_ms: float    # User and system.
    peak_kib: int


class Failed(Exception):
    """A command that did not do what it was measured for."""


MEASURE = pathlib.Path(__file__).resolve().parent.parent / "build" / "bench" / "bench" / "belay_measure"


def run(command, *, stdin=None, status=0):
    """Runs a command to its end, its output thrown away.

    Raises Failed when it ends with another status.
    """
    read_end, write_end = os.pipe()
    words = [str(word) for word in command]
    with open(stdin or os.devnull, "rb") as source:
        done = subprocess.run([MEASURE, str(write_end), *words], pass_fds=[write_end], stdin=source,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    with open(read_end) as answer:
        figures = answer.read().split()
    if done.returncode != 0 or int(figures[0]) != status:
        raise Failed(f"{' '.join(words)}\nended with {figures[:1] or done.returncode}, not {status}:\n"
                     f"{done.stderr.decode(errors='replace')}")
    return Sample(float(figures[1]), float(figures[2]), int(figures[3]))


def nothing():
    pass


@dataclasses.dataclass
class Contender:
    name: str
    command: list
    prepare: object = nothing    # Before each run, not measured.
    verify: object = nothing     # After each run; raises when it did not do its work.
    stdin: object = None
    status: int = 0


def in_turn(runs, *contenders):
    """The samples of each contender, by its name."""
    samples = {contender.name: [] for contender in contenders}
    for _ in range(runs):
        for contender in contenders:
            contender.prepare()
            os.sync()
            sample = run(contender.command, stdin=contender.stdin, status=contender.status)
            samples[contender.name].append(sample)
            contender.verify()
    return samples


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median with what lies around it."""
    median: float
    low: float
    high: float

    @staticmethod
    def of(values):
        values = list(values)
        return Spread(statistics.median(values), min(values), max(values))


def wall(samples):
    return Spread.of(sample.wall_ms for sample in samples)


def cpu(samples):
    return Spread.of(sample.cpu_ms for sample in samples)


def peak_mib(samples):
    return max(sample.peak_kib for sample in samples) / 1024


def ratio(samples, others, kind="wall_ms"):
    """Of each run to the one that stood beside it."""
    return Spread.of(getattr(a, kind) / getattr(b, kind) for a, b in zip(samples, others))
