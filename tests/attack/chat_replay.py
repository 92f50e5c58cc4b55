# SPDX-License-Identifier: Apache-2.0
"""A message that was sent before is sent again, by whoever caught it."""
from field import Failed
from lab import Lab

SAYS = "a replayed message"
PAY = {"user": "alice", "text": "Bob, pay 100 to Carol", "type": "message", "id": 1562869260905}


def naked(field):
    lab = Lab(field, "chat")
    bob, alice, mallory = (lab.enter(name, "/chat/lobby") for name in ("bob", "alice", "mallory"))
    for sender in (alice, alice, mallory):
        sender.say(PAY)
        bob.hear(**PAY)
    return "bob pays three times"


def guarded(field):
    lab = Lab(field, "chat")
    lab.guard()
    cookie = lab.log_in("alice")
    bob, mallory = lab.enter("bob", "/chat/lobby"), lab.enter("mallory", "/chat/lobby")
    alice, second = (lab.enter("alice", "/chat/lobby", cookie) for _ in range(2))
    alice.say(PAY)
    bob.hear(**PAY)
    for sender, reason in ((alice, "replay"), (second, "replay"), (mallory, "rule")):
        sender.say(PAY)
        sender.refused(reason)
    # changed a little, it is the same still
    alice.say({**PAY, "text": "Bob, pay 100 to Carol."})
    alice.refused("replay")
    fresh = {**PAY, "id": PAY["id"] + 1}
    alice.say(fresh)
    heard = bob.hear_all(**fresh)
    if len(heard) != 1:
        raise Failed(f"bob heard {heard}")
    return field.expect_counted("replay", 3)
