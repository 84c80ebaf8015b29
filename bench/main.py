"""Measures belay beside raw sqlite3 and other tools, prints it, and writes bench/report/.

Each command runs in turn with what it is compared with, from the same files, and the medians are told with the lowest
and highest; ratios are taken within a turn. A run that did not do its work ends everything: it is no figure.
"""

import argparse
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import time

import autogenerate
import bulk
import disk
import parts
import peers
import report
import restart
import small_revisions
from findings import Findings

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKLOADS = {"small": small_revisions, "bulk": bulk, "restart": restart, "autogenerate": autogenerate, "disk": disk,
             "parts": parts}


class Bench:
    """What the workloads need to know."""

    def __init__(self, options, found):
        build = ROOT / "build" / "bench"
        self.belay = options.belay or build / "cli" / "belay"
        self.parts = build / "bench" / "belay_parts"
        self.quick = options.quick
        self.runs = options.runs or (2 if options.quick else 5)
        self.peers = found
        self.data = (options.data or build / "data").resolve() / str(os.getpid())
        self.memory = pathlib.Path(f"/dev/shm/belay-bench-{os.getpid()}")    # To make data where a sync costs nothing.
        self.environment = os.environ | {"TMPDIR": str(self.data)}

    def pick(self, full, *, quick):
        return quick if self.quick else full

    def folder(self, name):
        folder = self.data / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def read_options():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less data and fewer runs: within three minutes")
    parser.add_argument("--runs", type=int, help="of each command (5; quick: 2)")
    parser.add_argument("--only", action="append", choices=WORKLOADS, help="these workloads; may be given again")
    parser.add_argument("--peers", action="store_true", help="install dbmate and Alembic where they are missing")
    parser.add_argument("--check", action="store_true", help="exit status 1 when a goal is missed")
    parser.add_argument("--belay", type=pathlib.Path, help="another program than the one that was built")
    parser.add_argument("--data", type=pathlib.Path,
                        help="where to work, on a real disk: a sync has to cost what it costs (build/bench/data)")
    return parser.parse_args()


def machine(bench, options):
    def said(*command):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    cpu = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"Linux {platform.release()}, {said('findmnt', '-no', 'FSTYPE', '-T', str(bench.data))}",
        "SQLite": said("sqlite3", "--version").split()[0],
        "belay": said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        **{name: peer.version() for name, peer in bench.peers.items()},
        "runs": f"{bench.runs} of each" + (", less data (--quick)" if options.quick else ""),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def main():
    options = read_options()
    bench = Bench(options, peers.find(ROOT / "build" / "bench" / "peers", options.peers))
    findings = Findings()
    findings.absent = {kind.name: kind.how for kind in peers.KINDS if kind.name not in bench.peers}
    bench.data.mkdir(parents=True)
    start = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))    # What was made is removed then, too.
    try:
        about = machine(bench, options)
        print("\n".join(f"{name:12} {value}" for name, value in about.items()))
        for name, how in findings.absent.items():
            print(f"{name} is not installed, so it is left out: {how}")
        for name in options.only or WORKLOADS:
            WORKLOADS[name].measure(bench, findings)
        where, mib = findings.peak
        findings.goal(f"memory at the peak ({where})", mib, 64, "MiB")
        about["took"] = f"{time.monotonic() - start:.0f} s"
        report.write(ROOT / "bench" / "report", about, findings)
    finally:
        for folder in (bench.data, bench.memory):
            shutil.rmtree(folder, ignore_errors=True)
    report.print_goals(findings)
    print(f"wrote bench/report/ after {about['took']}")
    return 1 if options.check and not all(goal.met() for goal in findings.goals) else 0


if __name__ == "__main__":
    sys.exit(main())
