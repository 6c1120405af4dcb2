# lab: --cpus 2 --mem 3072 --kernel-args memmap=512M!1G
# packages: ndctl
"""Device DAX, made of memory that is set aside at boot: size and alignment are the device's, and who maps it is seen."""

import os
import subprocess

from lab import *

subprocess.run(["ndctl", "create-namespace", "--force", "--mode=devdax", "--reconfig=namespace0.0"], check=True,
               stdout=subprocess.DEVNULL)
eventually(lambda: os.path.exists("/dev/dax0.0"), "the device")
DEVICE = "/dev/dax0.0"


def figure(name):
    return int(open(f"/sys/bus/dax/devices/dax0.0/{name}").read(), 0)


SIZE, ALIGN = figure("size"), figure("align")
print(f"     {SIZE:#x} bytes, alignment {ALIGN:#x}, Linux {os.uname().release}")


class User:
    """Another process that maps the device."""

    def __init__(self, path, keep_open):
        code = ("import mmap,os,sys\n"
                f"fd = os.open({path!r}, os.O_RDWR)\n"
                f"m = mmap.mmap(fd, {2 * ALIGN}, mmap.MAP_SHARED)\n"
                f"{'' if keep_open else 'os.close(fd)'}\n"
                "m[0:4] = b'user'\n"
                "print('ready', flush=True); sys.stdin.read()")
        self.process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


@case
def more_than_the_device_has_is_refused(daemon, client):
    same(f"a backing store size {SIZE:#x} is too small for 'size' option {4 * GIB:#x} plus 'offset' option 0x0",
         client.refused("object-add", qom_type="memory-backend-file", id="a", size=4 * GIB, mem_path=DEVICE, share=True))


@case
def an_offset_counts(daemon, client):
    same(f"a backing store size {SIZE:#x} is too small for 'size' option {SIZE:#x} plus 'offset' option {ALIGN:#x}",
         client.refused("object-add", qom_type="memory-backend-file", id="a", size=SIZE, offset=ALIGN, mem_path=DEVICE, share=True))


@case
def an_alignment_below_the_device_s_is_refused(daemon, client):
    same(f"backing store align {ALIGN:#x} is larger than 'align' option 0x1000",
         client.refused("object-add", qom_type="memory-backend-file", id="a", size=4 * ALIGN, align=4096, mem_path=DEVICE, share=True))


@cases((0,), (ALIGN,))
def all_of_it_is_had_and_filled(daemon, client, align):
    client.add("file", "a", SIZE, mem_path=DEVICE, share=True, align=align, prealloc=True)
    same(0, daemon.mapping(SIZE) % ALIGN)


@case
def the_rest_behind_an_offset(daemon, client):
    client.add("file", "a", SIZE - 4 * ALIGN, offset=4 * ALIGN, mem_path=DEVICE, share=True)
    daemon.mapping(SIZE - 4 * ALIGN)


@cases((DEVICE, True), (DEVICE, False), ("/root/node", False))
def who_maps_it_is_seen(daemon, client, path, keep_open):
    if path != DEVICE and not os.path.exists(path):
        os.mknod(path, 0o600 | 0o020000, os.stat(DEVICE).st_rdev)
    client.add("file", "a", 4 * ALIGN, mem_path=DEVICE, share=True)
    same([], client.ask("query-memdev-mappings"))
    with User(path, keep_open) as user:
        same([("kernel", user.pid)], [(m["kind"], m["pid"]) for m in client.ask("query-memdev-mappings")])
        same("Cannot delete host memory backend 'a' which is mapped", client.refused("object-del", id="a"))
    eventually(lambda: client.ask("query-memdev-mappings") == [], "the end of the user")


run()
