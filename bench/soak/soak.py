"""Clients of every kind at once until the time is over; what the daemon holds before and after is compared. soak.sh prepares what it needs."""

import argparse
import array
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from server import Client, Server

# What may be left over without anything leaking: buffers that the runtime pools, code that was compiled meanwhile, freed pages not yet
# returned. A hundred bytes a connection would show within minutes.
ALLOWED = {"anonymous KiB": 8 << 10, "resident KiB": 12 << 10, "descriptors": 0, "threads": 3, "mappings": 40}


class Load(threading.Thread):
    """One kind of client. What it does is repeated until the end; whatever it makes it takes away again."""

    def __init__(self, server, number, end):
        super().__init__()
        self.server, self.name, self.end = server, f"{type(self).__name__}{number}", end
        self.random, self.done, self.failure = random.Random(number), 0, None

    def run(self):
        try:
            while time.monotonic() < self.end:
                self.once()
                self.done += 1
        except Exception as failure:
            self.failure = failure

    def once(self):
        raise NotImplementedError


class Objects(Load):
    """Makes an object of any kind, uses it in every way there is, deletes it."""

    def once(self):
        with Client(self.server) as client:
            for count in range(self.random.randrange(1, 20)):
                self.one(client, f"{self.name}-{count}")

    def one(self, client, name):
        size = self.random.choice((4096, 1 << 20, 8 << 20))
        kind = self.random.choice(("ram", "memfd", "shm"))
        client.ask("object-add", **{"qom-type": f"memory-backend-{kind}", "id": name, "size": size,
                                    "prealloc": self.random.random() < 0.2})
        client.ask("qom-set", path=name, property="merge", value=self.random.random() < 0.5)
        client.ask("qom-get", path=f"/objects/{name}", property="size")
        if self.random.random() < 0.3:
            client.ask("qom-set", path=name, property="prealloc", value=True)
        if self.random.random() < 0.3:
            client.ask("memdev-prealloc", id=name, **{"job-id": f"job-{name}"})
            while next(job for job in client.ask("query-jobs") if job["id"] == f"job-{name}")["status"] != "concluded":
                time.sleep(0.001)
            client.ask("job-dismiss", id=f"job-{name}")
        if kind != "ram":
            mapping = client.ask("memdev-map", id=name)["mapping"]
            client.ask("memdev-unmap", mapping=mapping)
        # Each of these looks at every process of the machine.
        if self.random.random() < 0.05:
            client.ask(self.random.choice(("query-memdev-stats", "query-memdev-mappings")), id=name)
        client.ask("object-del", id=name)


class Connects(Load):
    """Comes and goes: negotiated, silent, with half a command, with a descriptor in flight."""

    def once(self):
        client = self.server.connect()
        kind = self.random.randrange(4)
        if kind == 1:
            client.sendall(b'{"execute":"qmp_capabilities"}{"execute":"query-memdev"}')
            client.recv(100)
        elif kind == 2:
            client.sendall(b'{"execute":"object-add","arguments":{')
        elif kind == 3:
            with open("/dev/null") as file:
                client.sendmsg([b'{"execute":"qmp_capabilities"}'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))])
        client.close()
        time.sleep(0.001)


class Killed(Load):
    """A process that borrows memory and is killed before it gives it back."""

    CONSUMER = """
import os, sys, time
from server import Client, Server
server = Server.__new__(Server)
server.path, server.kind = sys.argv[1], "ours"
client = Client(server)
client.ask("memdev-map", id=sys.argv[2])
print("mapped", flush=True)
time.sleep(60)
"""

    def once(self):
        with Client(self.server) as client:
            client.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": self.name, "size": 2 << 20})
            consumer = subprocess.Popen([sys.executable, "-c", self.CONSUMER, self.server.path, self.name], stdout=subprocess.PIPE)
            consumer.stdout.readline()
            consumer.send_signal(signal.SIGKILL)
            consumer.wait()
            consumer.stdout.close()
            while client.ask("query-memdev-mappings", id=self.name):
                time.sleep(0.001)
            client.ask("object-del", id=self.name)
        time.sleep(0.2)


class Pipelines(Load):
    """Many commands a write, of which some are refused."""

    BATCH = b'{"execute":"query-version"}{"execute":"nope"}{"execute":"query-memdev"}' * 20

    def once(self):
        with self.server.connect() as client:
            lines = client.makefile("rb")
            client.sendall(b'{"execute":"qmp_capabilities"}' + self.BATCH)
            for _ in range(62):
                lines.readline()
            lines.close()


def held(server):
    """When what leaves by itself (fill workers, idle threads of the pool) has left."""
    return {"anonymous KiB": server.anonymous(), "resident KiB": server.status("VmRSS"), "descriptors": len(server.descriptors()),
            "threads": server.status("Threads"), "mappings": server.maps()}


def work(server, seconds):
    end = time.monotonic() + seconds
    loads = [kind(server, number, end) for number, kind in enumerate((Objects, Objects, Objects, Connects, Killed, Pipelines))]
    for load in loads:
        load.start()
    for load in loads:
        load.join()
    print("; ".join(f"{load.name} {load.done}" for load in loads), flush=True)
    for load in loads:
        if load.failure:
            raise SystemExit(f"{load.name}: {load.failure!r}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--seconds", type=int, default=3600)
    options.add_argument("--warm", type=int, default=60, help="seconds of the same load before the figures are taken first")
    options.add_argument("--settle", type=int, default=25, help="seconds of rest before figures are taken: the pool lets go of threads after 20")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hostmemd-soak-") as folder:
        server = Server("ours", given.daemon, folder)
        try:
            work(server, given.warm)
            time.sleep(given.settle)
            before, opened = held(server), server.descriptors()
            work(server, given.seconds)
            time.sleep(given.settle)
            after = held(server)
            new = [name for name in server.descriptors() if name not in opened]
            if server.process.poll() is not None:
                raise SystemExit("the daemon has ended")
            left = server.ask("query-memdev")
        finally:
            server.end()
        with open(server.log) as log:
            bugs = [line for line in log if " ERR " in line]
    grown = [name for name in before if after[name] > before[name] + ALLOWED[name]]
    for name in before:
        print(f"{name:14} {before[name]:>8,} -> {after[name]:>8,}  (may grow by {ALLOWED[name]:,})" + ("  GROWN" if name in grown else ""))
    if "descriptors" in grown:
        print("new descriptors:", *new)
    if bugs:
        raise SystemExit(f"errors in the log: {len(bugs)}, the first: {bugs[0]}")
    if left:
        raise SystemExit(f"objects left: {len(left)}")
    sys.exit(1 if grown else 0)


if __name__ == "__main__":
    main()
