"""Verifies an export of the provision log from LOG_FORMAT.md alone.

    python3 verify_log.py EXPORT --log-key V... [--witness-key V...] [--witness FILE.jsonl ...]
        [--custodian V...] [--retention yyyy-mm-dd=YEARS ...]

Prints a report as JSON. Exit code 0: sound; 1: something was found; 2: nothing could be verified.
"""

import argparse
import base64
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
from export import Export, read_witness
from notes import COSIGNATURE, SIGNATURE, Wrong

SEVEN_YEARS = [(date.min, 7)]


class Witnessed:
    """A checkpoint, and who of the configured witnesses cosigned it."""

    def __init__(self, size, root):
        self.size, self.root, self.cosigned = size, root, set()
        self.by_log = self.stored = False


def by_log(signed):
    return any(one.key.kind == SIGNATURE for one in signed)


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
        witnessed = self._witnessed(export, witness_lines)
        ends = [one for one in witnessed if one.by_log and one.stored]
        if ends and ends[-1].size > (own[-1][0] if own else 0):
            own.append((ends[-1].size, ends[-1].root))
        # Where no key of a witness is known, its checkpoint is one of the log like any other.
        own = sorted({*own, *((one.size, one.root) for one in witnessed if not one.cosigned)})
        witnessed = [one for one in witnessed if one.cosigned]
        bodies = export.bodies()
        leaves = compare.Leaves(export.hashes(0), bodies, own)
        self._checkpoint_roots(leaves, own)
        if len(leaves.hashes) < leaves.size:
            self._found("truncated", len(leaves.hashes), leaves.size)
        alignment = compare.Alignment(leaves.hashes, bodies)
        self.findings += alignment.found
        destroyed = self._acts(alignment, leaves, witnessed)
        self._tiles(export, leaves.hashes, leaves.size)
        self._seen_by_others(leaves, witnessed)
        size, root = own[-1] if own else (0, merkle.root_of([]))
        findings = compare.merged(self.findings)
        return {
            "origin": self.origin,
            "size": size,
            "root": base64.b64encode(root).decode(),
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

    def _opened(self, text):
        """The checkpoint of a note and its good signatures, or Wrong."""
        checkpoint = notes.read_checkpoint(text)
        if checkpoint.origin != self.origin:
            raise Wrong("a checkpoint of another log")
        signed = notes.signatures(checkpoint.note, self.keys)
        if not signed:
            raise Wrong("nobody known signed the checkpoint")
        return checkpoint, signed

    def _own_checkpoints(self, export):
        """(size, root) of the stored checkpoints that the log signed, ascending."""
        found, last = [], 0
        lines = [(line["note"], line["size"]) for line in export.checkpoints]
        for text, declared in [*lines, (export.checkpoint, None)]:
            try:
                checkpoint, signed = self._opened(text)
                if not by_log(signed) or declared not in (None, checkpoint.size):
                    raise Wrong("the log did not sign it, or it stands under another size")
                if checkpoint.size < last:
                    raise Wrong("the checkpoints are not in order")
            except Wrong:
                size = last if declared is None else declared
                self._found("altered-checkpoint", size, size)
                continue
            last = checkpoint.size
            found.append((checkpoint.size, checkpoint.root))
        return sorted(set(found))

    def _witnessed(self, export, witness_lines):
        """What witnesses cosigned, of the export and of their own files; ascending."""
        found = {}
        for line in [*export.witnessed, *witness_lines]:
            try:
                checkpoint, signed = self._opened(line["note"])
                if line.get("size", checkpoint.size) != checkpoint.size:
                    raise Wrong("a checkpoint under another size")
            except Wrong:
                if line not in export.witnessed:
                    raise
                size = line["size"]
                self._found("altered-checkpoint", size, size)
                continue
            key = checkpoint.size, checkpoint.root
            seen = found.setdefault(key, Witnessed(*key))
            seen.cosigned.update(one for one in signed if one.key.kind == COSIGNATURE)
            seen.by_log |= by_log(signed)
            seen.stored |= line in export.witnessed
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
            if kind == "order" and self.custodians:
                if not order_log.signers_of(act, self.origin, self.custodians):
                    self._found("malformed", index, index + 1)
        log = order_log.Orders(acts, self.origin, self.custodians)
        times = [(one.unix_seconds, seen.size) for seen in witnessed for one in seen.cosigned]
        judge = order_log.Judge(log, leaves.hashes, times, self.rules)
        destroyed, lost = 0, []
        for index in alignment.gone:
            slips = log.slips_for(index)
            if any(judge.lawful(slip) for slip in slips):
                destroyed += 1
            elif slips:
                self._found("unlawful-destruction", index, index + 1)
            else:
                lost.append(index)
        self._lost(lost, leaves.size)
        return destroyed

    def _lost(self, lost, size):
        """Bodies that are gone and in no slip; those at the log's end are cut off."""
        end = size
        while lost and lost[-1] == end - 1:
            end = lost.pop()
        if end < size:
            self._found("truncated", end, size)
        for index in lost:
            self._found("deleted", index, index + 1)

    @staticmethod
    def _repeated(act, permits, settled):
        again = act["permit"] in permits
        permits.add(act["permit"])
        if act["outcome"] in ("provided", "nothing"):
            again = again or act["inquiry"] in settled
            settled.add(act["inquiry"])
        return again

    def _tiles(self, export, hashes, size):
        """Tiles that are missing or not what the leaves make, as far as these are known."""
        made, span = merkle.tile_hashes(hashes), 1
        for level in range(8):
            stored, known = export.hashes(level), made.get(level, [])
            count, span = size // span, span * merkle.WIDTH
            for first in range(0, count, merkle.WIDTH):
                places = range(first, min(first + merkle.WIDTH, count))
                if any(stored.get(p) != known[p] for p in places if p < len(known)):
                    begins = first // merkle.WIDTH * span
                    self._found("damaged-tile", begins, min(begins + span, size))

    def _seen_by_others(self, leaves, seen):
        """Holds the roots that others saw against each other and against the log."""
        if seen and seen[-1].size > leaves.size:
            self._found("rolled-back", leaves.size, seen[-1].size)
        for one, other in zip(seen, seen[1:]):
            if one.size == other.size:
                self._found("split-view", one.size, one.size)
        roots = leaves.roots_at(one.size for one in seen)
        known = [one for one in seen if one.size <= leaves.proved]
        right = [0] + [one.size for one in known if roots[one.size] == one.root]
        wrong = [one.size for one in known if roots[one.size] != one.root]
        if wrong:
            later = [size for size in right if size > wrong[0]]
            if later:
                self._found("split-view", wrong[0], later[0])
            before = max(size for size in right if size < wrong[0])
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
        lines = [line for name in flat(given.witness) for line in read_witness(Path(name))]
        report = verifier.verify(Export(given.export), lines)
    except (Wrong, OSError, ValueError, KeyError, TypeError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 0 if report["sound"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
