"""What the suites under systemd share: the unit as install.sh installs it, and what systemd says of it."""

import contextlib
import glob
import os
import subprocess
import sys
import time
import traceback

from survival import Client

UNIT = "hostmemd.service"
PATH = "/run/hostmemd/qmp.sock"
_cases = []


def case(test):
    _cases.append(test)
    return test


def sh(command, check=True):
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout.strip()


VERSION = int(sh("systemctl --version | head -n 1").split()[1])


def show(property, unit=UNIT):
    # In an emulated VM even systemctl dies of SIGSEGV now and then; the shell says so with 139.
    return sh(f"systemctl show {unit} -P {property} || [ $? != 139 ] || systemctl show {unit} -P {property}")


def pid():
    return int(show("MainPID"))


def eventually(condition, what, seconds=180):
    limit = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        assert time.monotonic() < limit, f"in vain waited for {what}\n{sh(f'systemctl status {UNIT}', check=False)}"
        time.sleep(0.05)


def active():
    eventually(lambda: show("ActiveState") == "active" and pid() > 0, "the unit active")


def journal(lines=60):
    return sh(f"journalctl -u {UNIT} -o cat -n {lines} --no-pager", check=False)


def drop_in(name, text):
    os.makedirs(f"/etc/systemd/system/{UNIT}.d", exist_ok=True)
    with open(f"/etc/systemd/system/{UNIT}.d/{name}.conf", "w") as file:
        file.write("[Service]\n" + text + "\n")
    sh("systemctl daemon-reload")


def no_drop_in(name):
    os.remove(f"/etc/systemd/system/{UNIT}.d/{name}.conf")
    sh("systemctl daemon-reload")


def another_than(before):
    """Waits until another process is the daemon, and ready."""
    eventually(lambda: pid() not in (0, before) and show("ActiveState") == "active", f"another process than {before}")


def install():
    sh("sh /deploy/install.sh --from /hostmemd")


def run():
    """Runs all in order, one after the other on the same unit; ends the program."""
    passed = failed = 0
    print(f"systemd {VERSION}", flush=True)
    for test in _cases:
        if sys.argv[1:] and not any(word in test.__name__ for word in sys.argv[1:]):
            continue
        began = time.monotonic()
        try:
            said = test()
            passed += 1
            print(f"ok   {test.__name__} ({time.monotonic() - began:.1f} s){': ' + said if said else ''}", flush=True)
        except Exception:
            failed += 1
            print("FAIL", test.__name__)
            traceback.print_exc(file=sys.stdout)
            print(sh(f"systemctl status {UNIT}", check=False), journal(), sep="\n", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(failed > 0)
