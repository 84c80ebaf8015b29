"""Many small revisions: applying them, and looking at them afterwards."""

import json
import shutil
import subprocess
import time

import projects
from measuring import Contender, Failed, in_turn, ratio, wall


def measure(bench, findings):
    apply_curve(bench, findings)
    status_curve(bench, findings)


def apply_curve(bench, findings):
    series = {}
    for count in bench.pick((100, 300, 1_000, 3_000, 10_000), quick=(100, 1_000)):
        samples = applied(bench, count)
        for name, taken in samples.items():
            series.setdefault(name, []).append((count, wall(taken).median))
        if count == 1_000:
            result = findings.compare("1,000 small revisions from empty", samples)
            findings.goal("1,000 small revisions", result.ratio("sqlite3").median, 1.5, "x sqlite3")
            if "dbmate" in samples:
                findings.goal("1,000 small revisions", 1 / result.ratio("dbmate").median, 5, "x as fast as dbmate",
                              at_least=True)
        else:
            findings.remember(f"{count:,} small revisions", samples["belay"])
    findings.curve("apply", "Applying small revisions", "revisions", "ms", series)


def applied(bench, count):
    """From an empty database. The peers take a commit for each, and a long time."""
    folder = projects.small_revisions(bench.folder(f"small-{count}"), count)

    def contender(name, file, command, stdin=None):
        database = folder / file
        return Contender(name, command, stdin=stdin, prepare=lambda: projects.remove_database(database),
                         verify=lambda: projects.expect(database, f"SELECT sum(c) FROM t{count}", 55))

    contenders = [contender("belay", "app.db", [bench.belay, "-C", folder, "migrate", "-q"]),
                  contender("sqlite3", "raw.db", ["sqlite3", "-batch", "-bail", folder / "raw.db"], folder / "all.sql")]
    if count <= 1_000 and (dbmate := bench.peers.get("dbmate")):
        contenders.append(contender("dbmate", "dbmate.db",
                                    dbmate.command(folder / "dbmate.db", folder / "versions", "up")))
    if count <= bench.pick(1_000, quick=100) and (alembic := bench.peers.get("Alembic")):
        alembic.project(folder, count)
        contenders.append(contender("Alembic", "alembic.db", alembic.command(folder, "upgrade", "head")))
    return in_turn(bench.runs, *contenders)


def status_curve(bench, findings):
    series = {}
    for count in bench.pick((100, 1_000, 10_000, 30_000), quick=(100, 1_000, 10_000)):
        folder = projects.small_revisions(bench.folder(f"status-{count}"), count, projects.rare_table)
        migrate = [bench.belay, "-C", folder, "migrate", "-q"]
        time.sleep(1)  # What was written a moment ago is not remembered, as it may yet change within the clock's tick.
        subprocess.run(migrate, check=True)
        contenders = [Contender("belay status", [bench.belay, "-C", folder, "status"]),
                      Contender("belay migrate", migrate)]
        if dbmate := bench.peers.get("dbmate"):
            projects.copy_database(folder / "app.db", folder / "dbmate.db")
            dbmate.stamp(folder / "dbmate.db", folder / "versions")
            contenders.append(Contender("dbmate status",
                                        dbmate.command(folder / "dbmate.db", folder / "versions", "status")))
        alembic = bench.peers.get("Alembic")
        made = bench.folder(f"small-{count}")    # What it has migrated above.
        if alembic and (made / "alembic.db").exists():
            contenders.append(Contender("Alembic current", alembic.command(made, "current")))
        samples = in_turn(bench.runs + 2, *contenders)
        edited_is_noticed(bench, folder, count)
        for name, taken in samples.items():
            series.setdefault(name, []).append((count, wall(taken).median))
        if count in (1_000, 10_000):
            judge(findings, count, samples)
        else:
            findings.remember(f"status, {count:,} scripts", samples["belay status"])
        shutil.rmtree(folder)
    findings.curve("status", "Looking at applied scripts: status, and migrate with nothing to do", "scripts", "ms", series)


def judge(findings, count, samples):
    result = findings.compare(f"status, and migrate with nothing to do: {count:,} applied scripts", samples,
                              belay="belay status")
    if "dbmate status" in samples:
        findings.goal(f"status, {count:,} scripts", result.ratio("dbmate status").median, 1, "x dbmate status")
        migrate = ratio(samples["belay migrate"], samples["dbmate status"])
        findings.goal(f"migrate with nothing to do, {count:,} scripts", migrate.median, 1, "x dbmate status")
    if count == 10_000:
        findings.goal("status, 10,000 scripts", wall(samples["belay status"]).median, 50, "ms")


def edited_is_noticed(bench, folder, count):
    """One script among all of them."""
    script = next((folder / "versions").glob(f"{count // 2:08}_*"))
    text = script.read_text()
    script.write_text(text.replace("'b3'", "'b4'"))
    said = subprocess.run([bench.belay, "-C", folder, "status", "--json"], capture_output=True, text=True, check=False)
    script.write_text(text)
    if json.loads(said.stdout)["state"] != "inconsistent":
        raise Failed(f"{script} was edited, and status says: {said.stdout}")
