"""Much at once: every row updated, a table rebuilt, a table dropped; and taking that back."""

import dataclasses

import projects
from measuring import Contender, Failed, in_turn, ratio, wall


@dataclasses.dataclass(frozen=True)
class Change:
    name: str
    sql: str
    check: str        # A query, and what it says afterwards of a table of so many rows.
    value: object
    limits: dict      # Of the ratio to raw sqlite3, by journal mode.


UPDATE = Change("UPDATE of every row", "UPDATE orders SET amount = amount + 1;",
                "SELECT (SELECT sum(amount) FROM orders) - {sum}", lambda rows: rows, {"DELETE": 1.15, "WAL": 1.25})
REBUILD = Change("table rebuild", """-- migrate:step rebuild:orders
CREATE TABLE belay_new_orders (id INTEGER PRIMARY KEY, code TEXT NOT NULL, customer INTEGER NOT NULL,
                               amount INTEGER NOT NULL CHECK (amount >= 0), made TEXT NOT NULL, note TEXT);
INSERT INTO belay_new_orders SELECT id, code, customer, amount, made, note FROM orders;
DROP TABLE orders;
ALTER TABLE belay_new_orders RENAME TO orders;""",
                 "SELECT count(*) FROM orders WHERE (SELECT sql LIKE '%CHECK%' FROM sqlite_schema WHERE name = 'orders')",
                 lambda rows: rows, {"DELETE": 1.0, "WAL": 1.25})
DROP = Change("DROP TABLE", "DROP TABLE orders;", "SELECT count(*) FROM sqlite_schema WHERE name = 'orders'", lambda _: 0,
              {"DELETE": 0.3, "WAL": 1.25})

# Where SQLite counts changes (https://www.sqlite.org/fileformat2.html#the_database_header).
CHANGE_COUNTERS = ((24, 28), (92, 96))


def measure(bench, findings):
    rows = bench.pick(2_000_000, quick=200_000)
    for mode in ("DELETE", "WAL"):
        start = projects.orders(bench.folder("start") / f"orders-{mode}.db", rows, wal=mode == "WAL")
        for change in (UPDATE, REBUILD, DROP):
            one(bench, findings, change, mode, start, rows)
        start.unlink()
    capture_curve(bench, findings)
    undo_curves(bench, findings)


def one(bench, findings, change, mode, start, rows):
    megabytes = round(start.stat().st_size / 1e6)
    samples = in_turn(bench.runs, *contenders(bench, change, start, rows))
    wording = f"{change.name}, {rows:,} rows ({megabytes} MB)" + (", WAL" if mode == "WAL" else "")
    result = findings.compare(wording, samples)
    findings.goal(wording, result.ratio("sqlite3").median, change.limits[mode], "x sqlite3")
    findings.goal(f"undo of it: {wording}", ratio(samples["belay undo"], samples["belay"]).median, 0.2, "x doing it")


def contenders(bench, change, start, rows):
    """Belay, belay taking it back, raw sqlite3."""
    folder = projects.one_revision(bench.folder("bulk"), change.sql)
    raw = folder / "raw.db"
    check = change.check.format(sum=projects.ask(start, "SELECT sum(amount) FROM orders"))

    def done(database):
        return lambda: projects.expect(database, check, change.value(rows))

    return [Contender("belay", [bench.belay, "-C", folder, "migrate", "-q"], verify=done(folder / "app.db"),
                      prepare=lambda: projects.copy_database(start, folder / "app.db")),
            Contender("belay undo", [bench.belay, "-C", folder, "recover", "undo-run", "--yes", "-q"],
                      verify=lambda: same(start, folder / "app.db")),
            Contender("sqlite3", ["sqlite3", "-batch", "-bail", raw], stdin=folder / "all.sql", verify=done(raw),
                      prepare=lambda: projects.copy_database(start, raw))]


def same(start, database):
    """Byte for byte, but for what counts changes."""
    with open(start, "rb") as a, open(database, "rb") as b:
        first = [bytearray(file.read(4096)) for file in (a, b)]
        for page in first:
            for low, high in CHANGE_COUNTERS:
                page[low:high] = bytes(high - low)
        if first[0] != first[1]:
            raise Failed(f"the first page of {database} is not what it was")
        while True:
            one_part, other = a.read(1 << 20), b.read(1 << 20)
            if one_part != other:
                raise Failed(f"{database} is not what it was, before byte {a.tell()}")
            if not one_part:
                return


def capture_curve(bench, findings):
    """What before-images cost, by the size of the table."""
    series = {}
    for rows in bench.pick((100_000, 300_000, 1_000_000, 2_000_000), quick=(50_000, 200_000)):
        start = projects.orders(bench.folder("start") / "orders.db", rows)
        samples = in_turn(bench.runs, *contenders(bench, UPDATE, start, rows))
        for name in ("belay", "sqlite3"):
            series.setdefault(name, []).append((start.stat().st_size / 1e6, wall(samples[name]).median))
    findings.curve("capture", "UPDATE of every row, with before-images", "MB of table", "ms", series)


def undo_curves(bench, findings):
    """By what was touched in a database of one size, and by the size with as much touched."""
    rows = bench.pick(2_000_000, quick=200_000)
    start = projects.orders(bench.folder("start") / "orders.db", rows)
    pages = start.stat().st_size // 4096
    touched = [(pages * part // 100, undone(bench, start, rows * part // 100)) for part in (1, 3, 10, 30, 100)]
    findings.curve("undo-touched", f"Undo in a database of {start.stat().st_size // 10**6} MB, by the pages touched",
                   "pages touched", "ms", {"belay undo": touched})

    few = bench.pick(20_000, quick=5_000)
    sizes = []
    for rows_now in (rows // 30, rows // 10, rows // 3, rows):
        start = projects.orders(bench.folder("start") / "orders.db", rows_now)
        sizes.append((start.stat().st_size / 1e6, undone(bench, start, few)))
    findings.curve("undo-size", f"Undo of an UPDATE of {few:,} rows, by the size of the database", "MB of database", "ms",
                   {"belay undo": sizes})


def undone(bench, start, rows):
    """Milliseconds that taking back an UPDATE of the first so many rows takes."""
    change = dataclasses.replace(UPDATE, sql=f"UPDATE orders SET amount = amount + 1 WHERE id <= {rows};")
    return wall(in_turn(bench.runs, *contenders(bench, change, start, rows)[:2])["belay undo"]).median
