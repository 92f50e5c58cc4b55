# SPDX-License-Identifier: Apache-2.0
"""The application answers with all it has: names, and the session ids behind them."""
from field import Failed
from lab import Lab

SAYS = "a server that leaks session ids"


def ask(lab):
    lab.log_in("alice")
    mallory = lab.enter("mallory", "/chat/lobby")
    mallory.say({"type": "who"})
    return mallory.hear(type="members")["members"]


def naked(field):
    lab = Lab(field, "chat")
    (alice,) = [m for m in ask(lab) if m["name"] == "alice"]
    if lab.whoami("sid=" + alice["sid"])["sub"] != "alice":
        raise Failed("the session id is worth nothing")
    return "mallory has alice's session"


def guarded(field):
    lab = Lab(field, "chat")
    lab.guard()
    members = ask(lab)
    if {"name": "alice"} not in members or {"name": "mallory"} not in members:
        raise Failed(f"the names are missing: {members}")
    if any(list(m) != ["name"] for m in members):
        raise Failed(f"more than names: {members}")
    return "names only"
