# SPDX-License-Identifier: Apache-2.0
"""
What the three example applications have in common: pages, a login without passwords, a socket beside them.

  --http  pages, POST /login (a cookie `sid`), POST /logout, GET /whoami
  --ws    the socket itself

Naked: open the http address. Behind the gateway only /whoami is asked (whose cookie is this?), and only the
gateway talks to --ws. DO NOT COPY THIS: there is no password, and the cookie says neither Secure nor SameSite.
"""
import argparse
import asyncio
import html
import http.server
import json
import mimetypes
import os
import secrets
import signal
import threading
import urllib.parse

import websockets

HERE = os.path.dirname(os.path.abspath(__file__))
SESSIONS = {}       # sid -> all we know about that person
OPTIONS = None
APP = None


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/whoami":
            user = SESSIONS.get(self.sid())
            if user:
                claims = {"sub": user["name"], **APP.claims(user["name"])}
                self.answer(200, json.dumps(claims), "application/json")
            else:
                self.answer(401, '{"error": "nobody"}', "application/json")
        elif path == "/where.json":
            self.answer(200, json.dumps({"login": "/login", "socket": OPTIONS.socket_url}), "application/json")
        elif path == "/login":
            back = self.back(urllib.parse.parse_qs(query))
            self.page(os.path.join(HERE, "login.html"), back=back, title=APP.TITLE)
        else:
            self.page(os.path.join(OPTIONS.public, path.lstrip("/") or "index.html"))

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        form = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        if self.path == "/login":
            name = form.get("name", [""])[0].strip()[:40]
            if not name:
                self.answer(400, "Who are you?")
                return
            sid = secrets.token_urlsafe(18)
            SESSIONS[sid] = {"name": name, "sid": sid, "ip": self.client_address[0]}
            self.go(self.back(form), f"sid={sid}; HttpOnly; Path=/")
        elif self.path == "/logout":
            SESSIONS.pop(self.sid(), None)
            self.go(self.back(form), "sid=; Max-Age=0; Path=/")
        else:
            self.answer(404, "No such page")

    def back(self, form):
        """Where to go after the login: one of the addresses we were started with, else our own page."""
        wanted = form.get("back", [""])[0]
        return wanted if wanted in OPTIONS.back else "/"

    def sid(self):
        for part in (self.headers.get("Cookie") or "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == "sid":
                return value
        return ""

    def page(self, path, **fill):
        path = os.path.realpath(path)
        if not path.startswith((OPTIONS.public + os.sep, HERE + os.sep + "login")) or not os.path.isfile(path):
            self.answer(404, "No such page")
            return
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for key, value in fill.items():
            text = text.replace("{{" + key + "}}", html.escape(value))
        self.answer(200, text, mimetypes.guess_type(path)[0] or "text/plain")

    def go(self, where, cookie):
        self.send_response(303)
        self.send_header("Location", where)
        self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status, text, kind="text/plain"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind + ("; charset=utf-8" if kind.startswith("text/") else ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


async def serve():
    pages = http.server.ThreadingHTTPServer(address(OPTIONS.http), Pages)
    stop = asyncio.Event()
    for s in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(s, stop.set)
    host, port = address(OPTIONS.ws)
    async with websockets.serve(APP.talk, host, port, subprotocols=[APP.PROTOCOL]) as server:
        ws_port = server.sockets[0].getsockname()[1]
        OPTIONS.socket_url = f"ws://localhost:{ws_port}{APP.PATH}"
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        print(json.dumps({"event": "listening", "http": f"http://127.0.0.1:{pages.server_port}",
                          "ws": f"ws://127.0.0.1:{ws_port}"}), flush=True)
        await stop.wait()
    pages.shutdown()


def main(app):
    """Runs a module with TITLE, PATH and PROTOCOL of its socket, PORTS (http, ws, gateway), claims() and talk()."""
    global OPTIONS, APP
    APP = app
    http_port, ws_port, gateway_port = app.PORTS
    p = argparse.ArgumentParser(description=app.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--http", default=f"127.0.0.1:{http_port}", metavar="HOST:PORT")
    p.add_argument("--ws", default=f"127.0.0.1:{ws_port}", metavar="HOST:PORT")
    p.add_argument("--back", action="append", metavar="URL",
                   help=f"a page that the login may return to (default https://localhost:{gateway_port}/)")
    OPTIONS = p.parse_args()
    OPTIONS.back = OPTIONS.back or [f"https://localhost:{gateway_port}/"]
    OPTIONS.public = os.path.join(os.path.dirname(os.path.abspath(app.__file__)), "public")
    asyncio.run(serve())
