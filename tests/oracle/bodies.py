"""What a body must look like (LOG_FORMAT.md section 2), and what an order says (section 7)."""

import json
import re
import uuid
from datetime import date

import notes
from notes import Wrong

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OUTCOMES = ("provided", "nothing", "refused", "failed", "corrected", "released")
COMMITTED = ("provided", "corrected", "released")
REASONED = ("refused", "failed")
TEXTS = ("operator", "terminal", "procedure", "legalBasis", "items")


def without_doubles(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Wrong("a member stands twice")
    return members


def read_json(text):
    try:
        return json.loads(text, object_pairs_hook=without_doubles)
    except ValueError as error:
        raise Wrong("not JSON") from error


def whole(value):
    if type(value) is not int or value < 0:
        raise Wrong(f"not a whole number: {value!r}")
    return value


def text(value):
    if not isinstance(value, str):
        raise Wrong(f"not a text: {value!r}")
    return value


def identifier(value):
    if not UUID.fullmatch(text(value)):
        raise Wrong(f"not a UUID: {value!r}")
    return uuid.UUID(value)


def municipality(value):
    """Six digits, the last of them the check digit of JIS X 0402."""
    if not re.fullmatch(r"[0-9]{6}", text(value)):
        raise Wrong(f"not a municipality code: {value!r}")
    weighted = sum(weight * int(digit) for weight, digit in zip((6, 5, 4, 3, 2), value))
    if (11 - weighted % 11) % 10 != int(value[5]):
        raise Wrong(f"the check digit is wrong: {value!r}")
    return value


def has_members(value, required, optional=()):
    if not isinstance(value, dict):
        raise Wrong("not an object")
    names = set(value)
    if not set(required) <= names <= set(required) | set(optional):
        raise Wrong(f"has the members {sorted(names)}")


def one_member(value):
    if not isinstance(value, dict) or len(value) != 1:
        raise Wrong("not an object of one member")
    return next(iter(value.items()))


def read_body(body):
    """(logged at Unix ms, kind of act, act)."""
    try:
        decoded = body.decode()
    except UnicodeDecodeError as error:
        raise Wrong("not UTF-8") from error
    if "\n" in decoded or "\r" in decoded:
        raise Wrong("has line breaks")
    parsed = read_json(decoded)
    has_members(parsed, ("loggedAtUnixMs", "act"))
    kind, act = one_member(parsed["act"])
    if kind == "outcome":
        check_outcome(act)
    elif kind == "order":
        has_members(act, ("note",))
        act = read_order(text(act["note"]))
    else:
        raise Wrong(f"an act called {kind!r}")
    return whole(parsed["loggedAtUnixMs"]), kind, act


def check_outcome(act):
    plain = ("inquiry", "permit", "inquirer", "provider", *TEXTS)
    times = ("askedAtUnixS", "decidedAtUnixMs")
    has_members(act, (*plain, "outcome", *times), ("reason", "commitment"))
    identifier(act["inquiry"])
    identifier(act["permit"])
    municipality(act["inquirer"])
    municipality(act["provider"])
    for name in TEXTS:
        text(act[name])
    for name in times:
        whole(act[name])
    if act["outcome"] not in OUTCOMES:
        raise Wrong(f"an outcome called {act['outcome']!r}")
    if ("reason" in act) != (act["outcome"] in REASONED):
        raise Wrong("a reason belongs to a refusal or a failure")
    if ("commitment" in act) != (act["outcome"] in COMMITTED):
        raise Wrong("a commitment belongs to what was provided")
    if "reason" in act:
        text(act["reason"])
    if "commitment" in act:
        notes.unbase64(text(act["commitment"]), 32)


class Order:
    """An order as its note says it; who signed it is for orders.py."""

    def __init__(self, note, origin, parsed):
        has_members(parsed, ("id", "issuedAtUnixMs", "order"))
        self.note, self.origin = note, origin
        self.id = identifier(parsed["id"])
        self.issued = whole(parsed["issuedAtUnixMs"])
        self.kind, self.content = one_member(parsed["order"])
        checks = {"hold": check_hold, "liftHold": check_lift, "destroy": check_slip}
        if self.kind not in checks:
            raise Wrong(f"an order called {self.kind!r}")
        checks[self.kind](self.content)


def read_order(note_text):
    note = notes.read_note(note_text)
    lines = note.text.split("\n")
    if len(lines) != 3:
        raise Wrong("an order has two lines")
    return Order(note, lines[0], read_json(lines[1]))


def check_hold(content):
    has_members(content, ("scope", "reason"))
    text(content["reason"])
    kind, scope = one_member(content["scope"])
    if kind == "range":
        has_members(scope, ("fromIndex", "toIndex"))
        if whole(scope["fromIndex"]) >= whole(scope["toIndex"]):
            raise Wrong("an empty range")
    elif kind == "municipality":
        municipality(scope)
    elif kind == "entries" and isinstance(scope, list):
        for index in scope:
            whole(index)
    else:
        raise Wrong("a hold of another scope")


def check_lift(content):
    has_members(content, ("hold",))
    identifier(content["hold"])


def check_slip(content):
    names = ("segment", "ranges", "held", "bodies", "digest", "keptThrough", "years")
    has_members(content, names)
    whole(content["segment"])
    for begins, ends in pairs(content["ranges"]):
        whole(begins), whole(ends)
    if not isinstance(content["held"], list):
        raise Wrong("not a list of entries")
    for index in content["held"]:
        whole(index)
    whole(content["bodies"])
    whole(content["years"])
    notes.unbase64(text(content["digest"]), 32)
    try:
        date.fromisoformat(text(content["keptThrough"]))
    except ValueError as error:
        raise Wrong("not a day") from error


def pairs(value):
    if not isinstance(value, list) or not value:
        raise Wrong("not a list of ranges")
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Wrong("not a range")
    return value
