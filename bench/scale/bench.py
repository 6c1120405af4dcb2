"""Ten thousand objects: does the last thousand cost what the first did, and what do questions about all of them cost."""

import argparse
import random
import subprocess
import tempfile

from server import Server, available
from table import machine, median, number, table

STEP, OBJECTS = 1000, 10_000

# QEMU takes longer for each object than for the one before: the third thousand takes a minute, the tenth would take a quarter of an hour.
QEMUS = 1000


class Load:
    def __init__(self, program, cpu):
        self.words = ["taskset", "-c", str(cpu), program]

    def __call__(self, server, *words):
        out = subprocess.run([*self.words, server.path, *map(str, words)], capture_output=True, text=True)
        if out.returncode != 0:
            raise SystemExit(out.stderr)
        return {name: float(value) for name, value in (line.split() for line in out.stdout.splitlines())}


def get(load, server, rounds, *which):
    amount = 20000 if server.kind == "ours" else 1000
    return median([load(server, "rtt", amount, *which)["p50_us"] for _ in range(rounds)])


def whole(load, server, command, rounds):
    """First and last byte as the client sees them, and the time that the server ran."""
    ask = '{"execute":"%s"}' % command
    load(server, "one", ask)  # warms
    before = server.all_cpu_ms()
    took = [load(server, "one", ask) for _ in range(rounds)]
    ran = (server.all_cpu_ms() - before) / rounds
    return median([t["first_ms"] for t in took]), median([t["ms"] for t in took]), ran, took[0]["bytes"]


def fill(load, servers):
    """The rate of each thousand, at each server in turn."""
    rates = {server.kind: [] for server in servers}
    order = random.Random(1)
    for first in range(0, OBJECTS, STEP):
        order.shuffle(servers)
        for server in servers:
            if server.kind == "ours" or first < QEMUS:
                rates[server.kind].append(load(server, "fill-objects", STEP, first)["rate"])
    return rates


def warm(load, server):
    # Code that is compiled while the first thousand is made would make the last one look good.
    load(server, "adddel", 2000 if server.kind == "ours" else 200)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--load", required=True)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--append")
    given = options.parse_args()
    programs = {kind: program for kind, program in available(given.daemon).items() if kind != "qsd"}
    load = Load(given.load, cpu=0)
    out = []
    with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
        servers = [Server(kind, program, folder, cpu=0) for kind, program in programs.items()]
        try:
            for server in servers:
                warm(load, server)
            ours = next(server for server in servers if server.kind == "ours")
            one = {server.kind: get(load, server, given.rounds) for server in servers}
            anonymous, resident = ours.anonymous(), ours.status("VmRSS")
            rates = fill(load, servers)
            anonymous, resident = ours.anonymous() - anonymous, ours.status("VmRSS") - resident
            many = {server.kind: get(load, server, given.rounds, "o999") for server in servers}
            answers = {(server.kind, command): whole(load, server, command, given.rounds)
                       for server in servers for command in ("query-memdev", "query-memdev-stats")
                       if server.kind == "ours" or command == "query-memdev"}
        finally:
            for server in servers:
                server.end()

    def row(what, figure):
        out.append([what, *(figure(kind) for kind in ("ours", "qemu"))])

    def known(values, kind):
        return number(values[kind]) if kind in values else "-"

    row("objects a second, first thousand", lambda kind: known({k: r[0] for k, r in rates.items()}, kind))
    row("last thousand", lambda kind: known({k: r[-1] for k, r in rates.items() if len(r) > 1}, kind))
    row("slowest thousand", lambda kind: known({k: min(r) for k, r in rates.items() if len(r) > 1}, kind))
    row("qom-get with 1 object, p50 us", lambda kind: known(one, kind))
    row("qom-get with all, p50 us", lambda kind: known(many, kind))
    for command in ("query-memdev", "query-memdev-stats"):
        for index, what in enumerate(("ms to the first byte", "ms to the last byte", "ms that the server ran", "bytes")):
            row(f"{command}, {what}", lambda kind: known({k: v[index] for (k, c), v in answers.items() if c == command}, kind))
    out.append(["anonymous KiB an object", f"{anonymous / OBJECTS:.2f}", "-"])
    out.append(["resident KiB an object", f"{resident / OBJECTS:.2f}", "-"])
    table(f"scale: {machine(programs)}",
          f"10,000 memfds of 4 KiB, made a thousand at a time; QEMU with {QEMUS}, since it takes longer for each; answers are medians of {given.rounds} after one thrown "
          "away; server and client on one CPU; `bench/run.sh scale`", ["", "hostmemd", "QEMU"], out, given.append)


if __name__ == "__main__":
    main()
