"""Round trips, pipelining, many clients, connects and small objects, at each server in turn; run.sh prepares what it needs."""

import argparse
import random
import subprocess
import tempfile

from server import Server, available
from table import machine, median, number, ratio, table

# Where server and client run: on one CPU nothing but work counts, across two the waking of an idle CPU does too.
PLACES = {"one": (0, 0), "two": (0, 1)}


class Load:
    """A mode of the load generator, how much of it each server gets, and the figures it prints that count."""

    def __init__(self, title, words, figures, ours, others, kinds=("ours", "qemu", "qsd")):
        self.title, self.words, self.figures, self.kinds = title, words, figures, (*kinds, "before")
        self.amount = {"ours": ours, "before": ours, "floor": ours, "qemu": others, "qsd": others}

    def run(self, program, server, cpu):
        words = ["taskset", "-c", str(cpu), program, server.path, self.words[0], str(self.amount[server.kind]), *self.words[1:]]
        out = subprocess.run(words, capture_output=True, text=True)
        if out.returncode != 0:
            raise SystemExit(f"{' '.join(words)}: {out.stderr}")
        return {name: float(value) for name, value in (line.split() for line in out.stdout.splitlines())}


LATENCY = ("p50_us", "p99_us", "rate")
SETS = {
    "roundtrip": [Load("qom-get", ["rtt"], LATENCY, 60000, 3000, ("ours", "floor", "qemu", "qsd"))],
    "pipeline": [Load("64 qom-get a write", ["pipe", "64"], ("rate",), 640000, 2560)],
    # QEMU serves one client of a socket at a time: its figure stands beside our one.
    "clients": [Load(f"{count} clients", ["clients", str(count)], LATENCY, 60000, 3000,
                     ("ours", "floor", "qemu") if count == 1 else ("ours", "floor"))
                for count in (1, 100, 1000)],
    "connect": [Load("connect, negotiate, qom-get, close", ["connect"], ("rate",), 5000, 500)],
    "adddel": [Load("object-add and -del, memfd of 2 MiB", ["adddel"], ("rate",), 5000, 500, ("ours", "qemu"))],
}


def measure(loads, places, servers, rounds, program):
    """Every load at every server in every place once a round, each round in another order."""
    took = {}
    turns = [(load, place, server) for load in loads for place in places for server in servers if server.kind in load.kinds]
    order = random.Random(1)
    for count in range(rounds + 1):
        # Not in a fixed circle: who comes after whom matters.
        order.shuffle(turns)
        for load, place, server in turns:
            figures = load.run(program, server, PLACES[place][1])
            # The first round warms code and caches.
            if count > 0:
                for name in load.figures:
                    took.setdefault((load.title, place, server.kind, name), []).append(figures[name])
    return took


def rows(loads, places, took, others):
    for load in loads:
        for place in places:
            for figure in load.figures:
                all_of = {kind: took.get((load.title, place, kind, figure)) for kind in ("ours", "before", "floor", "qemu", "qsd")}
                values = {kind: median(values) for kind, values in all_of.items()}
                times = []
                for other in others:
                    pair = (all_of["ours"], all_of[other]) if figure == "rate" else (all_of[other], all_of["ours"])
                    times.append(number(ratio(*pair)) if all_of[other] else "-")
                spread = f"{number(min(all_of['ours']))} to {number(max(all_of['ours']))}"
                yield [load.title, place, figure.replace("_us", ", us").replace("rate", "a second"), number(values["ours"]), spread,
                       *(number(values[kind]) for kind in others), *times]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--load", required=True)
    options.add_argument("--floor", required=True)
    options.add_argument("--before", help="another build of hostmemd, measured in the same turns")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--places", default="one,two")
    options.add_argument("--append")
    options.add_argument("sets", nargs="+", choices=list(SETS))
    given = options.parse_args()
    programs, places = available(given.daemon), given.places.split(",")
    names = {"before": "before", "floor": "C floor", "qemu": "QEMU", "qsd": "storage daemon"}
    if not given.before:
        del names["before"]
    for name in given.sets:
        with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
            servers = [Server(kind, program, folder, cpu=0) for kind, program in
                       [*programs.items(), ("floor", given.floor), *([("before", given.before)] if given.before else [])]]
            try:
                took = measure(SETS[name], places, servers, given.rounds, given.load)
            finally:
                for server in servers:
                    server.end()
        table(f"{name}: {machine(programs)}",
              f"Median of {given.rounds} rounds in shuffled order after one thrown away; server on CPU 0, client there too (one) or on "
              f"CPU 1 (two). C floor: a server that answers any request with the same bytes. `bench/run.sh {name}`",
              ["", "CPUs", "figure", "hostmemd", "of which", *names.values(), *(f"times {name}" for name in names.values())],
              rows(SETS[name], places, took, list(names)), given.append)


if __name__ == "__main__":
    main()
