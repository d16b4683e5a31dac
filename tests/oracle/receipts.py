"""Receipts and disclosures (LOG_FORMAT.md section 9)."""

import hashlib
import hmac

import merkle
import notes
from notes import Wrong


def check_checkpoint(note_text, origin, log_keys):
    """The checkpoint of a note that one of the log's keys signed."""
    checkpoint = notes.read_checkpoint(note_text)
    if checkpoint.origin != origin:
        raise Wrong(f"the checkpoint is of {checkpoint.origin}")
    if not notes.signatures(checkpoint.note, log_keys):
        raise Wrong("no key of the log signed the checkpoint")
    return checkpoint


def check_receipt(receipt, origin, log_keys):
    """The checkpoint that a receipt proves its entry for, or Wrong."""
    checkpoint = check_checkpoint(receipt["checkpoint"], origin, log_keys)
    leaf = merkle.leaf_hash(receipt["entry"].encode())
    proof = [notes.unbase64(sibling, 32) for sibling in receipt["proof"]]
    root = merkle.root_from_proof(leaf, receipt["index"], checkpoint.size, proof)
    if root != checkpoint.root:
        raise Wrong("the proof does not lead to the checkpoint's root")
    return checkpoint


def commitment(number, salt, content):
    """The commitment to what was provided on the person of a 12-digit number (section 2)."""
    if len(number) != 12 or not (number.isascii() and number.isdigit()):
        raise Wrong("an individual number has twelve digits")
    if len(salt) != 32:
        raise Wrong("a salt has 32 bytes")
    digest = hashlib.sha256(content).digest()
    message = b"watari/commitment/1\0" + number.encode() + digest
    return hmac.new(salt, message, hashlib.sha256).digest()


def opens(expected, number, salt, content):
    return hmac.compare_digest(expected, commitment(number, salt, content))
