"""A service manager as small as can be, which does with sockets and descriptors what systemd does (sd_notify(3), sd_listen_fds(3),
systemd.service(5)): it owns the listening socket, stores descriptors under names, passes all to the next process, answers barriers and
keeps what it was told. As systemd it says nothing when the store is full.

As a program it is told what to do on stdin and answers on stdout, a line of JSON each. usage: manager.py FOLDER DAEMON
"""

import json
import os
import select
import signal
import socket
import sys
import threading
import time


class Manager:
    def __init__(self, folder, daemon, capacity=1000):
        self.folder, self.daemon, self.capacity = folder, daemon, capacity
        self.path = os.path.join(folder, "qmp.sock")
        self.messages = []          # (seconds, {NAME: value})
        self.store = []             # [name, descriptor, polled]
        self.refused = 0
        self.pid = None
        self.gate = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4096)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.notify.bind(os.path.join(folder, "notify"))
        self.deaf = False           # a manager that has other things to do
        threading.Thread(target=self._serve, daemon=True).start()

    # ---------------------------------------------------------------- its own side of the protocol

    def _serve(self):
        while True:
            if self.deaf:
                time.sleep(0.01)
                continue
            with self.gate:
                polled = [entry for entry in self.store if entry[2]]
            ready = select.poll()
            ready.register(self.notify, select.POLLIN)
            for entry in polled:
                ready.register(entry[1], 0)
            for descriptor, _ in ready.poll(20):
                if descriptor == self.notify.fileno():
                    self._receive()
                else:
                    self._drop(lambda entry: entry[1] == descriptor and entry[2])

    def _receive(self):
        text, rights, _, _ = self.notify.recvmsg(65536, socket.CMSG_SPACE(4 * 253))
        descriptors = []
        for level, kind, data in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors += [int.from_bytes(data[i:i + 4], sys.byteorder) for i in range(0, len(data), 4)]
        message = dict(line.split("=", 1) for line in text.decode().splitlines())
        with self.gate:
            self.messages.append((time.monotonic(), message))
            name = message.get("FDNAME", "stored")
            if message.get("FDSTORE") == "1":
                while descriptors and len(self.store) < self.capacity:
                    self.store.append([name, descriptors.pop(0), message.get("FDPOLL") != "0"])
                self.refused += len(descriptors)
        if message.get("FDSTOREREMOVE") == "1":
            self._drop(lambda entry: entry[0] == name)
        for descriptor in descriptors:
            os.close(descriptor)

    def _drop(self, which):
        with self.gate:
            gone = [entry for entry in self.store if which(entry)]
            self.store = [entry for entry in self.store if not which(entry)]
        for entry in gone:
            os.close(entry[1])

    # ---------------------------------------------------------------- its commands

    def start(self, *arguments, environment=None, with_socket=True):
        """Starts the daemon with the socket and all that is stored."""
        with self.gate:
            passed = ([("qmp", self.listener.fileno())] if with_socket else []) + [(name, fd) for name, fd, _ in self.store]
            self.messages.clear()
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("LISTEN_", "WATCHDOG_", "JOURNAL_", "RUNTIME_"))}
        variables.update(NOTIFY_SOCKET=os.path.join(self.folder, "notify"), LISTEN_FDS=str(len(passed)),
                         LISTEN_FDNAMES=":".join(name for name, _ in passed), **(environment or {}))
        log = os.open(os.path.join(self.folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                # Out of the way first: the numbers from 3 on are what they are to become.
                high = [os.dup(log)] if log < 3 + len(passed) else [log]
                import fcntl
                moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3 + len(passed) + 10) for _, fd in passed]
                os.dup2(fcntl.fcntl(log, fcntl.F_DUPFD_CLOEXEC, 3 + len(passed) + 10), 2)
                os.dup2(2, 1)
                for number, fd in enumerate(moved, 3):
                    os.dup2(fd, number)
                os.closerange(3 + len(passed), max([*moved, *high, 64]) + 100)
                variables["LISTEN_PID"] = str(os.getpid())
                os.execve(self.daemon, [self.daemon, *arguments], variables)
            finally:
                os._exit(127)
        os.close(log)
        return self.pid

    def await_ready(self, seconds=60):
        limit = time.monotonic() + seconds
        while not self.said("READY"):
            if self.ended() is not None or time.monotonic() > limit:
                raise AssertionError("not ready:\n" + self.log())
            time.sleep(0.01)

    def said(self, name, value=None):
        with self.gate:
            return [m[name] for _, m in self.messages if name in m and value in (None, m[name])]

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def ended(self):
        """Its exit status, or None."""
        if self.pid is None:
            return self.status
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid, self.status = None, os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, seconds=60):
        limit = time.monotonic() + seconds
        while self.ended() is None:
            if time.monotonic() > limit:
                raise AssertionError("did not end:\n" + self.log())
            time.sleep(0.005)
        # What it had sent is still to be read.
        while select.select([self.notify], [], [], 0.03)[0]:
            pass
        return self.status

    def names(self):
        with self.gate:
            return [name for name, _, _ in self.store]

    def put(self, name, content):
        """Stores a memfd of our own."""
        fd = os.memfd_create("test")
        os.write(fd, content)
        with self.gate:
            self.store.append([name, fd, False])

    def content(self, name):
        with self.gate:
            fd = next(fd for stored, fd, _ in self.store if stored == name)
            return os.pread(fd, os.fstat(fd).st_size, 0)

    def drop(self, name):
        self._drop(lambda entry: entry[0] == name)

    def log(self):
        try:
            with open(os.path.join(self.folder, "log")) as log:
                return log.read()
        except FileNotFoundError:
            return ""


def main():
    manager = Manager(sys.argv[1], sys.argv[2])
    actions = {
        "start": lambda r: manager.start(*r["arguments"], environment=r.get("environment"), with_socket=r.get("socket", True)),
        "ended": lambda r: manager.ended(),
        "messages": lambda r: [m for _, m in list(manager.messages)],
        "names": lambda r: manager.names(),
        "refused": lambda r: manager.refused,
        "capacity": lambda r: setattr(manager, "capacity", r["value"]),
        "deaf": lambda r: setattr(manager, "deaf", r["value"]),
        "put": lambda r: manager.put(r["name"], bytes.fromhex(r["content"])),
        "content": lambda r: manager.content(r["name"]).hex(),
        "drop": lambda r: manager.drop(r["name"]),
        "log": lambda r: manager.log(),
    }
    print("null", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(actions[request["do"]](request)), flush=True)
    if manager.pid is not None and manager.ended() is None:
        manager.kill()


if __name__ == "__main__":
    main()
