# lab: --cpus 2 --mem 2048 --hugepages-2m 24 --share deploy:/deploy
# packages: qemu-system-x86
"""The unit under real systemd: what survives what. Every byte is compared each time; a process and a guest work on the memory all the while."""

import signal

from kept import MIB, Kept
from survival import state
from unit import *

kept = None


def same_as_before():
    kept.check()


@case
def installed():
    install()
    assert sh("systemctl enable hostmemd.socket hostmemd.service") is not None
    drop_in("lab", "RestartSec=100ms\nWatchdogSec=20s\nTimeoutAbortSec=5s")


@case
def the_first_connect_starts_the_service():
    sh("systemctl start hostmemd.socket")
    assert pid() == 0
    began = time.monotonic()
    client = Client(PATH)
    client.close()
    took = time.monotonic() - began
    active()
    mode = sh(f"stat -c '%a %U %G' {PATH}")
    assert mode == "660 hostmemd hostmemd", mode
    return f"greeting after {took:.2f} s"


@case
def the_unit_is_closed_tight():
    said = sh("systemd-analyze security --no-pager hostmemd.service | grep -v ✓")
    level = float(said.split("Overall exposure level for hostmemd.service:")[1].split()[0])
    # What is left are the capabilities by which the daemon sees who has the memory, and local sockets.
    assert level <= 1.1, said
    assert show("MemoryDenyWriteExecute") == "yes"
    return f"exposure {level}"


@case
def it_is_no_root_and_has_the_capabilities_named():
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid()}/status").read().splitlines())
    assert status["Uid"].split()[0] == sh("id -u hostmemd") != "0", status["Uid"]
    three = 1 << 19 | 1 << 2 | 1 << 28
    for which in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[which], 16) == three, (which, status[which])
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    limits = open(f"/proc/{pid()}/limits").read()
    for line in ("Max locked memory         unlimited", "Max file size             unlimited", "Max open files            1048576"):
        assert line in limits, limits
    assert open(f"/proc/{pid()}/oom_score_adj").read().strip() == "-900"


@case
def objects_of_every_kind_are_made_and_lent():
    global kept
    kept = Kept(PATH)
    return f"{len(kept.expected['objects'])} objects, {show('NFileDescriptorStore')} descriptors stored"


@case
def restart():
    before = pid()
    began = time.monotonic()
    sh(f"systemctl restart {UNIT}")
    took = time.monotonic() - began
    assert pid() != before
    same_as_before()
    return f"{took:.1f} s"


@case
def status_tells_objects_and_bytes():
    eventually(lambda: "memory backends, 64 MiB" in show("StatusText"), "the status text " + show("StatusText"))
    return show("StatusText")


@case
def kill_9():
    before = pid()
    os.kill(before, signal.SIGKILL)
    another_than(before)
    same_as_before()


@case
def kill_9_five_times_in_a_row():
    for _ in range(5):
        before = pid()
        os.kill(before, signal.SIGKILL)
        another_than(before)
    same_as_before()


@case
def reload():
    before = pid()
    sh("sed -i 's/\"Default\": \"Information\"/\"Default\": \"Debug\"/' /etc/hostmemd/hostmemd.json")
    sh(f"systemctl reload {UNIT}")
    eventually(lambda: "configuration reloaded" in journal(), "the reload in the journal")
    eventually(lambda: show("ActiveState") == "active", "active after the reload")
    assert pid() == before
    same_as_before()


@case
def reload_of_a_broken_configuration_changes_nothing():
    before = pid()
    sh("cp /etc/hostmemd/hostmemd.json /run/good.json && echo '{ nonsense' >/etc/hostmemd/hostmemd.json")
    sh(f"systemctl reload {UNIT}")
    eventually(lambda: "not reloaded" in journal(), "the complaint in the journal")
    eventually(lambda: show("ActiveState") == "active", "active after the reload")
    assert pid() == before


@case
def a_broken_configuration_waits_to_be_repaired():
    before, before_restarts = pid(), int(show("NRestarts"))
    os.kill(before, signal.SIGKILL)
    eventually(lambda: int(show("NRestarts")) > before_restarts + 6, "more attempts than a limit would allow", 600)
    sh("cp /run/good.json /etc/hostmemd/hostmemd.json")
    another_than(before)
    same_as_before()
    return show("NRestarts") + " restarts"


@case
def watchdog():
    before = pid()
    os.kill(before, signal.SIGSTOP)
    another_than(before)
    assert "Watchdog timeout" in journal(200)
    same_as_before()


@case
def the_manager_is_executed_anew():
    sh("systemctl daemon-reexec")
    same_as_before()
    before = pid()
    os.kill(before, signal.SIGKILL)
    another_than(before)
    same_as_before()


@case
def nobody_is_refused_while_the_service_is_restarted():
    code = ("import socket, sys, time\n"
            "n = 0\n"
            "while True:\n"
            # Who does not wait for the greeting fills the socket's queue while there is nobody.
            "    s = socket.socket(socket.AF_UNIX); s.connect('/run/hostmemd/qmp.sock'); s.settimeout(120); s.recv(4096)\n"
            "    n += 1; s.close(); print(n, flush=True); time.sleep(0.02)\n")
    clients = [subprocess.Popen([sys.executable, "-c", code], stdout=open(f"/run/client{i}", "w"), stderr=subprocess.STDOUT) for i in range(3)]
    for _ in range(3):
        sh(f"systemctl restart {UNIT}")
    assert all(c.poll() is None for c in clients), "a client was refused: " + sh("tail -n 2 /run/client?")
    for c in clients:
        c.kill()
        c.wait()
    same_as_before()
    return sh("tail -qn 1 /run/client?").replace("\n", " + ") + " connects"


@case
def out_of_memory_takes_only_what_was_under_way():
    # What it held was charged to whoever touched it; what it fills is charged to itself.
    # Not by a drop-in, which 257 does not apply to a running unit.
    sh(f"systemctl set-property --runtime {UNIT} MemoryMax=160M MemorySwapMax=0")
    before = pid()
    client = Client(PATH)
    try:
        client.ask("object-add", qom_type="memory-backend-memfd", id="toomuch", size=400 * MIB, prealloc=True)
        said = "made"
    except ConnectionError:
        said = "the daemon was killed"
        another_than(before)
    except Exception as refusal:
        said = str(refusal)
    client.close()
    sh(f"systemctl set-property --runtime {UNIT} MemoryMax=infinity MemorySwapMax=infinity")
    assert said != "made", "the limit does not hold"
    same_as_before()
    return f"{said}; OOM kills: {sh('journalctl -b --no-pager | grep -c oom-kill', check=False)}"


@case
def a_full_store_is_told():
    count = int(show("NFileDescriptorStore"))
    drop_in("store", f"FileDescriptorStoreMax={count + 2}")
    sh(f"systemctl restart {UNIT}")
    client = Client(PATH)
    for i in range(4):
        client.ask("object-add", qom_type="memory-backend-memfd", id=f"extra{i}", size=MIB)
    log = journal(200)
    told = [i for i in range(4) if f"extra{i} could not be put into the descriptor store" in log]
    client.close()
    before = pid()
    os.kill(before, signal.SIGKILL)
    another_than(before)
    client = Client(PATH)
    there = [i for i in range(4) if f"extra{i}" in state(client)["objects"]]
    for i in there:
        client.ask("object-del", id=f"extra{i}")
    client.close()
    no_drop_in("store")
    assert told and sorted(told + there) == [0, 1, 2, 3], (told, there)
    sh(f"systemctl restart {UNIT}")
    same_as_before()
    return f"of 4, {len(there)} fitted and survived, {len(told)} were told of"


@case
def thousands_of_objects():
    # 2,849 names of the length once used would not have fitted into one environment variable.
    number = 3000
    client = Client(PATH)
    began = time.monotonic()
    for i in range(number):
        client.ask("object-add", qom_type="memory-backend-memfd", id=f"many{i}", size=4096)
    made = time.monotonic() - began
    client.close()
    before = pid()
    began = time.monotonic()
    os.kill(before, signal.SIGKILL)
    another_than(before)
    back = time.monotonic() - began
    client = Client(PATH)
    ids = [o["name"] for o in client.ask("qom-list", path="/objects") if o["name"] != "type"]
    assert ids == [*kept.expected["objects"], *[f"many{i}" for i in range(number)]]
    for i in range(number):
        client.ask("object-del", id=f"many{i}")
    client.close()
    same_as_before()
    return f"made in {made:.0f} s, back after kill -9 in {back:.1f} s; {show('NFileDescriptorStore')} descriptors stored afterwards"


@case
def a_takeover_by_hand_is_refused():
    said = sh(f"timeout 60 /usr/bin/hostmemd --takeover --qmp unix:{PATH}", check=False)
    assert "restart the service instead" in said, said
    same_as_before()


@case
def private_memory_is_gone_and_said_so():
    client = Client(PATH)
    client.ask("object-add", qom_type="memory-backend-ram", id="private", size=MIB)
    client.close()
    sh(f"systemctl restart {UNIT}")
    eventually(lambda: "memory-backend-ram private could not be restored" in journal(100), "the loss in the journal")
    same_as_before()


@case
def stop_and_start():
    """252 drops what is stored; 257 keeps it, as FileDescriptorStorePreserve= says."""
    sh(f"systemctl stop {UNIT}")
    assert os.path.exists(PATH), "the socket's directory went with the service"
    if VERSION >= 254:
        assert show("SubState") == "dead-resources-pinned", show("SubState")
        same_as_before()
        return "kept"
    client = Client(PATH)
    left = list(state(client)["objects"])
    client.close()
    kept.end_consumers()
    assert left == [], left
    return "lost"


@case
def object_del_and_quit_empty_the_store():
    client = Client(PATH)
    found = state(client)
    if found["leases"]:
        kept.end_consumers()
    client.ask("object-add", qom_type="memory-backend-memfd", id="last", size=MIB)
    before = int(show("NFileDescriptorStore"))
    client.ask("object-del", id="last")
    assert int(show("NFileDescriptorStore")) == before - 1
    client.ask("quit")
    client.close()
    eventually(lambda: show("ActiveState") == "inactive", "inactive after quit")
    assert int(show("NFileDescriptorStore")) == 0, show("NFileDescriptorStore")
    # The next client starts it again.
    client = Client(PATH)
    assert state(client)["objects"] == {}
    client.close()


@case
def uninstalled():
    assert "stop it first" in sh("sh /deploy/install.sh --uninstall", check=False)
    sh("systemctl disable --now hostmemd.socket hostmemd.service")
    if VERSION >= 254:
        sh(f"systemctl clean --what=fdstore {UNIT}", check=False)
    sh("sh /deploy/install.sh --uninstall")
    assert not glob.glob("/usr/lib/hostmemd*") and not os.path.exists("/usr/bin/hostmemd") and not glob.glob("/usr/lib/*/hostmemd*")
    assert os.path.exists("/etc/hostmemd/hostmemd.json")


run()
