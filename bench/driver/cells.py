# SPDX-License-Identifier: Apache-2.0
"""
What is measured, one function a section of the report. Each takes the bench, the plan (how long, how often) and
the report; contenders take turns within a round.
"""
import glob
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from . import load, machine, servers
from .load import behind, interleave, median, message_file, ratio, spread, wsload

RELAY = "bare relay"


class Plan:
    def __init__(self, rounds, seconds, sizes, more_sizes, idle, shakes, quick):
        self.rounds = rounds
        self.seconds = seconds
        self.sizes = sizes          # of relayed messages: (bytes, connections, options, words)
        self.more_sizes = more_sizes  # the same, with fewer rounds and contenders
        self.idle = idle            # connections
        self.shakes = shakes        # handshakes a run, ...
        self.shake_rounds = 2 if quick else 9  # ... which are short
        self.quick = quick


FULL = Plan(5, 0.35, (
    (20, 64, (), "20 B"),
    (20, 64, ("-f", 16), "20 B, 16 in flight"),
    (20, 8, ("-f", 100, "-b"), "20 B, batches of 100"),
    (128, 1, (), "128 B, one connection"),
    (128, 64, (), "128 B"),
    (128, 1000, (), "128 B, 1,000 connections"),
    (200, 64, (), "200 B of JSON"),
    (1024, 64, (), "1 KiB"),
    (16384, 64, (), "16 KiB"),
    (1 << 20, 16, (), "1 MiB, 16 connections"),
), (
    (200, 8, ("-f", 100, "-b"), "200 B, batches of 100"),
    (1024, 1, (), "1 KiB, 1"), (1024, 1000, (), "1 KiB, 1,000"),
    (16384, 1, (), "16 KiB, 1"), (16384, 1000, (), "16 KiB, 1,000"),
    (1 << 20, 1, (), "1 MiB, 1"), (1 << 20, 64, (), "1 MiB, 64"),
), 9000, 1500, False)

QUICK = Plan(3, 0.2, (
    (128, 64, (), "128 B"),
    (20, 64, ("-f", 16), "20 B, 16 in flight"),
    (16384, 64, (), "16 KiB"),
), (), 4000, 300, True)


# What a bar is about, and who has to be asked for it besides the bare relay: with fewer contenders a round is short,
# and the machine the same for all of them.
EVERYTHING = "Sallyport, everything"
JUDGED = (
    (128, 64, (), "128 B", ("Sallyport, no policy", EVERYTHING, EVERYTHING + ", TLS", "nginx, TLS", RELAY + ", TLS")),
    (16384, 64, (), "16 KiB", (EVERYTHING,)),
    (1 << 20, 16, (), "1 MiB, 16 connections", ("Sallyport, no policy", EVERYTHING)),
    (20, 64, ("-f", 16), "20 B, 16 in flight", (EVERYTHING,)),
    (20, 8, ("-f", 100, "-b"), "20 B, batches of 100", ("Sallyport, rules alone", "Sallyport, contract")),
    (128, 1, (), "128 B, one connection", (EVERYTHING,)),
)
JUDGED_ROUNDS = 15


class Field:
    """Everybody who listens, started once."""

    def __init__(self, bench, plan):
        self.relay = servers.relay(bench)
        self.relay_tls = servers.relay_tls(bench)
        self.gateway = servers.gateway(bench)
        self.routes = servers.routes(self.gateway, bench)
        self.proxies = [servers.nginx(bench, False), servers.haproxy(bench, False)]
        if not plan.quick:
            self.proxies += [servers.nginx(bench, True), servers.haproxy(bench, True)]
        self.proxies = [p for p in self.proxies if p]

    def contenders(self):
        """(name, server, tls): in clear, then over TLS."""
        both = [*self.proxies, *self.routes]
        return [(s.name, s, False) for s in (self.relay, *both)] + \
               [(s.name + ", TLS", s, True) for s in (self.relay_tls, *both)]


def relayed(bench, plan, field, report):
    """Messages through a proxy: processor time of the proxy for one message there and one back."""
    report.section("Messages through a proxy", """
Processor time of the proxy for a message to the application and its echo back, as a multiple of what the bare relay
takes, which reads and writes and never looks; the median over rounds. 64 connections with one message in flight where
nothing else is said. nginx, HAProxy and the relay pass bytes that they do not look at, over TLS the relay does no more
than OpenSSL needs: that is the floor there; Sallyport reads frames, checks UTF-8, sizes and rates ("no policy"), asks a rule that does not look into messages besides ("rules alone"), or holds every
message both ways against the contract ("contract"), and asks a token at the handshake, an identity rule, a rate and
escapes text besides ("everything").
""")
    relay_table(bench, plan, report, "relayed", plan.sizes, plan.rounds, field.contenders())
    report.bars("relayed.svg", "128 B through a proxy, multiples of the bare relay's processor time",
                [(n, report.kept["relayed"]["128 B"][n]["ratio"]) for n, _, _ in field.contenders()])


def judged(bench, plan, field, report):
    """What the bars are about, again: in shorter rounds, and more of them."""
    report.section("What the bars are about", f"""
As above, {JUDGED_ROUNDS} rounds in which only those take turns who are compared; the bars are asked about these.
""")
    everybody = {name: (server, tls) for name, server, tls in field.contenders()}
    rows = []
    for size, conns, options, words, names in JUDGED:
        path = message_file(bench, size)
        runs = {}
        for name in (RELAY, *names):
            server, tls = everybody[name]
            runs[name] = lambda s=server, t=tls: wsload(
                bench, "load", s, "-p", path, "-c", conns, "-s", plan.seconds, "-w", conns, *options, tls=t)
        results = interleave(runs, JUDGED_ROUNDS)
        report.note_noise(words, results)
        for name in names:
            found = spread(results, name, RELAY)
            report.keep("judged", (words, name), found[1])
            report.keep("behind", (words, name), behind(results, name, RELAY, "p50_us"))
            rows.append([words, name, f"{found[1]:.3f}", f"{found[0]:.2f} to {found[2]:.2f}"])
    report.table(["", "", "of the relay", "the middle half of the rounds"], rows)


def more_relayed(bench, plan, field, report):
    report.section("More sizes and connections", """
As above, with fewer rounds: so many connections with one message in flight each.
""")
    ours = (field.relay, field.relay_tls, *field.routes)
    shown = [c for c in field.contenders() if c[1] in ours or c[0].startswith("nginx, 64")]
    relay_table(bench, plan, report, "more", plan.more_sizes, max(2, plan.rounds - 2), shown)


def relay_table(bench, plan, report, section, sizes, rounds, contenders):
    names = [name for name, _, _ in contenders]
    columns, cells = [], {name: [] for name in names}
    for size, conns, options, words in sizes:
        path = message_file(bench, size)
        runs = {}
        for name, server, tls in contenders:
            runs[name] = lambda s=server, t=tls: wsload(
                bench, "load", s, "-p", path, "-c", conns, "-s", plan.seconds, "-w", conns, *options, tls=t)
        results = interleave(runs, rounds)
        report.note_noise(words, results)
        columns.append(f"{words} ({median(results, RELAY, 'cpu_ns') / 1000:.2f} µs)")
        for name in names:
            cells[name].append(ratio(results, name, RELAY))
        report.keep(section, words, {n: {"ratio": ratio(results, n, RELAY), "p50_us": median(results, n, "p50_us"),
                                         "cpu_ns": median(results, n, "cpu_ns")} for n in names})
        if words.endswith("one connection"):
            report.latency({n: results[n] for n in names}, words)
    report.table(["", *columns], [[n, *(f"{x:.2f}" for x in cells[n])] for n in names])


def special(bench, plan, field, report):
    """Other ways to the application, and compression."""
    bearer = field.routes[2].headers
    everything = field.routes[2]
    local = field.gateway.on("everything, application on a Unix socket", "/unix", bearer)
    deflate = field.gateway.on("everything, client compresses", "/deflate",
                               [*bearer, "Sec-WebSocket-Extensions: permessage-deflate"])
    path = message_file(bench, 1024)
    runs = {
        RELAY: lambda: wsload(bench, "load", field.relay, "-p", path, "-c", 64, "-s", plan.seconds),
        "everything": lambda: wsload(bench, "load", everything, "-p", path, "-c", 64, "-s", plan.seconds),
        local.name: lambda: wsload(bench, "load", local, "-p", path, "-c", 64, "-s", plan.seconds),
        deflate.name: lambda: wsload(bench, "load", deflate, "-p", path, "-z", "-c", 64, "-s", plan.seconds),
    }
    results = interleave(runs, plan.rounds)
    report.section("Unix sockets, compression", "1 KiB of JSON, 64 connections, in clear.")
    report.note_noise("1 KiB", results)
    report.table(["", "µs", "of the relay"],
                 [[n, f"{median(results, n, 'cpu_ns') / 1000:.2f}", f"{ratio(results, n, RELAY):.2f}"] for n in runs])


def instructions(bench, plan, report):
    """User instructions per echoed message, by callgrind: the figure that does not move."""
    if not shutil.which("valgrind"):
        bench.missing.append("valgrind")
        return
    folder = os.path.join(bench.folder, "callgrind")
    os.makedirs(folder, exist_ok=True)
    report.section("Instructions", """
User instructions per message to the application and its echo back, counted by callgrind: 4 connections, one message in
flight. The same on every machine with this compiler and these libraries, and whatever else goes on.
""")
    g = servers.gateway(bench, prefix=["valgrind", "--tool=callgrind", "--trace-children=yes",
                                       f"--callgrind-out-file={folder}/out.%p"], sandbox="off")
    child = g.pids()[-1]

    def count(server, path, tls, times):
        for part in glob.glob(f"{folder}/out.{child}.*"):
            os.unlink(part)
        wsload(bench, "load", server, "-p", path, "-c", 4, "-n", times, tls=tls)
        subprocess.run(["callgrind_control", "--dump", str(child)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for part in glob.glob(f"{folder}/out.{child}.*"):
                found = re.search(r"^totals: (\d+)", machine.read(part), re.M)
                if found:
                    return int(found.group(1))
            time.sleep(0.05)
        raise load.Failed("callgrind says nothing")

    rows = []
    sizes = (128, 200) if plan.quick else (20, 128, 200, 1024, 16384)
    for tls in (False, True):
        for server in servers.routes(g, bench):
            row = [server.name + (", TLS" if tls else "")]
            for size in sizes:
                path = message_file(bench, size)
                count(server, path, tls, 200)
                few, many = count(server, path, tls, 200), count(server, path, tls, 1200)
                each = (many - few) / 1000
                row.append(f"{each:,.0f}")
                report.keep("instructions", row[0], {**report.kept["instructions"].get(row[0], {}), size: each})
            rows.append(row)
    bench.stop(g.process)
    report.table(["", *(f"{s:,} B" for s in sizes)], rows)


def policy(bench, plan, report):
    """bench_policy as it is, and its instructions."""
    report.section("The policy alone", """
`bench_policy`: a chat's message through contract, identity rule, rate and `text: escape`, without sockets; processor
nanoseconds. Stages add up from line to line; "length" should be a line, the last five should be flat.
""")
    done = subprocess.run(["taskset", "-c", "0", bench.tool("bench_policy")], stdout=subprocess.PIPE, check=False)
    report.verbatim(done.stdout.decode())
    if done.returncode:
        report.bad("the policy allocates when it is warm")
    if shutil.which("valgrind") and not plan.quick:
        out = os.path.join(bench.folder, "policy.callgrind")
        subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=rules_judge_client",
                        f"--callgrind-out-file={out}", bench.tool("bench_policy"), "judge", "2000"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        total = int(re.search(r"^totals: (\d+)", machine.read(out), re.M).group(1))
        report.text(f"The whole: {total / 2000:,.0f} user instructions (callgrind).")


def idle_of(bench, plan, make, tls, path=None, headers=()):
    """Bytes per idle session of a fresh process."""
    server = make()
    if path:
        server = server.on(server.name, path, headers)
    # What a first session allocates is not any session's.
    wsload(bench, "load", server, "-p", message_file(bench, 20), "-c", 8, "-n", 100, tls=tls)
    time.sleep(0.2)
    before = machine.resident_bytes(server.pids())
    p = subprocess.Popen(["taskset", "-c", str(servers.ELSEWHERE), bench.tool("wsload"), "idle", server.url(tls),
                          "-c", str(plan.idle), "-a", "40", *load.options(server)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    said = p.stdout.readline()
    time.sleep(0.3)
    after = machine.resident_bytes(server.pids())
    p.stdin.close()
    p.wait()
    bench.stop(server.process)
    if not said:
        raise load.Failed(f"{server.name}: the connections were not opened")
    return (after - before) / plan.idle


def memory(bench, plan, report):
    report.section("Memory", f"""
Bytes of the process per idle session, {plan.idle:,} of them open (this machine lets a process have 20,000 descriptors, and
a session has two); memory that it alone uses, after less before. The kernel's own 8 KB for two sockets come on top.
""")
    bearer = [f"Authorization: Bearer {bench.token}"]
    makers = [
        ("bare relay", lambda: servers.relay(bench), None, ()),
        ("nginx", lambda: servers.nginx(bench, False), None, ()),
        ("HAProxy", lambda: servers.haproxy(bench, False), None, ()),
        ("Sallyport, no policy", lambda: servers.gateway(bench), "/known", bearer),
        ("Sallyport, everything", lambda: servers.gateway(bench), "/everything", bearer),
    ]
    rows = []
    for name, make, path, headers in makers:
        if name in bench.missing or name.lower() in bench.missing:
            continue
        row = [name]
        for tls in (False, True):
            if tls and name == "bare relay":
                row.append("")
                continue
            each = idle_of(bench, plan, make, tls, path, headers)
            report.keep("memory", name + (", TLS" if tls else ""), each)
            row.append(f"{each:,.0f}")
        rows.append(row)
    report.table(["", "clear", "TLS"], rows)


def tickets(bench, field, count):
    """So many, by one connection; the path of a file with one a line."""
    c = http.client.HTTPConnection("127.0.0.1", field.gateway.port, timeout=20)
    path = os.path.join(bench.folder, "tickets")
    with open(path, "w", encoding="utf-8") as f:
        for _ in range(count):
            c.request("POST", "/.sallyport/ticket", body='{"route": "/ticket"}', headers={
                "Host": f"localhost:{field.gateway.port}", "Origin": "https://shop.example", "Sallyport": "1"})
            answer = c.getresponse()
            body = answer.read()
            if answer.status != 201:
                raise load.Failed(f"no ticket: {answer.status} {body[:200]!r}")
            f.write(json.loads(body)["ticket"] + "\n")
    c.close()
    return path


def handshakes(bench, plan, field, report):
    report.section("Handshakes", """
Processor time of the proxy, in microseconds, for a connection from its first packet to the application's 101 and its end,
16 at a time. The client resets the connection as soon as it is open, or says goodbye: a close frame, its answer, the end of
TCP. (Where a client has gone without a word HAProxy resets the application's connection; Sallyport says a close frame and
lets the application answer and end TCP, so that nothing is lost and no port stays taken.) "TLS" is a full handshake of TLS
1.3 each time (ECDSA P-256, AES-128-GCM); sessions are not resumed. The application's answer about the cookie is remembered;
the client's certificate is verified each time.
""")
    g = field.gateway
    origin = ["Origin: https://shop.example"]
    kinds = [
        ("bare relay", field.relay),
        *((p.name, p) for p in field.proxies[:2]),
        ("Sallyport, anyone", g.on("anyone", "/none")),
        ("Sallyport, ticket", g.on("ticket", "/ticket", origin)),
        ("Sallyport, JWT HS256", field.routes[2]),
        ("Sallyport, JWT ES256", g.on("signed", "/signed", [f"Authorization: Bearer {bench.es256_token}"])),
        ("Sallyport, cookie", g.on("cookie", "/cookie", [*origin, "Cookie: sid=0123456789abcdef"])),
        ("Sallyport, certificate", servers.gateway(bench, certificates=True).on("certificate", "/certificate", origin)),
    ]
    # (what the report says, over TLS, options)
    ways = (("reset", False, ()), ("goodbye", False, ("-g",)), ("TLS, reset", True, ()))
    rows = {name: [] for name, _ in kinds}
    for way, tls, options in ways:
        runs = {}
        for name, server in kinds:
            if name == "bare relay" if tls else name.endswith("certificate"):
                continue

            def run(s=server, ticket=name.endswith("ticket"), t=tls, more=options):
                if ticket:
                    more = [*more, "-t", tickets(bench, field, plan.shakes + 100)]
                if s.path == "/certificate":
                    more = [*more, "-k", os.path.join(bench.folder, "both.pem")]
                return wsload(bench, "shake", s, "-c", 16, "-n", plan.shakes, *more, tls=t)
            runs[name] = run
        results = interleave(runs, plan.shake_rounds)
        report.note_noise("handshakes, " + way, results)
        for name, _ in kinds:
            rows[name].append(f"{median(results, name, 'cpu_ns') / 1000:.1f}" if name in results else "")
            if name in results:
                report.keep("handshakes", (name, way), median(results, name, "cpu_ns") / 1000)
    report.table(["", *(way for way, _, _ in ways)], [[n, *r] for n, r in rows.items()])


def refusals(bench, plan, field, report):
    g = field.gateway
    evil = ["Origin: https://evil.example"]
    used = tickets(bench, field, 1)
    wsload(bench, "shake", g.on("ticket", "/ticket", ["Origin: https://shop.example"]), "-n", 1, "-t", used)
    kinds = [
        *((f"{p.name}: Origin (403)", p.on(p.name, "/", evil), 403, ()) for p in field.proxies[:2]),
        ("Sallyport: Origin (403)", g.on("", "/none", evil), 403, ()),
        ("Sallyport: no credential (401)", g.on("", "/ticket"), 401, ()),
        ("Sallyport: ticket used before (401)", g.on("", "/ticket", ["Origin: https://shop.example"]), 401, ("-t", used)),
        ("Sallyport: bad signature (401)", g.on("", "/everything", [f"Authorization: Bearer {bench.token}x"]), 401, ()),
        ("Sallyport: no such path (404)", g.on("", "/nowhere"), 404, ()),
        ("Sallyport: two Host fields (400)", g.on("", "/none", ["Host: evil.example"]), 400, ()),
    ]
    runs = {name: lambda s=server, c=code, m=more: wsload(bench, "shake", s, "-c", 16, "-n", plan.shakes, "-e", c, *m)
            for name, server, code, more in kinds}
    results = interleave(runs, plan.shake_rounds)
    report.section("Refused handshakes", "Processor time of the proxy for a connection that is refused, in clear, microseconds.")
    report.note_noise("refusals", results)
    for name in runs:
        report.keep("refusals", name, median(results, name, "cpu_ns") / 1000)
    report.table(["", "µs"], [[n, f"{median(results, n, 'cpu_ns') / 1000:.1f}"] for n in runs])


BAD = (
    ("no JSON", '{"type":"message",'),
    ("unknown message", '{"type":"other","id":1}'),
    ("schema", '{"type":"message","id":"1","user":"user1","text":"x"}'),
    ("rule", '{"type":"message","id":1,"user":"user2","text":"x"}'),
)


def refused_messages(bench, plan, field, report):
    """Each is answered by the gateway itself, with `on_refusal: {reply: ...}`."""
    everything = field.routes[2]
    runs = {}
    for words, text in BAD:
        path = os.path.join(bench.folder, "bad-" + words.replace(" ", "-"))
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        runs[words] = lambda p=path: wsload(bench, "load", everything, "-p", p, "-r", "-c", 64, "-s", plan.seconds)
    results = interleave(runs, max(2, plan.rounds - 2))
    report.section("Refused messages", "A message that is refused and answered with `reply`, 64 connections, in clear, microseconds.")
    report.note_noise("refused messages", results)
    report.table(["", "µs"], [[n, f"{median(results, n, 'cpu_ns') / 1000:.2f}"] for n in runs])


def reload_under_load(bench, plan, field, report):
    """The configuration is read again ten times a second while messages go through."""
    everything = field.routes[2]
    path = message_file(bench, 128)

    def run(reload):
        stop = threading.Event()

        def hang_up():
            while not stop.wait(0.1):
                os.kill(everything.process.pid, signal.SIGHUP)
        thread = threading.Thread(target=hang_up)
        if reload:
            thread.start()
        try:
            return wsload(bench, "load", everything, "-p", path, "-c", 64, "-s", max(1, 2 * plan.seconds))
        finally:
            stop.set()
            if reload:
                thread.join()
    results = interleave({"undisturbed": lambda: run(False), "reloading": lambda: run(True)}, 2)
    report.section("Reload under load", "128 B, everything, 64 connections; none was lost. The configuration is read again ten times a second.")
    report.note_noise("reload", results)
    report.table(["", "µs a message", "p50 µs", "p99 µs"],
                 [[n, *(f"{median(results, n, k) / d:.1f}" for k, d in (("cpu_ns", 1000), ("p50_us", 1), ("p99_us", 1)))]
                  for n in results])


def sessions(bench, plan, field, report):
    """Does a message cost more when others are connected?"""
    everything = field.routes[2]
    path = message_file(bench, 128)
    counts = sorted({10, 1000, plan.idle})
    rows = []
    base = None
    for idle in counts:
        p = subprocess.Popen([bench.tool("wsload"), "idle", everything.url(), "-c", str(idle), "-a", "40",
                              *load.options(everything)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdout.readline()
        try:
            results = interleave({RELAY: lambda: wsload(bench, "load", field.relay, "-p", path, "-c", 10, "-s", plan.seconds),
                                  "everything": lambda: wsload(bench, "load", everything, "-p", path, "-c", 10,
                                                               "-s", plan.seconds)}, plan.rounds)
        finally:
            p.stdin.close()
            p.wait()
        r = ratio(results, "everything", RELAY)
        base = base or r
        rows.append([f"{idle:,}", f"{median(results, 'everything', 'cpu_ns') / 1000:.2f}", f"{r:.2f}"])
    report.section("Sessions", "128 B, everything, 10 connections that talk, beside so many that are idle.")
    report.table(["idle sessions", "µs a message", "of the relay"], rows)


def applications(bench, plan, report):
    """What the servers behind a gateway spend themselves."""
    contenders = [s for s in (servers.floor(bench), servers.libwebsockets(bench), servers.node_ws(bench),
                              servers.python_websockets(bench)) if s]
    report.section("Servers", """
Processor time of servers that echo, in microseconds a message, 64 connections: what a gateway in front adds is to be seen
beside what the application spends anyway.
""")
    columns = ((128, (), "128 B"), (20, ("-f", 16), "20 B, 16 in flight"), (1024, (), "1 KiB"))
    rows = {s.name: [] for s in contenders}
    for size, options, words in columns:
        path = message_file(bench, size)
        runs = {s.name: lambda s=s: wsload(bench, "load", s, "-p", path, "-c", 64, "-s", plan.seconds, *options)
                for s in contenders}
        results = interleave(runs, max(2, plan.rounds - 2))
        report.note_noise("servers, " + words, results)
        for s in contenders:
            rows[s.name].append(f"{median(results, s.name, 'cpu_ns') / 1000:.2f}")
    report.table(["", *(w for _, _, w in columns)], [[n, *r] for n, r in rows.items()])
    for s in contenders[1:]:
        bench.stop(s.process)
