# SPDX-License-Identifier: Apache-2.0
"""
Who is compared: started on free ports, pinned to processor 0, with the application on the last one.

    floor    tcpfloor: a bare echo, or a bare relay, that never looks; the relay also with OpenSSL towards clients
    proxies  nginx and HAProxy, with the buffers they have and with 64 KiB
    gateway  one process; routes /none /contract /everything ...
    servers  what applications are written with: libwebsockets, ws of npm, websockets of Python

A peer that is not installed is left out, and the report says so.
"""
import glob
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from . import machine

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
ROOT = os.path.dirname(BENCH)
CONF = os.path.join(BENCH, "conf")
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

from tokens import Key  # noqa: E402

MEASURED = 0
ELSEWHERE = (os.cpu_count() or 1) - 1


_ports = iter(range(21000 + os.getpid() % 4000, 32000))


def free_ports(count):
    """Below those that connections of their own are given."""
    found = []
    for port in _ports:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise SystemExit("bench: no free ports")


def wait_for(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"bench: nobody listens on port {port}")


class Process:
    """A program of ours; ended by its id, with all that it started."""

    def __init__(self, command, cpu, log, cwd=None, environment=None):
        self.command = ["taskset", "-c", str(cpu), *command]
        with open(log, "ab") as f:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, cwd=cwd,
                                            env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self.process.pid

    def family(self):
        pids, at = [self.pid], 0
        while at < len(pids):
            pids += machine.children(pids[at])
            at += 1
        return pids

    def stop(self):
        for sig in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(sig)
                try:
                    self.process.wait(1)
                except subprocess.TimeoutExpired:
                    continue


class Bench:
    """Folder, programs and ports of one run."""

    def __init__(self, build, folder):
        self.build = os.path.abspath(build)
        self.folder = folder
        self.running = []
        self.missing = []
        self.gateway_environment = None
        cert = os.path.join(folder, "cert.pem")
        key = os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "90", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
        os.chmod(key, 0o600)
        with open(os.path.join(folder, "both.pem"), "w", encoding="utf-8") as f:
            f.write(machine.read(cert) + machine.read(key))
        os.chmod(f.name, 0o600)
        self.app_port, = free_ports(1)
        self.app_socket = os.path.join(folder, "app.sock")
        self.app = self.start([self.tool("wsload"), "echo", str(self.app_port)], ELSEWHERE)
        self.local_app = self.start([self.tool("wsload"), "echo", self.app_socket], ELSEWHERE)
        wait_for(self.app_port)
        self.whoami = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WhoAmI)
        threading.Thread(target=self.whoami.serve_forever, daemon=True).start()
        self.secret = Key("secret", folder)
        self.es256 = Key("ec", folder)
        self.es256_public = os.path.join(folder, "es256.pem")
        with open(self.es256_public, "wb") as f:
            f.write(self.es256.pem)
        claims = {"sub": "user1", "aud": "bench", "exp": int(time.time()) + 86400}
        self.token = self.secret.token(claims)
        self.es256_token = self.es256.token(claims)

    def tool(self, name):
        return os.path.join(self.build, "bench", name)

    def start(self, command, cpu=MEASURED, **more):
        p = Process(command, cpu, os.path.join(self.folder, "log"), **more)
        self.running.append(p)
        return p

    def stop(self, p):
        p.stop()
        self.running.remove(p)

    def stop_all(self):
        for p in reversed(self.running):
            p.stop()
        self.running.clear()
        self.whoami.shutdown()

    def written(self, file_name, template, **values):
        """A file in our folder, made from the one in conf/."""
        text = machine.read(os.path.join(CONF, template))
        for key, value in {**values, "folder": self.folder, "app": self.app_port, "conf": CONF}.items():
            text = text.replace("{{%s}}" % key, str(value))
        path = os.path.join(self.folder, file_name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path


class Server:
    """Something that listens: whose time counts, and where."""

    def __init__(self, name, process, port, tls_port=None, path="/", headers=()):
        self.name = name
        self.process = process
        self.port = port
        self.tls_port = tls_port
        self.path = path
        self.headers = list(headers)

    def pids(self):
        return self.process.family()

    def url(self, tls=False, path=None):
        return f"{'wss' if tls else 'ws'}://{self.tls_port if tls else self.port}{path or self.path}"

    def on(self, name, path, headers=()):
        """The same process under another path."""
        return Server(name, self.process, self.port, self.tls_port, path, headers)


def relay(bench):
    port, = free_ports(1)
    p = bench.start([bench.tool("tcpfloor"), str(port), str(bench.app_port)])
    wait_for(port)
    return Server("bare relay", p, port)


def relay_tls(bench):
    port, = free_ports(1)
    p = bench.start([bench.tool("tcpfloor"), str(port), str(bench.app_port), os.path.join(bench.folder, "cert.pem"),
                     os.path.join(bench.folder, "key.pem")])
    wait_for(port)
    return Server("bare relay", p, None, port)


def floor(bench):
    """Echoes bytes, and therefore has to be told to answer the handshake: see Bench.app for one that does."""
    return Server("our application", bench.app, bench.app_port)


def nginx(bench, tuned):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        bench.missing.append("nginx")
        return None
    port, tls = free_ports(2)
    name = "nginx-tuned" if tuned else "nginx"
    path = bench.written(name + ".conf", "nginx.conf", port=port, tls=tls, name=name,
                         buffers="proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_busy_buffers_size 128k;"
                         if tuned else "")
    p = bench.start([program, "-c", path, "-p", bench.folder, "-e", os.path.join(bench.folder, "log"),
                     "-g", "daemon off;"])
    wait_for(port)
    return Server("nginx, 64 KiB buffers" if tuned else "nginx", p, port, tls)


def haproxy(bench, tuned):
    program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        bench.missing.append("haproxy")
        return None
    port, tls = free_ports(2)
    path = bench.written(f"haproxy-{port}.cfg", "haproxy.cfg", port=port, tls=tls,
                         buffers="tune.bufsize 65536" if tuned else "")
    p = bench.start([program, "-f", path, "-db"])
    wait_for(port)
    return Server("HAProxy, 64 KiB buffers" if tuned else "HAProxy", p, port, tls)


class WhoAmI(http.server.BaseHTTPRequestHandler):
    """Stands for the application that is asked whose a cookie is."""
    def do_GET(self):  # noqa: N802
        body = b'{"sub": "user1"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# Lines of the configuration for clients with certificates: everybody is asked for one then.
CERTIFICATES = {
    "client_ca": "client_ca: {{folder}}/cert.pem",
    "certificate": "certificate: {mtls: {subject: cn}}",
    "certificate_route": """- path: /certificate
    origins: {allow: ["https://shop.example"]}
    identify: [certificate]
    upstream: ws://127.0.0.1:{{app}}/
    contract: none""",
}


def gateway(bench, prefix=(), wait=True, sandbox="on", certificates=False):
    port, tls = free_ports(2)
    os.makedirs(os.path.join(bench.folder, "keys"), mode=0o700, exist_ok=True)
    shutil.copy(os.path.join(CONF, "bench.asyncapi.yaml"), bench.folder)
    path = bench.written(f"sallyport-{port}.yaml", "sallyport.yaml", port=port, tls=tls, sandbox=sandbox,
                         **{k: v if certificates else "" for k, v in CERTIFICATES.items()},
                         whoami=bench.whoami.server_port, secret=bench.secret.path, es256=bench.es256_public, socket=bench.app_socket)
    p = bench.start([*prefix, os.path.join(bench.build, "sallyport"), "serve", "-c", path], cwd=bench.folder,
                    environment=bench.gateway_environment)
    if wait:
        wait_for(port)
    return Server("Sallyport", p, port, tls, "/none")


def routes(g, bench):
    """The gateway as four contenders."""
    bearer = [f"Authorization: Bearer {bench.token}"]
    return [g.on("Sallyport, no policy", "/none"), g.on("Sallyport, contract", "/contract"),
            g.on("Sallyport, everything", "/everything", bearer), g.on("Sallyport, rules alone", "/rules")]


def node_ws(bench):
    program = shutil.which("node")
    modules = glob.glob(os.path.join(bench.build, "bench", "npm", "node_modules", "ws"))
    if program and not modules and shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix",
                        os.path.join(bench.build, "bench", "npm"), "ws@8.18.0"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        modules = glob.glob(os.path.join(bench.build, "bench", "npm", "node_modules", "ws"))
    if not program or not modules:
        bench.missing.append("ws of npm")
        return None
    port, = free_ports(1)
    p = bench.start([program, os.path.join(BENCH, "peer_ws.js"), str(port)],
                    environment={"NODE_PATH": os.path.dirname(modules[0])})
    wait_for(port)
    return Server("ws (npm)", p, port)


def python_websockets(bench):
    if subprocess.run(["/usr/bin/python3", "-c", "import websockets"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        bench.missing.append("websockets of Python")
        return None
    port, = free_ports(1)
    p = bench.start(["/usr/bin/python3", os.path.join(BENCH, "peer_websockets.py"), str(port)])
    wait_for(port)
    return Server("websockets (Python)", p, port)


def libwebsockets(bench):
    program = bench.tool("peer_lws")
    if not os.access(program, os.X_OK):
        bench.missing.append("libwebsockets")
        return None
    port, = free_ports(1)
    p = bench.start([program, str(port)])
    wait_for(port)
    return Server("libwebsockets", p, port)
