"""The kernel ends a process over its limits, however busy the consumer is."""

import signal
import subprocess
import sys

from devtools.patience import PATIENCE


def test_the_kernel_ends_a_process_over_its_time() -> None:
    code = "from editqueue.adapters.image_tools.processes.limits import TimeLimit\nTimeLimit(0.2)\nwhile True: pass"

    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE)

    assert ended.returncode == -signal.SIGALRM


def test_waiting_for_the_storage_takes_no_time_of_the_file() -> None:
    code = """if True:
        import signal
        from editqueue.adapters.image_tools.processes.limits import TimeLimit
        limit = TimeLimit(60)
        with limit.waiting():
            assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
        limit.end()
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    """

    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE)

    assert ended.returncode == 0


def test_the_kernel_ends_a_process_over_its_cpu_time() -> None:
    code = "from editqueue.adapters.image_tools.processes.limits import allow_cpu\nallow_cpu(1)\nwhile True: pass"

    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE)

    assert ended.returncode == -signal.SIGXCPU
