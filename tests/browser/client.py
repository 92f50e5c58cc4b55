# SPDX-License-Identifier: Apache-2.0
"""
The client library in a real browser, through the real gateway: docs/client.md's own example, the levels of the
siege, renewal, a roll to a new gateway, refusals, strict policies, pages of another origin.
"""
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from chromium import Failed
from wst.gateway import Gateway, configuration
from wst.play import World
from wst.upstream import App

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SECRET = b"a secret for tests, long enough!"
ADMIN = "0123456789abcdef0123456789abcdef"

CONFIGURATION = """
listen: http://127.0.0.1:{port}
admin: {{listen: "http://127.0.0.1:{admin}", token: token}}
identity:
  session: {{cookie: {{name: sid, verify: "http://127.0.0.1:{app}/whoami", cache: 0s}}}}
  token: {{jwt: {{from: [authorization], secret: secret, algorithms: [HS256]}}}}
  ticket: {{ticket: {{from: [token, session], ttl: 30s}}}}
siege: {{handshakes: 2000}}
routes:
  - {{path: "/chat/{{room}}", origins: {{allow: ["http://127.0.0.1:{port}", "http://localhost:{app}"]}}, identify: [ticket], upstream: "{upstream}", subprotocols: [chat.v1], contract: none}}
  - {{path: /plain, origins: same, identify: [ticket], upstream: "{upstream}", contract: none}}
site:
  - {{path: /token, upstream: "http://127.0.0.1:{app}"}}
  - {{path: /typed/*, root: public, csp: {{require-trusted-types-for: ["'script'"], trusted-types: [sallyport-proof]}}}}
  - {{path: /untyped/*, root: public, csp: {{require-trusted-types-for: ["'script'"], trusted-types: ["'none'"]}}}}
  - {{path: /idle/*, root: public, csp: {{worker-src: ["'none'"]}}}}
  - {{path: /*, root: public}}
"""

# What the page does before the library comes: counts workers, hears what is said and what is blocked.
WATCH = """
"use strict";
const seen = {workers: [], said: [], blocked: []};
const RealWorker = Worker;
window.Worker = class extends RealWorker {
	constructor(url, options) { super(url, options); seen.workers.push(String(url)); }
};
console.log = (text) => seen.said.push(text);
addEventListener("securitypolicyviolation", (e) => seen.blocked.push(e.effectiveDirective));
function open(route, options) {
	const socket = new Sallyport.Socket(route, options);
	socket.told = [];
	socket.heard = [];
	for (const type of ["open", "close", "reconnecting", "refused", "expiring"])
		socket.addEventListener(type, (e) => socket.told.push(type + (e.reason ? ":" + e.reason : "")));
	socket.onmessage = (e) => socket.heard.push(e.data);
	return socket;
}
"""

PAGE = """<!doctype html><meta charset="utf-8"><title>client</title>
<script src="/watch.js"></script>
{tag}
{script}
<body>
"""


def example():
    """(the tags, the script) of docs/client.md, as they stand there."""
    text = (ROOT / "docs/client.md").read_text(encoding="utf-8")
    html = re.search(r"^```html\n(.*?)^```", text, re.S | re.M)[1]
    script = re.search(r"^```js\n(// chat\.js\n.*?)^```", text, re.S | re.M)[1]
    return html, script


def token(seconds):
    def part(value):
        return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=")
    head = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"sub": "alice", "exp": int(time.time()) + seconds})
    return (head + b"." + part(hmac.new(SECRET, head, hashlib.sha256).digest())).decode()


class Application(http.server.BaseHTTPRequestHandler):
    """Knows the session `alice`; gives tokens of a few seconds; has a page of its own origin."""

    protocol_version = "HTTP/1.1"
    page = b""

    def do_GET(self):
        if self.path == "/whoami":
            known = "sid=alice" in (self.headers.get("Cookie") or "")
            self.answer(200 if known else 401, b'{"sub": "alice"}' if known else b"{}", "application/json")
        elif self.path.startswith("/token"):
            self.answer(200, token(10).encode(), "text/plain")
        elif self.path == "/elsewhere":
            self.answer(200, self.page, "text/html")
        elif self.path == "/watch.js":
            self.answer(200, WATCH.encode(), "text/javascript")
        else:
            self.answer(404, b"", "text/plain")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Stage:
    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="client-")
        self.guard = None
        self.echo = App("app", "echo", [], World(20.0))
        self.app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        self.port = free_port()
        self.home = f"http://127.0.0.1:{self.port}"
        try:
            self.start(binary)
        except BaseException:
            self.stop()
            raise

    def start(self, binary):
        os.mkdir(os.path.join(self.folder, "public"))
        for name, text in (("token", ADMIN.encode()), ("secret", SECRET)):
            with open(os.path.join(self.folder, name), "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(text)
        text = configuration(CONFIGURATION.format(
            port=self.port, admin=free_port(), app=self.app.server_port,
            upstream=f"ws://127.0.0.1:{self.echo.sock.getsockname()[1]}/chat"), "")
        self.guard = Gateway(binary.split(), self.folder, text, 20.0)
        self.write_pages(binary)
        self.guard.wait_ready()

    def write_pages(self, binary):
        said = subprocess.run([*binary.split(), "check"], cwd=self.folder, capture_output=True, text=True)
        tag = re.search(r"<script src=\S+ integrity=\S+ crossorigin=\S+></script>", said.stdout)
        if not tag:
            raise Failed(said.stderr + said.stdout)
        self.tag = tag[0]
        Application.page = PAGE.format(tag=self.tag.replace('src="', f'src="{self.home}'), script="").encode()
        html, script = example()
        public = os.path.join(self.folder, "public")
        for name, text in {"watch.js": WATCH, "chat.js": script, "index.html": PAGE.format(tag=self.tag, script=""),
                           "example.html": PAGE.format(tag="", script=html),
                           "module.html": PAGE.format(tag="", script='<script type="module" src="/module.js"></script>'),
                           "module.js": 'import "/.sallyport/client.js";\nwindow.version = Sallyport.version;\n'}.items():
            with open(os.path.join(public, name), "w", encoding="utf-8") as f:
                f.write(text)

    def admin(self, method, path, body=None):
        at = self.guard.admin.removeprefix("http://").rstrip("/")
        c = http.client.HTTPConnection(at, timeout=10)
        c.request(method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {ADMIN}"})
        answer = c.getresponse()
        answer.read()
        c.close()
        if answer.status != 200:
            raise Failed(f"{path}: {answer.status}")

    def refused(self, reason):
        return self.guard.metrics().get(f'sallyport_refused_total{{reason="{reason}"}}', 0)

    def stop(self):
        problem = self.guard.stop() if self.guard else None
        self.app.shutdown()
        self.app.server_close()
        self.echo.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return problem


def log_in(page, name="alice"):
    page.run(f"document.cookie = 'sid={name}; path=/'; 0")


def same(got, wanted):
    if got != wanted:
        raise Failed(f"got {got!r}, wanted {wanted!r}")


def echoes(page, text, socket="s"):
    page.run(f"{socket}.send({json.dumps(text)}); 0")
    page.wait(f"{socket}.heard.includes({json.dumps(text)})")


# The first of all: nobody from this address was here, so the proof is asked for.
def besieged(stage, browser):
    page = browser.person().page(stage.home + "/")
    log_in(page)
    stage.admin("POST", "/v1/siege", {"level": 3})
    page.run("s = open('/chat/lobby', {protocols: ['chat.v1']}); 0")
    page.wait("s.readyState === 1")
    echoes(page, "worked for")
    same(page.run("s.told.join()"), "open")
    same(page.run("seen.workers.map((w) => new URL(w).pathname).join()"), "/.sallyport/client.js")
    same(page.run("seen.blocked.join()"), "")
    same(stage.refused("proof_required"), 1)
    same(stage.refused("proof_invalid"), 0)
    stage.admin("POST", "/v1/siege", {"level": 0})


def documented(stage, browser):
    """Word for word what docs/client.md shows."""
    page = browser.person().page(stage.home + "/nothing.html")
    log_in(page)
    page.go(stage.home + "/example.html")
    page.wait("""seen.said.includes('{"type":"message","text":"hello"}')""")
    same(page.run("socket.protocol + ' ' + seen.blocked.join()"), "chat.v1 ")


def without_subprotocol(stage, browser):
    """A browser fails a handshake whose offer nobody answers; the gateway answers with its own."""
    page = browser.person().page(stage.home + "/")
    log_in(page)
    page.run("s = open('/plain'); 0")
    page.wait("s.readyState === 1")
    echoes(page, "plain")
    same(page.run("s.protocol + ' ' + s.told.join()"), " open")


def as_module(stage, browser):
    page = browser.person().page(stage.home + "/module.html")
    page.wait("typeof window.version === 'string' && window.version === Sallyport.version")


def wherever_it_solves(stage, browser):
    """Under Trusted Types with its policy and without, and where no worker may be."""
    for path, workers in (("/", 1), ("/typed/", 1), ("/untyped/", 0), ("/idle/", 1)):
        page = browser.person().page(stage.home + path)
        text = page.run("Sallyport.solve({algorithm: 'sha256', challenge: 'made-up', bits: 14})")
        digest = hashlib.sha256(text.encode()).digest()
        if int.from_bytes(digest[:4], "big") >> 18 != 0:
            raise Failed(f"{path}: {text} is none")
        same((path, page.run("seen.workers.length") >= workers), (path, True))
        blocked = page.run("seen.blocked.join()")
        if (path in ("/", "/typed/")) != (blocked == ""):
            raise Failed(f"{path}: blocked {blocked!r}")


def renewed(stage, browser):
    """Tokens of ten seconds; the session outlives the first."""
    page = browser.person().page(stage.home + "/")
    page.run("""began = Date.now(); s = open('/chat/lobby', {protocols: ['chat.v1'],
        token: async () => (await fetch('/token')).text()}); 0""")
    page.wait("s.readyState === 1")
    page.wait("Date.now() > began + 12000")
    echoes(page, "still here")
    same(page.run("s.told.join()"), "open")
    if not stage.guard.wait_log(lambda r: r.get("event") == "renewed" and r.get("subject") == "alice", 1):
        raise Failed("nothing was renewed")
    page.run("s.close(); 0")
    page.wait("s.readyState === 3")


def rolled(stage, browser):
    """A new gateway takes over, the old one drains: the page is back by itself, and sends what waited."""
    page = browser.person().page(stage.home + "/")
    log_in(page)
    page.run("s = open('/chat/lobby', {protocols: ['chat.v1'], spread: 500, queue: 1}); 0")
    page.wait("s.readyState === 1")
    stage.guard.signal("USR2")
    page.wait("s.told.includes('reconnecting:draining')")
    page.run("s.send('waited'); 0")
    page.wait("s.told.filter((t) => t === 'open').length === 2")
    page.wait("s.heard.includes('waited')")
    echoes(page, "back")


def refused_once(stage, browser):
    """Nobody's session: one answer, no storm, and in again when the page says so."""
    page = browser.person().page(stage.home + "/")
    log_in(page, "nobody")
    page.run("s = open('/chat/lobby', {protocols: ['chat.v1'], delay: 1, maxDelay: 1}); 0")
    page.wait("s.readyState === 3")
    asked = "performance.getEntriesByType('resource').filter((e) => /csrf$|ticket$/.test(e.name)).length"
    before = page.run(asked)
    page.run("new Promise((done) => setTimeout(done, 1500))")
    same(page.run("s.told.join()"), "refused:credential_invalid,close:credential_invalid")
    same((before, page.run(asked)), (1, 1))
    log_in(page)
    page.run("s.reconnect(); 0")
    page.wait("s.readyState === 1")
    echoes(page, "now I am")


def revoked(stage, browser):
    """Shut out while connected: told once, and not back."""
    page = browser.person().page(stage.home + "/")
    log_in(page)
    page.run("s = open('/chat/lobby', {protocols: ['chat.v1'], delay: 1, maxDelay: 1}); 0")
    page.wait("s.readyState === 1")
    stage.admin("POST", "/v1/revocations", {"sub": "alice"})
    page.wait("s.readyState === 3")
    same(page.run("s.told.join()"), "open,refused:revoked,close:revoked")


# Script that got in and wants out: by the constructor, however it comes by it. `out` is what came of it.
ESCAPES = """(async (url) => {
	const out = [];
	for (const make of [
		() => new WebSocket(url),
		() => new WebSocket.prototype.constructor(url),
		() => new (class extends WebSocket {})(url),
		() => Reflect.construct(WebSocket, [url]),
		() => { delete window.WebSocket; return new WebSocket(url); },
	]) {
		try {
			const socket = make();
			out.push(await new Promise((done) => { socket.onopen = () => done("open"); socket.onerror = () => done("failed"); }));
			socket.close();
		} catch (e) {
			out.push(e.name);
		}
	}
	return out.join();
})"""


def pinned(stage, browser):
    """On a page without a policy, to a collector that takes everything."""
    collector = f"ws://127.0.0.1:{stage.echo.sock.getsockname()[1]}/collect"
    naked = browser.person().page(f"http://localhost:{stage.app.server_port}/elsewhere")
    same(naked.run(f"{ESCAPES}('{collector}')"), "open,open,open,open,ReferenceError")
    page = browser.person().page(f"http://localhost:{stage.app.server_port}/elsewhere")
    page.run(f"Sallyport.pin(['{stage.home}']); 0")
    same(page.run(f"{ESCAPES}('{collector}')"), "SecurityError,SecurityError,SecurityError,SecurityError,SecurityError")
    page.run(f"""s = open('/chat/lobby', {{gateway: '{stage.home}', protocols: ['chat.v1'],
        token: async () => (await fetch('/token')).text()}}); 0""")
    page.wait("s.readyState === 1")
    echoes(page, "pinned at home")


def elsewhere(stage, browser):
    """A page of another origin: the script by integrity, the ticket by CORS, the proof in a worker from a blob."""
    page = browser.person().page(f"http://localhost:{stage.app.server_port}/elsewhere")
    page.run(f"""s = open('/chat/lobby', {{gateway: '{stage.home}', protocols: ['chat.v1'],
        token: async () => (await fetch('/token')).text()}}); 0""")
    page.wait("s.readyState === 1")
    echoes(page, "from elsewhere")
    page.run("Sallyport.solve({algorithm: 'sha256', challenge: 'x', bits: 10})")
    same(page.run("seen.workers.map((w) => w.slice(0, 5)).join()"), "blob:")
    broken = PAGE.format(tag=stage.tag.replace('src="', f'src="{stage.home}').replace("sha384-", "sha384-AAAA", 1), script="")
    Application.page = broken.encode()
    page = browser.person().page(f"http://localhost:{stage.app.server_port}/elsewhere")
    same(page.run("typeof Sallyport"), "undefined")


SCENES = (
    ("at level 3 the page pays with a proof, in a worker, and gets in", besieged),
    ("the example of docs/client.md, word for word", documented),
    ("a route without subprotocols", without_subprotocol),
    ("as a module", as_module),
    ("proofs under strict policies", wherever_it_solves),
    ("a session is renewed past its first token", renewed),
    ("a new gateway takes over: the page comes back", rolled),
    ("a refused credential: once, and no storm", refused_once),
    ("naked, script opens sockets to anywhere; pinned, to the gateway only", pinned),
    ("a page of another origin", elsewhere),
    ("revoked: out, and not back", revoked),
)
