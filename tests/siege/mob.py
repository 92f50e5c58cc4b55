# SPDX-License-Identifier: Apache-2.0
"""
Those who lay the siege, in processes of their own that get what time of the processors is left over: the machines of
attackers are not ours. There are machines, functions that write down what is sent and leave the sending to mob.c, so that it costs next to
nothing; and people, who have to think, or to wait: functions that go on until told that the time is over.

    mob = Mob(ATTACKS["ping flood"], site, program, processors, leftover)
    mob.end()           {"101": 40, "close 1008 control_rate": 40, ...}, what became of what they did
"""
import base64
import collections
import http.client
import itertools
import json
import multiprocessing
import os
import random
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import traceback
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from proof import solve  # noqa: E402
from wst import codec  # noqa: E402

UNDER_WAY = 64          # connections of a machine
HELD = 200              # connections of one who is slow
KEY = b"\1\2\3\4"

# A site is what the attackers know of the gateway, their own login and tickets that were used up.
Site = collections.namedtuple("Site", "port tls_port origin used_tickets cookie csrf")
# machines: of (site, chance), shots and what is special; people: of a Mobster. What they are, and reasons of which the gateway has to have
# said one because of it; or a reason for a level of siege, "level:" before it.
Attack = collections.namedtuple("Attack", "says words machines people")
Seat = collections.namedtuple("Seat", "processors leftover")
# As tests/siege/mob.c has them.
Shot = collections.namedtuple("Shot", "label how first second source", defaults=(b"", b"", ""))


def addresses(number):
    """A fresh address of 127/8 at each step, in networks of its own for each process; none that honest users have."""
    for n in itertools.count():
        yield f"127.{1 + number}.{n % 251}.{1 + n // 251 % 250}"


class Out:
    """One connection of an attacker; never waits longer than asked."""

    def __init__(self, site, source, tls=False, receive_buffer=0):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((source, 0))
        self.sock.settimeout(2)
        self.sock.connect(("127.0.0.1", site.tls_port if tls else site.port))
        self.sock.setblocking(False)
        self.received = bytearray()
        self.ended = False

    def send(self, data, seconds=2.0):
        """As much as they take while we read what they say; False when they ended or do not take it."""
        view = memoryview(data)
        until = time.monotonic() + seconds
        while view and not self.ended:
            left = until - time.monotonic()
            if left <= 0:
                return False
            ready, writable, _ = select.select([self.sock], [self.sock], [], left)
            if ready:
                self.read()
            if writable and not self.ended:
                view = view[self.push_some(view):]
        return not self.ended

    def push_some(self, data):
        """How much of it they take now."""
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.ended = True
            return 0

    def read(self):
        try:
            got = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            self.ended = True
        self.received += got

    def wait(self, fits, seconds):
        """Reads until what came fits, or they ended, or it is too late."""
        until = time.monotonic() + seconds
        while not fits(self.received) and not self.ended:
            left = until - time.monotonic()
            if left <= 0:
                return False
            if select.select([self.sock], [], [], left)[0]:
                self.read()
        return fits(self.received)

    def status(self, seconds=3.0):
        """Of the answer to a handshake, as a word; what follows the head stays in `received`."""
        if not self.wait(lambda r: b"\r\n\r\n" in r, seconds):
            return "no answer" if not self.ended else "ended"
        word = self.received[9:12].decode()
        del self.received[:self.received.index(b"\r\n\r\n") + 4]
        return word

    def verdict(self, seconds=3.0):
        """How they ended the conversation."""
        until = time.monotonic() + seconds
        while True:
            at = 0
            while len(self.received) - at >= 2:
                length, head = self.received[at + 1] & 127, 2
                if length >= 126:
                    size = 2 if length == 126 else 8
                    length, head = int.from_bytes(self.received[at + 2:at + 2 + size], "big"), 2 + size
                if len(self.received) - at < head + length:
                    break
                if self.received[at] & 15 == 8:
                    body = bytes(self.received[at + head:at + head + length])
                    return f"close {int.from_bytes(body[:2], 'big')} {body[2:].decode('utf-8', 'replace')}".strip()
                at += head + length
            del self.received[:at]
            if self.ended:
                return "ended"
            if time.monotonic() > until:
                return "goes on"
            if select.select([self.sock], [], [], 0.1)[0]:
                self.read()

    def gone(self):
        """They ended, as far as can be seen now."""
        self.read()
        return self.ended

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def handshake(site, path, *headers):
    more = "".join(h + "\r\n" for h in headers)
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: {site.origin}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {codec.new_key()}\r\n{more}\r\n").encode()


def frame(opcode, payload, fin=True, rsv1=False, masked=True):
    n = len(payload)
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    mask = 0x80 if masked else 0
    if n < 126:
        head += bytes([mask | n])
    elif n < 65536:
        head += struct.pack("!BH", mask | 126, n)
    else:
        head += struct.pack("!BQ", mask | 127, n)
    key = b"\0\0\0\0" if n > 256 else KEY       # a key of zeros is a key: large payloads cost us nothing
    body = payload if key == b"\0\0\0\0" else bytes(b ^ key[i & 3] for i, b in enumerate(payload))
    return head + key + body


class Mobster:
    """One process of an attack: its addresses, its count, its end."""

    def __init__(self, site, number, stop):
        self.site = site
        self.sources = addresses(number)
        self.tally = collections.Counter()
        self.stop = stop
        self.random = random.Random(number)
        self.parent = os.getppid()

    def on(self):
        """Not told to stop, and not forgotten."""
        return not self.stop.is_set() and os.getppid() == self.parent

    def dial(self, **how):
        try:
            out = Out(self.site, next(self.sources), **how)
        except OSError:
            self.tally["not connected"] += 1
            return None
        self.tally["tried"] += 1
        return out

    def enter(self, path, *headers, **how):
        """A session, or None."""
        out = self.dial(**how)
        if not out:
            return None
        out.send(handshake(self.site, path, *headers))
        status = out.status()
        self.tally[status] += 1
        if status == "101":
            return out
        out.reset()
        return None

    def hold(self, begin, step, every, many=HELD):
        """Keeps `many` connections, each begun and then moved a step at a time; counts those that they end."""
        held = []
        while self.on():
            while len(held) < many and self.on():
                out = begin()
                if out is None:
                    break
                held.append(out)
            began = time.monotonic()
            for out in held:
                step(out)
            for out in [o for o in held if o.gone()]:
                self.tally[out.verdict(0) if out.received[:1] != b"H" else out.status(0)] += 1
                out.reset()
                held.remove(out)
            time.sleep(max(0.0, every - (time.monotonic() - began)))
        self.tally["held at the end"] += len(held)
        for out in held:
            out.reset()


# --- before anybody is in

def handshake_flood(site, _):
    return [Shot("handshake", "status", handshake(site, "/arena"))], {}


def forged_tickets(site, chance):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def shot(ticket, label):
        return Shot(label, "status", handshake(site, "/honest", f"Sec-WebSocket-Protocol: chat.v1, sallyport.ticket.{ticket}"))
    shots = []
    for _ in range(500):
        good = chance.choice(site.used_tickets)
        at = chance.randrange(len(good))
        shots.append(shot(good, "used"))
        shots.append(shot(good[:at] + chance.choice(alphabet) + good[at + 1:], "changed"))
        shots.append(shot("".join(chance.choice(alphabet) for _ in good), "invented"))
    return shots, {}


def client_hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    us = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), us, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return us.read()


def tls_abandoned_at_once(site, chance):
    """Recorded hellos: each makes the gateway reckon as a real one does."""
    shots = []
    for _ in range(20):
        hello = client_hello()
        shots += [
            Shot("nothing", "reset"),
            Shot("half a hello", "reset", hello[:len(hello) // 2]),
            Shot("hello", "reset", hello),
            Shot("hello, and their answer", "answer", hello),
            Shot("hello, then garbage", "answer", hello, chance.randbytes(200)),
            Shot("no hello", "end", chance.randbytes(300)),
        ]
    return shots, {"tls": True}


def tls_handshakes(site, _):
    """The dearest step of a handshake, signing, for the price of sending a recording."""
    return [Shot("hello, and their answer", "answer", client_hello()) for _ in range(50)], {"tls": True}


def ticket_requests(site, chance):
    """Without a credential, with a good one, with proofs that nobody asked for."""
    def ask(label, *headers):
        more = "".join(h + "\r\n" for h in headers)
        return Shot(label, "status", (
            f"POST /.sallyport/ticket HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nOrigin: {site.origin}\r\nSallyport: 1\r\n"
            f"Content-Type: application/json\r\nContent-Length: 19\r\nConnection: close\r\n{more}\r\n"
            '{"route":"/honest"}').encode())
    good = "Cookie: " + site.cookie, "Sallyport-CSRF: " + site.csrf
    shots = []
    for _ in range(200):
        invented = base64.urlsafe_b64encode(b"\1" + chance.randbytes(33)).decode().rstrip("=")
        shots += [ask("no credential"), ask("a good one", *good),
                  ask("a proof invented", *good, f"Sallyport-Proof: {invented}.{chance.randrange(10 ** 9)}")]
    return shots, {}


def pays_once_and_replays(m):
    """A person who does pay for a ticket at level 3, and then shows the same proof again and again."""
    body = b'{"route": "/honest"}'
    while m.on():
        source = next(m.sources)

        def ask(*headers):
            c = http.client.HTTPConnection("127.0.0.1", m.site.port, timeout=5, source_address=(source, 0))
            try:
                c.request("POST", "/.sallyport/ticket", body, {
                    "Origin": m.site.origin, "Sallyport": "1", "Content-Type": "application/json", "Cookie": m.site.cookie,
                    "Sallyport-CSRF": m.site.csrf, **dict(headers)})
                answer = c.getresponse()
                said = json.loads(answer.read())
                return answer.status, said
            except (OSError, http.client.HTTPException):
                return 0, {}
            finally:
                c.close()
        status, said = ask()
        if status != 429 or said.get("reason") != "proof_required":
            time.sleep(0.05)
            continue
        paid = ("Sallyport-Proof", solve(said["proof"]))
        for nth in range(10):
            status, said = ask(paid)
            word = f"{status} {said.get('reason', '')}".strip()
            m.tally[("paid: " if nth == 0 else "replayed: ") + word] += 1
        time.sleep(0.05)


def tls_abandoned(m):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    kept = collections.deque()
    steps = ("nothing", "half a hello", "hello", "hello, and their answer", "hello, then garbage", "no hello", "all, then nothing")
    for n in itertools.count():
        if not m.on():
            break
        out = m.dial(tls=True)
        if not out:
            continue
        step = steps[n % len(steps)]
        m.tally[step] += 1
        them, us = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(them, us, server_hostname="localhost")
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = us.read()
        if step == "half a hello":
            out.send(hello[:len(hello) // 2])
        elif step == "no hello":
            out.send(os.urandom(300))
        elif step != "nothing":
            out.send(hello)
        if step in ("hello, and their answer", "all, then nothing"):
            out.wait(lambda r: len(r) > 800, 0.3)
        if step == "hello, then garbage":
            out.send(os.urandom(200))
        if step == "all, then nothing":
            them.write(bytes(out.received))
            try:
                tls.do_handshake()
                out.send(us.read())
            except ssl.SSLError:
                pass
        # Most go at once; some stay, and have to be seen off.
        if n % 4:
            out.reset()
        else:
            kept.append(out)
        if len(kept) > HELD:
            kept.popleft().reset()
    for out in kept:
        m.tally["seen off"] += out.gone()
        out.reset()


def slow_head(m):
    whole = handshake(m.site, "/arena", *(f"X-{n}: {n}" for n in range(40)))

    def begin():
        out = m.dial()
        if out:
            out.at = 0
        return out

    def step(out):
        out.push_some(whole[out.at:out.at + 1])
        out.at += 1
    m.hold(begin, step, 0.2)


# --- inside

def slow_frames(m):
    def begin():
        out = m.enter("/arena")
        if out:
            out.send(b"\x81\xfe\x03\xe8" + KEY)
        return out
    m.hold(begin, lambda out: out.push_some(b"a"), 0.2, many=100)


def slow_reader_of_echo(m):
    data = frame(2, bytes(64000))

    def begin():
        out = m.enter("/arena", receive_buffer=4096)
        if out:
            out.rest = b""
            out.gone = lambda: out.ended    # it reads nothing, not even that it is over
        return out

    def step(out):
        out.rest = out.rest or data
        out.rest = out.rest[out.push_some(out.rest):]
    m.hold(begin, step, 0.1, many=15)


def slow_reader_of_broadcast(m):
    data = frame(2, bytes(60000))
    talkers = []

    def begin():
        out = m.enter("/room", receive_buffer=4096)
        if out:
            out.gone = lambda: select.select([out.sock], [], [], 0)[0] and bool(hung_up(out))
        return out

    def hung_up(out):
        poll = select.poll()
        poll.register(out.sock, select.POLLHUP | select.POLLERR)
        if poll.poll(0):
            out.ended = True
        return out.ended

    def step(_):
        while talkers and talkers[0].gone():
            talkers.pop().reset()
        if not talkers:
            talkers.extend(t for t in [m.enter("/room")] if t)
        if talkers and time.monotonic() > getattr(talkers[0], "next", 0):
            talkers[0].next = time.monotonic() + 0.1
            talkers[0].send(data, 0.2)
            talkers[0].received.clear()
    m.hold(begin, step, 0.05, many=10)
    for out in talkers:
        out.reset()


def session(site, path, data, *headers, under_way=8):
    return [Shot("session", "session", handshake(site, path, *headers), data)], {"under_way": under_way}


def tiny_fragments(site, _):
    inside = frame(1, b"a", fin=False) + frame(0, b"", fin=False) * 20 + frame(0, b"a")
    beyond = frame(1, b"a", fin=False) + frame(0, b"a", fin=False) * 400
    return session(site, "/arena", inside * 20 + beyond)


def ping_flood(site, _):
    return session(site, "/arena", frame(9, b"x" * 125) * 100)


def compression_bombs(site, _):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(b"a" * 60000000) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return session(site, "/arena", frame(1, bomb[:-4], rsv1=True), "Sec-WebSocket-Extensions: permessage-deflate")


def largest_messages(site, _):
    return session(site, "/arena", frame(1, b"a" * 65536))


def reconnect_storm(site, _):
    hello = frame(1, b"hello again")
    return [Shot("comes back", "once", handshake(site, "/arena"), hello)], {"under_way": 300, "together": True}


def worst_cases(site, _):
    """Texts that make readers, schemas, patterns and rules work as hard as their limits let them."""
    def law(**members):
        return json.dumps({"type": "law", **members}).encode()
    long = "a" * 60
    texts = (
        law(list=[long + str(n) for n in range(900)]),                  # all different, at the very end
        law(things=[{"a": n, "b": "c" * 9, "kind": n % 8} for n in range(1000)]),
        law(word="a" * 30000 + "!"),                                    # for the pattern
        law(deep=json.loads("[" * 28 + "]" * 28)),
        law(number=1)[:-1] + b', "number": ' + b"9" * 60000 + b"}",
        law(text="<" * 30000),                                          # each becomes four
        law(text="\u202e" * 10000),
        b'{"type": "law", "text": "' + b"\\u0041" * 10000 + b'"}',
        b'{"type": "law", ' + b", ".join(b'"k%d": 1' % n for n in range(4000)) + b"}",
        b'{"type": "law", "list": [' + b"[" * 20000,
    )
    entry = handshake(site, "/law")
    return [Shot(f"worst {n}", "session", entry, frame(1, text)) for n, text in enumerate(texts)], {"under_way": 20}


def nobody(m):
    """Attacks nobody, but keeps processors as busy as attackers do: what the others are compared with."""
    m.tally["tried"] += 1
    while m.on():
        zlib.crc32(bytes(1 << 20))


# Who comes again as fast as that may never come in: then there are too many handshakes, and none of their messages.
KEPT_OUT = "level:handshakes"

ATTACKS = {
    "nobody": Attack("two processes that only compute, for comparison", (), (), (nobody, nobody)),
    "handshake flood": Attack("from thousands of addresses at once", (), (handshake_flood,), ()),
    "forged tickets": Attack("invented, changed, and used before", ("credential_invalid", "ticket_used"), (forged_tickets,), ()),
    "ticket requests": Attack("without a credential, with one, with proofs invented and replayed", ("proof_required", "proof_invalid"),
                              (ticket_requests,), (pays_once_and_replays,)),
    "TLS abandoned": Attack("at each step, by a reset or by silence", (), (tls_abandoned_at_once,), (tls_abandoned,)),
    "TLS handshakes": Attack("recorded hellos, so that only the gateway reckons", ("level:tls", "level:handshakes"), (tls_handshakes,), ()),
    "slow head": Attack("a byte of a request at a time", ("handshake_timeout",), (), (slow_head, slow_head)),
    "slow frames": Attack("a byte of a message at a time", ("message_too_slow",), (), (slow_frames, slow_frames)),
    "slow reader, echo": Attack("asks for a lot and reads nothing", ("slow_reader", "byte_rate"), (), (slow_reader_of_echo, slow_reader_of_echo)),
    "slow reader, broadcast": Attack("is told a lot and reads nothing", ("slow_reader",), (), (slow_reader_of_broadcast, slow_reader_of_broadcast)),
    "tiny fragments": Attack("messages of frames with a byte or none", ("too_many_fragments", "message_rate", KEPT_OUT), (tiny_fragments,), ()),
    "ping flood": Attack("pings of 125 bytes, as fast as they go", ("control_rate", KEPT_OUT), (ping_flood,), ()),
    # From the first level on nobody gets compression: then it is their RSV1 that is wrong.
    "compression bombs": Attack("60 KB that become 60 MB", ("ws_inflate", "message_too_big", "ws_reserved_bits", KEPT_OUT),
                                (compression_bombs,), ()),
    "largest messages": Attack("64 KiB each, as fast as they go", ("byte_rate", "message_rate", KEPT_OUT), (largest_messages,), ()),
    "schema worst cases": Attack("ten messages for readers, schemas, patterns and rules, over and over",
                                 ("schema", "json_limit", "json_malformed", "message_rate", KEPT_OUT), (worst_cases,), ()),
    "reconnect storm": Attack("hundreds come back at the same moment, again and again", (), (reconnect_storm,), ()),
}


def step_aside(seat):
    """These processors, and of their time less than others get; where it is measured, what others leave over."""
    os.sched_setaffinity(0, seat.processors)
    if seat.leftover:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(10)


def work(run, site, number, stop, said, seat):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    step_aside(seat)
    m = Mobster(site, number, stop)
    try:
        run(m)
        said.send((dict(m.tally), None))
    except Exception:
        said.send((dict(m.tally), traceback.format_exc()))


class Person:
    """A mobster's process."""

    def __init__(self, run, site, number, stop, seat):
        context = multiprocessing.get_context("fork")
        self.said, theirs = context.Pipe(False)
        self.process = context.Process(target=work, args=(run, site, number, stop, theirs, seat), daemon=True)
        self.process.start()
        theirs.close()

    def end(self):
        if not self.said.poll(60):
            self.process.kill()
            return {}, "an attacker did not come home"
        answer = self.said.recv()
        self.process.join()
        return answer


class Machine:
    """A process of mob.c."""

    def __init__(self, load, site, number, program, seat):
        shots, how = load(site, random.Random(number))
        port = site.tls_port if how.get("tls") else site.port
        self.process = subprocess.Popen(
            [program, str(port), str(1 + number), str(how.get("under_way", UNDER_WAY)), *(["together"] if how.get("together") else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=lambda: step_aside(seat))
        for s in shots:
            self.process.stdin.write(f"{s.label}\t{s.source}\t{s.how}\t{len(s.first)}\t{len(s.second)}\n".encode() + s.first + s.second)
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def end(self):
        try:
            said, _ = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return {}, "a machine did not stop"
        return (json.loads(said), None) if self.process.returncode == 0 else ({}, f"a machine ended with {self.process.returncode}")


class Mob:
    def __init__(self, attack, site, program, processors, leftover, turn=0):
        seat = Seat(processors, leftover)
        self.stop = multiprocessing.get_context("fork").Event()
        numbers = (n % 200 for n in itertools.count(turn * 4))
        self.members = [Machine(load, site, next(numbers), program, seat) for load in attack.machines]
        self.members += [Person(run, site, next(numbers), self.stop, seat) for run in attack.people]

    def end(self):
        """What they counted; raises what went wrong with them, not what was done to them."""
        self.stop.set()
        tally = collections.Counter()
        problems = []
        for member in self.members:
            counted, wrong = member.end()
            tally.update(counted)
            problems += [wrong] if wrong else []
        if problems:
            raise AssertionError(problems[0])
        return tally
