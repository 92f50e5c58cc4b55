# SPDX-License-Identifier: Apache-2.0
"""
One end of a conversation, client or application, and the verbs that scripts give it.

Saying HTTP
    > GET /chat  Origin: https://a.example  -Host  +Cookie: a=1
                        a WebSocket handshake: default headers, `-Name` leaves one out, `+Name:` adds one more
    http POST /x  Name: value  Body: {"a": 1}           an ordinary request; Content-Length comes by itself
    > 101  Sec-WebSocket-Protocol: chat.v1              (application) the right answer to the request read before
    > 200  Body: hello                                  (application) another answer
    greet EXPR                                          (application) the right 101 and bytes in one write
Saying frames (a client masks, an application does not)
    text EXPR   binary EXPR   continuation EXPR   ping EXPR   pong EXPR   close [CODE [EXPR]]
    frame OP [fin=0] [rsv1] [rsv2] [rsv3] [mask=no|yes] [form=7|16|64] [claim=N] EXPR
    hex 81 05 ...   raw EXPR
Expecting
    < 101  header Name: value  no header Name
    < 403  reason origin_not_allowed                    a problem+json body in full order
    < 200  body ~ REGEX  length N (of a made page)  json a.b=value  save t json ticket  save c header Set-Cookie
    < GET /x  header A: b  headers exactly Host Upgrade ...          (application) the request
    < text EXPR   < binary EXPR   < ping EXPR   < pong EXPR   < text ~ REGEX   < frame OP fin=0 EXPR
    < close CODE  reason WORD     << close CODE  reason WORD (messages before it do not matter)
    < nothing 200ms               nothing comes in that time, and it stays open
    closed                        they end the connection   (closed within 2s, closed after 300ms)
    gone [within 2s]              the same, whatever they still said before
    tls KEY VALUE                 version TLSv1.3 | alpn http/1.1 | alpn none
Otherwise
    key TEXT (of a handshake sent with raw)
    patience 600ms (from here on)   split N   sleep 100ms   deaf   hear   shut   end   reset   repeat N { ... }   signal NAME   wait NAME
"""
import json
import re
import time
import zlib

from . import Failed, codec, data, http1
from .script import fields

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def seconds(text):
    m = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", text.strip())
    if not m:
        raise Failed(f"not a duration: {text!r}")
    return float(m.group(1)) * _UNITS[m.group(2)]


class Stopped(Exception):
    """The script is over while an application still waited; `line` is where."""

    line = None


class Peer:
    def __init__(self, wire, name, world, client):
        self.wire = wire
        self.name = name
        self.patience = None        # seconds, instead of everybody's
        self.world = world          # variables, signals, patience: see play.World
        self.client = client
        self.key = None             # of the last handshake sent or read
        self.method = None
        self.request = None
        self.response = None
        self.deflated = False       # permessage-deflate was agreed on
        self.partial = None         # first frame of an unfinished message
        self.mask_keys = set()
        self.mask_repeats = 0

    def limit(self):
        return self.patience or self.world.patience

    # --- running statements

    def run(self, statements):
        for s in statements:
            try:
                self.world.stop_if_over(self)
                self.step(s)
            except (Failed, Stopped) as f:
                if f.line is None:
                    f.line = s.line
                raise

    def step(self, s):
        verb = s.verb
        if verb == "repeat":
            for _ in range(int(s.rest)):
                self.run(s.block)
        elif verb in ("<", "<<"):
            self.expect(self.world.fill(s.rest), skipping=verb == "<<")
        elif verb == ">":
            self.say_http(self.world.fill(s.rest))
        else:
            act = getattr(self, "do_" + verb, None)
            if not act:
                raise Failed(f"no such verb: {verb}")
            act(self.world.fill(s.rest))

    def bytes(self, text):
        return data.evaluate(text, self.world.variables)

    # --- saying

    def say_http(self, text):
        parts = fields(text)
        if not self.client:
            self.answer(parts)
            return
        method, _, target = parts[0].partition(" ")
        self.method = method
        self.key = codec.new_key()
        headers = [("Host", self.world.host_of(self)), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
                   ("Sec-WebSocket-Key", self.key), ("Sec-WebSocket-Version", "13")]
        headers, body = _edit(headers, parts[1:])
        given = [v for n, v in headers if n.lower() == "sec-websocket-key"]
        self.key = given[0] if given else None
        self.send_head(f"{method} {target} HTTP/1.1", headers, body)

    def do_http(self, text):
        parts = fields(text)
        self.method = parts[0].split(" ")[0]
        headers, body = _edit([("Host", self.world.host_of(self))], parts[1:])
        names = [n.lower() for n, _ in headers]
        if body:
            if "content-type" not in names:
                headers.append(("Content-Type", "application/json"))
            if "content-length" not in names:
                headers.append(("Content-Length", str(len(body))))
        self.send_head(parts[0] + " HTTP/1.1", headers, body)

    def answer(self, parts, behind=b""):
        status = parts[0]
        if status == "101":
            if not self.request:
                self.read_request()
            headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"),
                       ("Sec-WebSocket-Accept", codec.accept_for(self.key or ""))]
            headers, body = _edit(headers, parts[1:])
            self.send_head("HTTP/1.1 101 Switching Protocols", headers, body + behind)
            return
        headers, body = _edit([], parts[1:])
        if "content-length" not in [n.lower() for n, _ in headers]:
            headers.append(("Content-Length", str(len(body))))
        self.send_head(f"HTTP/1.1 {status} Whatever", headers, body)

    def do_greet(self, text):
        """The 101 with more bytes in the same write."""
        self.answer(["101"], self.bytes(text))

    def send_head(self, first, headers, body):
        text = first + "\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers) + "\r\n"
        self.wire.send(text.encode("latin-1") + body)

    def send_frame(self, opcode, payload, **how):
        masked = how.pop("masked", self.client)
        key = data.evaluate("random(4)") if masked else None
        self.wire.send(codec.encode(opcode, payload, key=key, **how))

    def do_frame(self, text):
        op, rest = (text.split(None, 1) + [""])[:2]
        how, rest = _frame_options(rest)
        opcode = codec.OPCODES[op] if op in codec.OPCODES else int(op, 0)
        self.send_frame(opcode, self.bytes(rest), **how)

    def do_text(self, text):
        self.send_frame(1, self.bytes(text))

    def do_binary(self, text):
        self.send_frame(2, self.bytes(text))

    def do_continuation(self, text):
        self.send_frame(0, self.bytes(text))

    def do_ping(self, text):
        self.send_frame(9, self.bytes(text))

    def do_pong(self, text):
        self.send_frame(10, self.bytes(text))

    def do_close(self, text):
        code, reason = (text.split(None, 1) + ["", ""])[:2]
        self.send_frame(8, codec.close_payload(int(code) if code else None, self.bytes(reason)))

    def do_hex(self, text):
        self.wire.send(bytes.fromhex(text))

    def do_raw(self, text):
        self.wire.send(self.bytes(text))

    # --- manners

    def do_split(self, text):
        self.wire.split = int(text)

    def do_key(self, text):
        self.key = text

    def do_sleep(self, text):
        time.sleep(seconds(text))

    def do_patience(self, text):
        self.patience = seconds(text)

    def do_deaf(self, _):
        self.wire.deaf = True

    def do_hear(self, _):
        self.wire.deaf = False

    def do_shut(self, _):
        self.wire.shut()

    def do_end(self, _):
        self.wire.close()

    def do_reset(self, _):
        self.wire.reset()

    def do_signal(self, name):
        self.world.signal(name)

    def do_wait(self, name):
        self.world.wait(name)

    def do_closed(self, text, quiet=True):
        words = text.split()
        limit = self.limit()
        if words[:1] == ["within"]:
            limit = seconds(words[1])
        began = time.monotonic()
        self.drain_until_eof(limit, quiet)
        took = time.monotonic() - began
        if words[:1] == ["after"] and took < seconds(words[1]):
            raise Failed(f"{self.name}: was closed after {took:.2f}s already")

    def do_gone(self, text):
        self.do_closed(text, quiet=False)

    def do_tls(self, text):
        what, wanted = text.split()
        tls = self.wire.tls
        got = tls.version() if what == "version" else tls.selected_alpn_protocol() or "none"
        if got != wanted:
            raise Failed(f"{self.name}: {what} is {got}")

    def drain_until_eof(self, limit, quiet):
        until = time.monotonic() + limit
        while not self.wire.eof:
            if not self.wire.read(max(0, until - time.monotonic())) and not self.wire.eof:
                raise Failed(f"{self.name}: the connection is still open")
        if self.wire.received and quiet:
            raise Failed(f"{self.name}: wanted the end, got {bytes(self.wire.received[:80])!r}")

    # --- expecting

    def expect(self, text, skipping):
        word = text.split(None, 1)[0]
        if word.isdigit():
            self.expect_response(fields(text))
        elif word.isupper():
            self.expect_request(fields(text))
        elif word == "nothing":
            self.expect_nothing(seconds(text.split()[1]))
        elif word == "close":
            self.expect_close(fields(text), skipping)
        elif word == "frame":
            self.expect_frame(text.split(None, 1)[1])
        else:
            self.expect_message(word, text[len(word):].strip(), skipping)

    def read_head(self, what):
        try:
            head = http1.take_head(self.wire, self.limit())
        except ValueError as e:
            raise Failed(f"{self.name}: {e}") from None
        if head is None:
            self.world.stop_if_over(self)
            got = bytes(self.wire.received[:80])
            end = ", the connection ended" if self.wire.eof else ""
            raise Failed(f"{self.name}: wanted {what}, got {got!r}{end}")
        return head

    def read_request(self):
        self.request = self.read_head("a request")
        self.key = self.request.get("Sec-WebSocket-Key")
        http1.take_body(self.wire, self.request, self.world.patience, request=True)
        return self.request

    def expect_request(self, parts):
        head = self.read_request()
        line = parts[0] + " HTTP/1.1"
        if head.first != line:
            raise Failed(f"{self.name}: wanted {line!r}, got {head.first!r}")
        self.check_head(head, parts[1:])

    def expect_response(self, parts):
        status = int(parts[0])
        head = self.response = self.read_head(f"a {status}")
        if head.status != 101 and self.method != "HEAD":
            try:
                http1.take_body(self.wire, head, self.limit())
            except ValueError as e:
                raise Failed(f"{self.name}: {e}") from None
        if head.status != status:
            raise Failed(f"{self.name}: wanted {status}, got {head.first!r} {head.body[:200]!r}")
        if status == 101:
            self.check_upgrade(head)
        self.check_head(head, parts[1:])

    def check_upgrade(self, head):
        if head.get("Sec-WebSocket-Accept") != codec.accept_for(self.key or ""):
            raise Failed(f"{self.name}: the 101 does not answer our key")
        if (head.get("Upgrade") or "").lower() != "websocket":
            raise Failed(f"{self.name}: the 101 has no Upgrade: websocket")
        if (head.get("Connection") or "").lower() != "upgrade":
            raise Failed(f"{self.name}: the 101 has no Connection: Upgrade")
        self.deflated = "permessage-deflate" in (head.get("Sec-WebSocket-Extensions") or "")
        for n in ("Content-Length", "Transfer-Encoding"):
            if head.all(n):
                raise Failed(f"{self.name}: the 101 has {n}")

    def check_head(self, head, wanted):
        for want in wanted:
            verb, _, rest = want.partition(" ")
            check = getattr(self, "check_" + verb, None)
            if not check:
                raise Failed(f"cannot check {want!r}")
            check(head, rest)

    def check_header(self, head, rest):
        tilde = re.match(r"([\w-]+) ~ (.*)", rest)
        if tilde:
            name, pattern = tilde.groups()
            got = head.all(name)
            if len(got) != 1 or not re.search(pattern, got[0]):
                raise Failed(f"{self.name}: header {name} is {got}, wanted one like {pattern!r}")
            return
        name, _, value = rest.partition(":")
        got = head.all(name)
        if got != [value.strip()]:
            raise Failed(f"{self.name}: header {name} is {got}, wanted {value.strip()!r}")

    def check_no(self, head, rest):
        kind, _, what = rest.partition(" ")
        if kind == "header" and head.all(what):
            raise Failed(f"{self.name}: header {what} is there: {head.all(what)}")
        if kind == "body" and head.body:
            raise Failed(f"{self.name}: there is a body: {head.body[:200]!r}")
        if kind not in ("header", "body"):
            raise Failed(f"cannot check: no {rest}")

    def check_headers(self, head, rest):
        wanted = sorted(n.lower() for n in rest.removeprefix("exactly ").split())
        got = sorted(n.lower() for n, _ in head.headers)
        if got != wanted:
            more = [n for n in got if n not in wanted]
            less = [n for n in wanted if n not in got]
            raise Failed(f"{self.name}: headers differ: not wanted {more}, missing {less}, got {got}")

    def check_body(self, head, rest):
        if rest.startswith("~ "):
            if not re.search(rest[2:].encode(), head.body):
                raise Failed(f"{self.name}: body {head.body[:300]!r} is not like {rest[2:]!r}")
        elif head.body != rest.encode():
            raise Failed(f"{self.name}: body is {head.body[:300]!r}")

    def check_length(self, head, rest):
        """As many bytes as a made page has, and the right ones."""
        wanted = bytes(i % 251 for i in range(int(rest)))
        if head.body != wanted:
            raise Failed(f"{self.name}: a body of {len(head.body)} bytes, or others than wanted")

    def check_json(self, head, rest):
        path, _, value = rest.partition("=")
        got = _dig(_json(head), path)
        text = got if isinstance(got, str) else json.dumps(got)
        if text != value:
            raise Failed(f"{self.name}: {path} is {text!r}, wanted {value!r}")

    def check_save(self, head, rest):
        name, kind, what = rest.split(None, 2)
        got = _dig(_json(head), what) if kind == "json" else head.get(what)
        if got is None:
            raise Failed(f"{self.name}: nothing to save as {name}")
        self.world.variables[name] = got

    def check_reason(self, head, word):
        """The whole form of a refusal, not only its word."""
        if head.get("Content-Type") != "application/problem+json":
            raise Failed(f"{self.name}: a refusal of type {head.get('Content-Type')}")
        problem = _json(head)
        if problem.get("reason") != word:
            raise Failed(f"{self.name}: reason is {problem.get('reason')!r}, wanted {word!r}")
        for member in ("title", "request"):
            if not isinstance(problem.get(member), str) or not problem[member]:
                raise Failed(f"{self.name}: the problem has no {member}: {problem}")
        if "no-store" not in (head.get("Cache-Control") or ""):
            raise Failed(f"{self.name}: a refusal that may be cached")
        self.world.variables["request"] = problem["request"]

    def read_frame(self, timeout):
        """A frame, or None if none comes in time or ever."""
        until = time.monotonic() + timeout
        while True:
            try:
                frame = codec.decode(self.wire.received)
            except ValueError as e:
                raise Failed(f"{self.name}: got a frame with {e}") from None
            if frame:
                self.check_masking(frame)
                return frame
            if not self.wire.read(max(0, until - time.monotonic())):
                if self.wire.eof or time.monotonic() >= until:
                    return None

    def check_masking(self, frame):
        """From clients to applications every frame is masked, with a key of its own (RFC 6455, 5.3)."""
        if self.client == (frame.key is not None):
            raise Failed(f"{self.name}: got a frame with{'' if frame.key else 'out'} a mask: {frame}")
        if frame.key and frame.payload:
            # Of n random keys of 32 bits some n*n / 2^33 are the same by chance: with 1,000, one in 8,000 times;
            # with 10,000, one in 80, and two in 13,000.
            self.mask_repeats += frame.key in self.mask_keys
            count = len(self.mask_keys)
            if self.mask_repeats > (1 + count // 10000 if count > 1000 else 0) or frame.key == b"\0\0\0\0":
                raise Failed(f"{self.name}: the mask {frame.key.hex()} came twice or is nought")
            self.mask_keys.add(frame.key)

    def need_frame(self, what):
        frame = self.read_frame(self.limit())
        if not frame:
            self.world.stop_if_over(self)
            end = "the connection ended" if self.wire.eof else "nothing"
            got = f" after {bytes(self.wire.received[:60])!r}" if self.wire.received else ""
            raise Failed(f"{self.name}: wanted {what}, got {end}{got}")
        return frame

    def read_message(self, what, wanted_op):
        """A whole message or control frame; answers pings that nobody waits for."""
        while True:
            frame = self.need_frame(what)
            if frame.opcode == 9 and wanted_op != 9:
                self.send_frame(10, frame.payload)
                continue
            if frame.opcode >= 8:
                return frame
            if (frame.opcode == 0) != (self.partial is not None):
                raise Failed(f"{self.name}: a fragment out of order: {frame}")
            if self.partial:
                self.partial.payload += frame.payload
                self.partial.fin = frame.fin
            else:
                self.partial = frame
            if self.partial.fin:
                whole, self.partial = self.partial, None
                return self.inflate(whole)

    def inflate(self, message):
        if message.rsv != 4 or not self.deflated:
            return message
        try:
            message.payload = zlib.decompressobj(-15).decompress(message.payload + b"\0\0\xff\xff")
        except zlib.error as e:
            raise Failed(f"{self.name}: got a message that does not inflate: {e}") from None
        message.rsv = 0
        return message

    def expect_message(self, word, rest, skipping):
        if word not in codec.OPCODES:
            raise Failed(f"cannot expect {word!r}")
        opcode = codec.OPCODES[word]
        while True:
            got = self.read_message(f"{word} {rest}"[:120], opcode)
            if got.opcode == opcode and got.rsv == 0 and self.matches(got.payload, rest):
                return
            if not skipping or got.opcode == 8:
                raise Failed(f"{self.name}: wanted {word} {rest[:120]}, got {got}")

    def matches(self, payload, rest):
        if rest.startswith("~ "):
            return re.search(rest[2:].encode(), payload) is not None
        if rest == "any":
            return True
        return payload == self.bytes(rest)

    def expect_frame(self, rest):
        op, rest = (rest.split(None, 1) + [""])[:2]
        how, rest = _frame_options(rest)
        frame = self.need_frame(f"frame {op} {rest}")
        wanted = (codec.OPCODES[op], how.get("fin", True), how.get("rsv", 0))
        if (frame.opcode, frame.fin, frame.rsv) != wanted or not self.matches(frame.payload, rest):
            raise Failed(f"{self.name}: wanted frame {op} {rest}, got {frame}")

    def expect_close(self, parts, skipping):
        words = parts[0].split()
        code = int(words[1]) if len(words) > 1 else None
        while True:
            frame = self.need_frame(parts[0]) if skipping else self.read_message(parts[0], 8)
            if frame.opcode == 8:
                break
            if not skipping:
                raise Failed(f"{self.name}: wanted {' '.join(parts)}, got {frame}")
        got, reason = codec.close_of(frame.payload)
        want = parts[1].removeprefix("reason ") if len(parts) > 1 else ""
        if got != code or reason != want:
            raise Failed(f"{self.name}: wanted close {code} {want!r}, got {frame}")

    def expect_nothing(self, duration):
        frame = self.read_frame(duration)
        if frame:
            raise Failed(f"{self.name}: wanted nothing, got {frame}")
        if self.wire.eof:
            raise Failed(f"{self.name}: wanted nothing, the connection ended")


def _edit(headers, edits):
    """Default headers with a script's changes; (headers, body)."""
    out = list(headers)
    body = b""
    for e in edits:
        if e.startswith("-"):
            out = [(n, v) for n, v in out if n.lower() != e[1:].lower()]
            continue
        name, colon, value = e.partition(":")
        value = value.strip()
        if not colon:
            raise Failed(f"not a header: {e!r}")
        if name == "Body":
            body = value.encode()
        elif name.startswith("+"):
            out.append((name[1:], value))
        elif name.lower() in [n.lower() for n, _ in out]:
            out = [(n, value if n.lower() == name.lower() else v) for n, v in out]
        else:
            out.append((name, value))
    return out, body


def _frame_options(text):
    how = {}
    while text:
        word, rest = (text.split(None, 1) + [""])[:2]
        name, equals, value = word.partition("=")
        if word in ("rsv1", "rsv2", "rsv3"):
            how["rsv"] = how.get("rsv", 0) | {"1": 4, "2": 2, "3": 1}[word[3]]
        elif equals and name == "fin":
            how["fin"] = value == "1"
        elif equals and name == "mask":
            how["masked"] = value == "yes"
        elif equals and name in ("form", "claim"):
            how[name] = int(value, 0)
        else:
            break
        text = rest
    return how, text


def _json(head):
    try:
        return json.loads(head.body)
    except ValueError:
        raise Failed(f"not JSON: {head.body[:200]!r}") from None


def _dig(value, path):
    for step in path.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise Failed(f"no {path} in {json.dumps(value)[:200]}") from None
    return value
