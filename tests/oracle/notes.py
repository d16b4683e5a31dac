"""Signed notes, checkpoints and cosignatures (LOG_FORMAT.md sections 4 and 5)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import ed25519

SIGNATURE, COSIGNATURE = 0x01, 0x04
DASH = "\N{EM DASH} "


class Wrong(Exception):
    """What was read is not what the format says."""


def unbase64(text, length=None):
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(f"not base64: {text!r}") from error
    if base64.b64encode(plain).decode() != text or length not in (None, len(plain)):
        raise Wrong(f"not the one base64 of its bytes: {text!r}")
    return plain


@dataclass(frozen=True)
class VerifierKey:
    """A key that a verifier is configured with."""

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self):
        return key_id(self.name, self.kind, self.public_key)


def key_id(name, kind, public_key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:4]


def verifier_key(text):
    """Reads `name+<key id>+base64(kind, public key)`."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Wrong(f"not a verifier key: {text!r}")
    material = unbase64(parts[2], 33)
    key = VerifierKey(parts[0], material[0], material[1:])
    if not key.name or key.key_id.hex() != parts[1].lower():
        raise Wrong(f"the key id of {text!r} does not fit its key")
    return key


def encoded_key(key):
    material = base64.b64encode(bytes([key.kind]) + key.public_key).decode()
    return f"{key.name}+{key.key_id.hex()}+{material}"


@dataclass(frozen=True)
class Note:
    text: str
    lines: tuple  # (key name, key id and signature as bytes)


def read_note(note):
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Wrong("a note needs a text, an empty line and signatures")
    if any(character < " " and character != "\n" for character in note):
        raise Wrong("a note holds no control characters")
    lines = []
    for line in signatures[:-1].split("\n"):
        name, space, encoded = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or not space or not name or "+" in name:
            raise Wrong(f"not a signature line: {line!r}")
        signature = unbase64(encoded)
        if len(signature) < 5:
            raise Wrong("a signature is longer than its key id")
        lines.append((name, signature))
    return Note(text + "\n", tuple(lines))


@dataclass(frozen=True)
class Signed:
    """By whom a note is signed, of the configured keys, and when."""

    key: VerifierKey
    unix_seconds: int = 0


def check_line(note, key, signature):
    """The good signature of one line, or Wrong."""
    if key.kind == SIGNATURE:
        if ed25519.verify(key.public_key, note.text.encode(), signature):
            return Signed(key)
    elif key.kind == COSIGNATURE and len(signature) == 72:
        seconds = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {seconds}\n{note.text}".encode()
        if ed25519.verify(key.public_key, message, signature[8:]):
            return Signed(key, seconds)
    raise Wrong(f"a signature of {key.name} is wrong")


def signatures(note, keys):
    """The good signatures of configured keys; one wrong one spoils the note.

    Lines of keys that are not configured are ignored, as signed-note asks.
    """
    found = []
    for name, signature in note.lines:
        for key in keys:
            if key.name == name and key.key_id == signature[:4]:
                found.append(check_line(note, key, signature[4:]))
    return found


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    note: Note


def decimal(text):
    if not text.isascii() or not text.isdigit() or (text[0] == "0" and text != "0"):
        raise Wrong(f"not a decimal number: {text!r}")
    return int(text)


def read_checkpoint(text):
    note = read_note(text)
    lines = note.text.split("\n")
    if len(lines) != 4 or not lines[0]:
        raise Wrong("a checkpoint has three lines")
    return Checkpoint(lines[0], decimal(lines[1]), unbase64(lines[2], 32), note)


def signature_line(key, signature, unix_seconds=None):
    time = b"" if unix_seconds is None else unix_seconds.to_bytes(8, "big")
    encoded = base64.b64encode(key.key_id + time + signature).decode()
    return f"{DASH}{key.name} {encoded}\n"
