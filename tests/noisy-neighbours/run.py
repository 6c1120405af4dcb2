#!/usr/bin/env python3
"""Noisy neighbours: good clients' latency and the daemon's memory, without and with clients that behave as badly as can be.

    tests/noisy-neighbours/run.py [--daemon PATH] [--good 1000] [--seconds 20] [--rate 500] [--bound MIB]

The good clients are connected all the time; at the rate given, in all, one of them after the other asks and waits for its answer. The bad ones
are a process of their own for each kind. Half of the good clients and half of the bad ones speak QMP, the others JSON-RPC. Ends with 1 when a
good client gets no answer or the daemon's memory (PSS) passes the bound.
"""
import argparse, json, multiprocessing, os, resource, selectors, shutil, signal, socket, subprocess, sys, tempfile, threading, time

NEGOTIATE = b'{"execute":"qmp_capabilities"}\n'
PATIENCE = 60


class Door:
    """A socket of the daemon, and how what it speaks begins a request."""

    def __init__(self, path, rpc):
        self.path, self.rpc = path, rpc
        self.begin = b'{"jsonrpc":"2.0","method":"%s","id":' if rpc else b'{"execute":"%s","id":'

    def request(self, name, id=b'"x"'):
        return self.begin % name + id + b"}\n"


def connect(door):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(door.path)
    return client


def negotiated(door):
    client = connect(door)
    if door.rpc:
        return client
    client.sendall(NEGOTIATE)
    seen = b""
    while seen.count(b"\n") < 2:
        piece = client.recv(65536)
        if not piece:
            raise ConnectionError("closed while negotiating")
        seen += piece
    return client


def forever(step, pause=0.0):
    """Repeats what may fail: the daemon is right to throw such a client out."""
    while True:
        try:
            step()
        except OSError:
            pass
        time.sleep(pause)


# Each of these is one kind of bad client, for as long as it is let.

def silent(door):
    held = []

    def step():
        held.append(connect(door))
        del held[:-600]
    forever(step, 0.005)


def slow_reader(door):
    try:
        client = negotiated(door)
    except OSError:
        return  # thrown out with the crowd
    client.setblocking(False)

    def step():
        client.send(door.request(b"query-qmp-schema", b"null") * 100)
    for _ in range(1000):
        try:
            step()
        except OSError:
            break
    while True:
        try:
            client.recv(1)
        except OSError:
            pass
        time.sleep(60)


def many_slow_readers(door):
    threads = [threading.Thread(target=slow_reader, args=(door,), daemon=True) for _ in range(50)]
    for thread in threads:
        thread.start()
    threads[0].join()


def long_string(door):
    def step():
        client = negotiated(door)
        client.sendall(door.begin % b"query-name" + b'"')
        for _ in range(100):
            client.sendall(b"x" * (1 << 20))
        client.close()
    forever(step, 0.1)


def unfinished(door):
    """Many clients that each stop just below what one request may have, in the form that costs most."""
    held = []

    def step():
        client = negotiated(door)
        held.append(client)
        del held[:-200]
        client.sendall(door.begin % b"query-name" + b"[" + b"[]," * 1_300_000)
    forever(step, 0.02)


def deep(door):
    def step():
        client = negotiated(door)
        client.sendall(door.request(b"query-name", b"[" * 100_000 + b"]" * 100_000))
        client.recv(65536)
        client.close()
    forever(step, 0.02)


def crowd(door):
    resource.setrlimit(resource.RLIMIT_NOFILE, (6000, 6000))

    def step():
        held = []
        try:
            for _ in range(5000):
                held.append(connect(door))
            time.sleep(1)
        finally:
            for client in held:
                client.close()
    forever(step, 0.5)


def half_closer(door):
    def step():
        client = negotiated(door)
        client.sendall(b"".join(door.request(b"query-memdev", b"%d" % i) for i in range(20)))
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
        client.close()
    forever(step, 0.01)


def dier(door):
    """Gone in the middle of a command that a descriptor came with."""
    read, write = os.pipe()

    def step():
        client = negotiated(door)
        socket.send_fds(client, [door.begin % b"getfd"], [read, write])
        client.close()
    forever(step, 0.01)


def header_flood(door):
    """Headers without an end, and lengths of which not a byte comes."""
    held = []

    def step():
        client = connect(door)
        client.sendall(b"Content-Length: 4000000\r\n\r\n{")
        held.append(client)
        del held[:-200]
        client = connect(door)
        for _ in range(100):
            client.sendall(b"X-Header: of no use\r\n" * 1000)
    forever(step, 0.01)


def in_flight_flood(door):
    """More requests than there may be, each cancelled at once."""
    def step():
        client = connect(door)
        client.settimeout(PATIENCE)
        for first in range(0, 2000, 100):
            client.sendall(b"".join(
                b'{"jsonrpc":"2.0","id":%d,"method":"object-add","params":{"qom-type":"memory-backend-memfd","id":"f%d","size":1048576,"prealloc":true}}\n'
                b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":%d}}\n'
                b'{"jsonrpc":"2.0","id":"d%d","method":"object-del","params":{"id":"f%d"}}\n' % ((i,) * 5) for i in range(first, first + 100)))
            client.recv(1 << 20)
        client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 20):
            pass
        client.close()
    forever(step, 0.05)


KINDS = [silent, many_slow_readers, long_string, unfinished, deep, crowd, half_closer, dier]

# Only where they mean something.
RPC_KINDS = [header_flood, in_flight_flood]


class Good:
    """A thousand clients of one thread."""

    def __init__(self, doors, count):
        self.clients = [negotiated(doors[i % len(doors)]) for i in range(count)]
        self.ask = {client: doors[i % len(doors)].request(b"query-memdev") for i, client in enumerate(self.clients)}

    def measure(self, seconds, rate):
        """Latencies in seconds: from when an answer was due to be asked for, so that a stall counts for all who would have asked."""
        ready, latencies, waiting = selectors.DefaultSelector(), [], {}
        for client in self.clients:
            ready.register(client, selectors.EVENT_READ)
        start, asked, total = time.monotonic(), 0, int(seconds * rate)
        while len(latencies) < total:
            now = time.monotonic()
            if now - start > seconds + PATIENCE:
                raise SystemExit(f"noisy-neighbours: {total - len(latencies)} of {total} answers are missing after {now - start:.0f} s")
            while asked < total and start + asked / rate <= now:
                client = self.clients[asked % len(self.clients)]
                if client in waiting:
                    break
                client.sendall(self.ask[client])
                waiting[client] = start + asked / rate
                asked += 1
            pause = max(0, start + asked / rate - time.monotonic()) if asked < total else 1
            for key, _ in ready.select(min(pause, 0.05)):
                reply = key.fileobj.recv(65536)
                if not reply:
                    raise SystemExit("noisy-neighbours: a good client was thrown out")
                if reply.endswith(b"\n"):
                    latencies.append(time.monotonic() - waiting.pop(key.fileobj))
        return sorted(latencies)


def processor(pid):
    """Seconds of processor time."""
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """PSS and RSS in MiB."""
    figures = dict(line.split(":", 1) for line in open(f"/proc/{pid}/smaps_rollup").read().splitlines()[1:])
    return tuple(int(figures[name].split()[0]) / 1024 for name in ("Pss", "Rss"))


class Watch(threading.Thread):
    """The most memory that the daemon had."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.over = pid, (0.0, 0.0), threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            self.most = max(self.most, memory(self.pid))


def show(what, latencies, most, used):
    at = lambda part: latencies[min(len(latencies) - 1, int(len(latencies) * part))] * 1000
    print(f"{what:22} {len(latencies):6} answers  p50 {at(0.5):7.2f} ms  p99 {at(0.99):7.2f} ms  max {at(1):7.2f} ms  "
          f"PSS {most[0]:.0f} MiB, RSS {most[1]:.0f} MiB at most, {used:.1f} s of CPU", flush=True)


def phase(what, good, pid, options, kinds, doors):
    neighbours = [multiprocessing.Process(target=kind, args=(door,), daemon=True) for kind in kinds for door in doors
               if door.rpc or kind not in RPC_KINDS]
    for one in neighbours:
        one.start()
    if neighbours:
        time.sleep(2)
    watch, used = Watch(pid), processor(pid)
    watch.start()
    try:
        latencies = good.measure(options.seconds, options.rate)
    finally:
        used = processor(pid) - used
        watch.over.set()
        for one in neighbours:
            one.kill()
            one.join()
    watch.join()
    show(what, latencies, watch.most, used)
    return watch.most[0]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    built = [os.path.join(here, "../../artifacts", part, "hostmemd") for part in ("publish/HostMemd/release", "bin/HostMemd/release", "bin/HostMemd/debug")]
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default=next((p for p in built if os.path.exists(p)), None))
    parser.add_argument("--good", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--bound", type=float, default=1024)
    parser.add_argument("--each", action="store_true", help="each kind alone, too")
    parser.add_argument("--only", default="", help="kinds, with commas between them; all, if none is named")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS + RPC_KINDS if not options.only or kind.__name__ in options.only.split(",")]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    folder = tempfile.mkdtemp(prefix="hostmemd-neighbours-")
    path = os.path.join(folder, "qmp.sock")
    doors = [Door(path, rpc=False), Door(os.path.join(folder, "rpc.sock"), rpc=True)]
    log = open(os.path.join(folder, "log"), "wb")
    daemon = subprocess.Popen([options.daemon, "--qmp", f"unix:{path}", "--jsonrpc", f"unix:{doors[1].path}", "--object", "memory-backend-memfd,id=m,size=64M"], stderr=log)
    try:
        while not os.path.exists(path):
            time.sleep(0.05)
            if daemon.poll() is not None:
                raise SystemExit("noisy-neighbours: the daemon does not start; see " + log.name)
        time.sleep(0.5)
        good = Good(doors, options.good)
        good.measure(3, options.rate)
        most = phase("good clients alone", good, daemon.pid, options, [], doors)
        for kind in kinds if options.each else []:
            most = max(most, phase(f"and {kind.__name__}", good, daemon.pid, options, [kind], doors))
        most = max(most, phase("and all bad neighbours", good, daemon.pid, options, kinds, doors))
        time.sleep(5)
        phase("after it has gone", good, daemon.pid, options, [], doors)
        lived = daemon.poll() is None
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)
        shutil.rmtree(folder)
    print(f"noisy-neighbours: the daemon {'lived' if lived else 'ended'}, {most:.0f} MiB at most, {options.bound:.0f} allowed")
    return 0 if lived and most <= options.bound else 1


sys.exit(main())
