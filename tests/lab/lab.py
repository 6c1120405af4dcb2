"""What the suites share: the daemon, a QMP client, the kernel's word, and a runner. Python's own library is all there is in the VM."""

import contextlib
import json
import mmap
import os
import re
import socket
import subprocess
import sys
import time
import traceback

DAEMON = "/hostmemd/hostmemd"
MIB = 1 << 20
GIB = 1 << 30
_cases = []


def case(test):
    """A function that is a test; it gets a daemon and a client, both new."""
    _cases.append(test)
    return test


def cases(*rows):
    """The same for a function with further arguments: one test a row."""
    def add(test):
        for row in rows:
            def one(daemon, client, row=row):
                test(daemon, client, *row)
            one.__name__ = f"{test.__name__}({', '.join(map(str, row))})"
            _cases.append(one)
        return test
    return add


def run():
    """Runs all with one daemon, since its start takes seconds here, and ends the program."""
    daemon, failed, count = None, 0, 0
    for test in _cases:
        if sys.argv[1:] and not any(word in test.__name__ for word in sys.argv[1:]):
            continue
        count += 1
        try:
            daemon = daemon or Daemon()
            with daemon.client() as client:
                test(daemon, client)
                client.delete_all()
                assert daemon.is_alive(), "the daemon ended"
            print("ok  ", test.__name__, flush=True)
        except Exception:
            failed += 1
            print("FAIL", test.__name__)
            traceback.print_exc(file=sys.stdout)
            if daemon:
                print(daemon.log(), flush=True)
                daemon.kill()
                daemon = None
    if daemon:
        daemon.kill()
    print(f"{count - failed} passed, {failed} failed", flush=True)
    sys.exit(failed > 0)


class QmpError(Exception):
    pass


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.greeting = json.loads(self.lines.readline())
        self.events = []
        self.ask("qmp_capabilities")

    def send(self, command, **arguments):
        request = {"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}}
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def reply(self):
        while True:
            message = json.loads(self.lines.readline())
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise QmpError(message["error"]["desc"])
            else:
                return message["return"]

    def ask(self, command, **arguments):
        self.send(command, **arguments)
        return self.reply()

    def add(self, qom_type, id, size, **more):
        if not qom_type.startswith("thread"):
            qom_type = "memory-backend-" + qom_type
            more["size"] = size
        return self.ask("object-add", qom_type=qom_type, id=id, **more)

    def context(self, id, **more):
        return self.ask("object-add", qom_type="thread-context", id=id, **more)

    def set(self, id, property, value):
        return self.ask("qom-set", path="/objects/" + id, property=property, value=value)

    def get(self, id, property):
        return self.ask("qom-get", path="/objects/" + id, property=property)

    def refused(self, command, **arguments):
        try:
            self.ask(command, **arguments)
        except QmpError as error:
            return str(error)
        raise AssertionError(f"{command} {arguments} was accepted")

    def stats(self, id):
        return self.ask("query-memdev-stats", id=id)[0]

    def nodes(self, id):
        """Bytes by node, the daemon's word."""
        return {n["node"]: n["bytes"] for n in self.stats(id)["nodes"]}

    def job(self, id):
        return next((j for j in self.ask("query-jobs") if j["id"] == id), None)

    def await_job(self, id, status="concluded", seconds=60):
        eventually(lambda: self.job(id)["status"] == status, f"job {id} {status}", seconds)
        return self.job(id)

    def delete_all(self):
        for job in self.ask("query-jobs"):
            if job["status"] == "concluded":
                self.ask("job-dismiss", id=job["id"])
        for child in self.ask("qom-list", path="/objects"):
            if child["type"].startswith("child<"):
                self.ask("object-del", id=child["name"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Daemon:
    _number = 0

    def __init__(self, *arguments, prefix=(), prepare=None):
        Daemon._number += 1
        self.socket = f"/run/hostmemd-{Daemon._number}.sock"
        self.log_path = f"/run/hostmemd-{Daemon._number}.log"
        self.process = subprocess.Popen([*prefix, DAEMON, "--qmp", "unix:" + self.socket, *arguments], preexec_fn=prepare,
                                        stdin=subprocess.DEVNULL, stdout=open(self.log_path, "w"), stderr=subprocess.STDOUT)
        eventually(self.listens, "the daemon's socket", 120)
        # Started through another program, it is that one's child.
        self.pid = self._peer()

    def _peer(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.connect(self.socket)
            return int.from_bytes(probe.getsockopt(socket.SOL_SOCKET, 17, 12)[:4], "little")

    def listens(self):
        assert self.process.poll() is None or self.process.returncode == 0, self.log()
        try:
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
                probe.connect(self.socket)
            return True
        except OSError:
            return False

    def is_alive(self):
        return self.process.poll() is None

    def client(self):
        return Client(self.socket)

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def mapping(self, size):
        """Start of the mapping of that size that has a guard behind it."""
        before = None
        for line in open(f"/proc/{self.pid}/maps"):
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if before and before[1] == start and line.split()[1] == "---p":
                return before[0]
            before = (start, end) if end - start == size else None
        raise AssertionError(f"no mapping of {size} bytes")

    def numa(self, size):
        """Policy and bytes by node of that mapping, the kernel's word."""
        start = self.mapping(size)
        for line in open(f"/proc/{self.pid}/numa_maps"):
            if line.startswith(f"{start:x} "):
                page = int(re.search(r"kernelpagesize_kB=(\d+)", line)[1]) * 1024 if "kernelpagesize" in line else 0
                nodes = {int(n): int(pages) * page for n, pages in re.findall(r"\bN(\d+)=(\d+)", line)}
                return re.match(r"\S+ ((?:prefer \(many\):|weighted interleave:)?\S+)", line)[1], nodes
        raise AssertionError("not in numa_maps")

    def smaps(self, size):
        """The lines of smaps of that mapping: bytes by name, and the flags."""
        start, figures, here = self.mapping(size), {}, False
        for line in open(f"/proc/{self.pid}/smaps"):
            if re.match(r"[0-9a-f]+-", line):
                here = line.startswith(f"{start:x}-")
            elif here:
                name, value = line.split(":", 1)
                figures[name] = value.split() if name == "VmFlags" else int(value.split()[0]) * 1024
        return figures

    def threads(self, name):
        """CPUs of the threads of that name."""
        found = []
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with contextlib.suppress(OSError):
                text = open(f"/proc/{self.pid}/task/{task}/status").read()
                if text.split("\n")[0].split("\t")[1] == name:
                    found.append(re.search(r"Cpus_allowed_list:\t(.*)", text)[1])
        return found

    def write(self, address, data):
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(address)
            memory.write(data)

    def __enter__(self):
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        if self.is_alive():
            self.process.terminate()
            self.process.wait(30)


class Hog:
    """Another process that holds huge pages of 2 MiB, of one node if it is named."""

    def __init__(self, pages, node=None):
        code = ("import mmap,sys,time\n"
                f"m = mmap.mmap(-1, {pages} << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)\n"
                f"for i in range({pages}): m[i << 21] = 1\n"
                "print('ready', flush=True); sys.stdin.read()")
        prefix = [] if node is None else ["numactl", f"--membind={node}"]
        self.process = subprocess.Popen([*prefix, sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def free_pages(node=None, size=2 * MIB, what="free_hugepages"):
    folder = "/sys/kernel/mm" if node is None else f"/sys/devices/system/node/node{node}"
    with open(f"{folder}/hugepages/hugepages-{size // 1024}kB/{what}") as file:
        return int(file.read())


def knob(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def eventually(condition, what, seconds=30):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"in vain waited for {what}"
        time.sleep(0.05)


def same(expected, actual):
    assert expected == actual, f"expected {expected}, got {actual}"


def contains(part, text):
    assert part in text, f"no '{part}' in '{text}'"
