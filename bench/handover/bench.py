"""Memory that is there already, beside memory that has to be filled first; run.sh prepares what this needs."""

import argparse
import datetime
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time


LEASES = 10_000


class Server:
    """A QMP server and a client of it."""

    def __init__(self, folder, name, program, *options):
        self.path = os.path.join(folder, name)
        self.process = subprocess.Popen([program, *(o.replace("SOCKET", self.path) for o in options)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(self.path + ".log", "w"))
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(1000):
            try:
                self.socket.connect(self.path)
                break
            except OSError:
                time.sleep(0.02)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def try_ask(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self.lines.readline())
            if "return" in reply or "error" in reply:
                return reply

    def ask(self, command, **arguments):
        reply = self.try_ask(command, **arguments)
        if "error" in reply:
            sys.exit(f"{command} {arguments}: {reply['error']['desc']}")
        return reply["return"]

    def add(self, size, prealloc):
        start = time.perf_counter()
        self.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": "m", "size": size, "prealloc": prealloc, "share": True})
        return time.perf_counter() - start

    def end(self):
        self.process.kill()
        self.process.wait()


def median_us(repeat, act):
    took = []
    for _ in range(repeat):
        start = time.perf_counter()
        act()
        took.append((time.perf_counter() - start) * 1e6)
    return statistics.median(took)


def deletions(server, repeat):
    """object-del of memory that nobody holds, and the refusal for memory that somebody holds, for which /proc is scanned."""
    free = []
    for _ in range(repeat):
        server.add(4096, False)
        free.append(median_us(1, lambda: server.ask("object-del", id="m")))
    server.add(4096, False)
    # Held by a descriptor that was opened without asking.
    lent = server.ask("memdev-map", id="m")
    holder = os.open(lent["path"], os.O_RDWR)
    server.ask("memdev-unmap", mapping=lent["mapping"])
    held = median_us(repeat // 10, lambda: server.try_ask("object-del", id="m"))
    os.close(holder)
    server.ask("object-del", id="m")
    return statistics.median(free), held


def deaths(server, repeat):
    """SIGKILL of a consumer until its lease is told to be gone, ms."""
    took = []
    for _ in range(repeat):
        consumer = subprocess.Popen(["sleep", "60"])
        server.ask("memdev-map", id="m", pid=consumer.pid)
        start = time.perf_counter()
        consumer.kill()
        while json.loads(server.lines.readline()).get("event") != "MEMDEV_UNMAPPED":
            pass
        took.append((time.perf_counter() - start) * 1e3)
        consumer.wait()
    return statistics.median(took), max(took)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", required=True)
    parser.add_argument("--consumer", required=True)
    parser.add_argument("--qemu", default="qemu-system-x86_64")
    parser.add_argument("--mib", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loans", type=int, default=2000)
    parser.add_argument("--append")
    options = parser.parse_args()
    size = options.mib << 20

    with tempfile.TemporaryDirectory() as folder:
        daemon = Server(folder, "hostmemd", options.daemon, "--qmp", "unix:SOCKET")
        qemu = Server(folder, "qemu", options.qemu, "-machine", "none", "-nodefaults", "-display", "none",
                      "-qmp", "unix:SOCKET,server=on,wait=off")
        try:
            filled, loans = [], []
            for _ in range(options.rounds):
                filled.append(qemu.add(size, True))
                qemu.ask("object-del", id="m")
            once = daemon.add(size, True)
            for _ in range(options.rounds):
                said = subprocess.run([options.consumer, daemon.path, "m", str(options.loans)], check=True, capture_output=True, text=True)
                loans.append([float(word) for word in said.stdout.split()])
            daemon.ask("object-del", id="m")
            free, held = deletions(daemon, 300)
            daemon.add(4096, False)
            daemon.ask("memdev-watch", enable=True)
            few = deaths(daemon, 100)
            daemon.ask("memdev-watch", enable=False)
            for _ in range(LEASES):
                daemon.ask("memdev-map", id="m", pid=os.getpid())
            daemon.ask("memdev-watch", enable=True)
            many = deaths(daemon, 100)
        finally:
            daemon.end()
            qemu.end()

    first, worst, reply, back = (statistics.median(column) for column in zip(*loans))
    version = subprocess.run([options.qemu, "--version"], capture_output=True, text=True).stdout.split()[3]
    table = f"""
## Handing over {options.mib} MiB, {datetime.date.today()}

{os.cpu_count()} CPUs, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}; {options.rounds} rounds of {options.loans} loans, medians.
Repeat: `bench/handover/run.sh`.

| what | time |
|---|---|
| QEMU {version} fills the memory itself (`object-add`, `prealloc=on`) | {statistics.median(filled) * 1e3:,.0f} ms |
| hostmemd fills it, once (on all CPUs, as is its default; QEMU's is one) | {once * 1e3:,.0f} ms |
| **`memdev-map` to the first byte read in the consumer** | **{first:.0f} µs** (99 in 100 below {worst:.0f} µs) |
| of which until the reply and the descriptor are there | {reply:.0f} µs |
| `munmap`, `close`, `memdev-unmap` | {back:.0f} µs |
| `object-del` of memory that nobody holds (4 KiB) | {free:.0f} µs |
| its refusal for memory that somebody holds: all of `/proc` is looked through | {held:,.0f} µs |
| SIGKILL of a consumer to `MEMDEV_UNMAPPED` | {few[0]:.1f} ms (worst of 100: {few[1]:.1f}) |
| the same beside {LEASES:,} leases of others | {many[0]:.1f} ms (worst of 100: {many[1]:.1f}) |
"""
    print(table)
    if options.append:
        with open(options.append, "a") as results:
            results.write(table)


main()
