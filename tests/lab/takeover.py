# lab: --cpus 2 --mem 2048 --hugepages-2m 24
# packages: qemu-system-x86
"""Upgrade in place, without systemd: one daemon takes over from another while clients hammer it, a process and a guest work on the memory."""

import signal
import socket
import subprocess
import threading

from kept import MIB, Kept
from survival import Refused
from unit import *

DAEMON, SOCKET, TAKEOVERS = "/hostmemd/hostmemd", "/run/taken.sock", 20
daemon = kept = None


def start(*words):
    return subprocess.Popen([DAEMON, *words, "--qmp", f"unix:{SOCKET}"], stderr=open("/run/daemon.log", "a"))


class Hammer(threading.Thread):
    """Does something over and over; what it cannot bear ends it."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.id, self.done, self.cut, self.failure, self.ending = f"hammer{number}", 0, 0, None, False

    def run(self):
        try:
            while not self.ending:
                self.once()
        except Exception as failure:
            self.failure = failure


class Greeted(Hammer):
    """Every connect is accepted and greeted, whoever it meets."""

    def once(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(SOCKET)
            assert client.recv(4096).startswith(b'{"QMP"'), "connected and not greeted"
        self.done += 1


class Changer(Hammer):
    """Makes and deletes. The old daemon answers what it has received, changes by saying who is to be asked instead, and leaves."""

    def once(self):
        try:
            self.session()
            self.done += 1
        except (ConnectionError, Refused) as end:
            if isinstance(end, Refused) and "another process has taken over" not in str(end):
                raise
            self.cut += 1

    def session(self):
        client = Client(SOCKET)
        try:
            # What the session before this one may have left.
            if self.id in [m["id"] for m in client.ask("query-memdev")]:
                client.ask("object-del", id=self.id)
            client.ask("object-add", qom_type="memory-backend-memfd", id=self.id, size=MIB)
            client.ask("object-del", id=self.id)
        finally:
            client.close()


@case
def objects_of_every_kind_are_made_and_lent():
    global daemon, kept
    daemon = start()
    eventually(lambda: os.path.exists(SOCKET), "the daemon")
    kept = Kept(SOCKET)


@case
def takeovers_while_clients_hammer():
    global daemon
    hammers = [Greeted(0), *(Changer(number) for number in range(1, 4))]
    for hammer in hammers:
        hammer.start()
    took = []
    for _ in range(TAKEOVERS):
        before = [h.done + 3 for h in hammers]
        began = time.monotonic()
        following = start("--takeover")
        assert daemon.wait(120) == 0, "the old one did not leave in order"
        took.append(time.monotonic() - began)
        daemon = following
        eventually(lambda: all(h.done > n for h, n in zip(hammers, before)) or any(h.failure for h in hammers), "the clients to be served")
        assert daemon.poll() is None
    for hammer in hammers:
        hammer.ending = True
    for hammer in hammers:
        hammer.join(120)
        assert hammer.failure is None, repr(hammer.failure)
    # A change whose answer was cut off may have been made.
    for hammer in hammers[1:]:
        hammer.session()
    kept.check()
    return (f"{TAKEOVERS} takeovers, the longest {max(took):.1f} s; {sum(h.done for h in hammers[1:])} sessions beside them, "
            f"{sum(h.cut for h in hammers)} cut short, {hammers[0].done} connects all greeted")


@case
def a_new_one_that_is_killed_leaves_the_old_one_at_work():
    for number in range(10):
        following = start("--takeover")
        time.sleep(0.05 * number)
        following.send_signal(signal.SIGKILL)
        following.wait()
        if daemon.poll() is not None:
            return f"after {50 * number} ms the new one had taken over"
        kept.check()


@case
def quit_ends_it_all():
    kept.end_consumers()
    client = Client(SOCKET)
    client.ask("quit")
    client.close()
    assert daemon.wait(60) == 0
    assert not os.path.exists(SOCKET)


run()
