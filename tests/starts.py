#!/usr/bin/env python3
"""Starts the daemon again and again. Two clients connect and leave at once, and the next one must be greeted.

The trimmer of .NET 10 removed the end of a lock (docs/decisions/0004-native-aot.md), and that next client waited for ever.
usage: tests/starts.py [--daemon FILE] [--starts 200]
"""

import argparse
import os
import socket
import subprocess
import tempfile
import time

PUBLISHED = os.path.join(os.path.dirname(__file__), "../artifacts/publish/HostMemd/release/hostmemd")
PATIENCE = 30


def connect(path):
    until = time.monotonic() + PATIENCE
    while True:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        try:
            client.connect(path)
            return client
        except OSError:
            client.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.001)


def serves(daemon, folder):
    path = os.path.join(folder, "qmp.sock")
    with open(os.path.join(folder, "log"), "w") as log:
        process = subprocess.Popen([daemon, "--qmp", f"unix:{path}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for client in [connect(path), connect(path)]:
            client.close()
        with connect(path) as client:
            return client.recv(1) == b"{"
    except OSError:
        return False
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--daemon", default=PUBLISHED)
    options.add_argument("--starts", type=int, default=200)
    given = options.parse_args()
    hung = 0
    for _ in range(given.starts):
        with tempfile.TemporaryDirectory(prefix="hostmemd-starts-") as folder:
            hung += not serves(given.daemon, folder)
    print(f"{given.starts} starts, {hung} hung")
    raise SystemExit(hung > 0)


if __name__ == "__main__":
    main()
