"""Checks a disclosure with nothing but the log's keys (LOG_FORMAT.md section 9).

Reads a JSON object from standard input: `logKeys`, `individualNumber`, `provider`, and `received`, the
list that a municipality gave the person. Prints for each of them where it stands in the log; exits
with 1 and says why if one does not hold.
"""

import json
import sys

import bodies
import notes
import receipts
from notes import Wrong


def check(received, number, provider, keys):
    """Where an entry stands in the log, if it proves that exactly this was provided."""
    receipt = received["receipt"]
    checkpoint = receipts.check_receipt(receipt, keys[0].name, keys)
    logged_ms, kind, act = bodies.read_body(receipt["entry"].encode())
    if kind != "outcome" or act["outcome"] not in bodies.COMMITTED:
        raise Wrong("the log does not say that anything was provided")
    expected = {key: received[key] for key in ("inquiry", "inquirer", "outcome")} | {"provider": provider}
    if any(act[key] != value for key, value in expected.items()):
        raise Wrong("the entry is of another inquiry")
    salt = notes.unbase64(received["salt"], 32)
    content = received["content"].encode()
    if not receipts.opens(notes.unbase64(act["commitment"], 32), number, salt, content):
        raise Wrong("something else was provided")
    return {"index": receipt["index"], "size": checkpoint.size, "loggedAtUnixMs": logged_ms}


def main():
    question = json.load(sys.stdin)
    keys = [notes.verifier_key(key) for key in question["logKeys"]]
    number, provider = question["individualNumber"], question["provider"]
    try:
        places = [check(one, number, provider, keys) for one in question["received"]]
    except (Wrong, KeyError, TypeError) as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    print(json.dumps(places))
    return 0


if __name__ == "__main__":
    sys.exit(main())
