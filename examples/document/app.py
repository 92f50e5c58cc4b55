#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Shared documents, deliberately naive: open one, write in it, everybody who has it open sees the change.

DO NOT COPY THIS. It is here to be attacked. On purpose it
  - opens and saves whatever document a message names: the page only offers your own,
  - believes the `author` in each edit,
  - tells every change to everybody who is connected: the page shows only what is open,
  - builds its SQL out of what is searched for,
  - renders an export as often as it is asked to, on two threads for the whole house,
  - sends the traceback to the user when that fails, with the converter's password in it.

It listens twice, on loopback only: --http for pages and the login, --ws for /document, subprotocol document.v1.
"""
import asyncio
import concurrent.futures
import hashlib
import json
import os
import sqlite3
import sys
import traceback

import websockets

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import pages  # noqa: E402

TITLE, PATH, PROTOCOL, PORTS = "Documents", "/document", "document.v1", (9020, 9021, 8445)
CONVERTER = "http://export:vK83xQ0pLm2s@10.20.0.7:8080/convert"
THREADS = concurrent.futures.ThreadPoolExecutor(2)
SOCKETS = set()

DB = sqlite3.connect(":memory:", check_same_thread=False)
DB.executescript("""
    create table documents (id integer primary key, title text, body text, revision integer, author text, public bool);
    create table readers (document integer, name text);
    insert into documents values (1, 'House rules', 'Be kind.', 1, 'admin', true);
    insert into documents values (2, 'Salaries', 'alice 5200, bob 4900', 1, 'alice', false);
    insert into documents values (3, 'Holiday plans', 'Two weeks in May.', 1, 'bob', false);
    insert into readers values (1, 'alice'), (1, 'bob'), (2, 'alice'), (3, 'alice'), (3, 'bob');
""")


def claims(name):
    """What /whoami says of somebody: the documents that are theirs to read and write."""
    mine = [row[0] for row in DB.execute("select document from readers where name = ?", (name,))]
    if not mine:
        new = DB.execute("insert into documents values (null, ?, '', 1, ?, false)", (f"Notes of {name}", name)).lastrowid
        DB.execute("insert into readers values (?, ?)", (new, name))
        mine = [new]
    return {"documents": mine}


def content(document):
    row = DB.execute("select title, body, revision, author from documents where id = ?", (document,)).fetchone()
    return {"type": "content", "document": document, "title": row[0], "text": row[1], "revision": row[2], "author": row[3]}


def edit(message):
    DB.execute("update documents set body = ?, author = ?, revision = revision + 1 where id = ?",
               (message["text"], message["author"], message["document"]))
    return content(message["document"])


def search(words):
    rows = DB.execute(f"select id, title from documents where public and title like '%{words}%'")
    return {"type": "found", "found": [{"document": row[0], "title": row[1]} for row in rows]}


def render(document, form):
    """Seconds of work for a long one."""
    if form == "pdf":
        raise ConnectionError(f"no answer from {CONVERTER}")
    text = content(document)["text"]
    return len(text) + len(hashlib.pbkdf2_hmac("sha256", text.encode(), b"layout", 100000))


async def export(socket, message):
    document, form = message["document"], message["format"]
    answer = {"type": "exported", "document": document, "format": form}
    try:
        answer["size"] = await asyncio.get_running_loop().run_in_executor(THREADS, render, document, form)
    except Exception:
        answer["error"] = traceback.format_exc()
    await socket.send(json.dumps(answer))


async def talk(socket, path=None):
    SOCKETS.add(socket)
    try:
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "open":
                await socket.send(json.dumps(content(message["document"])))
            elif message["type"] == "edit":
                websockets.broadcast(SOCKETS, json.dumps(edit(message)))
            elif message["type"] == "search":
                await socket.send(json.dumps(search(message["words"])))
            elif message["type"] == "export":
                asyncio.ensure_future(export(socket, message))
    except websockets.ConnectionClosedError:
        pass
    finally:
        SOCKETS.discard(socket)


if __name__ == "__main__":
    sys.exit(pages.main(sys.modules[__name__]))
