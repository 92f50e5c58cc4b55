# SPDX-License-Identifier: Apache-2.0
"""A number in a message is all that stands between somebody and somebody else's document."""
from field import Failed
from lab import Lab

SAYS = "another's document: read, edited, overheard"
SALARIES = 2    # alice's alone; 3 is alice's and bob's


def naked(field):
    lab = Lab(field, "document")
    alice, bob = lab.enter("alice", "/document"), lab.enter("bob", "/document")
    bob.say({"type": "open", "document": SALARIES})
    if "alice 5200" not in bob.hear(type="content", document=SALARIES)["text"]:
        raise Failed("that is not the secret")
    bob.say({"type": "edit", "document": SALARIES, "text": "bob 9900", "author": "alice"})
    alice.hear(type="content", document=SALARIES, text="bob 9900", author="alice")
    alice.say({"type": "edit", "document": SALARIES, "text": "alice 5300", "author": "alice"})
    bob.hear(type="content", document=SALARIES, text="alice 5300")
    return "bob reads and raises salaries, as alice"


def guarded(field):
    lab = Lab(field, "document")
    lab.guard()
    alice, bob = lab.enter("alice", "/document"), lab.enter("bob", "/document")
    for message in ({"type": "open", "document": SALARIES},
                    {"type": "edit", "document": SALARIES, "text": "bob 9900", "author": "bob"},
                    {"type": "export", "document": SALARIES, "format": "html"}):
        bob.say(message)
        bob.refused("rule")
    bob.say({"type": "open", "document": str(SALARIES)})
    bob.refused("schema")
    # alice's own, of which the application tells everybody
    alice.say({"type": "edit", "document": SALARIES, "text": "alice 5300", "author": "alice"})
    alice.hear(type="content", document=SALARIES, text="alice 5300", revision=2)
    # the one they share; bob says that alice wrote it
    bob.say({"type": "edit", "document": 3, "text": "Three weeks.", "author": "alice"})
    alice.hear(type="content", document=3, text="Three weeks.", author="bob")
    heard = bob.hear_all(type="content", document=3)
    if len(heard) != 1:
        raise Failed(f"bob heard {heard}")
    field.expect_counted("server_rule")
    return field.expect_counted("rule", 3)
