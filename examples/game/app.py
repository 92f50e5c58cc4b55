#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A game, deliberately naive: everybody walks over one field and sees the others walk.

DO NOT COPY THIS. It is here to be attacked. On purpose it
  - believes the `player` in each message: whose legs are these?
  - puts a player where the message says. The page takes steps of 5, so why look?
  - has a way out of desyncs: where the page thinks that it lost touch (the server's answer puts the player
    elsewhere than the page does) it goes there and says `resync`, and the server follows. Who edits that
    answer on its way to his own page walks through walls.

It listens twice, on loopback only: --http for pages and the login, --ws for /game, subprotocol game.v1.
"""
import json
import os
import sys

import websockets

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import pages  # noqa: E402

TITLE, PATH, PROTOCOL, PORTS = "Game", "/game", "game.v1", (9010, 9011, 8444)
PLAYERS = {}        # name -> player
FIELD = {}          # player -> where
SOCKETS = set()


def claims(name):
    """What /whoami says of somebody."""
    return {"player": PLAYERS.setdefault(name, 140234 + len(PLAYERS))}


async def talk(socket, path=None):
    SOCKETS.add(socket)
    player = None
    try:
        async for text in socket:
            message = json.loads(text)
            player = message["player"]
            if message["type"] == "join":
                FIELD.setdefault(player, {"newposition_x": 100, "newposition_y": 100})
            else:   # move, resync
                FIELD[player] = {"newposition_x": message["newposition_x"], "newposition_y": message["newposition_y"]}
            await socket.send(json.dumps({"type": "position", "player": player, **FIELD[player]}))
            websockets.broadcast(SOCKETS - {socket}, json.dumps({"type": "seen", "player": player, **FIELD[player]}))
    except websockets.ConnectionClosedError:
        pass
    finally:
        SOCKETS.discard(socket)
        websockets.broadcast(SOCKETS, json.dumps({"type": "left", "player": player}))


if __name__ == "__main__":
    sys.exit(pages.main(sys.modules[__name__]))
