"""Counting what a command asks of the disk, with strace: syncs and writes, by the kind of file."""

import collections
import dataclasses
import pathlib
import re
import subprocess
import tempfile

from measuring import Failed

CALLS = "openat,close,fsync,fdatasync,msync,sync_file_range,pwrite64,write,writev,pwritev,pread64,read,readv,preadv"
CALL = re.compile(r"(\w+)\((\d+)<([^>]*)>(.*)\)\s+= (-?\d+)")
OPENED = re.compile(r"openat\(.*\)\s+= (\d+)<([^>]*)>")
PLACE = re.compile(r", (\d+)\)\s+= ")


@dataclasses.dataclass
class Asked:
    """Of one kind of file."""
    syncs: int = 0
    writes: int = 0
    written_bytes: int = 0
    reads: int = 0
    read_bytes: int = 0
    places: set = dataclasses.field(default_factory=set)    # Pages of 4 KiB that were written.


class Trace:
    def __init__(self):
        self.kinds = collections.defaultdict(Asked)

    def of(self, kind):
        return self.kinds[kind]

    def syncs(self):
        return sum(asked.syncs for asked in self.kinds.values())

    def written_bytes(self):
        return sum(asked.written_bytes for asked in self.kinds.values())


def kind_of(path):
    name = pathlib.Path(path).name.removesuffix(".new")    # Undo's rollback journal, before it is renamed.
    if name.startswith("journal.lmdb"):
        return "belay journal"
    for suffix, kind in ((".db", "database"), (".db-journal", "rollback journal"), (".db-wal", "WAL")):
        if name.endswith(suffix):
            return kind
    return "other"


def traced(command, stdin=None, folder=None):
    """Runs a command, slowly. Only what lies below `folder` counts, or below the command's own with `-C`."""
    below = str(folder or command[command.index("-C") + 1])
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as file, open(stdin or "/dev/null", "rb") as source:
        done = subprocess.run(["strace", "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", file.name,
                               *map(str, command)], stdin=source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"strace of {' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
        return read_trace(whole_lines(file), below)


def whole_lines(file):
    """A call during which another thread made one is told in two parts."""
    begun = {}
    for line in file:
        thread, _, text = line.rstrip("\n").partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>")
        elif text.startswith("<... "):
            yield begun.pop(thread, "") + text.partition("resumed>")[2]
        else:
            yield text


def read_trace(lines, below):
    trace = Trace()
    synchronous = set()    # Descriptors of which every write is synced.
    for line in lines:
        if opened := OPENED.match(line):
            (synchronous.add if "O_DSYNC" in line or "O_SYNC" in line else synchronous.discard)(opened[1])
            continue
        call = CALL.match(line)
        if not call or not call[3].startswith(below):
            continue
        name, descriptor, path, _, result = call.groups()
        asked = trace.of(kind_of(path))
        if name in ("fsync", "fdatasync", "msync", "sync_file_range"):
            asked.syncs += 1
        elif "write" in name:
            asked.writes += 1
            asked.written_bytes += max(int(result), 0)
            asked.syncs += descriptor in synchronous
            if place := PLACE.search(line):
                asked.places.add(int(place[1]) // 4096)
        elif "read" in name:
            asked.reads += 1
            asked.read_bytes += max(int(result), 0)
    return trace
