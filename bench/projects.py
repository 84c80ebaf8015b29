"""Folders and databases to measure on; the same from one run to the next."""

import pathlib
import random
import shutil
import sqlite3

from measuring import Failed, run


def write(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def settings(folder, extra=""):
    """A backup before a destructive run is another subject than the run."""
    write(folder / "belay.toml", f'database = "sqlite:app.db"\n{extra}\n[backup]\nbefore = "never"\n')


def ten_rows(table):
    return "".join(f"INSERT INTO t{table} (a, b, c, d, e) VALUES ('a{row}', 'b{row}', {row}, {row}.5, x'00');\n"
                   for row in range(1, 11))


def small_revision(number):
    """A table of six columns, an index, ten rows."""
    return (f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER, d REAL, e BLOB);\n"
            f"CREATE INDEX t{number}_a ON t{number} (a);\n{ten_rows(number)}")


def rare_table(number):
    """As a small revision, but a hundred share a table: SQLite itself reads a large schema slowly, whoever asks."""
    table = (number - 1) // 100 * 100 + 1
    return small_revision(number) if table == number else ten_rows(table)


def small_revisions(folder, count, revision=small_revision):
    """A project of so many, and the same statements as one transaction in `all.sql`."""
    settings(folder)
    everything = []
    for number in range(1, count + 1):
        up = revision(number)
        everything.append(up)
        write(folder / "versions" / f"{number:08}_t{number}.sql",
              f"-- migrate:up\n{up}\n-- migrate:down\nDROP TABLE t{number};\n")
    write(folder / "all.sql", "BEGIN;\n" + "".join(everything) + "COMMIT;\n")
    return folder


def one_revision(folder, up, extra=""):
    """A project of one script, and its statements as one transaction in `all.sql`."""
    settings(folder, extra)
    write(folder / "versions" / "1_change.sql", f"-- migrate:up\n{up}\n")
    write(folder / "all.sql", f"BEGIN;\n{up}\nCOMMIT;\n")
    return folder


def orders(path, rows, *, wal=False):
    """A database with a table of so many rows, of about 118 bytes each.

    The note is a piece of a text: more like what people store than noise is, or one letter again and again.
    """
    chance = random.Random(1)
    words = ("delivered", "by hand to", "paid", "later", "sent on", "nobody at home,", "a gift for", "see order")
    text = " ".join(f"{chance.choice(words)} {chance.randrange(65536):x}" for _ in range(4000))
    notes = len(text) - 66

    def row(number):
        mixed = number * 2654435761 % 4294967296
        start = mixed % notes
        return (number, f"{mixed:08x}{number * 40503 % 65536:04x}", number * 7919 % 100000, mixed % 1000000,
                f"2026-{number % 12 + 1:02}-{number % 28 + 1:02} {number % 24:02}:{number % 60:02}:00", text[start:start + 66])

    remove_database(path)
    with sqlite3.connect(path) as database:
        database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, code TEXT NOT NULL, customer INTEGER NOT NULL,"
            "                     amount INTEGER NOT NULL, made TEXT NOT NULL, note TEXT)")
        database.executemany("INSERT INTO customers VALUES (?, ?)", ((i, f"customer {i}") for i in range(1000)))
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", map(row, range(1, rows + 1)))
        database.commit()
        database.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    database.close()
    return path


def remove_database(path):
    for suffix in ("", "-journal", "-wal", "-shm"):
        pathlib.Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.rmtree(f"{path}-belay", ignore_errors=True)


def copy_database(start, path):
    """A fresh copy in the place of what is there. It shares blocks where the file system can."""
    remove_database(path)
    run(["cp", "--reflink=auto", start, path])


def ask(path, sql):
    """The first value of a query, without leaving a trace beside the database: what it asks of must be closed."""
    database = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        return database.execute(sql).fetchone()[0]
    finally:
        database.close()


def expect(path, sql, value):
    found = ask(path, sql)
    if found != value:
        raise Failed(f"{path}: {sql}\nis {found}, not {value}")
