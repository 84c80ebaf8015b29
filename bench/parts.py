"""The parts, by themselves: bench/parts.cpp, with Google Benchmark."""

import json
import subprocess

from findings import Part, number


def measure(bench, findings):
    said = subprocess.run([bench.parts, "--benchmark_format=json", f"--benchmark_min_time={bench.pick(0.5, quick=0.1)}",
                           f"--benchmark_repetitions={bench.pick(3, quick=1)}"],
                          capture_output=True, text=True, check=True, env=bench.environment).stdout
    print("\nParts")
    for part in json.loads(said)["benchmarks"]:
        # One run alone has no median.
        if part.get("aggregate_name") != "median" and part.get("repetitions", 1) > 1:
            continue
        unit = part["time_unit"]
        rate = f"{part['bytes_per_second'] / 1e6:,.0f} MB/s" if "bytes_per_second" in part else ""
        if "items_per_second" in part:
            rate = f"{part['items_per_second']:,.0f} /s"
        findings.part(Part(part["run_name"], f"{number(part['real_time'])} {unit}", f"{number(part['cpu_time'])} {unit}",
                           rate))
        if part["run_name"] == "graph_and_plan/100000":
            findings.goal("graph and plan of 100,000 revisions", part["real_time"], 300, "ms")
