"""Memory that is there already, beside memory that has to be filled first; run.sh prepares what this needs."""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

from server import Client, Server
from table import machine, table

LEASES = 10_000


def add(client, size, prealloc):
    start = time.perf_counter()
    client.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": "m", "size": size, "prealloc": prealloc, "share": True})
    return time.perf_counter() - start


def median_us(repeat, act):
    took = []
    for _ in range(repeat):
        start = time.perf_counter()
        act()
        took.append((time.perf_counter() - start) * 1e6)
    return statistics.median(took)


def deletions(client, repeat):
    """object-del of memory that nobody holds, and the refusal for memory that somebody holds, for which /proc is scanned."""
    free = []
    for _ in range(repeat):
        add(client, 4096, False)
        free.append(median_us(1, lambda: client.ask("object-del", id="m")))
    add(client, 4096, False)
    # Held by a descriptor that was opened without asking.
    lent = client.ask("memdev-map", id="m")
    holder = os.open(lent["path"], os.O_RDWR)
    client.ask("memdev-unmap", mapping=lent["mapping"])
    held = median_us(repeat // 10, lambda: client.exchange("object-del", id="m"))
    os.close(holder)
    client.ask("object-del", id="m")
    return statistics.median(free), held


def deaths(client, repeat):
    """SIGKILL of a consumer until its lease is told to be gone, ms."""
    took = []
    for _ in range(repeat):
        consumer = subprocess.Popen(["sleep", "60"])
        client.ask("memdev-map", id="m", pid=consumer.pid)
        start = time.perf_counter()
        consumer.kill()
        client.await_event("MEMDEV_UNMAPPED")
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
        servers = ours, _ = Server("ours", options.daemon, folder), Server("qemu", options.qemu, folder)
        daemon, qemu = map(Client, servers)
        try:
            filled, loans = [], []
            for _ in range(options.rounds):
                filled.append(add(qemu, size, True))
                qemu.ask("object-del", id="m")
            once = add(daemon, size, True)
            for _ in range(options.rounds):
                said = subprocess.run([options.consumer, ours.path, "m", str(options.loans)], check=True, capture_output=True, text=True)
                loans.append([float(word) for word in said.stdout.split()])
            daemon.ask("object-del", id="m")
            free, held = deletions(daemon, 300)
            add(daemon, 4096, False)
            daemon.ask("memdev-watch", enable=True)
            few = deaths(daemon, 100)
            daemon.ask("memdev-watch", enable=False)
            for _ in range(LEASES):
                daemon.ask("memdev-map", id="m", pid=os.getpid())
            daemon.ask("memdev-watch", enable=True)
            many = deaths(daemon, 100)
        finally:
            for server in servers:
                server.end()

    first, worst, reply, back = (statistics.median(column) for column in zip(*loans))
    table(f"handover of {options.mib} MiB: {machine({'ours': options.daemon, 'qemu': options.qemu})}",
          f"{options.rounds} rounds of {options.loans} loans, medians; `bench/handover/run.sh`", ["what", "time"], [
              ["QEMU fills the memory itself (`object-add`, `prealloc=on`)", f"{statistics.median(filled) * 1e3:,.0f} ms"],
              ["hostmemd fills it, once (on all CPUs, as is its default; QEMU's is one)", f"{once * 1e3:,.0f} ms"],
              ["**`memdev-map` to the first byte read in the consumer**", f"**{first:.0f} µs** (99 in 100 below {worst:.0f} µs)"],
              ["of which until the reply and the descriptor are there", f"{reply:.0f} µs"],
              ["`munmap`, `close`, `memdev-unmap`", f"{back:.0f} µs"],
              ["`object-del` of memory that nobody holds (4 KiB)", f"{free:.0f} µs"],
              ["its refusal for memory that somebody holds: all of `/proc` is looked through", f"{held:,.0f} µs"],
              ["SIGKILL of a consumer to `MEMDEV_UNMAPPED`", f"{few[0]:.1f} ms (worst of 100: {few[1]:.1f})"],
              [f"the same beside {LEASES:,} leases of others", f"{many[0]:.1f} ms (worst of 100: {many[1]:.1f})"],
          ], options.append)


main()
