"""hostmemctl: how long until it has started, beside systemctl, and until it has listed few and many objects."""

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time

from server import Client, Server
from table import machine, median, number, table

FEW, MANY = 3, 10_000


def run(words, socket):
    """Milliseconds from exec to the end, those of CPU time, and the most memory in MiB: it is at least this program's own, which forks."""
    environment = {**os.environ, "HOSTMEMD_SOCKET": socket}
    begun = time.perf_counter()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    took = (time.perf_counter() - begun) * 1e3
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{words} ended with {child.returncode}")
    return took, (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--ctl", required=True)
    options.add_argument("--rounds", type=int, default=21)
    options.add_argument("--append")
    given = options.parse_args()
    kinds = {"hostmemctl --version": [given.ctl, "--version"], "hostmemctl --help": [given.ctl, "--help"]}
    if shutil.which("systemctl"):
        kinds["systemctl --version"] = ["systemctl", "--version"]
    kinds["/bin/true"] = ["/bin/true"]
    kinds[f"list of {FEW} objects"] = [given.ctl, "list"]
    with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
        server = Server("ours", given.daemon, folder)
        fill(server, 0, FEW)
        found = measure(kinds, server.path, given.rounds)
        fill(server, FEW, MANY)
        many = {f"list of {MANY:,} objects": [given.ctl, "list"], f"list -q of {MANY:,}": [given.ctl, "list", "-q"]}
        found |= measure(many, server.path, given.rounds)
        server.end()
    rows = []
    for what, values in found.items():
        times, cpu, memory = zip(*values)
        rows.append([what, number(median(times)), number(min(times)), number(median(cpu)), number(median(memory))])
    table(f"ctl: {machine({'ours': given.ctl})}",
          f"{given.rounds} runs in shuffled order after one thrown away, not pinned; `bench/run.sh ctl`",
          ["", "median, ms", "best, ms", "CPU, ms", "most memory, MiB"], rows, given.append)


def fill(server, first, last):
    with Client(server) as client:
        for number in range(first, last):
            client.ask("object-add", **{"qom-type": "memory-backend-ram", "id": f"m{number}", "size": 4096})


def measure(kinds, socket, rounds):
    found, order, names = {name: [] for name in kinds}, random.Random(1), list(kinds)
    for count in range(rounds + 1):
        order.shuffle(names)
        for name in names:
            figures = run(kinds[name], socket)
            # The first round reads the files from disk.
            if count > 0:
                found[name].append(figures)
    return found


if __name__ == "__main__":
    main()
