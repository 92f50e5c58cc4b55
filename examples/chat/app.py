#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A chat, deliberately naive: the application of every article on WebSocket security.

DO NOT COPY THIS. It is here to be attacked. On purpose it
  - looks at no Origin: a page anywhere may open a socket with your cookie,
  - asks nobody on the socket who they are,
  - believes the `user` in each message,
  - sends every message on as it came; the page puts it into the document with innerHTML,
  - has no limit on anything but what its library sets.

It listens twice, on loopback only:
  --http  pages, POST /login (a cookie `sid`), POST /logout, GET /whoami
  --ws    the socket itself: /chat/<room>, subprotocol chat.v1

Naked: open the http address. Behind the gateway: see sallyport.yaml beside this file; there
only /whoami is asked (who does this cookie belong to?) and only the gateway talks to --ws.
"""
import argparse
import asyncio
import http.server
import json
import mimetypes
import os
import secrets
import signal
import sys
import threading
import urllib.parse

import websockets

PUBLIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "public")
SESSIONS = {}       # sid -> name
ROOMS = {}          # room -> set of sockets
OPTIONS = None


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/whoami":
            name = self.who()
            if name:
                self.answer(200, json.dumps({"sub": name, "name": name.capitalize()}), "application/json")
            else:
                self.answer(401, '{"error": "nobody"}', "application/json")
        elif path == "/where.json":
            self.answer(200, json.dumps({"login": "/login", "socket": OPTIONS.socket_url}), "application/json")
        elif path == "/login":
            self.page("login.html", back=self.back(urllib.parse.parse_qs(query)))
        else:
            self.page(path.lstrip("/") or "index.html")

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        form = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        if self.path == "/login":
            name = form.get("name", [""])[0].strip()[:40]
            if not name:
                self.answer(400, "Who are you?")
                return
            sid = secrets.token_urlsafe(18)
            SESSIONS[sid] = name
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

    def who(self):
        return SESSIONS.get(self.sid())

    def page(self, name, **fill):
        path = os.path.realpath(os.path.join(PUBLIC, name))
        if name == "login.html":
            path = os.path.join(os.path.dirname(PUBLIC), name)
        elif not path.startswith(PUBLIC + os.sep) or not os.path.isfile(path):
            self.answer(404, "No such page")
            return
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for key, value in fill.items():
            text = text.replace("{{" + key + "}}", value)
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


async def talk(socket, path=None):
    """Everything anybody says in a room goes to everybody in it, as it came."""
    room = ROOMS.setdefault(socket.path.partition("?")[0], set())
    room.add(socket)
    try:
        async for message in socket:
            websockets.broadcast(room, message)
    except websockets.ConnectionClosedError:
        pass
    finally:
        room.discard(socket)


async def run():
    pages = http.server.ThreadingHTTPServer(address(OPTIONS.http), Pages)
    stop = asyncio.Event()
    for s in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(s, stop.set)
    host, port = address(OPTIONS.ws)
    async with websockets.serve(talk, host, port, subprotocols=["chat.v1"]) as server:
        ws_port = server.sockets[0].getsockname()[1]
        OPTIONS.socket_url = f"ws://localhost:{ws_port}/chat/"
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        print(json.dumps({"event": "listening", "http": f"http://127.0.0.1:{pages.server_port}",
                          "ws": f"ws://127.0.0.1:{ws_port}"}), flush=True)
        await stop.wait()
    pages.shutdown()


def main():
    global OPTIONS
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--http", default="127.0.0.1:9000", metavar="HOST:PORT")
    p.add_argument("--ws", default="127.0.0.1:9001", metavar="HOST:PORT")
    p.add_argument("--back", action="append", metavar="URL",
                   help="a page that the login may return to (default https://localhost:8443/)")
    OPTIONS = p.parse_args()
    OPTIONS.back = OPTIONS.back or ["https://localhost:8443/"]
    asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
