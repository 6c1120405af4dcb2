"""Random operations, and a crash at a random instant among them: what was answered is there afterwards, to the byte; what was under way
is there whole or not at all; nothing else is. Used under real systemd (crash.py) and under a small manager of our own:

usage: survival.py DAEMON OPERATIONS CRASHES [SEED]
"""

import json
import mmap
import os
import random
import socket
import sys
import threading
import time

KIB = 1 << 10


class Refused(Exception):
    pass


class Client:
    """A QMP client that keeps the descriptors that come."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.text, self.descriptors = b"", []
        self.greeting = self._line()
        self.ask("qmp_capabilities")

    def _line(self):
        while b"\n" not in self.text:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            self.descriptors += fds
            if not data:
                raise ConnectionError("the daemon closed the connection")
            self.text += data
        line, self.text = self.text.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, **arguments):
        request = {"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self._line()
            if "error" in message:
                raise Refused(message["error"]["desc"])
            if "return" in message:
                return message["return"]

    def lend(self, id, **more):
        """A lease and the descriptor."""
        lease = self.ask("memdev-map", id=id, **more)
        return lease["mapping"], self.descriptors.pop()

    def content(self, id):
        mapping, fd = self.lend(id)
        with mmap.mmap(fd, 0) as memory:
            data = memory[:]
        os.close(fd)
        self.ask("memdev-unmap", mapping=mapping)
        return data

    def close(self):
        for fd in self.descriptors:
            os.close(fd)
        self.socket.close()


PROPERTIES = ["size", "share", "merge", "dump", "prealloc", "policy", "prealloc-threads"]


def properties(client, id):
    return {p: client.ask("qom-get", path="/objects/" + id, property=p) for p in PROPERTIES}


def state(client):
    """All that is to survive, as the daemon tells it."""
    made = {o["name"]: o["type"] for o in client.ask("qom-list", path="/objects") if o["name"] != "type"}
    return {"objects": {id: properties(client, id) if "memory-backend" in kind else kind for id, kind in made.items()},
            "leases": {m["mapping"]: (m["id"], m["pid"], m.get("name")) for m in client.ask("query-memdev-mappings") if m["kind"] == "lease"}}


def pattern(size, seed):
    return random.Random(seed).randbytes(4096) * (size // 4096)


class Model:
    """What there must be."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.objects, self.leases, self.bytes, self.maps = {}, {}, {}, {}
        self.doubt = None     # what was under way at the crash: (kind, id or mapping)
        self.number = self.done = 0

    def step(self, client):
        """One operation. The model changes when it was answered."""
        r = self.random
        free = [id for id in self.objects if id not in self.maps]
        kind = r.choices(["add", "del", "set", "lend", "return"], [35, 20, 20, 15, 25])[0]
        if len(self.objects) > 14:
            kind = "del" if free else "return"
        if kind == "add":
            self._add(client)
        elif kind == "del" and free:
            id = r.choice(free)
            self.doubt = ("del", id)
            client.ask("object-del", id=id)
            del self.objects[id], self.bytes[id]
        elif kind == "set" and self.objects:
            id, name = r.choice(list(self.objects)), r.choice(["merge", "dump", "prealloc-threads"])
            value = r.randint(1, 9) if name == "prealloc-threads" else not self.objects[id][name]
            self.doubt = ("set", id)
            client.ask("qom-set", path="/objects/" + id, property=name, value=value)
            self.objects[id][name] = value
        elif kind == "lend" and free:
            self._lend(client, r.choice(free))
        elif kind == "return" and self.leases:
            mapping = r.choice(list(self.leases))
            self._unmap(self.leases[mapping][0])
            self.doubt = ("return", mapping)
            client.ask("memdev-unmap", mapping=mapping)
            del self.leases[mapping]
        else:
            return
        self.doubt = None
        self.done += 1

    def _unmap(self, id):
        if id in self.maps:
            memory, fd = self.maps.pop(id)
            memory.close()
            os.close(fd)

    def _add(self, client):
        self.number += 1
        id, r = f"o{self.number}", self.random
        kind = r.choice(["memfd", "memfd", "ram", "shm"])
        size = r.randint(1, 12) * 64 * KIB
        more = {"share": True} if kind == "ram" else {}
        if r.random() < 0.3:
            more["prealloc"] = True
        if r.random() < 0.3:
            more["merge"] = False
        self.doubt = ("add", id)
        client.ask("object-add", qom_type="memory-backend-" + kind, id=id, size=size, **more)
        # The model has it from here on, with whatever properties it has; the next check compares what was read before with what is read then.
        self.objects[id], self.bytes[id], self.doubt = None, bytes(size), None
        self.objects[id] = properties(client, id)
        self._lend(client, id)

    def _lend(self, client, id):
        self.doubt = ("lend", id)
        mapping, fd = client.lend(id, name="survivor")
        self.leases[mapping] = (id, os.getpid(), "survivor")
        memory = mmap.mmap(fd, 0)
        self.maps[id] = (memory, fd)
        self.doubt = None
        # Nobody asks the daemon for this: the memory is the consumer's.
        data = pattern(len(memory), self.random.random())
        memory[:] = data
        self.bytes[id] = data

    def check(self, client):
        """Compares; afterwards the model is what the daemon has, where either was right."""
        found, kind, what = state(client), *(self.doubt or (None, None))
        for id, known in self.objects.items():
            if known is None and id in found["objects"]:
                self.objects[id] = found["objects"][id]
        if kind == "add" and what in found["objects"]:
            self.objects[what], self.bytes[what] = found["objects"][what], bytes(found["objects"][what]["size"])
        elif kind == "del" and what not in found["objects"]:
            del self.objects[what], self.bytes[what]
        elif kind == "set":
            self.objects[what] = found["objects"].get(what)
        elif kind == "return" and what not in found["leases"]:
            del self.leases[what]
        elif kind == "lend":
            for mapping in set(found["leases"]) - set(self.leases):
                assert found["leases"][mapping][0] == what, found["leases"]
                client.ask("memdev-unmap", mapping=mapping)
                del found["leases"][mapping]
        assert list(self.objects) == list(found["objects"]), \
            f"ids: expected {list(self.objects)}, found {list(found['objects'])}; in doubt {self.doubt}"
        assert self.objects == found["objects"], f"properties: expected {self.objects}, found {found['objects']}"
        assert self.leases == found["leases"], f"leases: expected {self.leases}, found {found['leases']}"
        if kind == "return" and what in self.leases:
            # Not by the daemon's word: ask again.
            client.ask("memdev-unmap", mapping=what)
            del self.leases[what]
        for id, data in self.bytes.items():
            assert client.content(id) == data, f"content of {id}"
        for id, (memory, _) in self.maps.items():
            # The same memory as before, not a copy: what is written here shows there.
            memory[0] = memory[0] ^ 255
            self.bytes[id] = memory[:]
            assert client.content(id)[0] == memory[0], f"{id} is other memory now"
        self.doubt = None


def survive(path, operations, crashes, crash, seed):
    """crash() kills the daemon and sees to it that another one follows. Returns how many operations and crashes there were."""
    model, r = Model(seed), random.Random(seed + 1)
    happened, seconds = 0, 0.01
    batch = max(2, operations // crashes)
    while model.done < operations or happened < crashes:
        client = Client(path)
        before, began = model.done, time.monotonic()
        # Mostly within an operation, now and then between two.
        killer = threading.Timer(r.random() * 2 * batch * seconds, crash)
        killer.start()
        try:
            while True:
                model.step(client)
        except (ConnectionError, BrokenPipeError):
            pass
        if model.done > before:
            seconds = 0.7 * seconds + 0.3 * (time.monotonic() - began) / (model.done - before)
        killer.join()
        happened += 1
        client.close()
        client = Client(path)
        model.check(client)
        client.close()
    client = Client(path)
    for mapping, (id, _, _) in model.leases.items():
        model._unmap(id)
        client.ask("memdev-unmap", mapping=mapping)
    for id in model.objects:
        client.ask("object-del", id=id)
    client.close()
    return model.done, happened


def main():
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration/Persistence"))
    import tempfile
    from manager import Manager
    daemon, operations, crashes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    print("seed", seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="hostmemd-survival-") as folder:
        manager = Manager(folder, daemon)

        def crash():
            manager.kill()
            manager.wait()
            manager.start()

        manager.start()
        try:
            print("%d operations, %d crashes" % survive(manager.path, operations, crashes, crash, seed))
            left = [n for n in manager.names() if not n.startswith("state-")]
            assert not left, f"left in the store: {left}"
        except BaseException:
            print(manager.log()[-20000:])
            raise
        finally:
            manager.kill()
            manager.wait()


if __name__ == "__main__":
    main()
