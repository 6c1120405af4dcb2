# lab: --nodes 4 --cpus 4 --mem 4096
"""Placement on four nodes."""

from lab import *

knob("/sys/kernel/mm/transparent_hugepage/enabled", "never")
SIZE = 32 * MIB


@cases(("ram",), ("memfd",), ("shm",))
def interleave_puts_a_quarter_on_each(daemon, client, kind):
    client.add(kind, "m", SIZE, policy="interleave", host_nodes=[0, 1, 2, 3], prealloc=True)
    same(("interleave:0-3", {n: SIZE // 4 for n in range(4)}), daemon.numa(SIZE))
    same({n: SIZE // 4 for n in range(4)}, client.nodes("m"))


@cases(*((kind, node) for kind in ("ram", "memfd") for node in range(4)))
def bind_puts_all_on_the_node(daemon, client, kind, node):
    eventually(lambda: not daemon.threads("hostmemd-fill"), "no workers")
    client.add(kind, "m", SIZE, policy="bind", host_nodes=[node], prealloc=True)
    same({str(node)}, set(daemon.threads("hostmemd-fill")))
    same((f"bind:{node}", {node: SIZE}), daemon.numa(SIZE))


@case
def preferred_takes_several_nodes(daemon, client):
    client.add("memfd", "m", SIZE, policy="preferred", host_nodes=[1, 3], prealloc=True)
    policy, nodes = daemon.numa(SIZE)
    same("prefer (many):1,3", policy)
    assert set(nodes) <= {1, 3}, nodes


@cases(("ram",), ("memfd",))
def host_nodes_replace_the_old_ones(daemon, client, kind):
    client.add(kind, "m", SIZE, policy="interleave", host_nodes=[0, 1], prealloc=True)
    client.set("m", "host-nodes", [2, 3])
    policy, nodes = daemon.numa(SIZE)
    same("interleave:2-3", policy)
    same(SIZE, sum(nodes.values()))
    same(set(), set(nodes) & {0, 1})
    client.set("m", "policy", "bind")
    client.set("m", "host-nodes", [1])
    same(("bind:1", {1: SIZE}), daemon.numa(SIZE))
    same([1], client.get("m", "host-nodes"))


@case
def memory_filled_after_a_rebind_lands_there(daemon, client):
    client.add("memfd", "m", SIZE, policy="bind", host_nodes=[0])
    client.set("m", "host-nodes", [3])
    client.set("m", "prealloc", True)
    same(("bind:3", {3: SIZE}), daemon.numa(SIZE))


@case
def a_context_of_two_nodes_has_their_cpus(daemon, client):
    client.context("tc", node_affinity=[1, 3, 9])
    same([1, 3], client.get("tc", "cpu-affinity"))
    eventually(lambda: not daemon.threads("hostmemd-fill"), "no workers")
    client.add("memfd", "m", 256 * MIB, prealloc=True, prealloc_context="tc", prealloc_threads=4)
    same({"1,3"}, set(daemon.threads("hostmemd-fill")))
    same(4, len(daemon.threads("hostmemd-fill")))


@case
def objects_of_the_command_line_are_filled_all_at_once(daemon, client):
    objects = [word for n in range(4) for word in
               ("--object", f"memory-backend-memfd,id=m{n},size=64M,prealloc=on,policy=bind,host-nodes={n}")]
    with Daemon(*objects) as other, other.client() as its:
        for n in range(4):
            same({n: 64 * MIB}, its.nodes(f"m{n}"))


run()
