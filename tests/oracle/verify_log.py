"""Verifies an export of the provision log from LOG_FORMAT.md alone.

    python3 verify_log.py EXPORT --log-key V... [--witness-key V...] [--witness FILE.jsonl ...]
        [--custodian V...] [--retention yyyy-mm-dd=YEARS ...]

Prints a report as JSON. Exit code 0: sound; 1: something was found; 2: nothing could be verified.
"""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

import bodies as body_format
import compare
import merkle
import notes
import orders as order_log
import retention
from export import Export, read_lines
from notes import COSIGNATURE, SIGNATURE, Wrong

SEVEN_YEARS = [(date.min, 7)]


class Witnessed:
    """A checkpoint that at least one configured witness cosigned."""

    def __init__(self, checkpoint, cosigned):
        self.size, self.root, self.cosigned = checkpoint.size, checkpoint.root, cosigned


class Verifier:
    def __init__(self, log_keys, witness_keys=(), custodians=(), rules=None):
        names = {key.name for key in log_keys}
        if len(names) != 1:
            raise Wrong("the keys of one log have one name, its origin")
        self.origin = names.pop()
        self.keys = [*log_keys, *witness_keys]
        self.custodians, self.rules = list(custodians), rules or SEVEN_YEARS

    def verify(self, export, witness_lines=()):
        self.findings = []
        own = self._own_checkpoints(export)
        witnessed = self._witnessed([*export.witnessed, *witness_lines], own)
        bodies = export.bodies()
        leaves = compare.Leaves(export.hashes(0), bodies, own)
        self._checkpoint_roots(leaves, own)
        if len(leaves.hashes) < leaves.size:
            self._found("truncated", len(leaves.hashes), leaves.size)
        alignment = compare.Alignment(leaves.hashes, bodies)
        self.findings += alignment.found
        destroyed = self._acts(alignment, leaves, witnessed)
        self._tiles(export, leaves.hashes)
        self._seen_by_witnesses(leaves, witnessed)
        size, root = own[-1] if own else (0, merkle.root_of([]))
        findings = compare.merged(self.findings)
        return {
            "origin": self.origin,
            "size": size,
            "root": root.hex(),
            "entries": len(alignment.authentic),
            "destroyed": destroyed,
            "checkpoints": len(export.checkpoints),
            "cosignatures": sum(len(one.cosigned) for one in witnessed),
            "witnessedSize": max((one.size for one in witnessed), default=0),
            "sound": not findings,
            "findings": [
                {"kind": kind, "fromIndex": begins, "toIndex": ends}
                for kind, begins, ends in findings
            ],
        }

    def _found(self, kind, begins, ends):
        self.findings.append((kind, begins, ends))

    def _signed(self, text, declared):
        """The checkpoint of a note with its good signatures, or None and a finding."""
        size = declared
        try:
            checkpoint = notes.read_checkpoint(text)
            size = checkpoint.size
            if checkpoint.origin != self.origin or declared not in (None, size):
                raise Wrong("a checkpoint of another log or size")
            signed = notes.signatures(checkpoint.note, self.keys)
            if not any(one.key.kind == SIGNATURE for one in signed):
                raise Wrong("the log did not sign it")
            return checkpoint, [one for one in signed if one.key.kind == COSIGNATURE]
        except Wrong:
            self._found("altered-checkpoint", size or 0, size or 0)
            return None

    def _own_checkpoints(self, export):
        """(size, root) of the stored checkpoints that the log signed, ascending."""
        found = set()
        lines = [(line["note"], line["size"]) for line in export.checkpoints]
        for text, declared in [*lines, (export.checkpoint, None)]:
            signed = self._signed(text, declared)
            if signed:
                found.add((signed[0].size, signed[0].root))
        return sorted(found)

    def _witnessed(self, lines, own):
        found = {}
        for line in lines:
            signed = self._signed(line["note"], line["size"])
            if signed and signed[1]:
                checkpoint, cosigned = signed
                key = checkpoint.size, checkpoint.root
                found.setdefault(key, Witnessed(checkpoint, set())).cosigned.update(cosigned)
        return [found[key] for key in sorted(found)]

    def _checkpoint_roots(self, leaves, own):
        """Signed checkpoints that the leaves do not lead to."""
        later = [size for size in leaves.wrong if size > leaves.proved]
        for size in set(leaves.wrong) - set(later):
            self._found("altered-checkpoint", size, size)
        if later:
            self._found("edited", leaves.proved, later[0])

    def _acts(self, alignment, leaves, witnessed):
        """Reads the authentic bodies and judges what is gone; how many went lawfully."""
        acts, permits, settled = {}, set(), set()
        for index, body in sorted(alignment.authentic.items()):
            try:
                acts[index] = body_format.read_body(body)
            except Wrong:
                self._found("malformed", index, index + 1)
                continue
            _, kind, act = acts[index]
            if kind == "outcome" and self._repeated(act, permits, settled):
                self._found("malformed", index, index + 1)
        log = order_log.Orders(acts, self.origin, self.custodians)
        times = [(one.unix_seconds, seen.size) for seen in witnessed for one in seen.cosigned]
        judge = order_log.Judge(log, leaves.hashes, times, self.rules)
        destroyed = 0
        for index in alignment.gone:
            slips = log.slips_for(index)
            if any(judge.lawful(slip) for slip in slips):
                destroyed += 1
            else:
                kind = "unlawful-destruction" if slips else "deleted"
                self._found(kind, index, index + 1)
        return destroyed

    @staticmethod
    def _repeated(act, permits, settled):
        again = act["permit"] in permits
        permits.add(act["permit"])
        if act["outcome"] in ("provided", "nothing"):
            again = again or act["inquiry"] in settled
            settled.add(act["inquiry"])
        return again

    def _tiles(self, export, hashes):
        """Stored tiles that are not what the leaves make, or are missing."""
        span = 1
        for level, made in merkle.tile_hashes(hashes).items():
            stored = export.hashes(level)
            for first in range(0, len(made), merkle.WIDTH):
                places = range(first, min(first + merkle.WIDTH, len(made)))
                if any(stored.get(place) != made[place] for place in places):
                    self._found("damaged-tile", first * span, places.stop * span)
            span *= merkle.WIDTH

    def _seen_by_witnesses(self, leaves, witnessed):
        newest = max((one.size for one in witnessed), default=0)
        if newest > leaves.size:
            self._found("rolled-back", leaves.size, newest)
        roots = leaves.roots_at(one.size for one in witnessed)
        agreeing, wrong = [0], []
        for one in witnessed:
            if one.size <= leaves.proved:
                (agreeing if roots[one.size] == one.root else wrong).append(one.size)
        for size in wrong:
            larger = [other for other in agreeing if other > size]
            if larger:
                self._found("split-view", size, larger[0])
        sizes = [one.size for one in witnessed]
        for size in {size for size in sizes if sizes.count(size) > 1}:
            self._found("split-view", size, size)
        if wrong:
            before = max(size for size in agreeing if size < wrong[0])
            self._found("rewritten", before, wrong[0])


def retention_rules(texts):
    rules = []
    for text in texts:
        day, _, years = text.partition("=")
        rules.append((date.fromisoformat(day), int(years)))
    return sorted(rules) or None


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("export")
    for name in ("--log-key", "--witness-key", "--witness", "--custodian", "--retention"):
        parser.add_argument(name, action="append", nargs="+", default=[])
    given = parser.parse_args(arguments)

    def flat(lists):
        return [text for one in lists for text in one]

    try:
        keys = [
            [notes.verifier_key(text) for text in flat(texts)]
            for texts in (given.log_key, given.witness_key, given.custodian)
        ]
        verifier = Verifier(*keys, retention_rules(flat(given.retention)))
        lines = [line for name in flat(given.witness) for line in read_lines(Path(name))]
        report = verifier.verify(Export(given.export), lines)
    except (Wrong, OSError, ValueError, KeyError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 0 if report["sound"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
