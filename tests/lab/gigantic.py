# lab: --nodes 2 --cpus 2 --mem 6144 --hugepages-1g 1:1 --hugepages-2m 16:8
"""Pools of both sizes, per node."""

from lab import *


def pages(id, size, page, **more):
    return dict(qom_type="memory-backend-memfd", id=id, size=size, hugetlb=True, hugetlbsize=page, **more)


@case
def the_pools_are_there(daemon, client):
    same((1, 1), (free_pages(0, GIB), free_pages(1, GIB)))
    same((16, 8), (free_pages(0), free_pages(1)))


@cases((0,), (1,))
def one_gibibyte_page_on_its_node(daemon, client, node):
    client.ask("object-add", **pages("m", GIB, GIB, policy="bind", host_nodes=[node], prealloc=True))
    same({node: GIB}, client.nodes("m"))
    same(0, free_pages(node, GIB))
    stats = client.stats("m")
    same((GIB, GIB, GIB), (stats["page-size"], stats["resident"], stats["huge"]))
    client.ask("object-del", id="m")
    same(1, free_pages(node, GIB))


@case
def more_than_the_node_has_is_refused_with_the_figures(daemon, client):
    text = client.refused("object-add", **pages("m", 2 * GIB, GIB, policy="bind", host_nodes=[1], prealloc=True))
    contains("2 huge pages of 1 GiB needed, 1 free on node 1", text)
    same((1, 1), (free_pages(0, GIB), free_pages(1, GIB)))


@case
def more_than_all_have_is_refused(daemon, client):
    contains("Cannot allocate memory", client.refused("object-add", **pages("m", 3 * GIB, GIB)))
    client.ask("object-add", **pages("m", 3 * GIB, GIB, reserve=False))
    contains("reserve=off", client.refused("memdev-prealloc", id="m", job_id="j"))


@case
def both_nodes_together_hold_two(daemon, client):
    client.ask("object-add", **pages("m", 2 * GIB, GIB, prealloc=True))
    same({0: GIB, 1: GIB}, client.nodes("m"))


@case
def a_second_client_does_not_wait_for_a_page_of_a_gibibyte(daemon, client):
    client.ask("object-add", **pages("m", 2 * GIB, GIB))
    client.ask("memdev-prealloc", id="m", job_id="j")
    longest = 0
    with daemon.client() as other:
        while client.job("j")["status"] in ("created", "running"):
            start = time.monotonic()
            other.get("m", "size")
            longest = max(longest, time.monotonic() - start)
    print(f"     longest wait {longest * 1000:.1f} ms")
    assert longest < 1, longest


@case
def small_huge_pages_are_a_pool_of_their_own(daemon, client):
    text = client.refused("object-add", **pages("m", 20 * MIB, 2 * MIB, policy="bind", host_nodes=[1], prealloc=True))
    contains("10 huge pages of 2 MiB needed, 8 free on node 1", text)
    client.ask("object-add", **pages("m", 16 * MIB, 2 * MIB, policy="bind", host_nodes=[1], prealloc=True))
    same({1: 16 * MIB}, client.nodes("m"))
    same((1, 1), (free_pages(0, GIB), free_pages(1, GIB)))


run()
