"""From exec to greeting, and what each server is at rest: memory, threads, CPU time."""

import argparse
import random
import tempfile
import time

from server import Server, available
from table import machine, median, number, ratio, table

# Longer than the runtime keeps what it needed only to start.
SETTLE, IDLE = 5, 20


def start(kind, program, folder):
    server = Server(kind, program, folder)
    time.sleep(0.3)
    pss = server.pss()
    server.end()
    return server.started * 1e3, pss / 1024


def rest(programs, folder):
    """All at once: at rest they do not disturb each other."""
    servers = [Server(kind, program, folder) for kind, program in programs.items()]
    time.sleep(SETTLE)
    begun = {server.kind: (server.status("Threads"), server.cpu_ms(), server.switches()) for server in servers}
    time.sleep(IDLE)
    figures = {server.kind: (begun[server.kind][0], server.pss() / 1024, server.status("VmRSS") / 1024,
                             server.cpu_ms() - begun[server.kind][1], server.switches() - begun[server.kind][2]) for server in servers}
    for server in servers:
        server.end()
    return figures


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--before", help="another build of hostmemd, measured in the same turns")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--append")
    given = options.parse_args()
    programs = available(given.daemon)
    names = {"ours": "hostmemd", "before": "before", "qemu": "QEMU", "qsd": "storage daemon"}
    if given.before:
        programs["before"] = given.before
    else:
        del names["before"]
    started, pss = {kind: [] for kind in programs}, {kind: [] for kind in programs}
    order, kinds = random.Random(1), list(programs)
    with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
        for count in range(given.rounds + 1):
            order.shuffle(kinds)
            for kind in kinds:
                milliseconds, mib = start(kind, programs[kind], folder)
                # The first round reads the files from disk.
                if count > 0:
                    started[kind].append(milliseconds)
                    pss[kind].append(mib)
        resting = rest(programs, folder)
    rows = []

    def row(what, values):
        rows.append([what, *(number(values[kind]) if kind in values else "-" for kind in names)])

    row("exec to greeting, ms", {kind: median(values) for kind, values in started.items()})
    row("the best of all", {kind: min(values) for kind, values in started.items()})
    row("times ours", {kind: ratio(values, started["ours"]) for kind, values in started.items()})
    row("PSS after the greeting, MiB", {kind: median(values) for kind, values in pss.items()})
    for index, what in enumerate((f"threads after {SETTLE} s", f"PSS after {SETTLE + IDLE} s, MiB", "RSS, MiB",
                                  f"CPU ms of {IDLE} idle seconds", "context switches in these")):
        row(what, {kind: figures[index] for kind, figures in resting.items()})
    table(f"start: {machine(programs)}",
          f"Median of {given.rounds} starts in shuffled order after one thrown away, not pinned; `bench/run.sh start`",
          ["", *names.values()], rows, given.append)


if __name__ == "__main__":
    main()
