# SPDX-License-Identifier: Apache-2.0
"""
The report: Markdown and plots (SVG), with the bars and whether they were reached.
"""
import collections
import html
import os

from . import load

QUIET = 30      # per cent of a processor: below it a figure is worth keeping


def digits(value):
    """So many behind the point that a bar which is missed by little does not look reached."""
    return 3 if value < 10 else 1 if value < 100 else 0


class Report:
    def __init__(self, folder, facts):
        self.folder = folder
        self.facts = facts
        self.parts = []
        self.problems = []
        self.noise = []
        self.kept = collections.defaultdict(dict)

    # --- what was found

    def keep(self, section, name, value):
        self.kept[section][name] = value

    def note_noise(self, words, results):
        _, quiet = load.quiet_rounds(results)
        self.noise.append((words, load.foreign(results), quiet))

    def bad(self, sentence):
        self.problems.append(sentence)

    # --- what is written

    def section(self, title, text):
        self.parts.append(f"## {title}\n\n{text.strip()}\n")

    def text(self, text):
        self.parts.append(text + "\n")

    def verbatim(self, text):
        self.parts.append("```\n" + text.rstrip() + "\n```\n")

    def table(self, head, rows):
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        self.parts.append("\n".join(lines) + "\n")

    def latency(self, results, words):
        rows = [[n, *(f"{load.median(results, n, k):.0f}" for k in ("p50_us", "p99_us"))] for n in results]
        for n in results:
            self.keep("p50", n, load.median(results, n, "p50_us"))
        self.parts.append(f"Times from sending to the echo's end, {words}, microseconds; "
                          "p99 is the scheduler's as long as anybody else works here:\n")
        self.table(["", "p50", "p99"], rows)

    def bars(self, name, title, rows):
        """A bar for each row; the line is where the relay is."""
        width, left, high = 640, 230, 18
        most = max(v for _, v in rows) * 1.1
        scale = (width - left - 60) / most
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{len(rows) * high + 40}" '
               'font-family="sans-serif" font-size="11">',
               f'<text x="4" y="14" font-size="12">{html.escape(title)}</text>']
        for i, (label, value) in enumerate(rows):
            y = 26 + i * high
            colour = "#2a6f97" if label.startswith("Sallyport") else "#9aa5b1"
            out.append(f'<text x="{left - 6}" y="{y + 12}" text-anchor="end">{html.escape(label)}</text>'
                       f'<rect x="{left}" y="{y + 2}" width="{value * scale:.1f}" height="{high - 5}" fill="{colour}"/>'
                       f'<text x="{left + value * scale + 4:.1f}" y="{y + 12}">{value:.2f}</text>')
        x = left + scale
        out.append(f'<line x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{len(rows) * high + 30}" stroke="#333" '
                   'stroke-dasharray="3 3"/></svg>')
        with open(os.path.join(self.folder, "report-" + name), "w", encoding="utf-8") as f:
            f.write("\n".join(out) + "\n")
        self.parts.append(f"![{title}](report-{name})\n")

    # --- the bars

    def reached(self):
        """(claim, bar, what it is, whether) for what was measured."""
        def relayed(words, name):
            found = self.kept["relayed"].get(words, {}).get(name, {}).get("ratio")
            return self.kept["judged"].get((words, name), found)

        everything = "Sallyport, everything"
        rows = [
            ("128 B inspected, of the relay", 1.08, relayed("128 B", everything)),
            ("128 B without policy, of the relay", 1.03, relayed("128 B", "Sallyport, no policy")),
            ("128 B inspected over TLS, of the relay", 1.25, relayed("128 B", everything + ", TLS")),
            ("16 KiB inspected, of the relay", 1.3, relayed("16 KiB", everything)),
            ("1 MiB, of the relay", 1.5, relayed("1 MiB, 16 connections", "Sallyport, no policy")),
            ("20 B inspected, 16 in flight, of the relay", 1.5, relayed("20 B, 16 in flight", everything)),
            ("20 B, batches of 100, rules alone, of the relay", 1.6,
             relayed("20 B, batches of 100", "Sallyport, rules alone")),
            ("20 B, batches of 100, contract, of the relay", 1.6, relayed("20 B, batches of 100", "Sallyport, contract")),
            ("bytes of an idle session", 2048, self.kept["memory"].get(everything)),
            ("bytes of an idle session, TLS", 16896, self.kept["memory"].get(everything + ", TLS")),
            *((f"handshake with a ticket, {way}, µs, of HAProxy's", 1.0,
               self.per("handshakes", ("Sallyport, ticket", way), ("HAProxy", way)))
              for way in ("goodbye", "reset", "TLS, reset")),
            ("refused Origin, µs, of nginx's", 1.0, self.per("refusals", "Sallyport: Origin (403)", "nginx: Origin (403)")),
            ("refused Origin, µs", 20, self.kept["refusals"].get("Sallyport: Origin (403)")),
            ("instructions at 128 B, inspected", 4000, self.kept["instructions"].get(everything, {}).get(128)),
            ("p50 of one connection, µs behind the relay's", 5, self.behind(everything)),
        ]
        nginx = relayed("128 B", "nginx, TLS")
        mine = relayed("128 B", everything + ", TLS")
        if nginx and mine:
            rows.insert(3, ("128 B inspected over TLS, of nginx unread", 1.0, mine / nginx))
        return [(c, b, v, v <= b) for c, b, v in rows if v is not None]

    def per(self, section, name, to):
        a, b = self.kept[section].get(name), self.kept[section].get(to)
        return a / b if a and b else None

    def behind(self, name):
        found = self.kept["behind"].get(("128 B, one connection", name))
        if found is not None:
            return found
        a, b = self.kept["p50"].get(name), self.kept["p50"].get("bare relay")
        return a - b if a and b else None

    # --- the whole

    def head(self, missing, took):
        shares = sorted(n for _, n, _ in self.noise)
        middle = shares[len(shares) // 2] if shares else 0
        lines = ["# Speed, measured", "",
                 "Written by `bench/run`; what is measured and why is at the top of `bench/driver/cells.py`. Figures are "
                 "ratios within one run in which all take turns: absolute ones are this machine's, at that hour.", ""]
        lines += [f"- {k}: {v}" for k, v in self.facts.items() if v]
        lines += [f"- took: {took:.0f} s",
                  f"- others used {middle:.0f} % of a processor in the middle of the runs (most {shares[-1] if shares else 0:.0f} %)"]
        if missing:
            lines.append("- not installed and left out: " + ", ".join(sorted(set(missing))))
        lines += ["- not compared: uWebSockets, which no package of Debian or npm has"]
        if middle > QUIET:
            lines += ["", "**The machine was not quiet: figures of this run show the order of things, not more.** "
                      "Instructions are right all the same."]
        loud = [w for w, _, quiet in self.noise if not quiet]
        if loud:
            lines += ["", "No round was quiet for: " + ", ".join(loud) + "."]
        return "\n".join(lines) + "\n"

    def verdict(self):
        rows = [[claim, f"{bar:g}", f"{value:,.{digits(value)}f}", "yes" if ok else "**no**"]
                for claim, bar, value, ok in self.reached()]
        if not rows:
            return ""
        out = ["## Bars\n", "| | at most | is | reached |", "|---|---|---|---|"]
        out += ["| " + " | ".join(r) + " |" for r in rows]
        return "\n".join(out) + "\n"

    def write(self, path, missing, took):
        text = "\n".join([self.head(missing, took), self.verdict(), *self.parts])
        if self.problems:
            text += "\n## Problems\n\n" + "".join(f"- {p}\n" for p in self.problems)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
