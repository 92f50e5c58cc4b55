#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
AsyncAPI documents through `sallyport try contract`: every official example loads, channel by channel, and
documents of our own are read as they are meant.

    tests/conformance/contracts.py BINARY

Prints TAP. Without testdata the official examples are skipped, visibly.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.environ.get("SALLYPORT_TESTDATA", os.path.join(HERE, "../../../shared/testdata")), "asyncapi")

SAY = '{type: object, required: [type, text], additionalProperties: false, properties: {type: {const: say}, ' \
      'text: {type: string, maxLength: 5}}}'
MOVE = '{type: object, required: [type], properties: {type: {enum: [move, jump]}}}'
V3 = f"""
asyncapi: 3.0.0
info: {{title: t, version: "1"}}
channels:
  chat:
    address: /chat/{{room}}
    messages:
      say: {{payload: {SAY}}}
      move: {{payload: {MOVE}}}
      pic: {{contentType: image/png}}
operations:
  in: {{action: receive, channel: {{$ref: '#/channels/chat'}}}}
  out: {{action: send, channel: {{$ref: '#/channels/chat'}}, messages: [{{$ref: '#/channels/chat/messages/say'}}]}}
"""
V2 = f"""
asyncapi: 2.6.0
info: {{title: t, version: "1"}}
channels:
  /chat/{{room}}:
    publish: {{message: {{oneOf: [{{name: say, payload: {SAY}}}, {{$ref: '#/components/messages/move'}}]}}}}
    subscribe: {{message: {{$ref: 'more.yaml#/echo'}}}}
components: {{messages: {{move: {{payload: {MOVE}}}}}}}
"""
MORE = "echo: {messageId: echo, payload: {$ref: '#/text'}}\ntext: {type: string, pattern: '^a+$'}\n"

# says, file, members of the line, wanted
ROWS = [
    ("3.0: what clients and the application may send", "v3", {},
     {"channel": "chat", "client": ["say", "move", "pic"], "server": ["say"]}),
    ("2.x: publish is what clients send; a reference into another file", "v2", {},
     {"channel": "/chat/{room}", "client": ["say", "move"], "server": ["echo"]}),
    ("the channel by a route's path, whatever its parameter is called", "v3", {"channel": "/chat/{id}"},
     {"channel": "chat", "client": ["say", "move", "pic"], "server": ["say"]}),
    ("a message that fits", "v3", {"direction": "client", "message": {"type": "say", "text": "hi"}},
     {"message": "say", "ok": True}),
    ("one of an enum", "v3", {"direction": "client", "message": {"type": "jump"}}, {"message": "move", "ok": True}),
    ("named by its type, and wrong", "v3", {"direction": "client", "message": {"type": "say", "text": "too long"}},
     {"ok": False, "reason": "schema", "at": "/text", "keyword": "maxLength"}),
    ("an undeclared member", "v3", {"direction": "client", "message": {"type": "say", "text": "a", "admin": True}},
     {"ok": False, "reason": "schema", "at": "/admin", "keyword": "additionalProperties"}),
    ("a type that nobody declared", "v3", {"direction": "client", "message": {"type": "shout"}},
     {"ok": False, "reason": "message_unknown"}),
    ("the wrong direction", "v3", {"direction": "server", "message": {"type": "move"}},
     {"ok": False, "reason": "message_unknown"}),
    ("a schema in another file", "v2", {"direction": "server", "message": "aaa"}, {"message": "echo", "ok": True}),
    ("and its pattern", "v2", {"direction": "server", "message": "b"},
     {"ok": False, "reason": "schema", "at": "", "keyword": "pattern"}),
    ("no such channel", "v3", {"channel": "/nowhere"}, "no channel"),
    ("a reference to nothing", "dangling", {}, "there is nothing"),
    ("a reference that leads round", "circle", {}, "circle"),
    ("never over the network", "network", {}, "no document"),
    ("no AsyncAPI at all", "other", {}, "no AsyncAPI"),
    ("no such file", "absent", {}, "no such file"),
]
FILES = {
    "v3": V3, "v2": V2, "more": MORE, "other": "openapi: 3.1.0\n",
    "dangling": V2.replace("#/components/messages/move", "#/components/messages/gone"),
    "circle": V2.replace("{payload: " + MOVE + "}", "{$ref: '#/components/messages/move'}"),
    "network": V2.replace("more.yaml", "https://example.com/more.yaml"),
}


def ask(binary, lines):
    done = subprocess.run([binary, "try", "contract", "--lines"], input="".join(json.dumps(l) + "\n" for l in lines),
                          capture_output=True, text=True, timeout=60, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def channels_of(path):
    """The names below `channels:`, read by indentation: good enough for these files."""
    inside, out = False, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if re.match(r"channels:", line):
                inside = True
            elif re.match(r"\S", line):
                inside = False
            m = re.match(r"  (['\"]?)([^\s#].*?)\1:\s*$", line) if inside else None
            if m:
                out.append(m.group(2))
    return out


def official(binary):
    for folder, _, names in sorted(os.walk(DATA)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith((".yml", ".yaml")) or not channels_of(path):
                continue
            answers, err = ask(binary, [{"file": path, "channel": c} for c in channels_of(path)])
            wrong = [a for a in answers if "error" in a] or (not answers and [err])
            yield os.path.relpath(path, DATA), wrong


def main():
    binary = os.path.abspath(sys.argv[1])
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as f:
                f.write(text)
        for says, name, members, wanted in ROWS:
            answers, err = ask(binary, [{"file": os.path.join(folder, name + ".yaml"), **members}])
            got = answers[0] if answers else err
            fine = wanted in got.get("error", "") if isinstance(wanted, str) else got == wanted
            results.append((says, None if fine else got))
    skipped = not os.path.isdir(DATA)
    if not skipped:
        results += [(f"official: {name}", wrong or None) for name, wrong in official(binary)]
    print(f"1..{len(results) + skipped}")
    for i, (says, wrong) in enumerate(results, 1):
        print(f"{'not ok' if wrong else 'ok'} {i} - {says}" + (f"\n# {wrong}" if wrong else ""))
    if skipped:
        print(f"ok {len(results) + 1} - official examples # SKIP no testdata")
    return any(wrong for _, wrong in results)


if __name__ == "__main__":
    sys.exit(main())
