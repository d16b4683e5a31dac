"""The tree of RFC 6962, section 2.1, and the tiles over it (LOG_FORMAT.md sections 1 and 3)."""

import hashlib

WIDTH = 256
HASH = 32


def leaf_hash(body):
    return hashlib.sha256(b"\0" + body).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Edge:
    """The right edge of a growing tree: the roots of its full subtrees, large before small."""

    def __init__(self):
        self.size = 0
        self._roots = []

    def copy(self):
        other = Edge()
        other.size, other._roots = self.size, list(self._roots)
        return other

    def push(self, leaf):
        self._roots.append(leaf)
        self.size += 1
        size = self.size
        while size % 2 == 0:
            right = self._roots.pop()
            self._roots.append(node_hash(self._roots.pop(), right))
            size //= 2

    def extended(self, leaves):
        other = self.copy()
        for leaf in leaves:
            other.push(leaf)
        return other

    def root(self):
        if not self._roots:
            return hashlib.sha256(b"").digest()
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaves):
    return Edge().extended(leaves).root()


def tile_hashes(leaves):
    """Every hash of every tile level: {level: [hash, ...]}."""
    levels, hashes = {}, list(leaves)
    while hashes:
        levels[len(levels)] = hashes
        full = len(hashes) // WIDTH
        hashes = [root_of(hashes[WIDTH * n : WIDTH * (n + 1)]) for n in range(full)]
    return levels


def tile_name(number, width):
    """`x001/x234/067`, with `.p/<width>` behind it where the tile is partial."""
    text = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03}/{text}"
    return text if width == WIDTH else f"{text}.p/{width}"


def root_from_proof(leaf, index, size, proof):
    """Folds an inclusion proof, or None where it has the wrong length (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    root, place, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return None
        if place % 2 == 1 or place == last:
            root = node_hash(sibling, root)
            while place % 2 == 0 and place != 0:
                place, last = place // 2, last // 2
        else:
            root = node_hash(root, sibling)
        place, last = place // 2, last // 2
    return root if last == 0 else None


def inclusion_proof(leaves, index):
    """RFC 6962, section 2.1.1; for the self-tests."""
    if len(leaves) <= 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return inclusion_proof(leaves[:split], index) + [root_of(leaves[split:])]
    return inclusion_proof(leaves[split:], index - split) + [root_of(leaves[:split])]
