# lab: --nodes 2 --memory-only-nodes 1 --cpus 2 --mem 3072 --hugepages-2m 48:16:0
"""Placement on two nodes with CPUs and one without."""

import os
from lab import *

os.makedirs("/run/tmpfs", exist_ok=True)
os.system("mountpoint -q /run/tmpfs || mount -t tmpfs -o size=256m lab /run/tmpfs")
# Transparent huge pages go to a node whole, which makes halves uneven.
knob("/sys/kernel/mm/transparent_hugepage/enabled", "never")

SIZE = 24 * MIB
TYPES = {
    "ram": ("ram", {}),
    "ram-shared": ("ram", {"share": True}),
    "memfd": ("memfd", {}),
    "memfd-private": ("memfd", {"share": False}),
    "shm": ("shm", {}),
    "file": ("file", {"mem-path": "/run/tmpfs/m", "share": True}),
    "hugetlb": ("memfd", {"hugetlb": True, "hugetlbsize": 2 * MIB}),
}


def make(client, kind, **more):
    qom_type, own = TYPES[kind]
    if kind == "file" and os.path.exists(own["mem-path"]):
        os.remove(own["mem-path"])
    if kind == "hugetlb":
        pools()
    client.add(qom_type, "m", SIZE, **own, **more)


def pools():
    # Moving a huge page to a node whose pool is empty makes one there: the kernel moves the pool's pages with those of memory.
    for node, pages in (0, 48), (1, 16), (2, 0):
        knob(f"/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages", pages)
    same((48, 16), (free_pages(0), free_pages(1)))


def agree(daemon, client, policy, nodes):
    """The kernel, read by us, and the daemon say the same."""
    same((policy, nodes), daemon.numa(SIZE))
    same(nodes, client.nodes("m"))
    same(policy, client.stats("m")["policy"]["effective"])
    same(sum(nodes.values()), client.stats("m")["resident"])


@cases(*((kind, node) for kind in TYPES for node in (0, 1)))
def bind_puts_all_on_the_node(daemon, client, kind, node):
    make(client, kind, policy="bind", host_nodes=[node], prealloc=True)
    agree(daemon, client, f"bind:{node}", {node: SIZE})


@case
def bind_to_a_node_without_cpus(daemon, client):
    make(client, "memfd", policy="bind", host_nodes=[2], prealloc=True)
    agree(daemon, client, "bind:2", {2: SIZE})


@cases(*((kind,) for kind in TYPES))
def preferred_with_room_is_obeyed(daemon, client, kind):
    node = 0 if kind == "hugetlb" else 1
    make(client, kind, policy="preferred", host_nodes=[node], prealloc=True)
    agree(daemon, client, f"prefer (many):{node}", {node: SIZE})


@cases(("ram",), ("memfd",), ("hugetlb",))
def preferred_takes_several_nodes(daemon, client, kind):
    make(client, kind, policy="preferred", host_nodes=[0, 1], prealloc=True)
    same("prefer (many):0-1", daemon.numa(SIZE)[0])
    same(SIZE, sum(client.nodes("m").values()))
    assert 2 not in client.nodes("m")


@cases(*((kind,) for kind in TYPES))
def interleave_puts_half_on_each(daemon, client, kind):
    make(client, kind, policy="interleave", host_nodes=[0, 1], prealloc=True)
    agree(daemon, client, "interleave:0-1", {0: SIZE // 2, 1: SIZE // 2})


@cases(("ram",), ("ram-shared",), ("memfd",), ("shm",), ("file",), ("hugetlb",))
def host_nodes_set_later_move_the_pages(daemon, client, kind):
    make(client, kind, policy="bind", host_nodes=[0], prealloc=True)
    agree(daemon, client, "bind:0", {0: SIZE})
    client.set("m", "host-nodes", [1])
    agree(daemon, client, "bind:1", {1: SIZE})
    client.set("m", "host-nodes", [0])
    agree(daemon, client, "bind:0", {0: SIZE})


@cases(("ram",), ("memfd",))
def policy_and_nodes_set_later_bind_when_the_pair_is_valid(daemon, client, kind):
    make(client, kind, prealloc=True)
    client.set("m", "host-nodes", [1])
    same("default", daemon.numa(SIZE)[0])
    same({"requested": "default", "host-nodes": [1], "effective": "default"}, client.stats("m")["policy"])
    client.set("m", "policy", "bind")
    agree(daemon, client, "bind:1", {1: SIZE})
    client.set("m", "host-nodes", [])
    same("bind:1", daemon.numa(SIZE)[0])
    client.set("m", "policy", "default")
    same("default", daemon.numa(SIZE)[0])


@case
def absent_nodes_are_named(daemon, client):
    text = client.refused("object-add", qom_type="memory-backend-ram", id="m", size=SIZE, policy="bind", host_nodes=[0, 5, 7])
    contains("5", text)
    contains("7", text)
    contains("not online", text)
    text = client.refused("object-add", qom_type="memory-backend-ram", id="m", size=SIZE, policy="bind", host_nodes=[5])
    same("cannot bind memory to host NUMA nodes: Invalid argument", text)
    client.add("ram", "m", SIZE, policy="bind", host_nodes=[0], prealloc=True)
    contains("9", client.refused("qom-set", path="/objects/m", property="host-nodes", value=[1, 9]))
    agree(daemon, client, "bind:0", {0: SIZE})


@case
def workers_use_the_cpus_of_the_bound_nodes(daemon, client):
    eventually(lambda: not daemon.threads("hostmemd-fill"), "no workers")
    client.add("memfd", "m", SIZE, policy="bind", host_nodes=[1], prealloc=True)
    same({"1"}, set(daemon.threads("hostmemd-fill")))


@case
def workers_use_the_cpus_of_the_context(daemon, client):
    eventually(lambda: not daemon.threads("hostmemd-fill"), "no workers")
    client.context("tc", node_affinity=[0])
    client.add("memfd", "m", SIZE, policy="bind", host_nodes=[1], prealloc=True, prealloc_context="tc")
    same({"0"}, set(daemon.threads("hostmemd-fill")))
    agree(daemon, client, "bind:1", {1: SIZE})
    same(["0"], daemon.threads("TC tc"))
    client.set("tc", "cpu-affinity", [1])
    same(["1"], daemon.threads("TC tc"))


@case
def a_context_pinned_from_outside_is_followed(daemon, client):
    eventually(lambda: not daemon.threads("hostmemd-fill"), "no workers")
    client.context("tc")
    os.sched_setaffinity(client.get("tc", "thread-id"), {1})
    same([1], client.get("tc", "cpu-affinity"))
    client.add("memfd", "m", SIZE, prealloc=True, prealloc_context="tc")
    same({"1"}, set(daemon.threads("hostmemd-fill")))


@case
def a_context_of_a_node_without_cpus_is_refused(daemon, client):
    same("The nodes select no CPUs", client.refused("object-add", qom_type="thread-context", id="tc", node_affinity=[2]))


@case
def huge_pages_short_on_the_bound_node_are_refused_before_filling(daemon, client):
    pools()
    text = client.refused("object-add", qom_type="memory-backend-memfd", id="m", size=40 * MIB, hugetlb=True, hugetlbsize=2 * MIB,
                          policy="bind", host_nodes=[1], prealloc=True)
    contains("20 huge pages", text)
    contains("16 free on node 1", text)
    same((64, 16), (free_pages(), free_pages(1)))
    same(0, free_pages(what="resv_hugepages"))
    client.add("memfd", "m", 40 * MIB, hugetlb=True, hugetlbsize=2 * MIB, policy="interleave", host_nodes=[0, 1], prealloc=True)
    same({0: 20 * MIB, 1: 20 * MIB}, client.nodes("m"))


@case
def reserved_pages_of_others_are_not_counted_as_free(daemon, client):
    pools()
    client.add("memfd", "first", 80 * MIB, hugetlb=True, hugetlbsize=2 * MIB)
    same((64, 40), (free_pages(), free_pages(what="resv_hugepages")))
    client.ask("memdev-prealloc", id="first", job_id="j")
    client.await_job("j")
    same(80 * MIB, client.stats("first")["resident"])
    text = client.refused("object-add", qom_type="memory-backend-memfd", id="m", size=60 * MIB, hugetlb=True, hugetlbsize=2 * MIB)
    contains("Cannot allocate memory", text)


def paused_midway(client, job, **backend):
    """Adds a backend and pauses its filling: both commands at once, and again, since a machine may be faster than the second."""
    for _ in range(50):
        client.delete_all()
        client.add(**backend)
        client.send("memdev-prealloc", id=backend["id"], job_id=job)
        client.send("job-pause", id=job)
        client.reply()
        try:
            client.reply()
        except QmpError:
            client.await_job(job)
            continue
        time.sleep(0.5)
        reached = client.job(job)["current-progress"]
        if 0 < reached < backend["size"]:
            return
        client.ask("job-resume", id=job)
        client.await_job(job)
    raise AssertionError("never paused midway")


@case
def pages_taken_by_somebody_else_midway_are_a_clear_error(daemon, client):
    pools()
    size = 96 * MIB
    # The 48 pages of node 0 are reserved, but a reservation is for the machine: somebody else may take those of the node.
    paused_midway(client, "j", qom_type="memfd", id="m", size=size, hugetlb=True, hugetlbsize=2 * MIB, policy="bind", host_nodes=[0])
    left = free_pages(0)
    with Hog(min(left, 16), node=0):
        client.ask("job-resume", id="j")
        error = client.await_job("j")["error"]
        contains("Bad address", error)
        contains(f" of {size} bytes filled", error)
        contains("0 free huge pages of 2 MiB on node 0", error)
        eventually(lambda: free_pages(0) == 48 - min(left, 16), "pages given back")
    same(False, client.get("m", "prealloc"))
    client.set("m", "prealloc", True)
    same(size, client.stats("m")["resident"])


@case
def a_cpuset_leaves_what_it_allows(daemon, client):
    prefix = ["systemd-run", "--quiet", "--scope", "-p", "AllowedMemoryNodes=0"]
    with Daemon(prefix=prefix) as limited, limited.client() as other:
        text = other.refused("object-add", qom_type="memory-backend-ram", id="m", size=SIZE, policy="bind", host_nodes=[1])
        contains("cannot bind memory to host NUMA nodes: Invalid argument", text)
        other.add("memfd", "m", SIZE, policy="interleave", host_nodes=[0, 1], prealloc=True)
        same({0: SIZE}, other.nodes("m"))
        policy = other.stats("m")["policy"]
        same([0, 1], policy["host-nodes"])
        same("interleave:0", policy["effective"])


run()
