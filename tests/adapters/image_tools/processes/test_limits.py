"""The kernel ends a process over its limits, however busy the consumer is."""

import signal
import subprocess
import sys

import pytest

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


def restricted(kind: str, most: int, then: str) -> subprocess.CompletedProcess[str]:
    """`then`, by somebody who cannot have more than `most` of `kind`."""
    code = f"""if True:
        import os, resource
        from editqueue.adapters.image_tools.processes.limits import allow_cpu, allow_memory
        resource.setrlimit(resource.{kind}, ({most}, {most}))
        if os.getuid() == 0:
            os.setuid(65534)  # root may raise any limit
        {then}
    """
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)


def test_a_limit_of_the_system_for_cpu_time_stays_and_leaves_a_picture_its_own() -> None:
    tell = "allow_cpu(7); soft, hard = resource.getrlimit(resource.RLIMIT_CPU); print(0 < soft < min(20, hard), hard)"

    assert restricted("RLIMIT_CPU", 86_400, tell).stdout == "True 86400\n"
    assert restricted("RLIMIT_CPU", 5, tell).stdout == "True 5\n"


@pytest.mark.parametrize(("kind", "option"), [("RLIMIT_DATA", "ulimit -d"), ("RLIMIT_AS", "ulimit -v")])
def test_a_lower_limit_of_the_system_for_memory_is_named_with_what_to_do(kind: str, option: str) -> None:
    told = restricted(kind, 1000 * 2**20, "allow_memory(1536 * 2**20)").stderr.splitlines()[-1]

    assert "a process may have 1000 MiB of" in told
    assert option in told
    assert "EDITQUEUE_IMAGE_MEMORY needs" in told
    assert "raise that limit or lower the setting" in told
