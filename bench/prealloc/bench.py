"""Fills memory with hostmemd, a C program and QEMU in turn, and prints a table; run.sh prepares what it needs."""

import argparse
import datetime
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time

KINDS = {
    "private": ("memory-backend-ram", {}),
    "memfd": ("memory-backend-memfd", {}),
    "hugetlb": ("memory-backend-memfd", {"hugetlb": True, "hugetlbsize": 2 << 20}),
}
POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB/"


class Server:
    """A QMP server and one client of it."""

    def __init__(self, folder, name, program, option, *more):
        # Two sockets, since QEMU serves one client of a socket at a time.
        first, self.second = (os.path.join(folder, name + number) for number in "12")
        sockets = [word for path in (first, self.second) for word in (option, f"unix:{path},server=on,wait=off")]
        self.process = subprocess.Popen([program, *sockets, *more], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(os.path.join(folder, name + ".log"), "w"))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        for _ in range(500):
            try:
                self.socket.connect(first)
                break
            except OSError:
                time.sleep(0.02)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self.lines.readline())
            if "error" in reply:
                sys.exit(f"{command} {arguments}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def fill(self, kind, mib, threads):
        qom_type, more = KINDS[kind]
        self.ask("object-add", **{"qom-type": qom_type, "id": "m", "size": mib << 20, "prealloc-threads": threads, **more})
        start = time.perf_counter()
        self.ask("qom-set", path="/objects/m", property="prealloc", value=True)
        took = time.perf_counter() - start
        self.ask("object-del", id="m")
        return took

    def end(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait()


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


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    huge = "/sys/kernel/mm/transparent_hugepage/"
    return (f"{datetime.date.today()}, {os.cpu_count()} CPUs ({model}), Linux {platform.release()}, "
            f"transparent huge pages {word(huge + 'enabled')}, shmem {word(huge + 'shmem_enabled')}")


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

    version = subprocess.run([given.qemu, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    out = [f"### prealloc: {machine()}", "",
           f"{given.mib} MiB, median of {given.rounds} interleaved rounds after one thrown away; "
           f"{version.split(' (')[0]}; `bench/prealloc/run.sh`", "",
           "| memory | threads | hostmemd GB/s | C GB/s | QEMU GB/s | to QEMU (best) | to C (best) "
           "| longest wait, ms (worst) | while C fills | QEMU's |",
           "|---|---|---|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
        ours = Server(folder, "ours", given.daemon, "--qmp")
        qemu = Server(folder, "qemu", given.qemu, "-qmp", "-machine", "none", "-display", "none", "-nodefaults")
        for server in ours, qemu:
            server.ask("object-add", **{"qom-type": "memory-backend-ram", "id": "w", "size": 1 << 20})
        client = SecondClient(f"{given.tools}/wait", ours)
        time.sleep(2)
        idle = client.end()
        try:
            for kind in given.kinds.split(","):
                if kind == "hugetlb":
                    with HugePages(given.mib // 2) as pool:
                        out += measure(given, kind, ours, qemu, pool.suffice)
                else:
                    out += measure(given, kind, ours, qemu, lambda: True)
        finally:
            ours.end()
            qemu.end()
    out += ["", "Ratios above 1: hostmemd takes less time; the median of the rounds, and of the best of each, since the host of a virtual machine "
            "only ever adds. "
            "Longest wait: of a second client that asks `qom-get` every 0.2 ms while the other one fills; the median of the rounds, and the "
            f"worst of all. While C fills: it asks hostmemd, which has nothing else to do, so this is the machine. Nobody fills: {idle[0]:.2f}.", ""]
    print("\n".join(out))
    if given.append:
        with open(given.append, "a") as results:
            results.write("\n".join(out) + "\n")


def measure(given, kind, ours, qemu, suffice):
    rows, order = [], random.Random(1)
    for threads in map(int, given.threads.split(",")):
        fills = {
            "ours": lambda: ours.fill(kind, given.mib, threads),
            "c": lambda: float(subprocess.run([f"{given.tools}/fill", kind, str(given.mib), str(threads)],
                                              capture_output=True, text=True, check=True).stdout),
            "qemu": lambda: qemu.fill(kind, given.mib, threads),
        }
        took = {name: [] for name in fills}
        names = list(fills)
        for number in range(given.rounds + 1):
            # Not in a fixed circle: who comes after whom matters, by the pages that the one before gave back.
            order.shuffle(names)
            for name in names:
                if not suffice():
                    return [f"| {kind} | | not enough huge pages | | | | | | | |"]
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
        rows.append(f"| {kind} | {threads} | {speed['ours']:.2f} | {speed['c']:.2f} | {speed['qemu']:.2f} "
                    f"| {ratios[0]:.2f} ({best[0]:.2f}) | {ratios[1]:.2f} ({best[1]:.2f}) "
                    f"| {statistics.median(waits['ours']):.1f} ({max(waits['ours']):.1f}) "
                    f"| {statistics.median(waits['c']):.1f} ({max(waits['c']):.1f}) | {statistics.median(waits['qemu']):.0f} |")
        print(rows[-1], file=sys.stderr)
    return rows


if __name__ == "__main__":
    main()
