# SPDX-License-Identifier: Apache-2.0
"""What a siege came to, as Markdown."""
import json
import os
import platform
import time


def milliseconds(us):
    return f"{us / 1000:.1f}"


def seconds_of(times, part):
    return f"{times[int(len(times) * part)] * 1000:.0f}" if times else "–"


def figures(rows):
    yield "| attack | messages a second, before / during / after | p99 in ms, before / during / after | during : before | lost | level |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        phases = row["before"], row["during"], row["after"]
        rates = " / ".join(f"{p['got'] / p['took']:.0f}" for p in phases)
        delays = " / ".join(milliseconds(p["p99"]) for p in phases)
        ratio = row["during"]["p99"] / max(1, row["before"]["p99"])
        lost = sum(p["gone"] + p["wrong"] for p in phases)
        yield f"| {row['name']} | {rates} | {delays} | {ratio:.1f} | {lost} | {row['level']} |"


def newcomers(rows):
    yield "| attack | came in | tries | ms before, median | ms during, median / worst | processors the gateway used, before / during |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        new, before = row["during"]["new"], row["before"]["new"]
        yield (f"| {row['name']} | {new['came']} | {new['tries']} | {seconds_of(before['times'], 0.5)} | "
               f"{seconds_of(new['times'], 0.5)} / {seconds_of(new['times'], 0.9999)} | "
               f"{row['before']['busy']:.2f} / {row['during']['busy']:.2f} |")


def what_was_done(rows):
    yield "| attack | what the attackers saw | what the gateway counted | memory afterwards |"
    yield "|---|---|---|---|"
    for row in rows:
        saw = ", ".join(f"{n} × {word}" for word, n in sorted(row["tally"].items(), key=lambda x: -x[1]))
        words = ", ".join(f"{n} × `{word}`" for word, n in sorted(row["words"].items(), key=lambda x: -x[1])) or "–"
        yield f"| {row['name']}: {row['says']} | {saw} | {words} | {row['memory'] >> 20} MiB |"


def write(siege, path):
    options, place = siege.options, siege
    said = siege.whole
    lines = [
        "# A siege", "",
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {platform.machine()}, {os.cpu_count()} processors. {place.place.seats_said()} Load of the machine at the end: {os.getloadavg()[0]:.1f}. "
        "Whatever else ran on it is in the figures.", "",
        f"{len(siege.site.used_tickets)} sessions stay for the whole time, with a contract and a rule, and echo {siege.rate} messages of 160 bytes a second"
        + (f": half of the {siege.full:.0f} that they get when each waits for its answer. " if hasattr(siege, "full") else ". ")
        + "A newcomer opens TLS three times for each visit: CSRF token, ticket, socket. "
        f"{options.quiet:g} s before and after, {options.during:g} s of each attack.", "",
        "## Honest sessions", "", *figures(siege.rows), "",
        f"In all: {said['sent']} messages sent, {said['got']} came back in order, {said['gone']} sessions lost, {said['wrong']} wrong answers; "
        f"p50 {milliseconds(said['p50'])} ms, p99 {milliseconds(said['p99'])} ms, the longest {milliseconds(said['max'])} ms.", "",
        "## The newcomer", "", *newcomers(siege.rows), "",
        "## What was done", "", *what_was_done(siege.rows), "",
        "## Afterwards", "",
        "| | before the first client | after the last |", "|---|---|---|",
        f"| descriptors | {place.place.gateway.at_rest} | {siege.descriptors_left} |",
        f"| memory | {siege.memory_at_rest >> 20} MiB | {siege.memory_left >> 20} MiB (at most {siege.memory_peak >> 20} MiB) |", "",
        "`GET /v1/budgets`, the same before and after:", "", "```json", json.dumps(siege.left, indent=1), "```",
    ]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
