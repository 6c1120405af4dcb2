"""vm.overcommit_memory=2: what is promised to processes ends at CommitLimit. Objects end before the daemon's own runtime gets nothing."""
# lab: --mem 2048

import subprocess
import threading

from lab import MIB, QmpError, case, eventually, run


def sysctl(name, value):
    with open("/proc/sys/vm/" + name, "w") as file:
        file.write(str(value))


def meminfo(name):
    for line in open("/proc/meminfo"):
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


def fill_up(client, size, tag, **more):
    """Makes private objects until one is refused; how many, and the refusal."""
    for made in range(5000):
        try:
            client.add("ram", f"{tag}{made}", size, **more)
        except QmpError as refusal:
            return made, str(refusal)
    raise AssertionError("nothing was refused")


def ask_much(daemon):
    """What needs memory of the daemon's own, by four clients at once."""
    faults = []

    def one():
        try:
            with daemon.client() as client:
                for _ in range(20):
                    for command in ("query-qmp-schema", "query-memdev", "query-memdev-stats", "query-memdev-mappings"):
                        client.ask(command)
        except Exception as fault:
            faults.append(fault)

    askers = [threading.Thread(target=one) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert not faults, faults
    assert daemon.is_alive(), daemon.log()


@case
def private_objects_until_refused(daemon, client):
    made, refusal = fill_up(client, 32 * MIB, "a")
    limit = meminfo("CommitLimit")
    assert refusal == f"limit vm.overcommit_memory=2, CommitLimit of {limit} is reached", refusal
    assert made > 2, made
    fill_up(client, MIB, "b")
    fill_up(client, 4096, "c")
    ask_much(daemon)
    # What the daemon itself has taken meanwhile stays with it: a reply of all these objects is large.
    for i in range(made):
        client.ask("object-del", id=f"a{i}")
    client.add("ram", "again", MIB, prealloc=True)


@case
def shared_objects_that_are_filled(daemon, client):
    """Shared memory is promised page by page, when it is touched."""
    refusals = 0
    for i in range(60):
        try:
            client.add("memfd", f"m{i}", 32 * MIB, prealloc=True)
        except QmpError:
            refusals += 1
    assert refusals, "all of it fitted"
    ask_much(daemon)
    for i in range(6):
        client.ask("object-del", id=f"m{i}")
    client.add("memfd", "again", MIB, prealloc=True)


@case
def another_process_takes_the_rest(daemon, client):
    """The daemon gives up what it keeps, goes on, and makes objects again when the other is gone."""
    client.add("ram", "before", MIB)
    greedy = subprocess.Popen(["python3", "-c", """
import mmap, sys
held = []
for size in (64 << 20, 1 << 20, 4096):
    try:
        while True:
            held.append(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    except OSError:
        pass
print("full", flush=True)
sys.stdin.read()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        greedy.stdout.readline()
        for _ in range(50):
            client.ask("query-memdev-stats")
        text = client.refused("object-add", qom_type="memory-backend-ram", id="x", size=64 * MIB)
        assert "CommitLimit" in text, text
        ask_much(daemon)
    finally:
        greedy.kill()
        greedy.wait()

    def fits():
        try:
            client.add("ram", "after", 64 * MIB)
            return True
        except QmpError:
            return False
    eventually(fits, "room for an object")


if __name__ == "__main__":
    sysctl("overcommit_ratio", 60)
    sysctl("overcommit_memory", 2)
    run()
