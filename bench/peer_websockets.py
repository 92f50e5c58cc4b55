#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An echo with Python's websockets, as its documentation has it: peer_websockets.py PORT"""
import asyncio
import sys

import websockets


async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), compression=None, max_size=2**22, ping_interval=None):
        await asyncio.Future()


asyncio.run(main())
