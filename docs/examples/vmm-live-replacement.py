#!/usr/bin/env python3
"""Replaces the QEMU under a running guest. See vmm-live-replacement.md.

Needs: a running hostmemd, qemu-system-x86_64, a Linux kernel that the reader may read, busybox (static). No root, no KVM,
but the daemon's user or root, who may open the daemon's memory.
"""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SIZE = 128 << 20
ID = "live-replacement"

GUEST = b"""#!/bin/busybox sh
n=0
while :; do
  n=$((n+1))
  echo "count $n"
  /bin/busybox usleep 1000
done
"""


class Monitor:
    """A QMP connection, to hostmemd or to QEMU: both speak the same."""

    def __init__(self, path, process=None):
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                self.socket.close()
                if process is None or process.poll() is not None:
                    raise
                time.sleep(0.001)
        self.file = self.socket.makefile("r")
        json.loads(self.file.readline())
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            line = self.file.readline()
            if not line:
                raise SystemExit(f"{command}: the connection was closed")
            reply = json.loads(line)
            if "error" in reply:
                raise SystemExit(f"{command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def migrated(self):
        while True:
            status = self.run("query-migrate").get("status")
            if status == "completed":
                return
            if status == "failed":
                raise SystemExit("the device state was not transferred")


class Vmm:
    """One QEMU. It gets its memory by a path, and knows nothing of who owns it."""

    all = []

    def __init__(self, options, folder, name, memory, incoming):
        self.console = os.path.join(folder, name + ".console")
        monitor = os.path.join(folder, name + ".qmp")
        self.process = subprocess.Popen([
            options.qemu, "-machine", "pc,memory-backend=ram", "-accel", options.accel, "-m", str(SIZE >> 20),
            "-object", f"memory-backend-file,id=ram,size={SIZE},mem-path={memory},share=on",
            "-kernel", options.kernel, "-initrd", os.path.join(folder, "initramfs"),
            "-append", "console=ttyS0 quiet panic=-1 rdinit=/init", "-nodefaults", "-display", "none", "-no-reboot",
            "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console",
            "-qmp", f"unix:{monitor},server=on,wait=off", *(["-incoming", "defer"] if incoming else [])])
        Vmm.all.append(self)
        self.monitor = Monitor(monitor, self.process)
        # Memory that is shared is neither written to the state nor read from it: it stays where it is.
        self.monitor.run("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])

    def text(self):
        with open(self.console, "rb") as console:
            return console.read().decode(errors="replace")

    def wait_for_count(self, more):
        wanted = len(numbers(self.text())) + more
        deadline = time.monotonic() + 180
        while len(numbers(self.text())) < wanted:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the guest does not count")
            time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()


def numbers(console):
    return [int(n) for n in re.findall(r"count (\d+)\r?\n", console)]


def initramfs(path, busybox):
    """The smallest of systems: busybox, and a script that counts (cpio, "newc")."""
    def entry(name, mode, content):
        fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        for part in (b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0", content):
            archive.write(part)
            archive.write(b"\0" * (-archive.tell() % 4))

    with open(path, "wb") as archive, open(busybox, "rb") as program:
        entry("bin", 0o40755, b"")
        entry("bin/busybox", 0o100755, program.read())
        entry("init", 0o100755, GUEST)
        entry("TRAILER!!!", 0, b"")


def replace(options, folder, memory):
    state = os.path.join(folder, "device-state")
    old = Vmm(options, folder, "old", memory, incoming=False)
    old.wait_for_count(20)
    # A new one that is started ahead of time only waits: it writes nothing to the memory before it has the state.
    new = Vmm(options, folder, "new", memory, incoming=True) if options.ahead else None

    begin = time.monotonic()
    old.monitor.run("stop")
    old.monitor.run("migrate", uri=f"exec:cat > {state}")
    old.monitor.migrated()
    old.kill()
    new = new or Vmm(options, folder, "new", memory, incoming=True)
    new.monitor.run("migrate-incoming", uri=f"exec:cat {state}")
    new.monitor.migrated()
    new.monitor.run("cont")
    print(f"the guest stood still for {(time.monotonic() - begin) * 1000:.0f} ms; "
          f"its device state has {os.path.getsize(state)} bytes, its memory {SIZE}")

    new.wait_for_count(20)
    counted = numbers(old.text() + new.text())
    print(f"the old QEMU saw it count from 1 to {numbers(old.text())[-1]}, the new one from there to {counted[-1]}")
    if counted != list(range(1, len(counted) + 1)):
        raise SystemExit("numbers are missing")
    print("no number is missing")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qmp", default="/run/hostmemd/qmp.sock", help="hostmemd's socket")
    parser.add_argument("--kernel", required=True, help="a Linux kernel, such as /boot/vmlinuz-...")
    parser.add_argument("--busybox", default=shutil.which("busybox") or "/usr/bin/busybox", help="a static one")
    parser.add_argument("--qemu", default="qemu-system-x86_64")
    parser.add_argument("--accel", default="tcg", help="kvm, where there is one")
    parser.add_argument("--ahead", action="store_true", help="start the new QEMU before the old one is stopped")
    options = parser.parse_args()

    owner = Monitor(options.qmp)
    owner.run("object-add", **{"qom-type": "memory-backend-memfd", "id": ID, "size": SIZE})
    # Ours until we say otherwise: between the two QEMUs the memory has no other user, and must not be deleted.
    # (The descriptor that comes with the reply is not used here: a plain recv drops it.)
    lent = owner.run("memdev-map", id=ID, name="live replacement")
    try:
        with tempfile.TemporaryDirectory() as folder:
            initramfs(os.path.join(folder, "initramfs"), options.busybox)
            replace(options, folder, lent["path"])
    finally:
        for vmm in Vmm.all:
            vmm.kill()
        owner.run("memdev-unmap", mapping=lent["mapping"])
        for user in owner.run("query-memdev-mappings", id=ID):
            print("still there:", user["comm"], user["pid"], user["kind"], file=sys.stderr)
        owner.run("object-del", id=ID)


if __name__ == "__main__":
    main()
