# SPDX-License-Identifier: Apache-2.0
"""Only an administrator's page has the button; the message behind it is anybody's to send."""
from field import Failed
from lab import Lab

SAYS = "an administrator's message, sent by a user"
KICK = {"type": "kick", "user": "alice"}


def kick(lab, name):
    """Alice, whom the person of that name tries to kick."""
    alice, other = lab.enter("alice", "/chat/lobby"), lab.enter(name, "/chat/lobby")
    alice.say({"user": "alice", "text": "hello", "type": "message", "id": 1})
    alice.hear(text="hello")
    other.hear(text="hello")
    other.say(KICK)
    return alice, other


def naked(field):
    alice, _ = kick(Lab(field, "chat"), "mallory")
    alice.hear(type="kicked", user="alice")
    alice.peer.expect("close 1000  reason kicked", True)
    return "mallory throws alice out"


def guarded(field):
    lab = Lab(field, "chat")
    lab.guard()
    alice, mallory = kick(lab, "mallory")
    mallory.refused("rule")
    alice.say({"user": "alice", "text": "still here", "type": "message", "id": 2})
    heard = alice.hear_all(text="still here")
    if len(heard) != 1:
        raise Failed(f"alice heard {heard}")
    # an administrator may
    bob, admin = lab.enter("bob", "/chat/lobby"), lab.enter("admin", "/chat/lobby")
    bob.say({"user": "bob", "text": "spam", "type": "message", "id": 1})
    admin.hear(text="spam")
    admin.say({"type": "kick", "user": "bob"})
    bob.hear(type="kicked", user="bob")
    bob.peer.expect("close 1000  reason kicked", True)
    return field.expect_counted("rule")
