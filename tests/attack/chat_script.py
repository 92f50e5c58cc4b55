# SPDX-License-Identifier: Apache-2.0
"""Markup in a chat line runs in everybody's page; and in a name, if that is shown too."""
import html

from field import Failed
from lab import Lab

SAYS = "script in chat"
LINES = ("Nothing malicious here<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
         "\"><a href=\"javascript:alert(1)\">x</a>", "<scr<script>ipt>alert(1)</script>", "&lt;b>")
HONEST = ("hello Bob", "I <3 you, 1 < 2 && 3 > 2", "grüße € 😀", 'he said "no"')


def speak(lab, name, lines):
    """What somebody else gets of these lines: (name, line) of each."""
    bob = lab.enter("bob", "/chat/lobby")
    speaker = lab.enter(name, "/chat/lobby")
    heard = []
    for number, line in enumerate(lines, 1):
        speaker.say({"user": name, "text": line, "type": "message", "id": number})
        said = bob.hear(type="message", id=number)
        heard.append((said["user"], said["text"]))
    return heard


def naked(field):
    lab = Lab(field, "chat")
    for name in ("mallory", "<img src=x>"):
        if speak(lab, name, LINES) != [(name, line) for line in LINES]:
            raise Failed("the lines were changed")
    return "all of it arrives as it was typed"


def guarded(field):
    lab = Lab(field, "chat")
    lab.guard()
    for name, lines in (("mallory", LINES), ("<img src=x>", LINES), ("alice", HONEST)):
        heard = speak(lab, name, lines)
        if any(mark in text for pair in heard for text in pair for mark in "<>\"'"):
            raise Failed(f"markup arrived: {heard}")
        if [(html.unescape(user), html.unescape(text)) for user, text in heard] != [(name, line) for line in lines]:
            raise Failed(f"not what was said: {heard}")
    return "all of it arrives as text"
