#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`sallyport try json` against Python's json module with the gateway's restrictions added.

usage: json_differential.py BINARY

The texts are the seeds and the JSONTestSuite of the test data, and each of them damaged a
little, six times (always in the same way). Both must accept the same ones and read the same
value, members in the same order. Prints TAP.
"""
import base64
import json
import math
import os
import pathlib
import random
import subprocess
import sys

DAMAGED = 6
INTEGER_MAX = 2**53 - 1
FORBIDDEN = {"__proto__", "constructor", "prototype"}
DEPTH, MEMBERS, VALUES = 32, 1024, 10000


class Refused(Exception):
    pass


def refuse_if(condition):
    if condition:
        raise Refused


def check_string(text):
    refuse_if("\0" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text))


def members(pairs):
    value = dict(pairs)
    refuse_if(len(value) < len(pairs) or len(value) > MEMBERS or FORBIDDEN & value.keys())
    for key in value:
        check_string(key)
    return value


def integer(text):
    refuse_if(len(text) > 20 or abs(int(text)) > INTEGER_MAX)
    return int(text)


def real(text):
    value = float(text)
    digits = text.lower().split("e")[0].strip("-0.")
    refuse_if(math.isinf(value) or (value == 0 and digits))
    return value


def constant(_text):
    raise Refused  # Infinity, NaN


def count_values(value, depth=0):
    if isinstance(value, str):
        check_string(value)
    if not isinstance(value, (dict, list)):
        return 1
    refuse_if(depth == DEPTH)
    inside = value.values() if isinstance(value, dict) else value
    return 1 + sum(count_values(v, depth + 1) for v in inside)


def read(text):
    """The value in a list, or None where the gateway must refuse."""
    try:
        decoded = text.decode("utf-8")
        refuse_if(decoded.startswith("\ufeff"))
        value = json.loads(decoded, object_pairs_hook=members, parse_int=integer, parse_float=real,
                           parse_constant=constant)
        refuse_if(count_values(value) > VALUES)
        return [value]
    except (Refused, ValueError, RecursionError):
        return None


def damage(text, chance):
    changed = bytearray(text)
    for _ in range(chance.randint(1, 3)):
        if not changed:
            break
        at, kind = chance.randrange(len(changed)), chance.random()
        if kind < 0.4:
            changed[at] = chance.choice(b'{}[]",:\\u0123456789eE+-. tfn\x00\x80\xc3\xa9')
        elif kind < 0.7:
            del changed[at]
        else:
            changed.insert(at, chance.choice(b'{}[]",:\\u019eE+-.'))
    return bytes(changed)


def load():
    data = pathlib.Path(os.environ.get("SALLYPORT_TESTDATA", ""))
    seeds = data / "fuzz-seeds/json.jsonl"
    if not seeds.is_file():
        return None
    texts = [base64.b64decode(json.loads(line)) for line in seeds.read_text().splitlines()]
    texts += [path.read_bytes() for path in sorted(data.glob("json-test-suite/*/*.json"))]
    texts = [text for text in texts if len(text) < 50000]
    chance = random.Random(5)
    return texts + [damage(text, chance) for text in texts * DAMAGED]


def judge(binary, texts):
    lines = "".join(json.dumps({"base64": base64.b64encode(text).decode()}) + "\n" for text in texts)
    done = subprocess.run([binary, "try", "json", "--lines"], input=lines.encode(), timeout=250,
                          stdout=subprocess.PIPE, check=True)
    # Not splitlines: U+2028 may stand in a string.
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def main():
    texts = load()
    print("1..1")
    if texts is None:
        print("ok 1 # SKIP no test data")
        return 0
    verdicts = judge(sys.argv[1], texts)
    wrong = [] if len(verdicts) == len(texts) else ["not every line was answered"]
    accepted = 0
    for text, verdict in zip(texts, verdicts):
        wanted = read(text)
        accepted += wanted is not None
        # As text too: 1 and 1.0, or another order of members, are equal to Python.
        got = [verdict["value"]] if verdict["ok"] else None
        if json.dumps(got) != json.dumps(wanted):
            wrong.append(f"{text[:200]!r}: {verdict}")
    for line in wrong[:20]:
        print(f"# {line}")
    if accepted < 1000:
        wrong.append("too few were accepted to mean anything")
    print(f"{'not ok' if wrong else 'ok'} 1 - {len(texts)} texts, {accepted} of them accepted")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
