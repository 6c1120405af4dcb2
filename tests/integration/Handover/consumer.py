"""A process that uses the daemon's memory and runs the test's commands line by line.

Each line is a command; each answer is one line. The process can be killed at any point, which is what it is for.
"""
import json
import mmap
import os
import socket
import sys


class Daemon:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.buffer = b""
        self.descriptors = []
        self.reply()
        self.execute("qmp_capabilities")

    def send(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    def reply(self):
        while b"\n" not in self.buffer:
            data, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 16)
            if not data:
                raise EOFError
            self.buffer += data
            self.descriptors += descriptors
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def execute(self, command, **arguments):
        self.send(command, **arguments)
        answer = self.reply()
        if "error" in answer:
            raise RuntimeError(answer["error"]["desc"])
        return answer["return"]


class Consumer:
    def __init__(self, path):
        self.path = path
        self.daemon = None
        self.descriptor = -1
        self.memory = None

    def connect(self):
        self.daemon = Daemon(self.path)
        return "ok"

    def borrow(self, backend, readonly="rw"):
        """Asks, and takes the descriptor; maps nothing yet."""
        lent = self.daemon.execute("memdev-map", id=backend, readonly=readonly == "ro", name="consumer.py")
        self.descriptor = self.daemon.descriptors.pop()
        self.size = lent["size"]
        return lent["mapping"]

    def ask_path(self, backend):
        """Borrows, and says by which path others could open it."""
        return self.daemon.execute("memdev-map", id=backend).get("path", "none")

    def borrow_for(self, backend, pid):
        return self.daemon.execute("memdev-map", id=backend, pid=int(pid))["mapping"]

    def ask(self, backend):
        """Asks, and does not read the answer."""
        self.daemon.send("memdev-map", id=backend)
        return "ok"

    def open(self, path, size):
        """Gets at the memory without asking."""
        self.descriptor = os.open(path, os.O_RDWR)
        self.size = int(size)
        return "ok"

    def map(self, protection="rw"):
        flags = mmap.PROT_READ | (mmap.PROT_WRITE if protection == "rw" else 0)
        self.memory = mmap.mmap(self.descriptor, self.size, mmap.MAP_SHARED, flags)
        return "ok"

    def close(self):
        os.close(self.descriptor)
        return "ok"

    def unmap(self):
        self.memory.close()
        return "ok"

    def read(self, offset, length):
        return self.memory[int(offset):int(offset) + int(length)].hex()

    def write(self, offset, content):
        content = bytes.fromhex(content)
        self.memory[int(offset):int(offset) + len(content)] = content
        return "ok"


consumer = Consumer(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    verb, *words = line.split()
    try:
        answer = getattr(consumer, verb)(*words)
    except Exception as problem:
        answer = f"failed: {problem}"
    print(answer, flush=True)
