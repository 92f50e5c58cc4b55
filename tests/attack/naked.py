#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What the attacks are fired at: servers as people write them, with every usual mistake.

    ws     a WebSocket application on Python's `websockets`:
             /account  says whose cookie it got, to any page        /token    lets in whoever has ?token=
             /headers  believes X-Forwarded-User                    /echo     sends back what it gets
             /room     everybody gets what anybody says             /whoami   (HTTP) who is this cookie?
             /wallet   verifies a JWT as its header says it is to be done, with jwt.pem beside the log
    toy    a WebSocket echo server written by hand: no checks, twenty connections at once
    pages  ordinary HTTP: /health answers 101 when told so, /internal is a secret
    proxy  a naive reverse proxy before `pages`: keeps /internal from everybody, and joins both sides
           on any 101

Prints one JSON line with the ports; writes an access log, query strings and all, to --log.
"""
import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import struct
import sys
import threading
import urllib.parse

import websockets

LOG = None
ROOM = set()
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def note(line):
    LOG.write(line + "\n")
    LOG.flush()


# --- ws

def cookie_of(headers, name):
    for part in headers.get("Cookie", "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def believed(token):
    """The claims, verified as libraries did for years: the header chooses."""
    try:
        covered, _, signature = token.rpartition(".")
        header, payload = (json.loads(unbase64(part)) for part in covered.split("."))
    except ValueError:
        return None
    if header["alg"] == "none":
        return payload
    if header["alg"] == "HS256":
        key = open(os.path.join(os.path.dirname(LOG.name), "jwt.pem"), "rb").read()
        if "jwk" in header:
            key = unbase64(header["jwk"]["k"])
        good = hmac.new(key, covered.encode(), hashlib.sha256).digest()
        return payload if hmac.compare_digest(good, unbase64(signature)) else None
    return None


async def request(path, headers):
    note(f"GET {path} from {headers.get('X-Forwarded-For', 'somewhere')}")
    if path == "/whoami":
        sid = cookie_of(headers, "sid")
        if sid.startswith("session-of-"):
            return http.HTTPStatus.OK, [("Content-Type", "application/json")], json.dumps({"sub": sid[11:]}).encode()
        return http.HTTPStatus.UNAUTHORIZED, [], b"{}"
    if path.startswith("/wallet") and "Sallyport-Subject" not in headers:
        claims = believed(headers.get("Authorization", "").removeprefix("Bearer "))
        if not claims:
            return http.HTTPStatus.UNAUTHORIZED, [], b"bad token"
        headers["Sallyport-Subject"] = claims["sub"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
    if path.startswith("/token") and query.get("token") != ["good"]:
        return http.HTTPStatus.UNAUTHORIZED, [], b"bad token"
    return None


async def talk(socket, path=None):
    path = socket.path.partition("?")[0]
    headers = socket.request_headers
    if path in ("/account", "/wallet"):
        who = headers.get("Sallyport-Subject") or cookie_of(headers, "sid")[11:]
        await socket.send(f"the balance of {who} is 1000")
    elif path == "/headers":
        who = [v for n, v in headers.raw_items() if n.lower().replace("_", "-") == "x-forwarded-user"]
        subject = headers.get("Sallyport-Subject", "missing")
        await socket.send(json.dumps({"you are": who[0] if who else "nobody", "subject": subject,
                                      "headers": list(headers.raw_items())}))
    elif path == "/room":
        ROOM.add(socket)
        try:
            async for message in socket:
                websockets.broadcast(ROOM, message)
        except websockets.ConnectionClosedError:
            pass
        finally:
            ROOM.discard(socket)
        return
    else:
        try:
            async for message in socket:
                await socket.send(f"got {len(message)}" if len(message) > 100000 else message)
        except websockets.ConnectionClosed:
            pass
        return
    await socket.wait_closed()


# --- toy

SLOTS = asyncio.Semaphore(20)


async def toy(reader, writer):
    async with SLOTS:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            key = [line.split(":")[1].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key")]
            accept = base64.b64encode(hashlib.sha1(key[0].encode() + GUID).digest())
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            while True:
                await toy_frame(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            pass
        finally:
            writer.close()


async def toy_frame(reader, writer):
    _, b1 = await reader.readexactly(2)
    length = b1 & 127
    if length == 126:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
    key = await reader.readexactly(4) if b1 & 128 else b"\0\0\0\0"
    payload = bytearray(length)             # as declared
    for i in range(length):
        payload[i] = (await reader.readexactly(1))[0] ^ key[i % 4]
    writer.write(bytes([0x81, length]) + payload if length < 126 else b"\x81\x02ok")


# --- pages and proxy

class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health" and self.headers.get("X-Status") == "101":
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            self.close_connection = False
            return
        body = b"the crown jewels" if self.path == "/internal" else b"fine"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format, *args):
        pass


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def proxy(reader, writer, port):
    head = await reader.readuntil(b"\r\n\r\n")
    if b" /internal" in head.split(b"\r\n")[0]:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        return
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    up_writer.write(head)
    answer = await up_reader.readuntil(b"\r\n\r\n")
    writer.write(answer)
    if b" 101 " in answer.split(b"\r\n")[0]:
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))
    up_writer.close()
    writer.close()


def port_of(server):
    return server.sockets[0].getsockname()[1]


async def main():
    global LOG
    LOG = open(sys.argv[sys.argv.index("--log") + 1], "a", encoding="utf-8")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    # who started us holds the other end: when that is gone, however it ended, so are we
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    ws = await websockets.serve(talk, "127.0.0.1", 0, process_request=request, max_size=None, ping_interval=None)
    by_hand = await asyncio.start_server(toy, "127.0.0.1", 0)
    naive = await asyncio.start_server(lambda r, w: proxy(r, w, pages.server_port), "127.0.0.1", 0)
    print(json.dumps({"ws": port_of(ws), "toy": port_of(by_hand), "proxy": port_of(naive),
                      "pages": pages.server_port}), flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
