"""Fills memory with hostmemd, a C program and QEMU in turn, and prints a table; run.sh prepares what it needs."""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time

from server import Client, Server
from table import machine, table

KINDS = {
    "private": ("memory-backend-ram", {}),
    "memfd": ("memory-backend-memfd", {}),
    "hugetlb": ("memory-backend-memfd", {"hugetlb": True, "hugetlbsize": 2 << 20}),
}
POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB/"


def fill(client, kind, mib, threads):
    qom_type, more = KINDS[kind]
    client.ask("object-add", **{"qom-type": qom_type, "id": "m", "size": mib << 20, "prealloc-threads": threads, **more})
    start = time.perf_counter()
    client.ask("qom-set", path="/objects/m", property="prealloc", value=True)
    took = time.perf_counter() - start
    client.ask("object-del", id="m")
    return took


class SecondClient:
    def __init__(self, program, server):
        self.process = subprocess.Popen([program, server.second, "w"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        longest, most, median, asked = self.process.stdout.readline().split()
        self.process.wait()
        return float(longest), float(most), float(median), int(asked)


class HugePages:
    """Raises the pool of 2 MiB pages while it is used, so that this many are free; puts it back."""

    def __init__(self, pages):
        self.pages = pages

    def __enter__(self):
        self.before = self.number("nr_hugepages")
        return self

    def __exit__(self, *_):
        self.set(self.before)

    def suffice(self):
        """Asked before each use, since others may turn the same knob meanwhile."""
        missing = self.pages - self.number("free_hugepages") + self.number("resv_hugepages")
        if missing > 0:
            self.set(self.number("nr_hugepages") + missing)
            missing = self.pages - self.number("free_hugepages") + self.number("resv_hugepages")
        return missing <= 0

    @staticmethod
    def set(pages):
        with open(POOL + "nr_hugepages", "w") as pool:
            pool.write(str(pages))

    @staticmethod
    def number(name):
        with open(POOL + name) as file:
            return int(file.read())


def word(path):
    try:
        with open(path) as file:
            text = file.read()
        return text[text.index("[") + 1:text.index("]")] if "[" in text else text.strip()
    except (OSError, ValueError):
        return "?"


def setting(name):
    return word("/sys/kernel/mm/transparent_hugepage/" + name)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--tools", required=True)
    options.add_argument("--qemu", default="qemu-system-x86_64")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--mib", type=int, default=1024)
    options.add_argument("--kinds", default="private,memfd,hugetlb")
    options.add_argument("--threads", default="1,2")
    options.add_argument("--append")
    given = options.parse_args()
    repeat = f"bench/prealloc/run.sh --rounds {given.rounds} --mib {given.mib} --kinds {given.kinds} --threads {given.threads}"

    rows = []
    with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
        ours, qemu = Server("ours", given.daemon, folder), Server("qemu", given.qemu, folder)
        for server in ours, qemu:
            server.ask("object-add", **{"qom-type": "memory-backend-ram", "id": "w", "size": 1 << 20})
        second = SecondClient(f"{given.tools}/wait", ours)
        time.sleep(2)
        idle = second.end()
        clients = {server.kind: Client(server) for server in (ours, qemu)}
        try:
            for kind in given.kinds.split(","):
                if kind == "hugetlb":
                    with HugePages(given.mib // 2) as pool:
                        rows += measure(given, kind, clients, ours, qemu, pool.suffice)
                else:
                    rows += measure(given, kind, clients, ours, qemu, lambda: True)
        finally:
            ours.end()
            qemu.end()
    table(f"prealloc of {given.mib} MiB: {machine({'ours': given.daemon, 'qemu': given.qemu})}",
          f"{given.mib} MiB, median of {given.rounds} rounds in shuffled order after one thrown away; transparent huge pages "
          f"{setting('enabled')}, shmem {setting('shmem_enabled')}; `{repeat}`. Ratios above 1: hostmemd takes less time; the "
          "median of the rounds, and of the best of each, since the host of a virtual machine only ever adds. Longest wait: of a second "
          "client that asks `qom-get` every 0.2 ms while the other one fills; the median of the rounds, and the worst of all. While C "
          f"fills: it asks hostmemd, which has nothing else to do, so this is the machine. Nobody fills: {idle[0]:.2f}.",
          ["memory", "threads", "hostmemd GB/s", "C GB/s", "QEMU GB/s", "to QEMU (best)", "to C (best)", "longest wait, ms (worst)",
           "while C fills", "QEMU's"], rows, given.append)


def measure(given, kind, clients, ours, qemu, suffice):
    rows, order = [], random.Random(1)
    for threads in map(int, given.threads.split(",")):
        fills = {
            "ours": lambda: fill(clients["ours"], kind, given.mib, threads),
            "c": lambda: float(subprocess.run([f"{given.tools}/fill", kind, str(given.mib), str(threads)],
                                              capture_output=True, text=True, check=True).stdout),
            "qemu": lambda: fill(clients["qemu"], kind, given.mib, threads),
        }
        took = {name: [] for name in fills}
        names = list(fills)
        for number in range(given.rounds + 1):
            # Not in a fixed circle: who comes after whom matters, by the pages that the one before gave back.
            order.shuffle(names)
            for name in names:
                if not suffice():
                    return [[kind, "", "not enough huge pages", *[""] * 7]]
                one = fills[name]()
                if number > 0:
                    took[name].append(one)
                # QEMU answers before the memory is free: the next one is not to wait for that.
                time.sleep(0.1)
        waits = {name: [] for name in fills}
        for _ in range(given.rounds):
            for name in fills:
                suffice()
                client = SecondClient(f"{given.tools}/wait", qemu if name == "qemu" else ours)
                fills[name]()
                waits[name].append(client.end()[0])
        speed = {name: (given.mib << 20) / statistics.median(all) / 1e9 for name, all in took.items()}
        # Of each round, since what disturbs one of the three disturbs its neighbours too.
        ratios = [statistics.median(other / own for own, other in zip(took["ours"], took[name])) for name in ("qemu", "c")]
        best = [min(took[name]) / min(took["ours"]) for name in ("qemu", "c")]
        rows.append([kind, threads, *(f"{speed[name]:.2f}" for name in ("ours", "c", "qemu")),
                     *(f"{ratio:.2f} ({of_best:.2f})" for ratio, of_best in zip(ratios, best)),
                     *(f"{statistics.median(waits[name]):.1f} ({max(waits[name]):.1f})" for name in ("ours", "c")),
                     f"{statistics.median(waits['qemu']):.0f}"])
        print(*rows[-1], sep="  ", file=sys.stderr)
    return rows


if __name__ == "__main__":
    main()
