"""Other tools that do such work, where they are installed."""

import os
import pathlib
import platform
import shutil
import sqlite3
import subprocess

from projects import small_revision, write


class Dbmate:
    """https://github.com/amacneil/dbmate, from its npm package: the program itself, without Node around it."""
    name = "dbmate"
    how = "npm install dbmate (bench/run --peers does it, in build/bench/peers)"

    def __init__(self, folder):
        machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        own = folder / "node_modules" / "@dbmate" / f"linux-{machine}" / "bin" / "dbmate"
        self.program = own if own.exists() else shutil.which("dbmate")

    @staticmethod
    def install(folder):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), "dbmate"], check=False)

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def command(self, database, scripts, *words):
        return [self.program, "--url", f"sqlite:{database}", "--migrations-dir", scripts, "--no-dump-schema", *words]

    @staticmethod
    def stamp(database, scripts):
        """All scripts applied, as its table says it."""
        with sqlite3.connect(database) as target:
            target.execute("CREATE TABLE schema_migrations (version VARCHAR(128) PRIMARY KEY)")
            target.executemany("INSERT INTO schema_migrations VALUES (?)",
                               [(path.name.split("_")[0],) for path in sorted(pathlib.Path(scripts).iterdir())])
        target.close()


class Alembic:
    """https://alembic.sqlalchemy.org, Debian's."""
    name = "Alembic"
    how = "apt-get install alembic (bench/run --peers does it)"

    def __init__(self, _folder):
        self.program = shutil.which("alembic", path="/usr/bin")

    @staticmethod
    def install(_folder):
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "alembic"], check=False,
                       stdout=subprocess.DEVNULL, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def command(self, project, *words):
        return [self.program, "-c", project / "alembic.ini", *words]

    @staticmethod
    def project(folder, count):
        """The small revisions as Alembic's."""
        write(folder / "alembic.ini", f"[alembic]\nscript_location = {folder}/scripts\n")
        write(folder / "scripts" / "script.py.mako", "")
        write(folder / "scripts" / "env.py",
              "from alembic import context\nfrom sqlalchemy import create_engine\n"
              f"with create_engine('sqlite:///{folder}/alembic.db').connect() as connection:\n"
              "    context.configure(connection=connection)\n"
              "    with context.begin_transaction():\n        context.run_migrations()\n")
        for number in range(1, count + 1):
            before = f"'{number - 1:08}'" if number > 1 else "None"
            statements = "".join(f"    op.execute({statement.strip()!r})\n"
                                 for statement in small_revision(number).split(";") if statement.strip())
            write(folder / "scripts" / "versions" / f"{number:08}_t{number}.py",
                  f"from alembic import op\nrevision = '{number:08}'\ndown_revision = {before}\n"
                  f"def upgrade():\n{statements}def downgrade():\n    op.execute('DROP TABLE t{number}')\n")
        return folder


KINDS = (Dbmate, Alembic)


def find(folder, install):
    """The peers that are there, by name; with `install`, those too that can be."""
    found = {}
    for kind in KINDS:
        peer = kind(folder)
        if install and not peer.program:
            kind.install(folder)
            peer = kind(folder)
        if peer.program:
            found[kind.name] = peer
    return found
