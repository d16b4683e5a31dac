"""Holds and destruction slips: which of them count, and which are lawful (section 7)."""

import hashlib
from datetime import date

import notes
import retention
from notes import Wrong

NEEDED = {"hold": 1, "liftHold": 2, "destroy": 2}


class Logged:
    """An order and the entry it stands in."""

    def __init__(self, index, logged_ms, order, signers):
        self.index, self.logged_ms, self.order = index, logged_ms, order
        self.signers = signers

    @property
    def kind(self):
        return self.order.kind

    @property
    def content(self):
        return self.order.content

    @property
    def signed_enough(self):
        return self.signers >= NEEDED[self.kind]


def signers_of(order, origin, custodians):
    """How many custodians signed it: those of one name, or of one key, are one."""
    if order.origin != origin:
        return 0
    try:
        signed = [one.key for one in notes.signatures(order.note, custodians)]
    except Wrong:
        return 0
    return min(len({key.name for key in signed}), len({key.public_key for key in signed}))


def slip_covers(slip, index):
    inside = any(begins <= index < ends for begins, ends in slip.content["ranges"])
    return inside and index not in slip.content["held"]


def well_ordered(slip):
    """Whether the month, the ranges and the held entries are such as a slip may have."""
    content, end = slip.content, -1
    for begins, ends in content["ranges"]:
        if not end < begins < ends <= slip.index:
            return False
        end = ends
    held = content["held"]
    inside = all(any(a <= index < b for a, b in content["ranges"]) for index in held)
    month = content["segment"] % 100 in range(1, 13) and 197001 <= content["segment"] <= 299912
    return inside and held == sorted(set(held)) and month and content["years"] <= 1000


class Orders:
    """The orders of a log, in the order of their entries, and which of them count."""

    def __init__(self, bodies, origin, custodians):
        """`bodies` are the parsed ones: {index: (logged ms, kind, act)}."""
        self.bodies = bodies
        self.all, self.counting = [], set()
        for index in sorted(bodies):
            logged_ms, kind, act = bodies[index]
            if kind != "order":
                continue
            logged = Logged(index, logged_ms, act, signers_of(act, origin, custodians))
            earlier = {one.order.id for one in self.all if one.index in self.counting}
            if logged.signed_enough and act.id not in earlier:
                self.counting.add(index)
            self.all.append(logged)

    def slips(self):
        return [one for one in self.all if one.kind == "destroy"]

    def slips_for(self, index):
        return [slip for slip in self.slips() if slip_covers(slip, index)]

    def holds_at(self, index):
        """The holds in force just before an entry."""
        holds = {}
        for one in self.all:
            if one.index >= index or one.index not in self.counting:
                continue
            if one.kind == "hold":
                holds[str(one.order.id)] = one
            elif one.kind == "liftHold":
                holds.pop(one.content["hold"], None)
        return list(holds.values())

    def under(self, hold, index):
        """Whether a hold covers an entry, as far as its body still tells."""
        kind, scope = next(iter(hold.content["scope"].items()))
        if kind == "range":
            return scope["fromIndex"] <= index < scope["toIndex"]
        if kind == "entries":
            return index in scope
        _, act_kind, act = self.bodies.get(index, (0, "gone", {}))
        return act_kind == "outcome" and scope in (act["inquirer"], act["provider"])


class Judge:
    """Judges slips by what the rest of the log and its witnesses show."""

    def __init__(self, orders, leaves, cosignatures, rules):
        """`cosignatures` are (Unix seconds, size); `rules` as retention.longest_rule has them."""
        self.orders, self.leaves = orders, leaves
        self.cosignatures, self.rules = cosignatures, rules
        self._judged = {}

    def lawful(self, slip):
        if slip.index not in self._judged:
            self._judged[slip.index] = not any(self.breaches(slip))
        return self._judged[slip.index]

    def breaches(self, slip):
        """What of section 7 a slip breaks, one text for each."""
        if slip.index not in self.orders.counting:
            yield "too few custodians signed it, or it came before"
        if not well_ordered(slip):
            yield "its ranges, its held entries or its month are not as section 7 says"
            return
        content = slip.content
        destroyed = self._destroyed_by(slip)
        yield from self._wrong_days(slip)
        yield from self._wrong_entries(slip, destroyed)
        after = retention.a_day_after(content["segment"])
        for seconds, size in self.cosignatures:
            if destroyed and size <= destroyed[-1] and seconds >= after:
                yield f"a witness cosigned size {size} a day after the month"

    def _destroyed_by(self, slip):
        """The entries whose bodies a slip names as destroyed."""
        return [
            index
            for begins, ends in slip.content["ranges"]
            for index in range(begins, ends)
            if index not in slip.content["held"] and self._kind(index) != "order"
        ]

    def _kind(self, index):
        return self.orders.bodies.get(index, (None, "gone", None))[1]

    def _wrong_days(self, slip):
        content, logged = slip.content, retention.day_of(slip.logged_ms)
        segment = content["segment"]
        kept = date.fromisoformat(content["keptThrough"])
        begins = date(segment // 100, segment % 100, 1)
        if logged <= kept:
            yield "it was logged before the period ended"
        if kept != retention.segment_kept_through(segment, content["years"]):
            yield "its last kept day is wrong"
        if content["years"] < retention.longest_rule(self.rules, begins, logged):
            yield "its period is too short"

    def _wrong_entries(self, slip, destroyed):
        content, bodies = slip.content, self.orders.bodies
        for index in [*destroyed, *content["held"]]:
            if self._kind(index) == "outcome":
                if retention.segment_of(bodies[index][0]) != content["segment"]:
                    yield f"entry {index} is of another month"
        for hold in self.orders.holds_at(slip.index):
            for index in destroyed:
                if self.orders.under(hold, index):
                    yield f"entry {index} is under a hold"
        for earlier in self.orders.slips():
            if earlier.index < slip.index and self.lawful(earlier):
                if not set(destroyed).isdisjoint(self._destroyed_by(earlier)):
                    yield "an earlier slip destroyed an entry of it"
        hashes = b"".join(self.leaves[index] for index in destroyed)
        if len(destroyed) != content["bodies"]:
            yield "it counts other bodies"
        if hashlib.sha256(hashes).digest() != notes.unbase64(content["digest"], 32):
            yield "its digest is of other bodies"
