"""What moves or counts much memory: how long it takes, and how long other clients wait meanwhile, for memory of their own and for any answer."""

import argparse
import tempfile
import threading
import time

from server import Client, Server, available
from table import machine, median, number, table

GIB = 1 << 30


class Other(threading.Thread):
    """A client that does something all the time; `longest` is what it took at most."""

    def __init__(self, server, once):
        super().__init__(daemon=True)
        self.server, self.once, self.longest, self.done = server, once, 0, False
        self.start()

    def run(self):
        with Client(self.server) as client:
            while not self.done:
                begun = time.perf_counter()
                self.once(client)
                self.longest = max(self.longest, time.perf_counter() - begun)
                time.sleep(0.001)


def add_and_delete(client):
    client.ask("object-add", **{"qom-type": "memory-backend-memfd", "id": "another", "size": 1 << 20})
    client.ask("object-del", id="another")


def longest_while(others, action, rounds, after):
    """The median of the action, and what each of the others took at most in the median round."""
    took, longest = [], [[] for _ in others]
    for _ in range(rounds):
        for other in others:
            other.longest = 0
        begun = time.perf_counter()
        action()
        took.append(time.perf_counter() - begun)
        for other, each in zip(others, longest):
            each.append(other.longest)
        if after:
            after()
    return [median(times) * 1e3 for times in (took, *longest)]


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

            def fill(kind):
                server.ask("object-add", **{"qom-type": f"memory-backend-{kind}", "id": "filled", "size": 2 * GIB, "prealloc": True})

            def delete():
                server.ask("object-del", id="filled")

            others = [Other(server, add_and_delete), Other(server, lambda client: client.ask("query-version"))]
            for what, action, after in (
                    ("nothing, for a tenth of a second", lambda: time.sleep(0.1), None),
                    ("query-memdev-stats of the small one", lambda: server.ask("query-memdev-stats", id="small"), None),
                    ("query-memdev-stats of all", lambda: server.ask("query-memdev-stats"), None),
                    ("filling 2 GiB of ram", lambda: fill("ram"), delete),
                    ("filling 2 GiB of memfd", lambda: fill("memfd"), delete),
                    ("reading the daemon's smaps", smaps, None)):
                rows.append([what, *map(number, longest_while(others, action, given.rounds, after))])
            for other in others:
                other.done = True
                other.join()
        finally:
            server.end()
    table(f"beside: {machine(available(given.daemon))}",
          f"one memfd of {given.gib} GiB, filled, and one of 1 MiB; another client adds and deletes one of 1 MiB all the time, a third asks query-version; "
          f"medians of {given.rounds} rounds; `bench/run.sh beside`", ["", "ms", "longest add+del, ms", "longest query-version, ms"], rows, given.append)


if __name__ == "__main__":
    main()
