# SPDX-License-Identifier: Apache-2.0
"""
The load generator as a function, rounds that take turns, and medians of what they say.

    interleave({"a": run_a, "b": run_b}, rounds)     a b a b a b ...: whatever the machine does, it does to all
    ratio(results, "b", "a", "cpu_ns")               the median of b/a within each round
"""
import json
import os
import resource
import statistics
import subprocess

from . import machine
from .servers import ELSEWHERE

TOO_BUSY = 100      # per cent of a processor that others used: such a round does not count


class Failed(Exception):
    """The load generator saw what should not be."""


def options(server):
    out = []
    for line in server.headers:
        out += ["-H", line]
    return out


def wsload(bench, kind, server, *arguments, tls=False, path=None):
    """One run; what it printed, and what others used meanwhile."""
    pids = server.pids()
    ours = [*pids, *bench.app.family(), *bench.local_app.family()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    foreign = machine.Foreign(ours)
    command = ["taskset", "-c", str(ELSEWHERE), bench.tool("wsload"), kind, server.url(tls, path),
               "-P", ",".join(map(str, pids)), *options(server), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise Failed(f"{server.name}: {done.stderr.decode('utf-8', 'replace').strip()[:500]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout), "foreign": foreign.percent(used * 1e9)}


def interleave(runs, rounds):
    """{name: [result of each round]}"""
    out = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            out[name].append(run())
    return out


def quiet_rounds(results):
    """Numbers of the rounds in which nobody else did much; all of them if there is none."""
    rounds = range(min(len(r) for r in results.values()))
    quiet = [i for i in rounds if all(r[i]["foreign"] <= TOO_BUSY for r in results.values())]
    return quiet or list(rounds), bool(quiet)


def median(results, name, key):
    rounds, _ = quiet_rounds(results)
    return statistics.median(results[name][i][key] for i in rounds)


def ratio(results, name, to, key="cpu_ns"):
    rounds, _ = quiet_rounds(results)
    return statistics.median(results[name][i][key] / max(results[to][i][key], 1e-9) for i in rounds)


def behind(results, name, to, key):
    """How much more it is, in the middle of the rounds."""
    rounds, _ = quiet_rounds(results)
    return statistics.median(results[name][i][key] - results[to][i][key] for i in rounds)


def spread(results, name, to, key="cpu_ns"):
    """The lower quarter, the median and the upper quarter of b/a within each round."""
    rounds, _ = quiet_rounds(results)
    found = [results[name][i][key] / max(results[to][i][key], 1e-9) for i in rounds]
    return statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3


def foreign(results):
    return statistics.median(r["foreign"] for rows in results.values() for r in rows)


# --- messages

def chat(size):
    """A chat's message of so many bytes."""
    head = '{"type":"message","id":1562869260905,"user":"user1",'
    tail = '"}'
    if size >= 200:
        head += '"room":"lobby",'
        tail = '","at":"2024-05-01T12:34:56Z"}'
    head += '"text":"'
    words = "what people write in a chat on an ordinary evening, "
    room = size - len(head) - len(tail)
    return head + (words * (room // len(words) + 1))[:room] + tail


def message_file(bench, size):
    path = os.path.join(bench.folder, f"message-{size}")
    if not os.path.exists(path):
        text = '{"type":"t","x":123}' if size == 20 else chat(size)
        assert len(text) == size
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    return path
