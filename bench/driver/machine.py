# SPDX-License-Identifier: Apache-2.0
"""
The machine: what it is, who else works on it, what a process has used.

All shares are per cent of one processor: two busy ones are 200.
"""
import os
import platform
import re
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def read(path, otherwise=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return otherwise


def busy_ticks():
    """Of all processors: user, nice, system, irq, softirq; steal apart."""
    fields = [int(x) for x in read("/proc/stat").split("\n", 1)[0].split()[1:]]
    return fields[0] + fields[1] + fields[2] + fields[5] + fields[6], fields[7]


def threads_ns(pid):
    """Scheduler nanoseconds of all threads of a process."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    return sum(int(read(f"/proc/{pid}/task/{t}/schedstat", "0").split()[0]) for t in tasks)


def resident_bytes(pids):
    total = 0
    for pid in pids:
        found = re.search(r"^Pss:\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"), re.M)
        total += int(found.group(1)) * 1024 if found else 0
    return total


def children(pid):
    return [int(x) for x in read(f"/proc/{pid}/task/{pid}/children").split()]


class Foreign:
    """What others used from now on; `ours` are the processes that do not count."""

    def __init__(self, ours):
        self.ours = list(ours)
        self.began = time.monotonic()
        self.ticks, self.steal = busy_ticks()
        self.used = sum(threads_ns(p) for p in self.ours)

    def percent(self, also_ns=0):
        took = time.monotonic() - self.began
        ticks, steal = busy_ticks()
        used = sum(threads_ns(p) for p in self.ours) - self.used + also_ns
        busy = (ticks + steal - self.ticks - self.steal) / TICK - used / 1e9
        return max(0.0, 100 * busy / took)


def version(*command):
    """The first line that has a number in it; empty where there is no such program."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
    except OSError:
        return ""
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if re.search(r"\d", line):
            return line.strip()[:80]
    return ""


def describe():
    cpu = re.search(r"model name\s*: (.*)", read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo"))
    system = re.search(r'PRETTY_NAME="(.*)"', read("/etc/os-release"))
    return {
        "processor": f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} of them",
        "memory": f"{int(memory.group(1)) / 2**20:.0f} GiB" if memory else "?",
        "system": f"{system.group(1) if system else '?'}, Linux {platform.release()}",
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
