# SPDX-License-Identifier: Apache-2.0
"""A search for SQL, where the application builds its query out of the words."""
from field import Failed
from lab import Lab

SAYS = "SQL in a search"
INJECTIONS = ("zzz' union select id, body from documents --", "' or 1=1 --", "zzz' UNION/**/SELECT 1, group_concat(body) FROM documents--")


def naked(field):
    bob = Lab(field, "document").enter("bob", "/document")
    for words in INJECTIONS:
        bob.say({"type": "search", "words": words})
        if not any("5200" in f["title"] or f["title"] == "Salaries" for f in bob.hear(type="found")["found"]):
            raise Failed(f"nothing of alice's was found with {words}")
    return "bob finds alice's salary"


def guarded(field):
    lab = Lab(field, "document")
    lab.guard()
    bob = lab.enter("bob", "/document")
    for words in INJECTIONS:
        bob.say({"type": "search", "words": words})
        bob.refused("injection")
    for words in ("House", "rules: 1 or 2 & select a union"):
        bob.say({"type": "search", "words": words})
        bob.hear(type="found")
    return field.expect_counted("injection", 3)
