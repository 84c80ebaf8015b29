"""Starting again: with nothing to do, and with an interrupted run behind many journal records."""

import shutil
import signal
import sqlite3
import subprocess
import time

import projects
from counting import traced
from measuring import Contender, Failed, in_turn, wall

# A batch of one row a slice: four records each. At the row in `brake` it counts for ever.
BATCH = """CREATE TABLE slices (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
INSERT INTO slices WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {slices}) SELECT x, 0 FROM c;
CREATE TABLE brake (id INTEGER PRIMARY KEY);
INSERT INTO brake VALUES ({brake});
-- migrate:step all batch:1 over:slices.id
UPDATE slices SET n = CASE WHEN id IN (SELECT id FROM brake)
  THEN (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c) ELSE 1 END
WHERE id BETWEEN :lo AND :hi;
"""
RECORDS_PER_SLICE = 4


def measure(bench, findings):
    counts = bench.pick((1_000, 10_000, 100_000), quick=(1_000, 10_000))
    idle, reads, look, go_on = [], [], [], []
    for count in counts:
        project = Project(bench, count)
        usual, journal_reads = after_finished_run(bench, findings, project)
        idle.append((project.records, usual))
        reads.append((project.records, journal_reads))
        samples = after_interrupted_run(bench, project)
        look.append((project.records, wall(samples["belay recover"]).median))
        go_on.append((project.records, wall(samples["belay migrate"]).median))
        findings.compare(f"restart after {project.records:,} journal records", samples, belay="belay status")
        project.remove()
    after = f"after {look[-1][0]:,} journal records"
    findings.goal(f"nothing to do {after}: reads of the journal", reads[-1][1] / reads[0][1], 1.2,
                  f"x those after {reads[0][0]:,}")
    findings.goal(f"restart {after}: to find out", look[-1][1], 50, "ms")
    findings.goal(f"restart {after}: to go on, beyond what it takes after {go_on[0][0]:,}", go_on[-1][1] - go_on[0][1], 50,
                  "ms")
    findings.curve("restart", "Starting again", "journal records", "ms",
                   {"nothing to do": idle, "recover, which looks": look, "migrate, which goes on": go_on})
    findings.curve("restart-reads", "Starting with nothing to do: reads of the journal", "journal records", "reads",
                   {"belay migrate": reads})


class Project:
    """Made where a sync costs nothing, and then copied to the disk."""

    def __init__(self, bench, records):
        self.bench = bench
        self.slices = records // RECORDS_PER_SLICE
        self.making = bench.memory
        self.folder = bench.folder(f"restart-{records}")
        self.records = 0

    def remove(self):
        shutil.rmtree(self.making, ignore_errors=True)
        shutil.rmtree(self.folder)

    def make(self, brake):
        """A run of so many slices; with `brake`, killed in the last one."""
        shutil.rmtree(self.making, ignore_errors=True)
        projects.one_revision(self.making, BATCH.format(slices=self.slices, brake=self.slices if brake else 0))
        process = subprocess.Popen([self.bench.belay, "-C", self.making, "migrate", "-q"], stderr=subprocess.PIPE)
        if brake:
            self.wait_for_last_slice(process)
            process.send_signal(signal.SIGKILL)
        said = process.communicate()[1].decode()
        if process.returncode != (-signal.SIGKILL if brake else 0):
            raise Failed(f"a run of {self.slices} slices ended with {process.returncode}: {said}")
        if brake:
            with sqlite3.connect(self.making / "app.db") as database:
                database.execute("DELETE FROM brake")
            database.close()
        self.records = self.last_lsn(self.making)

    def wait_for_last_slice(self, process):
        """All slices but the last have committed, and the last one does not end."""
        while process.poll() is None:
            time.sleep(0.02)
            try:
                database = sqlite3.connect(f"file:{self.making}/app.db?mode=ro", uri=True)
                left = database.execute("SELECT count(*) FROM slices WHERE n = 0").fetchone()[0]
                database.close()
            except sqlite3.Error:
                continue
            if left == 1:
                return

    @staticmethod
    def last_lsn(folder):
        return projects.ask(folder / "app.db", "SELECT last_lsn FROM belay_state")

    def lay(self):
        """As it was made, on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.making, self.folder)

    def command(self, *words):
        return [self.bench.belay, "-C", self.folder, *words]


def after_finished_run(bench, findings, project):
    """The usual start: how long it takes, and how often it reads the journal, which need not grow."""
    project.make(brake=False)
    project.lay()
    taken = in_turn(bench.runs, Contender("belay", project.command("migrate", "-q")))["belay"]
    findings.remember(f"migrate with nothing to do, {project.records:,} records", taken)
    return wall(taken).median, traced(project.command("migrate", "-q")).of("belay journal").reads


def after_interrupted_run(bench, project):
    project.make(brake=True)
    project.lay()
    look = in_turn(bench.runs, Contender("belay status", project.command("status")),
                   Contender("belay recover", project.command("recover")))
    go_on = in_turn(bench.runs, Contender(
        "belay migrate", project.command("migrate", "-q"), prepare=project.lay,
        verify=lambda: projects.expect(project.folder / "app.db", "SELECT sum(n) FROM slices", project.slices)))
    return look | go_on
