"""Makes an export of a log with acts, orders, checkpoints and cosignatures, for the self-tests."""

import base64
import hashlib
import json
import random
import uuid
from datetime import datetime, timezone
from pathlib import Path

import ed25519
import merkle
import notes
import retention
from notes import COSIGNATURE, SIGNATURE, VerifierKey

ORIGIN = "centre.watari.example/log"
MUNICIPALITIES = ("131211", "271004", "401307")


class Signer:
    def __init__(self, name, kind, seed):
        self.seed = hashlib.sha256(seed.encode()).digest()
        self.key = VerifierKey(name, kind, ed25519.public_key_of(self.seed))

    def line(self, text, unix_seconds=None):
        message = text if unix_seconds is None else f"cosignature/v1\ntime {unix_seconds}\n{text}"
        signature = ed25519.sign(self.seed, message.encode())
        return notes.signature_line(self.key, signature, unix_seconds)


def millis(year, month, day, hour=12):
    return int(datetime(year, month, day, hour, tzinfo=timezone.utc).timestamp()) * 1000


class World:
    """A log with its keys, of which everything may be changed before it is written."""

    def __init__(self, seed=0):
        self.random = random.Random(seed)
        self.log_keys = [Signer(ORIGIN, SIGNATURE, "log")]
        self.witnesses = [
            Signer(f"{ORIGIN}/witness/{code}", COSIGNATURE, code) for code in MUNICIPALITIES[:2]
        ]
        self.custodians = [Signer(f"custodian-{n}", SIGNATURE, f"c{n}") for n in range(3)]
        self.bodies, self.leaves, self.orders = [], [], []
        self.checkpoints, self.witnessed = [], []

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def outcome(self, at, kind="provided", **changed):
        act = {
            "inquiry": self.uuid(), "permit": self.uuid(), "inquirer": "131211",
            "provider": "271004", "operator": "op-1", "terminal": "窓口1",
            "procedure": "児童手当", "legalBasis": "9-2-26", "items": "所得",
            "outcome": kind, "askedAtUnixS": at // 1000, "decidedAtUnixMs": at,
        }  # fmt: skip
        if kind in ("provided", "corrected", "released"):
            act["commitment"] = base64.b64encode(self.random.randbytes(32)).decode()
        if kind in ("refused", "failed"):
            act["reason"] = "not registered"
        return self.append(at, {"outcome": act | changed})

    def append(self, at, act):
        body = json.dumps({"loggedAtUnixMs": at, "act": act}, ensure_ascii=False).encode()
        self.bodies.append(body)
        self.leaves.append(merkle.leaf_hash(body))
        return len(self.bodies) - 1

    def order(self, at, order, signers, identifier=None):
        identifier = identifier or self.uuid()
        content = {"id": identifier, "issuedAtUnixMs": at, "order": order}
        text = f"{ORIGIN}\n{json.dumps(content, ensure_ascii=False)}\n"
        lines = "".join(self.custodians[number].line(text) for number in signers)
        self.orders.append(self.append(at, {"order": {"note": f"{text}\n{lines}"}}))
        return identifier

    def slip(self, segment, ranges, held=(), **changed):
        gone = [i for a, b in ranges for i in range(a, b) if i not in {*self.orders, *held}]
        digest = hashlib.sha256(b"".join(self.leaves[i] for i in gone)).digest()
        content = {
            "segment": segment, "ranges": [list(pair) for pair in ranges], "held": list(held),
            "bodies": len(gone), "digest": base64.b64encode(digest).decode(),
            "keptThrough": retention.segment_kept_through(segment, 7).isoformat(), "years": 7,
        }  # fmt: skip
        return {"destroy": content | changed}, gone

    def text(self, leaves=None):
        leaves = self.leaves if leaves is None else leaves
        root = base64.b64encode(merkle.root_of(leaves)).decode()
        return f"{ORIGIN}\n{len(leaves)}\n{root}\n"

    def note(self, leaves=None):
        text = self.text(leaves)
        return f"{text}\n" + "".join(key.line(text) for key in self.log_keys)

    def check(self, at):
        """Signs a checkpoint."""
        line = {"size": len(self.leaves), "issuedAtUnixMs": at, "note": self.note()}
        self.checkpoints.append(line)

    def cosigned(self, at, number=0, leaves=None):
        """The line of a witness's own file for the newest checkpoint."""
        leaves = self.leaves if leaves is None else leaves
        line = self.witnesses[number].line(self.text(leaves), at // 1000)
        return {"size": len(leaves), "note": self.note(leaves) + line}

    def cosign(self, at, number=0):
        self.witnessed.append(self.cosigned(at, number))

    def keys(self, signers):
        return [signer.key for signer in signers]

    def write(self, folder, extra_bodies=()):
        folder = Path(folder)
        bundles = [b"" if body is None else body for body in [*self.bodies, *extra_bodies]]
        for first in range(0, len(bundles), merkle.WIDTH):
            part = bundles[first : first + merkle.WIDTH]
            content = b"".join(len(body).to_bytes(2, "big") + body for body in part)
            write_tile(folder, "entries", first, len(part), content)
        for level, hashes in merkle.tile_hashes(self.leaves).items():
            for first in range(0, len(hashes), merkle.WIDTH):
                part = hashes[first : first + merkle.WIDTH]
                write_tile(folder, str(level), first, len(part), b"".join(part))
        (folder / "checkpoint").write_text(self.checkpoints[-1]["note"])
        for name, lines in (("checkpoints", self.checkpoints), ("witnessed", self.witnessed)):
            write_lines(folder / f"{name}.jsonl", lines)


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_tile(folder, kind, first, width, content):
    path = folder / "tile" / kind / merkle.tile_name(first // merkle.WIDTH, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def ordinary(groups=40, seed=0):
    """A log of some hundred acts in 2026 and 2027, with orders, checkpoints and cosignatures."""
    world = World(seed)
    kinds = ("provided", "nothing", "refused", "failed", "corrected", "released")
    for group in range(groups):
        at = millis(2026, 4 + group * 12 // groups % 9, 1 + group % 28)
        at = max(at, millis(2026, 4, 1) + group * 6 * 24 * 3600 * 1000)
        for _ in range(world.random.randint(1, 16)):
            world.outcome(at, world.random.choice(kinds))
        if group == 3:
            scope = {"range": {"fromIndex": 0, "toIndex": 2}}
            world.order(at, {"hold": {"scope": scope, "reason": "訴訟"}}, [0])
        world.check(at)
        if group % 3 == 0:
            world.cosign(at, group % 2)
    return world
