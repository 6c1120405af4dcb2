"""A small object beside a large one: what its statistics cost, and how long another client waits for its own memory meanwhile."""

import argparse
import tempfile
import threading
import time

from server import Client, Server, available
from table import machine, median, number, table

GIB = 1 << 30


class Other(threading.Thread):
    """A client that adds and deletes an object all the time; `longest` is what one such pair took at most."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.longest, self.done = server, 0, False
        self.start()

    def run(self):
        with Client(self.server) as client:
            while not self.done:
                begun = time.perf_counter()
                client.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": "another", "size": 1 << 20})
                client.ask("object-del", id="another")
                self.longest = max(self.longest, time.perf_counter() - begun)

    def longest_while(self, action, rounds):
        self.longest = 0
        took = []
        for _ in range(rounds):
            begun = time.perf_counter()
            action()
            took.append(time.perf_counter() - begun)
        return median(took) * 1e3, self.longest * 1e3


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--daemon", required=True)
    options.add_argument("--gib", type=int, default=8)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--append")
    given = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="hostmemd-bench-") as folder:
        server = Server("ours", given.daemon, folder)
        try:
            # 4 KiB pages, unless the machine's shmem_enabled says otherwise.
            server.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": "large", "size": given.gib * GIB, "prealloc": True})
            server.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": "small", "size": 1 << 20})

            def smaps():
                with open(f"/proc/{server.pid}/smaps", "rb") as file:
                    file.read()

            other = Other(server)
            for what, action in (
                    ("nothing, for a tenth of a second", lambda: time.sleep(0.1)),
                    ("query-memdev-stats of the small one", lambda: server.ask("query-memdev-stats", id="small")),
                    ("query-memdev-stats of all", lambda: server.ask("query-memdev-stats")),
                    ("reading the daemon's smaps", smaps)):
                took, longest = other.longest_while(action, given.rounds)
                rows.append([what, number(took), number(longest)])
            other.done = True
            other.join()
        finally:
            server.end()
    table(f"beside: {machine(available(given.daemon))}",
          f"one memfd of {given.gib} GiB, filled, and one of 1 MiB; another client adds and deletes one of 1 MiB all the time; {given.rounds} times each; "
          "`bench/run.sh beside`", ["", "ms, median", "longest add+del, ms"], rows, given.append)


if __name__ == "__main__":
    main()
