#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A chat, deliberately naive: the application of every article on WebSocket security.

DO NOT COPY THIS. It is here to be attacked. On purpose it
  - looks at no Origin: a page anywhere may open a socket with your cookie,
  - asks nobody on the socket who they are, nor whether they may be in this room,
  - believes the `user` in each message,
  - sends every message on as it came; the page puts it into the document with innerHTML,
  - kicks whom it is told to: only an administrator's page has the button,
  - answers `who` with all it has about the people, their session ids too,
  - takes the same message as often as it comes, and has no limit but those of its library.

It listens twice, on loopback only: --http for pages and the login, --ws for /chat/<room>, subprotocol chat.v1.
"""
import json
import os
import sys

import websockets

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import pages  # noqa: E402

TITLE, PATH, PROTOCOL, PORTS = "Chat", "/chat/", "chat.v1", (9000, 9001, 8443)
ADMINS = {"admin"}
ROOMS = {}          # room -> set of sockets


def claims(name):
    """What /whoami says of somebody."""
    admin = name in ADMINS
    return {"name": name.capitalize(), "roles": ["user", "admin"] if admin else ["user"],
            "rooms": ["lobby", "garden", "staff"] if admin else ["lobby", "garden"]}


async def talk(socket, path=None):
    room = ROOMS.setdefault(socket.path.partition("?")[0], set())
    room.add(socket)
    socket.user = ""
    try:
        async for text in socket:
            message = json.loads(text)
            if message.get("type") == "who":
                await socket.send(json.dumps({"type": "members", "members": list(pages.SESSIONS.values())}))
            elif message.get("type") == "kick":
                websockets.broadcast(room, json.dumps({"type": "kicked", "user": message["user"]}))
                for other in [s for s in room if s.user == message["user"]]:
                    await other.close(1000, "kicked")
            else:
                socket.user = message["user"]
                websockets.broadcast(room, text)
    except websockets.ConnectionClosedError:
        pass
    finally:
        room.discard(socket)


if __name__ == "__main__":
    sys.exit(pages.main(sys.modules[__name__]))
