#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A stand-in for the gateway that tests the runner: answers like it, and misbehaves when told so.

The configuration's line `# fake: WORD...` chooses misdeeds:
    leaky     metrics never go back to nought      secret   writes the Cookie into its log
    stubborn  ignores SIGTERM                      crash    ends with 3
    asan      writes what a sanitizer would        mute     echoes nothing
    wrong     refuses with another reason
"""
import asyncio
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from wst import codec, http1  # noqa: E402

MISDEEDS = set()
COUNT = {"open": 0, "refused": 0}


def say(**record):
    print(json.dumps(record), file=sys.stderr, flush=True)


async def read_head(reader):
    return http1.parse_head(await reader.readuntil(b"\r\n\r\n"))


def refuse(writer, head):
    COUNT["refused"] += 1
    reason = "not_allowed" if "wrong" in MISDEEDS else "origin_not_allowed"
    body = json.dumps({"title": "The Origin is not allowed", "reason": reason, "request": "r1"}).encode()
    say(event="refused", reason=reason, request="r1", status=403)
    if "secret" in MISDEEDS:
        say(event="debug", cookie=head.get("Cookie"))
    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"
                 b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


async def echo(reader, writer):
    buffer = bytearray()
    while True:
        frame = codec.decode(buffer)
        if not frame:
            more = await reader.read(65536)
            if not more:
                return
            buffer += more
            continue
        if frame.key is None:
            writer.write(codec.encode(8, codec.close_payload(1002, b"ws_unmasked")))
            return
        if "mute" not in MISDEEDS:
            writer.write(codec.encode(frame.opcode, frame.payload, fin=frame.fin))
        if frame.opcode == 8:
            return


async def public(reader, writer):
    COUNT["open"] += 1
    try:
        head = await read_head(reader)
        if head.get("Origin") == "https://evil.example":
            refuse(writer, head)
        else:
            accept = codec.accept_for(head.get("Sec-WebSocket-Key") or "")
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n")
            await echo(reader, writer)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        if "leaky" not in MISDEEDS:
            COUNT["open"] -= 1


async def admin(reader, writer):
    await read_head(reader)
    body = "".join(f"{name} {COUNT['open']}\n" for name in (
        "sallyport_sessions", "sallyport_connections", "sallyport_buffered_bytes", "sallyport_questions",
        "sallyport_upstream_connections", "sallyport_timers"))
    body += f'sallyport_refused_total{{reason="origin_not_allowed"}} {COUNT["refused"]}\n'
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body.encode())
    await writer.drain()
    writer.close()


async def main():
    with open(sys.argv[sys.argv.index("-c") + 1], encoding="utf-8") as f:
        for line in f:
            if line.startswith("# fake:"):
                MISDEEDS.update(line.split()[2:])
    if "crash" in MISDEEDS:
        sys.exit(3)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, (lambda: None) if "stubborn" in MISDEEDS else stop.set)
    for handler, extra in ((public, {}), (admin, {"for": "admin"})):
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        say(event="listening", url="http://127.0.0.1:%d" % server.sockets[0].getsockname()[1], **extra)
    await stop.wait()
    if "asan" in MISDEEDS:
        print("==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1", file=sys.stderr)


asyncio.run(main())
