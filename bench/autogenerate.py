"""Finding the way from one schema to another."""

import re
import subprocess

import projects
from measuring import Contender, Failed, in_turn, wall


def measure(bench, findings):
    points = []
    for tables in (100, 300, 1_000):
        folder = project(bench, tables)
        command = [bench.belay, "-C", folder, "revision", "--autogenerate", "--stdout", "--allow-drop", "-m", "change"]
        expect_changes(command, tables)
        samples = in_turn(bench.runs + 2, Contender("belay", command))
        points.append((tables, wall(samples["belay"]).median))
        if tables == 1_000:
            findings.compare("autogenerate, 1,000 tables, 10 differences", samples)
            findings.goal("autogenerate, 1,000 tables, 10 differences", points[-1][1], 100, "ms")
        else:
            findings.remember(f"autogenerate, {tables} tables", samples["belay"])
    findings.curve("autogenerate", "revision --autogenerate, 10 differences", "tables", "ms", {"belay": points})


def schema(tables, desired):
    """So many tables, each with an index and a foreign key, some views and triggers; ten of the tables are different."""
    sql = []
    for i in range(tables):
        change = i // (tables // 10) if desired and i % (tables // 10) == tables // 20 else None
        if change == 0:
            continue    # A table goes.
        sql.append(f"""CREATE TABLE t{i} (
  id INTEGER PRIMARY KEY,
  code {'INTEGER' if change == 1 else 'TEXT'} NOT NULL,
  name TEXT COLLATE NOCASE,
  price NUMERIC DEFAULT 0 CHECK (price >= {1 if change == 2 else 0}),
  made TEXT DEFAULT CURRENT_TIMESTAMP,
{'' if change == 3 else '  note,'}
  before INTEGER REFERENCES t{max(i - 1, 0)} (id){', added TEXT' if change == 4 else ''}
);
CREATE INDEX t{i}_code ON t{i} (code{' DESC' if change == 5 else ''});""")
        if change == 6:
            sql.append(f"CREATE UNIQUE INDEX t{i}_name ON t{i} (name);")
        if change == 7:
            sql.append(f"CREATE TABLE new{i} (id INTEGER PRIMARY KEY, a, b);")
        if i % 10 == 0:
            sql.append(f"CREATE VIEW v{i} AS SELECT id, code FROM t{i};")
        if i % 5 == 0:
            sql.append(f"CREATE TRIGGER r{i} AFTER UPDATE ON t{i} BEGIN SELECT {2 if change == 8 else 1}; END;")
        if change == 9:
            sql.append(f"CREATE VIEW w{i} AS SELECT name FROM t{i};")
    return "\n".join(sql) + "\n"


def project(bench, tables):
    folder = projects.one_revision(bench.folder("autogenerate"), schema(tables, desired=False))
    projects.remove_database(folder / "app.db")
    projects.write(folder / "schema.sql", schema(tables, desired=True))
    subprocess.run([bench.belay, "-C", folder, "migrate", "-q"], check=True)
    return folder


def expect_changes(command, tables):
    """Each of the ten tables that differ is in what is generated."""
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for i in range(tables // 20, tables, tables // 10):
        if not re.search(rf"(CREATE|ALTER|DROP) .*[twrv]?(new)?{i}\b", said):
            raise Failed(f"nothing about the change of t{i} is in what was generated:\n{said}")
