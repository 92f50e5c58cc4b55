#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `sallyport try http` accepts, every other parser must read the same way.

Usage: http_differential.py COMMAND...        (COMMAND is sallyport; `try http --lines` is added)

Requests are made from good ones by putting, replacing, doubling and moving bytes, and from the
collections in $SALLYPORT_TESTDATA. Those that we accept go to each peer that is installed: Node's
server (strict and lenient), Python's http.server, websockets and h11, HAProxy and nginx. A peer may
refuse what we accept; it must not see another method, target, header, body or number of requests.
Prints TAP: a line for each peer, "# SKIP" for one that is not here.
"""
import base64
import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20_26
MUTANTS = 4000          # for peers inside a process
SOCKET_CASES = 400      # for peers behind a socket

UPGRADE = (b"GET /chat/lobby?ticket=x HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\n"
           b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"Sec-WebSocket-Version: 13\r\nOrigin: https://chat.example\r\nCookie: a=b; c=d\r\n\r\n")
BASES = [
    UPGRADE,
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /.sallyport/ticket HTTP/1.1\r\nHost: a.example:8443\r\nContent-Length: 4\r\nX-Y: z\r\n\r\nbody",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX:\r\nX: \t a\tb \r\n\r\n",
    b"HEAD /a;b/%C3%BC?q=|[]{}^ HTTP/1.1\r\nHost: 127.0.0.1\r\nX_Y: 1\r\nContent-Length: 0\r\n\r\n",
]
PIECES = [bytes([b]) for b in range(256)] + [
    b"\r\n", b"\n\n", b"\r\r\n", b"\r\n ", b"\r\n\t", b": ", b" :", b",", b"  ", b"\r\n\r\n", b"//", b"/../", b"%00",
    b"%2f", b"%0d%0a", b"HTTP/1.0", b"HTTP/1.1", b"http://a/", b"#x", b"chunked", b"Transfer-Encoding: chunked",
    b"\r\nTransfer-Encoding: chunked", b"\r\nTransfer_Encoding: chunked", b"\r\nContent-Length: 4",
    b"\r\nContent-Length: +4", b"\r\nContent-Length: 0", b"\r\nHost: b", b"\r\nConnection: close", b"\r\nExpect: 100-continue",
    b"\r\nX: \"", b"\r\nX: y\r\nZ: a, b", b"\r\nX-Forwarded-For: 1.2.3.4", b"\r\nTE: trailers", b"\r\nTrailer: X", b"0\r\n\r\n",
    b"\r\nHTTP2-Settings: AAMAAABkAAQAAP__", b"\r\nUpgrade: h2c", b"\r\nConnection: x", b"\r\nKeep-Alive: timeout=5",
]


def mutants():
    random.seed(SEED)
    for base in BASES:
        yield base
    for base in BASES[:2]:
        for at in range(len(base)):
            for piece in random.sample(PIECES, 12):
                yield base[:at] + piece + base[at:]
    for _ in range(MUTANTS):
        data = random.choice(BASES)
        for _ in range(random.choice((1, 1, 2, 3))):
            at = random.randrange(len(data) + 1)
            kind = random.randrange(5)
            if kind == 0:
                data = data[:at] + random.choice(PIECES) + data[at:]
            elif kind == 1:
                data = data[:at] + random.choice(PIECES) + data[at + 1:]
            elif kind == 2:
                data = data[:at] + data[at + random.randrange(1, 9):]
            elif kind == 3:
                end = at + random.randrange(1, 30)
                data = data[:end] + data[at:]
            else:
                data = data[:at].swapcase() + data[at:] if at % 2 else data[:at] + data[at:].swapcase()
        yield data


def collected():
    folder = os.environ.get("SALLYPORT_TESTDATA", "")
    def load(name):
        path = os.path.join(folder, name)
        return open(path, encoding="utf-8").read() if os.path.exists(path) else "[]"
    for case in json.loads(load("http1/llhttp-requests.json")):
        data = base64.b64decode(case["request_b64"])
        yield data
        yield data.replace(b"\r\n", b"\r\nHost: a\r\n", 1)
    for case in json.loads(load("http1/smuggler-te-headers.json")):
        yield UPGRADE[:-2] + base64.b64decode(case["header_b64"]) + b"\r\n\r\n"
    seeds = load("fuzz-seeds/http-request.jsonl")
    for line in seeds.splitlines():
        if line.startswith('"'):
            data = base64.b64decode(json.loads(line))
            yield data
            yield data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def accepted(command, requests):
    lines = "".join(json.dumps({"base64": base64.b64encode(r).decode()}) + "\n" for r in requests)
    run = subprocess.run(command + ["try", "http", "--lines"], input=lines, text=True, stdout=subprocess.PIPE,
                         timeout=300, check=True)
    verdicts = [json.loads(line) for line in run.stdout.rstrip("\n").split("\n")]
    assert len(verdicts) == len(requests), "a line out for each line in"
    for data, verdict in zip(requests, verdicts):
        if verdict.get("ok"):
            verdict["bytes"] = data
            verdict["headers"] = [(n.lower(), v) for n, v in verdict["headers"]]
            yield verdict


def body_of(verdict):
    return len(verdict["bytes"].split(b"\r\n\r\n", 1)[1])


# Each peer takes accepted verdicts and yields, for each, None (it refuses) or
# (method, target, [(lower-case name, value)], bytes behind the head, number of requests).

class Node:
    def __init__(self, mode):
        self.name, self.mode = f"node ({mode} parser)", mode

    def here(self):
        return shutil.which("node")

    def read(self, verdicts):
        lines = "".join(base64.b64encode(v["bytes"]).decode() + "\n" for v in verdicts)
        run = subprocess.run(["node", os.path.join(HERE, "http_peer.js"), self.mode], input=lines, text=True,
                             stdout=subprocess.PIPE, timeout=300, check=True)
        for line in run.stdout.rstrip("\n").split("\n"):
            answer = json.loads(line)
            if not answer["seen"]:
                yield None
                continue
            one = answer["seen"][0]
            yield (one["method"], one["target"], [(n.lower(), v) for n, v in one["headers"]], one["body"],
                   len(answer["seen"]) + answer["refused"])


class HttpServer:
    name = "Python http.server"

    def here(self):
        return True

    def read(self, verdicts):
        from http.server import BaseHTTPRequestHandler

        class Handler(BaseHTTPRequestHandler):
            def __init__(self, data):
                self.rfile, self.wfile = io.BytesIO(data), io.BytesIO()
                self.client_address = ("", 0)
                self.raw_requestline = self.rfile.readline(65537)

            def send_error(self, *args, **kwargs):
                pass

        for v in verdicts:
            handler = Handler(v["bytes"])
            if not handler.parse_request():
                yield None
                continue
            headers = [(n.lower(), x.strip(" \t")) for n, x in handler.headers.items()]
            yield handler.command, handler.path, headers, len(handler.rfile.read()), 1


class WebSockets:
    name = "Python websockets"

    def here(self):
        try:
            import websockets.http11
            return websockets.http11
        except ImportError:
            return None

    def read(self, verdicts):
        from websockets.http11 import Request
        from websockets.streams import StreamReader
        for v in verdicts:
            reader = StreamReader()
            reader.feed_data(v["bytes"])
            reader.feed_eof()
            try:
                parser = Request.parse(reader.read_line)
                next(parser)
                yield None
            except StopIteration as done:
                request = done.value
                headers = [(n.lower(), x) for n, x in request.headers.raw_items()]
                yield "GET", request.path, headers, len(reader.buffer), 1
            except Exception:
                yield None


class H11:
    name = "Python h11"

    def here(self):
        try:
            import h11
            return h11
        except ImportError:
            return None

    def read(self, verdicts):
        import h11
        for v in verdicts:
            connection = h11.Connection(h11.SERVER)
            try:
                connection.receive_data(v["bytes"])
                event, body = connection.next_event(), 0
                if not isinstance(event, h11.Request):
                    yield None
                    continue
                while True:
                    more = connection.next_event()
                    if not isinstance(more, h11.Data):
                        break
                    body += len(more.data)
                body += len(connection.trailing_data[0])
                headers = [(n.decode(), x.decode("latin-1")) for n, x in event.headers]
                yield event.method.decode(), event.target.decode("latin-1"), headers, body, 1
            except h11.RemoteProtocolError:
                yield None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """A server in a process of its own, whose answer's body says what it read."""

    def here(self):
        return shutil.which(self.program) or shutil.which(self.program, path="/usr/sbin:/sbin")

    def read(self, verdicts):
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            config = os.path.join(folder, "peer.conf")
            with open(config, "w", encoding="utf-8") as f:
                f.write(self.config(folder, port))
            process = subprocess.Popen(self.command(self.here(), folder, config), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                self.wait(port, process)
                for v in verdicts:
                    yield self.parse(self.ask(port, v["bytes"]))
            finally:
                process.terminate()
                process.wait(10)

    def wait(self, port, process):
        for _ in range(100):
            if process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at once")
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen")

    def ask(self, port, data):
        with socket.create_connection(("127.0.0.1", port), timeout=3) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        return answer
                    answer += piece
            except OSError:
                return answer


class HAProxy(Daemon):
    name, program = "HAProxy", "haproxy"
    rewrites = ("connection",)      # it takes out what was meant for itself; and "*" becomes empty

    def config(self, folder, port):
        return (f"defaults\n mode http\n timeout client 2s\n timeout server 2s\n timeout connect 2s\n"
                f"frontend f\n bind 127.0.0.1:{port}\n"
                f" http-request return status 200 content-type text/plain lf-string"
                f' "MARK%[method,base64] %[capture.req.uri,base64] %[req.hdrs,base64]KRAM"\n')

    def command(self, program, folder, config):
        return [program, "-db", "-f", config]

    def parse(self, answer):
        if b"MARK" not in answer:
            return None
        marks = answer.split(b"MARK")[1:]
        method, target, headers = (base64.b64decode(part) for part in marks[0].split(b"KRAM")[0].split(b" "))
        lines = [line.split(b":", 1) for line in headers.split(b"\r\n") if line]
        headers = [(n.decode("latin-1").lower(), x.strip(b" \t").decode("latin-1")) for n, x in lines]
        return method.decode(), target.decode("latin-1") or "*", headers, None, answer.count(b"HTTP/1.")


class Nginx(Daemon):
    name, program = "nginx", "nginx"

    def config(self, folder, port):
        return (f"daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log /dev/null;\n"
                "events {}\n http { access_log off; client_body_temp_path " + folder + "/b; proxy_temp_path " + folder +
                "/p; fastcgi_temp_path " + folder + "/f; uwsgi_temp_path " + folder + "/u; scgi_temp_path " + folder +
                "/s; server { listen 127.0.0.1:" + str(port) + "; location / { default_type text/plain; "
                "return 200 'MARK$request_method $request_uri $http_host $content_length $http_transfer_encodingKRAM'; } } }\n")

    def command(self, program, folder, config):
        return [program, "-p", folder, "-c", config]

    def parse(self, answer):
        if b"MARK" not in answer:
            return None
        words = answer.split(b"MARK")[1].split(b"KRAM")[0].decode("latin-1").split(" ")
        return words[0], words[1], None, None, answer.count(b"HTTP/1.1 ")


def difference(verdict, answer, rewrites):
    def sort(fields):
        return sorted((n, v) for n, v in fields if n not in rewrites)

    method, target, headers, behind, requests = answer
    if method != verdict["method"]:
        return f"method {method!r}"
    if target != verdict["target"]:
        return f"target {target!r}"
    if headers is not None and sort(headers) != sort(verdict["headers"]):
        return f"headers {headers!r}"
    if behind is not None and behind != body_of(verdict):
        return f"{behind} bytes behind the head"
    if requests != 1:
        return f"{requests} requests"
    return None


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    requests = list(dict.fromkeys(list(mutants()) + list(collected())))
    verdicts = list(accepted(sys.argv[1:], requests))
    print(f"# {len(requests)} requests, {len(verdicts)} accepted")
    peers = [Node("strict"), Node("lenient"), HttpServer(), WebSockets(), H11(), HAProxy(), Nginx()]
    print(f"1..{len(peers) + 1}")
    failed = not 100 < len(verdicts) < len(requests) / 2
    print(f"{'not ok' if failed else 'ok'} 1 - some are accepted, most are not")
    for number, peer in enumerate(peers, 2):
        if not peer.here():
            print(f"ok {number} - {peer.name} # SKIP not installed")
            continue
        cases = random.sample(verdicts, min(SOCKET_CASES, len(verdicts))) if isinstance(peer, Daemon) else verdicts
        wrong = refused = 0
        for verdict, answer in zip(cases, peer.read(cases), strict=True):
            refused += answer is None
            what = answer and difference(verdict, answer, getattr(peer, "rewrites", ()))
            if what:
                wrong += 1
                print(f"# {verdict['bytes']!r}: {peer.name} reads {what}")
        # A peer that refuses nearly everything proves nothing.
        bad = wrong or refused > len(cases) * 9 / 10
        failed = failed or bad
        print(f"{'not ok' if bad else 'ok'} {number} - {peer.name}: {len(cases)} read, {refused} refused by it, "
              f"{wrong} read otherwise")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
