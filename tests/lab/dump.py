# lab: --nodes 1 --cpus 2 --mem 2048
"""Real core dumps, and KSM at work."""

import glob
import resource
import signal
from lab import *

knob("/proc/sys/kernel/core_pattern", "/run/cores/core.%p")
os.makedirs("/run/cores", exist_ok=True)
SIZES = {"shared-on": 8 * MIB, "shared-off": 9 * MIB, "private-on": 10 * MIB, "private-off": 11 * MIB, "later-off": 12 * MIB,
         "later-on": 13 * MIB}


def unlimited():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def found(core, marks):
    """Which of the marks are in the file."""
    here, tail = set(), b""
    with open(core, "rb") as file:
        while piece := file.read(4 * MIB):
            text = tail + piece
            here |= {mark for mark in marks if mark in text}
            tail = text[-64:]
    return here


@case
def a_core_has_only_memory_that_is_to_be_dumped(_, __):
    # The runtime's executable memory is a memfd of 2 GiB mapped shared, mostly a hole, and a core dump fills it.
    with Daemon(prefix=["env", "DOTNET_EnableWriteXorExecute=0"], prepare=unlimited) as daemon, daemon.client() as client:
        marks = {}
        for id, size in SIZES.items():
            client.add("memfd" if id.startswith("shared") else "ram", id, size, dump=id in ("shared-on", "private-on", "later-off"))
            marks[id] = f"lab-mark-of-{id}-".encode() + os.urandom(8).hex().encode()
            daemon.write(daemon.mapping(size) + 5 * 4096 + 100, marks[id])
        client.set("later-off", "dump", False)
        client.set("later-on", "dump", True)
        for id, size in SIZES.items():
            wanted = id.endswith("on")
            same({"requested": wanted, "effective": wanted}, client.stats(id)["dump"])
            same(not wanted, "dd" in daemon.smaps(size)["VmFlags"])
        os.kill(daemon.pid, signal.SIGABRT)
        daemon.process.wait(200)
        [core] = glob.glob(f"/run/cores/core.{daemon.pid}")
        here = found(core, list(marks.values()))
        same({id for id in SIZES if id.endswith("on")}, {id for id in SIZES if marks[id] in here})
        os.remove(core)


def ksm(run):
    for name, value in (("pages_to_scan", 20000), ("sleep_millisecs", 10), ("run", run)):
        knob("/sys/kernel/mm/ksm/" + name, value)


@case
def equal_pages_of_private_memory_are_merged(daemon, client):
    ksm(1)
    try:
        for id, size, merge in ("merged", 16 * MIB, True), ("apart", 12 * MIB, False):
            client.add("ram", id, size, merge=merge)
            daemon.write(daemon.mapping(size), b"x" * size)
        same({"requested": True, "effective": True}, {k: client.stats("merged")["merge"][k] for k in ("requested", "effective")})
        merging = f"/proc/{daemon.pid}/ksm_merging_pages"
        eventually(lambda: int(open(merging).read()) == 4096, "4096 merged pages", 90)
        stats = client.stats("merged")["merge"]
        assert stats.get("merging-bytes", 16 * MIB) == 16 * MIB, stats
        stats = client.stats("apart")["merge"]
        same((False, False, 0), (stats["requested"], stats["effective"], stats.get("merging-bytes", 0)))
        client.set("merged", "merge", False)
        eventually(lambda: int(open(merging).read()) < 300, "pages taken apart")
        same(False, client.stats("merged")["merge"]["effective"])
    finally:
        ksm(2)
        ksm(0)


@case
def a_wish_without_effect_has_its_reason(daemon, client):
    client.add("ram", "m", 8 * MIB, merge=True)
    client.add("memfd", "s", 9 * MIB, merge=True)
    same("KSM is not running", client.stats("m")["merge"]["reason"])
    same("shared memory is not merged", client.stats("s")["merge"]["reason"])
    ksm(1)
    try:
        same(None, client.stats("m")["merge"].get("reason"))
        same("shared memory is not merged", client.stats("s")["merge"]["reason"])
        client.set("m", "merge", False)
        same(None, client.stats("m")["merge"].get("reason"))
    finally:
        ksm(0)


@case
def a_control_group_that_is_short_is_named(_, __):
    prefix = ["systemd-run", "--quiet", "--scope", "-p", "MemoryMax=200M", "-p", "MemorySwapMax=0", "-p", "OOMPolicy=continue"]
    with Daemon(prefix=prefix) as daemon, daemon.client() as client:
        try:
            client.send("object-add", qom_type="memory-backend-memfd", id="m", size=400 * MIB, prealloc=True)
            client.reply()
            raise AssertionError("it fitted")
        except QmpError as error:
            contains("control group", str(error))
        assert daemon.is_alive()


run()
