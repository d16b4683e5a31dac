"""Finds which leaf hashes the signed checkpoints vouch for, and what the bodies are beside them."""

from itertools import combinations

from export import GONE, UNREADABLE
from merkle import Edge, leaf_hash

# So many hashes in doubt between two checkpoints are tried in every combination.
TRIED = 8


class Leaves:
    """The leaf hashes of a log, from its tiles and its bodies, and up to where they are proved."""

    def __init__(self, stored, bodies, checkpoints):
        """`stored` is {index: hash}; `checkpoints` are (size, root), ascending, rightly signed."""
        self.size = checkpoints[-1][0] if checkpoints else 0
        self.hashes = []
        while len(self.hashes) < self.size:
            index = len(self.hashes)
            known = stored.get(index) or self._hashed(bodies, index)
            if known is None:
                break
            self.hashes.append(known)
        self.proved, self.wrong = 0, []
        edge = Edge()
        for size, root in checkpoints:
            if size > len(self.hashes):
                break
            found = self._agreeing(edge, size, root, bodies)
            if found is None:
                self.wrong.append(size)
            else:
                edge, self.hashes[self.proved : size] = found
                self.proved = size

    @staticmethod
    def _hashed(bodies, index):
        body = bodies[index] if index < len(bodies) else GONE
        return None if body in (GONE, UNREADABLE) else leaf_hash(body)

    def _agreeing(self, edge, size, root, bodies):
        """The edge and the hashes from the proved size on that lead to a root."""
        stored = self.hashes[self.proved : size]
        hashed = [self._hashed(bodies, index) for index in range(self.proved, size)]
        doubtful = [
            place
            for place, (left, right) in enumerate(zip(stored, hashed))
            if right is not None and left != right
        ]
        tried = range(len(doubtful) + 1) if len(doubtful) <= TRIED else (0, len(doubtful))
        for count in tried:
            for places in combinations(doubtful, count):
                leaves = list(stored)
                for place in places:
                    leaves[place] = hashed[place]
                grown = edge.extended(leaves)
                if grown.root() == root:
                    return grown, leaves
        return None

    def roots_at(self, sizes):
        """{size: root} for the sizes that the leaves reach."""
        edge, roots = Edge(), {}
        for size in sorted(set(sizes)):
            if size <= len(self.hashes):
                edge = edge.extended(self.hashes[edge.size : size])
                roots[size] = edge.root()
        return roots


class Alignment:
    """Walks bodies and leaves side by side and names what stands in the wrong place."""

    def __init__(self, leaves, bodies):
        self.leaves, self.bodies = leaves, bodies
        self.hashed = [None if b in (GONE, UNREADABLE) else leaf_hash(b) for b in bodies]
        self.authentic, self.gone, self.found = {}, [], []
        self._walk()

    def _name(self, kind, begins, ends):
        self.found.append((kind, begins, ends))

    def _walk(self):
        place = index = 0
        while place < len(self.bodies) and index < len(self.leaves):
            body = self.bodies[place]
            step = (1, 1)
            if body is GONE:
                self.gone.append(index)
            elif body is UNREADABLE:
                self._name("unreadable", index, index + 1)
            elif self.hashed[place] == self.leaves[index]:
                self.authentic[index] = body
            else:
                step = self._mismatch(place, index)
            place, index = place + step[0], index + step[1]
        if index < len(self.leaves):
            self._name("truncated", index, len(self.leaves))
        for beyond in range(place, len(self.bodies)):
            if self.bodies[beyond] is not GONE:
                self._name("inserted", beyond, beyond + 1)

    def _mismatch(self, place, index):
        """Names a mismatch; how many bodies and leaves to go on by."""
        shift = place - index
        if self._swapped_with(place, shift) is not None:
            self._name("swapped", index, index + 1)
            return 1, 1
        following = self.hashed[place + 1] if place + 1 < len(self.hashed) else None
        if following == self.leaves[index]:
            self._name("inserted", place, place + 1)
            return 1, 0
        if self.hashed[place] in self.leaves[index + 1 :]:
            ends = self.leaves.index(self.hashed[place], index + 1)
            self._name("deleted", index, ends)
            return 0, ends - index
        self._name("edited", index, index + 1)
        return 1, 1

    def _swapped_with(self, place, shift):
        """The place whose leaf this body makes and whose body makes this leaf."""
        for other, hashed in enumerate(self.hashed):
            if other != place and hashed == self.leaves[place - shift]:
                if 0 <= other - shift < len(self.leaves):
                    if self.leaves[other - shift] == self.hashed[place]:
                        return other
        return None


def merged(findings):
    """Findings of one kind whose entries adjoin, as one; in the order of their entries."""
    joined = []
    for kind, begins, ends in sorted(set(findings), key=lambda one: (one[0], one[1:])):
        last = joined[-1] if joined else None
        adjoins = last and last[0] == kind and last[2] == begins and begins < ends
        if adjoins and kind in MERGED:
            joined[-1] = (kind, last[1], ends)
        else:
            joined.append((kind, begins, ends))
    return sorted(joined, key=lambda one: (one[1], one[2], one[0]))


MERGED = ("deleted", "inserted", "unreadable", "unlawful-destruction")
