"""The servers that are compared: how each is started, asked and looked at from outside."""

import json
import os
import shutil
import socket
import subprocess
import time

QEMU = "qemu-system-x86_64"
STORAGE_DAEMON = "qemu-storage-daemon"


def words(kind, program, path, second):
    if kind == "qemu":
        return [program, "-machine", "none", "-nodefaults", "-display", "none",
                *(word for door in (path, second) for word in ("-qmp", f"unix:{door},server=on,wait=off"))]
    if kind == "qsd":
        return [program, "--chardev", f"socket,id=c,path={path},server=on,wait=off", "--monitor", "chardev=c"]
    if kind == "floor":
        return [program, path]
    return [program, "--qmp", f"unix:{path}"]


class Server:
    """One running server; `kind` is ours, qemu, qsd or floor (bench/load/floor.c), `cpu` the CPU it may use, None for all."""

    def __init__(self, kind, program, folder, cpu=None):
        self.kind = kind
        self.path = os.path.join(folder, kind + ".sock")
        # QEMU serves one client of a socket at a time.
        self.second = self.path + "2" if kind == "qemu" else self.path
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        self.log = os.path.join(folder, kind + ".log")
        with open(self.log, "w") as log:
            begun = time.perf_counter()
            self.process = subprocess.Popen([*pin, *words(kind, program, self.path, self.second)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.process.pid
        with self.connect() as client:
            client.recv(1)
            self.started = time.perf_counter() - begun

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        for _ in range(100000):
            try:
                client.connect(self.path)
                client.settimeout(300)
                return client
            except OSError:
                time.sleep(0.0002)
        raise SystemExit(f"{self.kind} does not answer")

    def ask(self, command, **arguments):
        with Client(self) as client:
            return client.ask(command, **arguments)

    def status(self, name):
        """A number of /proc/PID/status: VmRSS in KiB, Threads."""
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))

    def pss(self):
        return self.rollup("Pss")

    def anonymous(self):
        """KiB that no file backs: heaps and stacks, which is what a leak grows."""
        return self.rollup("Anonymous")

    def rollup(self, name):
        with open(f"/proc/{self.pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(f"{name}:"))

    def maps(self):
        with open(f"/proc/{self.pid}/maps") as file:
            return sum(1 for _ in file)

    def descriptors(self):
        """What each descriptor is of."""
        found = []
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{self.pid}/fd/{number}"))
            except OSError:
                pass  # closed while we looked
        return found

    def cpu_ms(self):
        """Time that its threads have run, which the scheduler counts to the nanosecond."""
        return sum(int(open(f"/proc/{self.pid}/task/{task}/schedstat").read().split()[0]) for task in self.tasks()) / 1e6

    def all_cpu_ms(self):
        """As cpu_ms, with the threads that have ended, but in steps of 10 ms: for many of a kind."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def switches(self):
        """How often any of its threads has gone to sleep or was interrupted."""
        return sum(int(line.split()[1]) for task in self.tasks() for line in open(f"/proc/{self.pid}/task/{task}/status")
                   if "ctxt_switches" in line)

    def tasks(self):
        return os.listdir(f"/proc/{self.pid}/task")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            # qemu-storage-daemon 7.2 does not always end when told to.
            self.process.kill()
            self.process.wait()


class Client:
    def __init__(self, server):
        self.socket = server.connect()
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def exchange(self, command, **arguments):
        """The reply as it came, a refusal included; events in front of it are passed over."""
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self.lines.readline())
            if "event" not in reply:
                return reply

    def ask(self, command, **arguments):
        reply = self.exchange(command, **arguments)
        if "error" in reply:
            raise RuntimeError(f"{command} {arguments}: {reply['error']['desc']}")
        return reply["return"]

    def await_event(self, name):
        while json.loads(self.lines.readline()).get("event") != name:
            pass


def available(daemon):
    """What of the three is on this machine: kind and program."""
    others = {kind: program for kind, program in (("qemu", QEMU), ("qsd", STORAGE_DAEMON)) if shutil.which(program)}
    return {"ours": daemon, **others}
