# SPDX-License-Identifier: Apache-2.0
"""An operation that takes the application long is asked for again and again; everybody else waits."""
import json

from field import Failed
from lab import Lab

SAYS = "an expensive operation repeated"
MANY = 30
EXPORT = {"type": "export", "document": 3, "format": "html"}


def flood(lab):
    """(the crowd that asked, somebody who asks once after it)"""
    mallory, alice = lab.enter("bob", "/document"), lab.enter("alice", "/document")
    for _ in range(MANY):
        mallory.say(EXPORT)
    return mallory, alice


def naked(field):
    mallory, alice = flood(Lab(field, "document"))
    mallory.say({"type": "open", "document": 3})    # answered: all exports were taken
    before = mallory.hear_all(type="content")
    alice.say(EXPORT)
    alice.hear(type="exported")
    # all but the one beside hers were done before
    mallory.say({"type": "open", "document": 3})
    done = [m for m in before + mallory.hear_all(type="content", document=3) if m["type"] == "exported"]
    if len(done) < MANY - 2:
        raise Failed(f"only {len(done)} of {MANY} went before")
    return f"one export waits for {len(done)} others"


def guarded(field):
    lab = Lab(field, "document")
    lab.guard()
    mallory, alice = flood(lab)
    alice.say(EXPORT)
    alice.hear(type="exported", document=3)
    words, done, payload = [], 0, b""
    while True:
        frame = mallory.peer.read_message("the end", 1)
        if frame.opcode == 8:
            payload = frame.payload
            break
        said = json.loads(frame.payload)
        done += said["type"] == "exported"
        words += [said["reason"]] if said["type"] == "error" else []
    if payload != b"\x03\xf0refusals":
        raise Failed(f"mallory was not closed for too many refusals: {payload}")
    if done > 3 or set(words) != {"busy", "cost_exceeded"}:
        raise Failed(f"{done} exports done, then {words}")
    # a connection of his own is no way around it, and the honest go on
    alice.say(EXPORT)
    alice.hear(type="exported", document=3)
    field.expect_counted("cost_exceeded", 10)
    return field.expect_counted("busy", 3)
