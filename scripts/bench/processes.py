"""What a process costs: its CPU seconds and its largest memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence


def run(command: Sequence[str]) -> tuple[str, float, float]:
    """Run a command; return what it printed, its CPU seconds and its largest memory in MB.

    The exit status 1 is one of those that found nothing; with any other this process ends, too.
    """
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            sys.exit(f"{' '.join(command[:4])} ended with {process.returncode}")
        out.seek(0)
        return out.read(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
