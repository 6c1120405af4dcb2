# lab: --cpus 2 --mem 2048 --share deploy:/deploy
"""kill -9 at 60 random instants of 1,000 random operations, under real systemd: nothing that was answered is lost, to the byte."""

import random
import signal

from survival import survive
from unit import *

OPERATIONS, CRASHES = 1000, 60


@case
def nothing_is_lost():
    install()
    drop_in("lab", "RestartSec=10ms")
    sh("systemctl start hostmemd.socket hostmemd.service")
    seed = random.randrange(1 << 30)
    print("seed", seed, flush=True)

    def crash():
        before = pid()
        os.kill(before, signal.SIGKILL)
        eventually(lambda: pid() not in (0, before), "the next process")

    done, crashes = survive(PATH, OPERATIONS, CRASHES, crash, seed)
    left = int(show("NFileDescriptorStore"))
    assert left == 1, f"{left} descriptors left in the store"
    assert done >= OPERATIONS and crashes >= 50
    return f"{done} operations, {crashes} crashes"


run()
