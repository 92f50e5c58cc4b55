# SPDX-License-Identifier: Apache-2.0
"""The name in each message is what the sender typed: anybody speaks as anybody."""
from field import Failed
from lab import Lab

SAYS = "a forged user in a chat line"
FORGERIES = (   # reason, message
    ("rule", {"user": "alice", "text": "I resign", "type": "message", "id": 1}),
    ("rule", '{"us\\u0065r": "alice", "text": "I resign", "type": "message", "id": 2}'),
    ("json_duplicate_key", '{"user": "mallory", "us\\u0065r": "alice", "text": "I resign", "type": "message", "id": 3}'),
    ("json_duplicate_key", '{"user": "alice", "text": "I resign", "type": "message", "id": 4, "user": "mallory"}'),
    ("schema", {"user": ["alice"], "text": "I resign", "type": "message", "id": 5}),
    ("rule", {"user": "mallory ", "text": "I resign", "type": "message", "id": 6}),
)
FORGED = ("alice", ["alice"], "mallory ")


def naked(field):
    lab = Lab(field, "chat")
    bob, mallory = lab.enter("bob", "/chat/lobby"), lab.enter("mallory", "/chat/lobby")
    mallory.say(FORGERIES[0][1])
    bob.hear(user="alice", text="I resign")
    mallory.say(FORGERIES[3][1])      # which of two counts depends on the parser
    bob.hear(user="mallory", id=4)
    return "bob reads that alice resigns"


def guarded(field):
    lab = Lab(field, "chat")
    lab.guard()
    bob, mallory, alice = (lab.enter(name, "/chat/lobby") for name in ("bob", "mallory", "alice"))
    for reason, message in FORGERIES:
        mallory.say(message)
        mallory.refused(reason)
    alice.say({"user": "alice", "text": "I stay", "type": "message", "id": 1})
    heard = bob.hear_all(user="alice", text="I stay")
    if len(heard) != 1:
        raise Failed(f"bob heard {heard}")
    mallory.say({"user": "mallory", "text": "so do I", "type": "message", "id": 9})
    bob.hear(user="mallory", text="so do I")
    field.expect_counted("json_duplicate_key", 2)
    return field.expect_counted("rule", 3)
