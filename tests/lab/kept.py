"""Memory of every kind that outlives a process, a process and a guest that work on it, and the comparison of all of it with what was."""

import mmap
import os
import signal
import struct
import time

from guest import Guest
from survival import Client, pattern, state
from unit import eventually

MIB = 1 << 20
KINDS = {"memfd": ("memory-backend-memfd", 16 * MIB, {}), "filled": ("memory-backend-memfd", 8 * MIB, {"prealloc": True}),
         "shared": ("memory-backend-ram", 4 * MIB, {"share": True, "merge": False}), "shm": ("memory-backend-shm", 4 * MIB, {}),
         "huge": ("memory-backend-memfd", 8 * MIB, {"hugetlb": True, "hugetlbsize": 2 * MIB}),
         "bound": ("memory-backend-memfd", 4 * MIB, {"policy": "bind", "host-nodes": [0], "dump": False}),
         "file": ("memory-backend-file", 4 * MIB, {"share": True, "mem-path": "/dev/shm/hostmemd-lab"})}


class Worker:
    """Another process that works on memory it was lent, as a guest does: counts in the first page, checks all the others."""

    def __init__(self, fd, bytes):
        self.counter = mmap.mmap(-1, 4096)
        self.pid = os.fork()
        if self.pid == 0:
            with mmap.mmap(fd, 0) as memory:
                count = 0
                while memory[4096:] == bytes[4096:]:
                    count += 1
                    memory[0:8] = self.counter[0:8] = struct.pack("=Q", count)
                    time.sleep(0.01)
            os._exit(1)

    def count(self):
        return struct.unpack("=Q", self.counter[0:8])[0]

    def check(self):
        at = self.count()
        eventually(lambda: self.count() > at, "the worker to go on")
        assert os.waitpid(self.pid, os.WNOHANG) == (0, 0), "the worker found another content"


class Kept:
    def __init__(self, path):
        """Makes it all with the daemon at that socket."""
        self.path = path
        client = Client(path)
        client.ask("object-add", qom_type="thread-context", id="context", cpu_affinity=[0])
        for id, (kind, size, more) in KINDS.items():
            client.ask("object-add", qom_type=kind, id=id, size=size, **more)
            mapping, fd = client.lend(id)
            with mmap.mmap(fd, size) as memory:
                memory[:] = pattern(size, id)
            if id == "memfd":
                self.worker = Worker(fd, pattern(size, id))
            os.close(fd)
            client.ask("memdev-unmap", mapping=mapping)
        # Holders of other users are seen without being root; a service manager that stores the descriptors is none.
        kinds = [(m["kind"], m["pid"]) for m in client.ask("query-memdev-mappings", id="memfd") if m["pid"] != os.getpid()]
        assert kinds == [("kernel", self.worker.pid)], kinds
        client.ask("memdev-map", id="memfd", pid=self.worker.pid, name="the worker")
        client.ask("object-add", qom_type="memory-backend-memfd", id="guest", size=Guest.MIB * MIB)
        lent = client.ask("memdev-map", id="guest")
        self.guest = Guest(lent["path"])
        client.ask("memdev-map", id="guest", pid=self.guest.process.pid, name="a guest")
        eventually(lambda: self.guest.ticks() > 0, "the guest")
        client.ask("memdev-unmap", mapping=lent["mapping"])
        client.ask("qom-set", path="/objects/shm", property="merge", value=False)
        assert client.ask("qom-get", path="/objects/context", property="cpu-affinity") == [0]
        self.expected = state(client)
        client.close()
        self.check()

    def check(self):
        """Ids, order, properties, leases and every byte; and worker and guest are at work."""
        client = Client(self.path)
        found, expected = state(client), self.expected
        assert list(found["objects"]) == list(expected["objects"]), f"{list(found['objects'])} instead of {list(expected['objects'])}"
        assert found["objects"] == expected["objects"], found["objects"]
        assert found["leases"] == expected["leases"], (found["leases"], expected["leases"])
        for id, (_, size, _) in KINDS.items():
            begin = 4096 if id == "memfd" else 0
            assert client.content(id)[begin:] == pattern(size, id)[begin:], f"content of {id}"
        assert client.ask("qom-get", path="/objects/huge", property="hugetlb")
        assert client.ask("qom-get", path="/objects/bound", property="host-nodes") == [0]
        client.close()
        self.at_work()

    def at_work(self):
        self.worker.check()
        at = self.guest.ticks()
        eventually(lambda: self.guest.ticks() > at, "the guest to go on")

    def end_consumers(self):
        os.kill(self.worker.pid, signal.SIGKILL)
        os.waitpid(self.worker.pid, 0)
        self.guest.end()
