"""Reads the folder that an export is (LOG_FORMAT.md section 8)."""

import json
from pathlib import Path

import merkle
from merkle import HASH, WIDTH

# What stands in the place of a body that an export does not hold.
GONE = "gone"
UNREADABLE = "unreadable"


def read_lines(path):
    """The checkpoints of a list, one a line; a list that is not there holds none.

    What is no such line stands for a checkpoint that does not hold.
    """
    lines, size = [], 0
    for text in path.read_bytes().splitlines() if path.exists() else ():
        lines.append(read_line(text) or {"size": size, "note": ""})
        size = lines[-1]["size"]
    return lines


def read_line(text):
    try:
        line = json.loads(text.decode())
    except ValueError:
        return None
    kinds = {"size": int, "note": str, "issuedAtUnixMs": int}
    if not isinstance(line, dict) or not {"size", "note"} <= set(line) <= set(kinds):
        return None
    well_typed = all(type(line[name]) is kinds[name] for name in line)
    return line if well_typed and line["size"] >= 0 else None


def read_witness(path):
    """What a witness keeps itself: of each line only the note matters."""
    return [{"note": json.loads(line)["note"]} for line in path.read_text().splitlines()]


class Export:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.checkpoint = (self.folder / "checkpoint").read_text(errors="replace")
        self.checkpoints = read_lines(self.folder / "checkpoints.jsonl")
        self.witnessed = read_lines(self.folder / "witnessed.jsonl")

    def _files(self, kind):
        """{number: (width, path)} of all tiles of a level, or of all bundles of bodies."""
        found = {}
        base = self.folder / "tile" / kind
        for path in base.rglob("*"):
            if not path.is_file():
                continue
            name = path.relative_to(base).as_posix()
            whole, partial, width = name.partition(".p/")
            width = int(width) if partial else WIDTH
            number = int(whole.replace("/", "").replace("x", ""))
            if merkle.tile_name(number, width) == name and width > found.get(number, (0,))[0]:
                found[number] = (width, path)
        return found

    def hashes(self, level):
        """{place: hash} of a level of tiles, as stored."""
        hashes = {}
        for number, (_, path) in self._files(str(level)).items():
            stored = read_bytes(path) or b""
            for place in range(len(stored) // HASH):
                hashes[WIDTH * number + place] = stored[HASH * place : HASH * (place + 1)]
        return hashes

    def bodies(self):
        """The bodies in their order: bytes, GONE or UNREADABLE."""
        bundles, bodies = self._files("entries"), []
        for number in range(max(bundles, default=-1) + 1):
            width, path = bundles.get(number, (WIDTH, None))
            entries = split_bundle(path and read_bytes(path))
            entries += [UNREADABLE] * (width - len(entries))
            bodies += entries
        return bodies


def read_bytes(path):
    try:
        return path.read_bytes()
    except OSError:
        return None


def split_bundle(bundle):
    """The bodies of a bundle, as far as its lengths make sense."""
    entries, place = [], 0
    while bundle is not None and place + 2 <= len(bundle):
        length = int.from_bytes(bundle[place : place + 2], "big")
        place += 2
        if place + length > len(bundle):
            break
        entries.append(bundle[place : place + length] if length else GONE)
        place += length
    return entries
