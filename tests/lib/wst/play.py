# SPDX-License-Identifier: Apache-2.0
"""
Plays one script: applications first, then the gateway, then everything in the order written.

    gateway [plain] { ... }          see gateway.py; ${app}, ${app.port} ... are filled in
    file NAME { ... }                a file beside the configuration
    pages NAME BYTES                 one of so many bytes
    app NAME ...                     see upstream.py
    certificate NAME HOST ...        self-signed, with its key, in NAME.pem beside the configuration
    authority NAME                   a certificate that signs others, in NAME.pem.crt
    signed NAME by=AUTHORITY [cn=TEXT] [usage=serverAuth] [days=N] SAN ...
                                     one for a client, in NAME.pem; names as OpenSSL writes them: URI:..., DNS:..., email:...
    trust NAME                       the gateway's system trusts that certificate; before `gateway`
    client NAME [tls] [OPTION=...] { ... }
                                     a second block of the same name goes on with the same connection.
                                     from=127.0.0.2  rcvbuf=4096  to=admin|0|1  again (a new connection)
                                     proxy=v1:ADDRESS|v2:ADDRESS|local|unknown (a PROXY header before all else)  slowly (byte by byte)
                                     tls: with=NAME (a client certificate)  sni=NAME  cert=FILE (it must be that one)  max=1.1|1.2|1.3  min=...  alpn=h2,http/1.1  refused
    table handshakes STATUS REASON [tls] { ... }
                                     each row is a connection of its own: what follows a > (or `raw`, `http`),
                                     refused with that status and reason, then closed
    table frames CODE REASON [tls] { ... }
                                     each row is verbs, kept apart by ` ; `, said on an open connection of its own,
                                     which is then closed with that code and reason
    log KEY=VALUE KEY~REGEX ...      one line of the log has all of these
    no log REGEX                     no line of the log is like that
    secret TEXT                      must not be in the log or the metrics when all is over
    metric NAME{...} VALUE           or >= VALUE; waits a little for it
    seen APP N                       the application saw N requests
    asked APP header N: v  ...       the last one was like that
    signal NAME | kill TERM|HUP      kill waits for nothing; `exit CODE` waits for the end
    sleep 100ms
    idle                             sessions, connections, buffers, questions, connections to applications, deadlines and
                                     descriptors are what they were before the first client
"""
import os
import re
import shlex
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

from . import Failed, script, wire
from .gateway import Gateway, configuration
from .peer import Peer, Stopped, seconds
from .script import Statement, fields
from .upstream import App

IDLE = ("sallyport_sessions", "sallyport_connections", "sallyport_buffered_bytes", "sallyport_questions",
        "sallyport_upstream_connections", "sallyport_timers")
# The gateway keeps connections of its own to whoever these name.
KEEPS_CONNECTIONS = re.compile(r"\b(verify|jwks|store)\s*:")
_TLS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
        "1.3": ssl.TLSVersion.TLSv1_3}


class World:
    """What the peers of one script share."""

    def __init__(self, patience):
        self.patience = patience
        self.long = patience * 10
        self.variables = {}
        self.over = threading.Event()
        self.events = {}
        self.lock = threading.Lock()
        self.hosts = {}

    def fill(self, text):
        def one(m):
            if m.group(1) not in self.variables:
                raise Failed(f"no variable {m.group(1)}")
            return str(self.variables[m.group(1)])
        return re.sub(r"\$\{([\w.]+)\}", one, text)

    def event(self, name):
        with self.lock:
            return self.events.setdefault(name, threading.Event())

    def signal(self, name):
        self.event(name).set()

    def wait(self, name):
        if not self.event(name).wait(self.long):
            raise Failed(f"nobody signalled {name}")

    def stop_if_over(self, peer):
        if self.over.is_set() and not peer.client:
            raise Stopped

    def host_of(self, peer):
        return self.hosts.get(peer.name, "127.0.0.1")


class Play:
    def __init__(self, path, binary, patience=3.0, environment=None):
        with open(path, encoding="utf-8") as f:
            self.script = script.parse(path, f.read())
        self.binary = binary
        self.environment = environment
        self.world = World(patience)
        self.folder = tempfile.mkdtemp(prefix="wst-")
        self.apps = {}
        self.clients = {}
        self.gateway = None
        self.secrets = []
        self.was_idle = False
        self.ended = False          # the script itself saw the gateway end

    def run(self):
        """Plays the script; raises Failed with the line that did not come true."""
        problem = None
        try:
            self.prepare()
            for s in self.script.statements:
                try:
                    self.step(s)
                except Failed as f:
                    f.line = f.line or s.line
                    raise
            if not self.was_idle and not self.ended:
                raise Failed("the script does not say `idle` at its end")
        except Failed as f:
            problem = f
            if self.gateway:
                problem.args = (problem.args[0] + "\n" + self.gateway.tail(8),)
        finally:
            problem = self.finish(problem)
        if problem:
            raise problem

    def prepare(self):
        self.world.variables["folder"] = self.folder
        for s in self.script.statements:
            if s.verb == "certificate":
                name, *hosts = s.rest.split()
                make_certificate(self.folder, hosts, name)
            elif s.verb == "authority":
                make_authority(self.folder, s.rest.strip())
            elif s.verb == "signed":
                make_signed(self.folder, shlex.split(s.rest))
        for s in self.script.statements:
            if s.verb == "app":
                self.make_app(s)
        for s in self.script.statements:
            if s.verb == "pages":
                self.make_page(*s.rest.split())
            if s.verb == "file":
                path = os.path.join(self.folder, s.rest)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(s.raw)

    def make_page(self, name, size):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(bytes(i % 251 for i in range(int(size))))

    def do_trust(self, s):
        self.environment = {**(self.environment or {}), "SSL_CERT_FILE": os.path.join(self.folder, s.rest + ".pem.crt")}

    def make_app(self, s):
        words = s.rest.split()
        o = dict(w.partition("=")[::2] for w in words[1:])
        kind = [w for w in words[1:] if w != "unix" and "=" not in w]
        unix = os.path.join(self.folder, words[0] + ".sock") if "unix" in o else None
        certificate = os.path.join(self.folder, o["tls"] + ".pem") if "tls" in o else None
        app = self.apps[words[0]] = App(words[0], kind[0] if kind else "script", s.block or [], self.world, unix,
                                        certificate)
        v = self.world.variables
        v[words[0]] = app.url
        v[words[0] + ".http"] = f"http://127.0.0.1:{app.port}"
        v[words[0] + ".host"] = f"127.0.0.1:{app.port}"

    def step(self, s):
        if s.verb in ("app", "file", "pages", "certificate", "authority", "signed"):
            return
        act = getattr(self, "do_" + s.verb, None)
        if not act:
            raise Failed(f"no such statement: {s.verb}")
        act(s)

    def do_gateway(self, s):
        text = self.world.fill(configuration(s.raw, s.rest))
        self.gateway = Gateway(self.binary, self.folder, text, self.world.patience, self.environment)
        self.gateway.wait_ready()
        if KEEPS_CONNECTIONS.search(text):
            self.gateway.at_rest = None
        at = self.gateway.url()
        v = self.world.variables
        v["gateway"] = at.netloc
        v["port"] = at.port
        v["origin"] = f"{at.scheme}://{at.netloc}"
        v["admin"] = urllib.parse.urlsplit(self.gateway.admin or "").netloc

    def do_client(self, s):
        name, *options = s.rest.split()
        if "again" in options or name not in self.clients:
            if not self.connect(name, options):
                return
        self.clients[name].run(s.block or [])

    def connect(self, name, options):
        o = dict(x.partition("=")[::2] for x in options)
        if o.get("to") == "admin":
            at = urllib.parse.urlsplit(self.gateway.admin)
        elif "to" in o:
            at = urllib.parse.urlsplit(self.gateway.listeners[int(o["to"])])
        else:
            at = self.gateway.url("https" if "tls" in o else None)
        self.world.hosts[name] = at.netloc
        try:
            w = wire.dial(at.hostname, at.port, o.get("from"), int(o.get("rcvbuf", 0)), self.world.patience)
            if "proxy" in o:
                w.split = 1 if "slowly" in o else 0
                w.send(proxy_header(o["proxy"]))
                w.split = 0
            if "tls" in o:
                w.start_tls(_tls_context(o, self.folder), o.get("sni", "localhost"), self.world.patience)
            if "cert" in o:
                self.check_certificate(name, w, o["cert"])
        except (OSError, ssl.SSLError) as e:
            if "refused" in o:
                return False
            raise Failed(f"{name} cannot connect: {e}") from None
        if "refused" in o:
            raise Failed(f"{name} was not refused")
        if name in self.clients:
            self.clients[name].wire.close()
        self.clients[name] = Peer(w, name, self.world, client=True)
        return True

    def check_certificate(self, name, w, wanted):
        got = ssl.DER_cert_to_PEM_cert(w.tls.getpeercert(binary_form=True))
        with open(os.path.join(self.folder, wanted + ".pem.crt"), encoding="utf-8") as f:
            if f.read().split() != got.split():
                raise Failed(f"{name} was shown another certificate than {wanted}")

    def do_table(self, s):
        kind, code, reason, *options = s.rest.split()
        for row in s.block:
            try:
                self.connect("row", options + ["again"])
                peer = self.clients["row"]
                if kind == "handshakes":
                    raw = row.verb in ("raw", "http")
                    peer.step(row if raw else Statement(row.line, "> " + row.text))
                    peer.expect(f"{code}  reason {reason}", False)
                else:
                    peer.say_http("GET /chat")
                    peer.expect("101", False)
                    peer.run([Statement(row.line, part) for part in row.text.split(" ; ")])
                    peer.expect(f"close {code}  reason {reason}", True)
                    peer.do_close("1000")
                peer.do_closed("")
            except Failed as f:
                f.line = f.line or row.line
                raise

    def do_log(self, s):
        wanted = []
        for word in shlex.split(self.world.fill(s.rest)):
            m = re.match(r"([\w.]+)([=~])(.*)", word)
            if not m:
                raise Failed(f"not key=value: {word}")
            wanted.append(m.groups())

        def fits(record):
            for key, how, value in wanted:
                got = record.get(key)
                if got is None:
                    return False
                got = got if isinstance(got, str) else str(got).lower() if isinstance(got, bool) else str(got)
                if (got != value) if how == "=" else not re.search(value, got):
                    return False
            return True

        if not self.gateway.wait_log(fits, self.world.patience):
            raise Failed(f"no line of the log has {s.rest}")

    def do_no(self, s):
        kind, _, pattern = s.rest.partition(" ")
        if kind != "log":
            raise Failed("`no` is followed by `log`")
        for line in list(self.gateway.lines):
            if re.search(self.world.fill(pattern), line):
                raise Failed(f"a line of the log is like that: {line[:300]}")

    def do_secret(self, s):
        self.secrets.append((s.line, self.world.fill(s.rest)))

    def do_metric(self, s):
        text = self.world.fill(s.rest)
        m = re.fullmatch(r"(\S+?(?:\{.*\})?)\s+(>=)?\s*([\d.]+)", text)
        if not m:
            raise Failed(f"not a metric: {text}")
        name, at_least, value = m.group(1), m.group(2), float(m.group(3))
        until = time.monotonic() + self.world.patience
        while True:
            all_of_them = self.gateway.metrics()
            got = all_of_them.get(name) if "{" in name else self.gateway.total(name, all_of_them)
            if got is not None and (got >= value if at_least else got == value):
                return
            if time.monotonic() > until:
                raise Failed(f"{name} is {got}, wanted {at_least or ''}{value:g}")
            time.sleep(0.03)

    def do_seen(self, s):
        name, n = s.rest.split()
        got = len(self.apps[name].seen)
        if got != int(n):
            raise Failed(f"{name} saw {got} requests, wanted {n}")

    def do_asked(self, s):
        name, _, wanted = s.rest.partition(" ")
        seen = self.apps[name].seen
        if not seen:
            raise Failed(f"{name} saw no request")
        Peer(None, name, self.world, client=False).check_head(seen[-1], fields(self.world.fill(wanted)))

    def do_signal(self, s):
        self.world.signal(s.rest)

    def do_wait(self, s):
        self.world.wait(s.rest)

    def do_kill(self, s):
        self.gateway.signal(s.rest)

    def do_exit(self, s):
        problem = self.gateway.stop() if self.gateway.process.poll() is not None else self.wait_exit()
        if problem:
            raise Failed(problem)
        if self.gateway.exit_code != int(s.rest):
            raise Failed(f"the gateway ended with {self.gateway.exit_code}")
        self.ended = True

    def wait_exit(self):
        try:
            self.gateway.process.wait(self.world.long)
        except Exception:
            return "the gateway is still running"
        return self.gateway.stop()

    def do_sleep(self, s):
        time.sleep(seconds(s.rest))

    def do_idle(self, _):
        for c in self.clients.values():
            c.wire.close()
        until = time.monotonic() + self.world.patience
        while True:
            descriptors = self.gateway.descriptors()  # before our own question adds to them
            metrics = self.gateway.metrics()
            busy = {}
            # A page's connection to its application may be kept a while for the next page, with its deadline.
            kept = self.gateway.total("sallyport_upstream_connections_idle", metrics) or 0
            for name in IDLE:
                got = self.gateway.total(name, metrics)
                if got is None:
                    raise Failed(f"there is no metric {name}")
                if got != (kept if name in IDLE[-2:] else 0):
                    busy[name] = got
            if self.gateway.at_rest is not None and descriptors - kept > self.gateway.at_rest:
                busy["descriptors"] = f"{descriptors}, and {self.gateway.at_rest} before the first client"
            if not busy:
                self.was_idle = True
                return
            if time.monotonic() > until:
                raise Failed(f"not idle: {busy}")
            time.sleep(0.03)

    def check_secrets(self):
        if not self.secrets:
            return
        said = list(self.gateway.lines)
        for line, secret in self.secrets:
            for l in said:
                if secret in l:
                    raise Failed(f"the log holds the secret {secret!r}: {l[:300]}", line)

    def finish(self, problem):
        """Stops everything this script started; the first problem found."""
        try:
            if self.gateway and not problem and self.secrets and not self.ended:
                text = "\n".join(f"{k} {v}" for k, v in self.gateway.metrics().items())
                for line, secret in self.secrets:
                    if secret in text:
                        problem = Failed(f"the metrics hold the secret {secret!r}", line)
        except Failed as f:
            problem = problem or f
        for c in self.clients.values():
            c.wire.close()
        ended_badly = self.gateway.stop() if self.gateway and not self.ended else None
        if ended_badly and (not problem or "sanitizer" in ended_badly):
            problem = Failed(ended_badly)
        for app in self.apps.values():
            app.settle()
        self.world.over.set()
        for app in self.apps.values():
            app.stop()
            if app.failures and not problem:
                problem = app.failures[0]
        if self.gateway and not problem:
            try:
                self.check_secrets()
            except Failed as f:
                problem = f
        shutil.rmtree(self.folder, ignore_errors=True)
        return problem


def make_certificate(folder, hosts, name="certificate"):
    """Self-signed for these names: NAME.pem with its key, NAME.pem.crt without. The path of the first."""
    path = os.path.join(folder, name + ".pem")
    names = ",".join(f"{'IP' if h[0].isdigit() else 'DNS'}:{h}" for h in hosts)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={name}", "-days", "2", "-addext", f"subjectAltName={names}", "-keyout", path,
                    "-out", path + ".crt"], check=True, capture_output=True)
    with open(path, "a", encoding="utf-8") as out, open(path + ".crt", encoding="utf-8") as crt:
        out.write(crt.read())
    return path


def make_authority(folder, name):
    path = os.path.join(folder, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={name}", "-days", "2", "-addext", "keyUsage=critical,keyCertSign",
                    "-keyout", path, "-out", path + ".crt"], check=True, capture_output=True)


def make_signed(folder, words):
    name, *rest = words
    options = dict(w.split("=", 1) for w in rest if re.match(r"(by|cn|usage|days)=", w))
    names = [w for w in rest if not re.match(r"(by|cn|usage|days)=", w)]
    path, by = os.path.join(folder, name + ".pem"), os.path.join(folder, options["by"] + ".pem")
    with open(path + ".ext", "w", encoding="utf-8") as ext:
        ext.write(f"basicConstraints=CA:FALSE\nextendedKeyUsage={options.get('usage', 'clientAuth')}\n")
        if names:
            ext.write(f"subjectAltName={','.join(names)}\n")
    subject = "".join(f"/CN={cn}" for cn in options.get("cn", name).split("|")) if options.get("cn") != "" else "/O=nobody"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
                    "-subj", subject, "-keyout", path, "-out", path + ".csr"], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", path + ".csr", "-CA", by + ".crt", "-CAkey", by, "-CAcreateserial",
                    "-days", options.get("days", "2"), "-extfile", path + ".ext", "-out", path + ".crt"],
                   check=True, capture_output=True)
    with open(path, "a", encoding="utf-8") as out, open(path + ".crt", encoding="utf-8") as crt:
        out.write(crt.read())


def proxy_header(text):
    """proxy-protocol.txt: v1:ADDRESS, v2:ADDRESS, local, unknown."""
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    how, _, address = text.partition(":")
    if how == "local":
        return signature + b"\x20\x00\x00\x00"
    if how == "unknown":
        return b"PROXY UNKNOWN\r\n"
    six = ":" in address
    if how == "v1":
        return f"PROXY TCP{6 if six else 4} {address} {'::1' if six else '127.0.0.1'} 51234 443\r\n".encode()
    family = socket.AF_INET6 if six else socket.AF_INET
    ends = socket.inet_pton(family, address) + socket.inet_pton(family, "::1" if six else "127.0.0.1")
    tlv = b"\x04\x00\x02\x00\x00"
    block = ends + struct.pack(">HH", 51234, 443) + tlv
    return signature + (b"\x21\x21" if six else b"\x21\x11") + struct.pack(">H", len(block)) + block


def _tls_context(o, folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if "with" in o:
        context.load_cert_chain(os.path.join(folder, o["with"] + ".pem"))
    if "max" in o:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = min(_TLS[o["max"]], ssl.TLSVersion.TLSv1)
        context.maximum_version = _TLS[o["max"]]
    if "min" in o:
        context.minimum_version = _TLS[o["min"]]
    if "alpn" in o:
        context.set_alpn_protocols(o["alpn"].split(","))
    return context
