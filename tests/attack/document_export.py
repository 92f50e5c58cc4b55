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


def hang_up(lab, name):
    """Asks on ever new connections and never waits; how often it was let through before it was refused."""
    cookie = lab.log_in(name)
    (mine,) = lab.whoami(cookie)["documents"]
    for number in range(2 * MANY):
        person = lab.enter(name, "/document", cookie)
        person.say({"type": "export", "document": mine, "format": "html"})
        person.say({"type": "open", "document": mine})
        heard = person.hear_all()[0]
        while heard["type"] == "exported":
            heard = person.hear_all()[0]
        person.peer.wire.close()
        if heard["type"] == "error":
            return number, heard["reason"]
    return 2 * MANY, "nothing"


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
    # who hangs up gives back what `running` counts, though the application works on: then it is `cost` that says no
    times, reason = hang_up(lab, "carol")
    if reason != "cost_exceeded" or times < 6:
        raise Failed(f"hanging up worked {times} times, then {reason}")
    # the honest go on
    alice.say(EXPORT)
    alice.hear(type="exported", document=3)
    field.expect_counted("cost_exceeded", 10)
    return field.expect_counted("busy", 3)
