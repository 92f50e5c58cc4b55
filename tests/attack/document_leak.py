# SPDX-License-Identifier: Apache-2.0
"""Something fails, and the application tells the user all about it."""
from field import Failed
from lab import Lab

SAYS = "a server that leaks a traceback with a password"
SECRETS = ("vK83xQ0pLm2s", "10.20.0.7", "Traceback", "app.py", "ConnectionError")


def provoke(lab):
    bob = lab.enter("bob", "/document")
    bob.say({"type": "export", "document": 3, "format": "pdf"})
    return bob, bob.hear(type="exported", document=3, format="pdf")["error"]


def naked(field):
    _, error = provoke(Lab(field, "document"))
    missing = [s for s in SECRETS if s not in error]
    if missing:
        raise Failed(f"{missing} did not leak: {error}")
    return "the converter's address and password"


def guarded(field):
    lab = Lab(field, "document")
    lab.guard()
    bob, error = provoke(lab)
    leaked = [s for s in SECRETS if s in error]
    if leaked or "[redacted:stack_trace]" not in error:
        raise Failed(f"{leaked} leaked: {error}")
    bob.say({"type": "export", "document": 3, "format": "html"})
    bob.hear(type="exported", document=3, format="html")
    return "[redacted:stack_trace]"
