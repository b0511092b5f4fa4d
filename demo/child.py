"""``python -m demo.child FD MODULE ARG…``: run a module that does not outlive the supervisor.

``FD`` is the reading end of a pipe whose writing end only the supervisor holds. When it closes, however the supervisor
ended, this process asks itself to stop and, where that does not help, ends its whole process group.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 12.0


def follow(descriptor: int) -> None:
    """Wait for the supervisor's end of the pipe to close, then stop this process and everything it started."""
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    descriptor, module = int(sys.argv[1]), sys.argv[2]
    os.set_inheritable(descriptor, False)
    threading.Thread(target=follow, args=(descriptor,), name="supervisor", daemon=True).start()
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
