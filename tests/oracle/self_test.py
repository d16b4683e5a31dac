"""Self-tests of the second verifier: python3 -m unittest self_test (in this folder)."""

import base64
import tempfile
import unittest
from datetime import date
from pathlib import Path

import ed25519
import make_export
import merkle
import notes
import receipts
import retention
from export import Export
from make_export import millis
from notes import Wrong
from verify_log import Verifier


def report_of(world, witness_lines=(), extra_bodies=(), spoil=None, rules=None):
    keys = (world.keys(world.log_keys), world.keys(world.witnesses), world.keys(world.custodians))
    with tempfile.TemporaryDirectory() as folder:
        world.write(folder, extra_bodies)
        if spoil:
            spoil(Path(folder))
        return Verifier(*keys, rules).verify(Export(folder), witness_lines)


def found(report):
    return [(one["kind"], one["fromIndex"], one["toIndex"]) for one in report["findings"]]


class Damages(unittest.TestCase):
    def setUp(self):
        self.world = make_export.ordinary()
        self.size = len(self.world.bodies)
        self.assertGreater(self.size, 280)

    def expect(self, *findings, **given):
        self.assertEqual(sorted(found(report_of(self.world, **given))), sorted(findings))

    def test_a_clean_log_is_sound(self):
        report = report_of(self.world)
        self.assertEqual(found(report), [])
        self.assertEqual((report["size"], report["entries"]), (self.size, self.size))
        self.assertEqual((report["checkpoints"], report["cosignatures"]), (40, 14))

    def test_small_logs_are_sound(self):
        for seed in range(60):
            world = make_export.ordinary(groups=seed % 6 + 1, seed=seed)
            self.assertEqual(found(report_of(world)), [])

    def test_edited(self):
        self.world.bodies[100] = self.world.bodies[100].replace(b"op-1", b"op-2")
        self.expect(("edited", 100, 101))

    def test_edited_with_its_leaf_hash(self):
        self.world.bodies[100] = self.world.bodies[100].replace(b"op-1", b"op-2")
        self.world.leaves[100] = merkle.leaf_hash(self.world.bodies[100])
        sizes = [line["size"] for line in self.world.checkpoints]
        before = max(size for size in sizes if size <= 100)
        after = min(size for size in sizes if size > 100)
        self.expect(("edited", before, after))

    def test_deleted(self):
        self.world.bodies[7:9] = [None, None]
        self.expect(("deleted", 7, 9))

    def test_deleted_and_pulled_together(self):
        del self.world.bodies[7:9]
        self.expect(("deleted", 7, 9))

    def test_truncated(self):
        del self.world.bodies[260:], self.world.leaves[260:]
        self.expect(("truncated", 260, self.size))

    def test_swapped(self):
        bodies = self.world.bodies
        bodies[5], bodies[50] = bodies[50], bodies[5]
        self.expect(("swapped", 5, 6), ("swapped", 50, 51))

    def test_inserted(self):
        self.world.bodies.insert(20, self.world.bodies[3].replace(b"op-1", b"op-9"))
        self.expect(("inserted", 20, 21))

    def test_beyond_the_checkpoint(self):
        self.expect(("inserted", self.size, self.size + 2), extra_bodies=[b"{}", b"{}"])

    def test_damaged_tiles(self):
        def spoil(folder):
            flip(folder / "tile/0/000", 40)

        self.expect(("damaged-tile", 0, 256), spoil=spoil)

        def spoil_above(folder):
            flip(folder / "tile/1/000.p/1", 3)

        self.expect(("damaged-tile", 0, self.size), spoil=spoil_above)

    def test_altered_checkpoint(self):
        line = self.world.checkpoints[4]
        line["note"] = line["note"].replace(f"\n{line['size']}\n", f"\n{line['size'] + 1}\n")
        size = line["size"]
        report = found(report_of(self.world))
        self.assertEqual([(kind) for kind, _, _ in report], ["altered-checkpoint"])
        self.assertIn(report[0][1], (size, size + 1))

    def test_rolled_back(self):
        line = self.world.cosigned(millis(2027, 3, 1))
        while self.world.checkpoints[-1]["size"] > 200:
            self.world.checkpoints.pop()
        size = self.world.checkpoints[-1]["size"]
        del self.world.bodies[size:], self.world.leaves[size:]
        self.world.witnessed = [one for one in self.world.witnessed if one["size"] <= size]
        self.expect(("rolled-back", size, self.size), witness_lines=[line])

    def rewrite(self, index):
        """Rewrites from an entry on, and signs anew with the log's own key."""
        old, world = self.world, make_export.World()
        sizes = {line["size"]: line["issuedAtUnixMs"] for line in old.checkpoints}
        for place, body in enumerate(old.bodies):
            body = body if place != index else body.replace(b"op-1", b"op-7")
            world.bodies.append(body)
            world.leaves.append(merkle.leaf_hash(body))
            if place + 1 in sizes:
                world.check(sizes[place + 1])
        return world

    def test_rewritten(self):
        seen = self.world.witnessed
        self.world = self.rewrite(100)
        sizes = [line["size"] for line in seen]
        before = max(size for size in sizes if size <= 100)
        after = min(size for size in sizes if size > 100)
        self.expect(("rewritten", before, after), witness_lines=seen)
        self.expect()

    def test_split_view(self):
        other = self.rewrite(100)
        line = other.cosigned(millis(2027, 3, 1), 1)
        self.world.cosign(millis(2027, 3, 1), 0)
        kinds = {kind for kind, _, _ in found(report_of(self.world, [line]))}
        self.assertIn("split-view", kinds)

    def test_unreadable(self):
        def spoil(folder):
            bundle = folder / "tile/entries/000"
            bundle.write_bytes(bundle.read_bytes()[:1000])

        kinds = {kind for kind, _, _ in found(report_of(self.world, spoil=spoil))}
        self.assertEqual(kinds, {"unreadable"})

    def test_malformed(self):
        self.world.outcome(millis(2027, 3, 1), provider="271005")
        self.world.check(millis(2027, 3, 1))
        self.expect(("malformed", self.size, self.size + 1))

    def test_rotation(self):
        self.world.log_keys.append(make_export.Signer(make_export.ORIGIN, 1, "next"))
        self.world.outcome(millis(2027, 3, 1))
        self.world.check(millis(2027, 3, 1))
        del self.world.log_keys[1]
        self.expect()


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


class Destructions(unittest.TestCase):
    """April 2026 in [0, 6), the rest later; destroyed in May 2033."""

    def setUp(self):
        self.world = make_export.World()
        for day in range(1, 7):
            self.world.outcome(millis(2026, 4, day * 4))
        for day in range(1, 5):
            self.world.outcome(millis(2026, 5, day * 4))
        self.world.check(millis(2026, 5, 17))
        self.world.cosign(millis(2026, 5, 17))

    def destroy(self, at=millis(2033, 5, 1), signers=(0, 1), ranges=((0, 6),), held=(), **changed):
        order, gone = self.world.slip(202604, ranges, held, **changed)
        self.world.order(at, order, signers)
        self.world.check(at)
        for index in gone:
            self.world.bodies[index] = None

    def expect(self, *findings, **given):
        report = report_of(self.world, **given)
        self.assertEqual(sorted(found(report)), sorted(findings))
        return report

    def test_lawful(self):
        self.destroy()
        self.assertEqual(self.expect()["destroyed"], 6)

    def test_one_custodian(self):
        self.destroy(signers=(0,))
        self.expect(("unlawful-destruction", 0, 6))
        self.world.bodies[8] = None
        self.expect(("unlawful-destruction", 0, 6), ("deleted", 8, 9))

    def test_one_custodian_twice(self):
        self.destroy(signers=(1, 1))
        self.expect(("unlawful-destruction", 0, 6))

    def test_too_early(self):
        # 30 April 2033, 23 o'clock in Japan.
        self.destroy(at=millis(2033, 4, 30, 14))
        self.expect(("unlawful-destruction", 0, 6))

    def test_just_in_time(self):
        self.destroy(at=millis(2033, 4, 30, 15))
        self.expect()

    def test_a_longer_rule(self):
        self.destroy()
        rules = [(date(2026, 1, 1), 7), (date(2030, 1, 1), 10), (date(2031, 1, 1), 7)]
        self.expect(("unlawful-destruction", 0, 6), rules=rules)

    def test_another_month(self):
        """Bodies that are gone tell no month; a witness of the days between does."""
        line = self.world.cosigned(millis(2026, 5, 2), 1, self.world.leaves[:6])
        self.destroy(ranges=((0, 7),))
        self.expect(witness_lines=[])
        self.expect(("unlawful-destruction", 0, 7), witness_lines=[line])

    def test_wrong_digest(self):
        self.destroy(digest=base64.b64encode(bytes(32)).decode())
        self.expect(("unlawful-destruction", 0, 6))

    def hold(self, scope, **given):
        return self.world.order(
            millis(2030, 1, 1), {"hold": {"scope": scope, "reason": "x"}}, (2,), **given
        )

    def test_holds(self):
        identifier = self.hold({"entries": [2, 3]})
        self.destroy(held=(2, 3))
        self.assertEqual(self.expect()["destroyed"], 4)
        at = millis(2033, 6, 1)
        self.world.order(at, {"liftHold": {"hold": identifier}}, (0, 2))
        self.destroy(at=at, ranges=((2, 4),))
        self.assertEqual(self.expect()["destroyed"], 6)

    def test_broken_holds(self):
        identifier = self.hold({"range": {"fromIndex": 3, "toIndex": 9}})
        self.world.order(millis(2031, 1, 1), {"liftHold": {"hold": identifier}}, (0,))
        self.destroy()
        self.expect(("unlawful-destruction", 0, 6))

    def test_held_but_gone(self):
        self.hold({"municipality": "131211"})
        self.destroy(held=(0, 1, 2, 3, 4, 5))
        self.expect()
        self.world.bodies[2] = None
        self.expect(("deleted", 2, 3))

    def test_younger_than_the_slip_says(self):
        line = self.world.cosigned(millis(2026, 5, 3), 1, self.world.leaves[:5])
        self.destroy()
        self.expect(("unlawful-destruction", 0, 6), witness_lines=[line])


class Parts(unittest.TestCase):
    def test_ed25519(self):
        seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
        key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
        signature = (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        )
        seed, key, signature = map(bytes.fromhex, (seed, key, signature))
        self.assertEqual(ed25519.public_key_of(seed), key)
        self.assertEqual(ed25519.sign(seed, b"\xaf\x82"), signature)
        self.assertTrue(ed25519.verify(key, b"\xaf\x82", signature))
        for place in range(64):
            spoilt = bytearray(signature)
            spoilt[place] ^= 1
            self.assertFalse(ed25519.verify(key, b"\xaf\x82", bytes(spoilt)))

    def test_a_public_example_of_a_cosigned_checkpoint(self):
        """The one of c2sp.org/tlog-cosignature; its keys are not public, its shape is."""
        checkpoint = notes.read_checkpoint(
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
            "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u"
            "5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        )
        self.assertEqual(checkpoint.size, 20852163)

    def test_keys_are_written_and_read(self):
        key = make_export.Signer("a/b", 4, "x").key
        self.assertEqual(notes.verifier_key(notes.encoded_key(key)), key)
        with self.assertRaises(Wrong):
            notes.verifier_key(notes.encoded_key(key).replace("a/b", "a/c"))

    def test_tile_names(self):
        self.assertEqual(merkle.tile_name(1234067, 256), "x001/x234/067")
        self.assertEqual(merkle.tile_name(0, 7), "000.p/7")
        self.assertEqual([len(merkle.tile_hashes([bytes(32)] * n)) for n in (0, 1, 256)], [0, 1, 2])

    def test_retention(self):
        cases = (
            ("2026-04-30", "2033-04-30"),
            ("2028-02-28", "2035-02-28"),
            ("2027-02-28", "2034-02-28"),
            ("2028-02-29", "2035-02-28"),
        )
        for logged, last in cases:
            kept = retention.kept_through(date.fromisoformat(logged), 7)
            self.assertEqual(kept.isoformat(), last)
        self.assertEqual(retention.segment_of(millis(2026, 4, 30, 15)), 202605)

    def test_receipts(self):
        world = make_export.ordinary(groups=5)
        world.check(0)
        keys = world.keys(world.log_keys)
        for index, body in enumerate(world.bodies):
            proof = merkle.inclusion_proof(world.leaves, index)
            receipt = {
                "entry": body.decode(),
                "index": index,
                "checkpoint": world.note(),
                "proof": [base64.b64encode(one).decode() for one in proof],
            }
            receipts.check_receipt(receipt, make_export.ORIGIN, keys)
            wrong = (
                {"index": (index + 1) % len(world.bodies)},
                {"entry": receipt["entry"].replace("op-1", "op-2").replace("訴訟", "x")},
                {"proof": receipt["proof"][:-1]},
                {"proof": receipt["proof"] + receipt["proof"][:1]},
            )
            for change in wrong:
                with self.assertRaises(Wrong):
                    receipts.check_receipt(receipt | change, make_export.ORIGIN, keys)

    def test_commitments(self):
        salt, content = bytes(range(32)), b"the record"
        made = receipts.commitment("123456789018", salt, content)
        self.assertTrue(receipts.opens(made, "123456789018", salt, content))
        self.assertFalse(receipts.opens(made, "123456789019", salt, content))
        self.assertFalse(receipts.opens(made, "123456789018", salt, content + b" "))


if __name__ == "__main__":
    unittest.main()
