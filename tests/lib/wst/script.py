# SPDX-License-Identifier: Apache-2.0
"""
The text of a script: statements, one a line, some with a block.

    # The first comment says in one sentence what the script shows.
    gateway {                 blocks of gateway and file are raw text up to a } in the first column
    	routes: ...
    }
    client alice {            other blocks are statements; they nest
    	repeat 3 {
    		text "hi"
    	}
    }

A # begins a comment at the start of a line or after white space, outside quotes.
"""
import re
from dataclasses import dataclass, field

from . import Failed

RAW = ("gateway", "file")
_FIELDS = re.compile(r"(?:\t+| {2,}\t*)+")


@dataclass
class Statement:
    line: int
    text: str
    block: list = None          # statements, if it had a block
    raw: str = None             # text, if the block was raw

    @property
    def verb(self):
        return self.text.split(None, 1)[0]

    @property
    def rest(self):
        parts = self.text.split(None, 1)
        return parts[1] if len(parts) > 1 else ""


@dataclass
class Script:
    path: str
    says: str = ""
    statements: list = field(default_factory=list)


def fields(text):
    """Parts of a line that two spaces or a tab keep apart."""
    return [f for f in _FIELDS.split(text.strip()) if f]


def _uncomment(line):
    quoted = False
    at = 0
    while at < len(line):
        c = line[at]
        if quoted and c == "\\":
            at += 1
        elif c == '"':
            quoted = not quoted
        elif c == "#" and not quoted and (at == 0 or line[at - 1].isspace()):
            return line[:at].rstrip()
        at += 1
    return line.rstrip()


def _says(lines):
    said = []
    for line in lines:
        if line.startswith("# SPDX"):
            continue
        if not line.startswith("#"):
            if said:
                break
            continue
        said.append(line[1:].strip())
    return re.split(r"(?<=[.!?])\s", " ".join(said))[0]


def parse(path, text):
    lines = text.split("\n")
    script = Script(path, _says(lines))
    script.statements, at = _block(lines, 0, False)
    return script


def _block(lines, at, inside):
    out = []
    while at < len(lines):
        number = at + 1
        line = _uncomment(lines[at]).strip()
        at += 1
        if not line:
            continue
        if line == "}":
            if not inside:
                raise Failed("a } without its {", number)
            return out, at
        if not line.endswith("{") or line.split()[0] in ("log", "metric"):
            out.append(Statement(number, line))
            continue
        head = line[:-1].strip()
        if head.split()[0] in RAW:
            raw, at = _raw(lines, at, number)
            out.append(Statement(number, head, raw=raw))
        else:
            block, at = _block(lines, at, True)
            out.append(Statement(number, head, block=block))
    if inside:
        raise Failed("a { without its }", len(lines))
    return out, at


def _raw(lines, at, number):
    raw = []
    while at < len(lines):
        if lines[at].rstrip() == "}":
            return "\n".join(raw) + "\n", at + 1
        line = lines[at]
        raw.append(line[1:] if line.startswith("\t") else line)
        at += 1
    raise Failed("a { without its }", number)
