"""JSON-RPC beside QMP on the same daemon, and beside a server that is StreamJsonRpc and nothing else, in turns."""

import argparse
import os
import random
import subprocess
import tempfile
import time

from table import machine, median, number, table

LOADS = {
    "one in flight": (["rtt", "20000"], ("p50_us", "p99_us", "rate")),
    "10 in flight": (["pipe", "200000", "10"], ("rate",)),
    "60 in flight": (["pipe", "200000", "60"], ("rate",)),
    "100 clients": (["clients", "40000", "100"], ("rate", "p99_us")),
    "connect, ask, close": (["connect", "3000"], ("rate",)),
}
KINDS = ("qmp", "jsonrpc", "peer")
AMOUNT = {"peer": 0.25}


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def load(program, kind, sockets, words, cpu):
    words = list(words)
    words[1] = str(int(int(words[1]) * AMOUNT.get(kind, 1)))
    out = subprocess.run(["taskset", "-c", str(cpu), program, sockets[kind], *([] if kind == "qmp" else ["rpc"]), *words],
                         capture_output=True, text=True, timeout=120)
    if out.returncode != 0:
        raise SystemExit(f"{kind} {' '.join(words)}: {out.stderr}")
    return {name: float(value) for name, value in (line.split() for line in out.stdout.splitlines())}


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def idle_clients(daemon, folder, kind, count):
    """KiB of the daemon for each client that has asked once and is silent."""
    import socket
    path = os.path.join(folder, f"idle-{kind}.sock")
    process = subprocess.Popen([daemon, f"--{kind}", f"unix:{path}"], stderr=subprocess.DEVNULL)
    try:
        wait_for(path)
        hello = b'{"execute":"qmp_capabilities"}\n' if kind == "qmp" else b'{"jsonrpc":"2.0","id":1,"method":"query-name"}\n'

        def connect():
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            if kind == "qmp":
                client.recv(65536)
            client.sendall(hello)
            client.recv(65536)
            return client

        first = [connect() for _ in range(50)]
        time.sleep(1)
        before = pss(process.pid)
        clients = [connect() for _ in range(count)]
        time.sleep(1)
        after = pss(process.pid)
        del first, clients
        return (after - before) / count
    finally:
        process.kill()
        process.wait()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--load", required=True)
    options.add_argument("--peer", required=True)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--append")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sockets = {kind: os.path.join(folder, kind + ".sock") for kind in KINDS}
        daemon = subprocess.Popen(["taskset", "-c", "0", options.daemon, "--qmp", f"unix:{sockets['qmp']}", "--jsonrpc", f"unix:{sockets['jsonrpc']}"],
                                  stderr=subprocess.DEVNULL)
        peer = subprocess.Popen(["taskset", "-c", "0", "dotnet", options.peer, sockets["peer"]], stderr=subprocess.DEVNULL)
        took = {}
        try:
            for path in sockets.values():
                wait_for(path)
            turns = [(name, kind) for name in LOADS for kind in KINDS]
            order = random.Random(1)
            for turn in range(options.rounds + 1):
                order.shuffle(turns)
                for name, kind in turns:
                    words, figures = LOADS[name]
                    values = load(options.load, kind, sockets, words, 1)
                    # The first round warms code and caches.
                    if turn > 0:
                        for figure in figures:
                            took.setdefault((name, figure, kind), []).append(values[figure])
        finally:
            daemon.kill()
            peer.kill()
            daemon.wait()
            peer.wait()
        rows = [[name, figure.replace("_us", ", us").replace("rate", "a second"), *(number(median(took[name, figure, kind])) for kind in KINDS)]
                for name in LOADS for figure in LOADS[name][1]]
        rows.append(["idle client", "KiB", *(number(idle_clients(options.daemon, folder, kind, 1000)) for kind in ("qmp", "jsonrpc")), "-"])
    note = "Server on one CPU, client on the other. StreamJsonRpc's server answers by reflection with System.Text.Json; it does nothing else."
    table(f"rpc: {machine({'hostmemd': options.daemon})}", note, ["load", "figure", "QMP", "JSON-RPC", "StreamJsonRpc's server"], rows, options.append)


if __name__ == "__main__":
    main()
