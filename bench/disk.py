"""What the disk is asked for: syncs for each transaction, bytes for each page."""

import bulk
import projects
from counting import traced
from findings import Count


def measure(bench, findings):
    for count in (1, 10, 1_000):
        folder = projects.small_revisions(bench.folder(f"disk-{count}"), count)
        first = traced([bench.belay, "-C", folder, "migrate", "-q"])
        raw = traced(["sqlite3", "-batch", "-bail", folder / "raw.db"], stdin=folder / "all.sql", folder=folder)
        plural = "s" if count > 1 else ""
        tell(findings, f"{count:,} small revision{plural}, first run", first, raw)
    a_later_run(bench, findings)
    rows = bench.pick(500_000, quick=100_000)
    for mode in ("DELETE", "WAL"):
        start = projects.orders(bench.folder("disk") / "start.db", rows, wal=mode == "WAL")
        for change in (bulk.UPDATE, bulk.REBUILD, bulk.DROP):
            folder = projects.one_revision(bench.folder("disk"), change.sql)
            projects.copy_database(start, folder / "app.db")
            projects.copy_database(start, folder / "raw.db")
            done = traced([bench.belay, "-C", folder, "migrate", "-q"])
            raw = traced(["sqlite3", "-batch", "-bail", folder / "raw.db"], stdin=folder / "all.sql", folder=folder)
            undone = traced([bench.belay, "-C", folder, "recover", "undo-run", "--yes", "-q"])
            name = f"{change.name}, {rows:,} rows, {mode}"
            tell(findings, name, done, raw)
            tell(findings, f"undo of it: {name}", undone)


def a_later_run(bench, findings):
    """One more revision, when database and journal are there."""
    folder = projects.small_revisions(bench.folder("disk-more"), 1)
    command = [bench.belay, "-C", folder, "migrate", "-q"]
    traced(command)
    projects.small_revisions(folder, 2)
    tell(findings, "1 small revision, later run", traced(command))
    tell(findings, "nothing to do", traced(command))


def tell(findings, what, belay, raw=None):
    for program, trace in (("belay", belay), ("sqlite3", raw)):
        if trace:
            by_kind = ", ".join(f"{kind} {asked.syncs} / {asked.written_bytes:,}"
                                for kind, asked in sorted(trace.kinds.items()) if asked.syncs or asked.written_bytes)
            findings.counted(Count(what, program, trace.syncs(), trace.written_bytes(),
                                   len(trace.of("database").places), by_kind))
