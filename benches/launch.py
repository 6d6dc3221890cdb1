"""Run a command, and say what it took: ``python -I -S launch.py COMMAND…``.

A process of its own, and a small one, because Linux counts what a child inherits until its `exec`
towards the child's peak: started from pytest, every engine would peak at no less than pytest.
The command's output passes through; a line of JSON follows it.
"""

import json
import os
import sys
import time

began = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
seconds = time.perf_counter() - began
# macOS counts bytes, everything else KiB.
unit = 1 if sys.platform == "darwin" else 1024
print(
    json.dumps(
        {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": seconds,
            "cpu": used.ru_utime + used.ru_stime,
            "peak": used.ru_maxrss * unit,
        }
    )
)
