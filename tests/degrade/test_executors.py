import errno
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from degrade.errors import ImageError, UserError
from degrade.executors import run_tasks


def test_every_task_is_done_once_whatever_the_number_of_workers():
    expected = sorted(math.factorial(n) for n in range(23))
    for workers in (0, 1, 2):
        assert sorted(run_tasks(math.factorial, range(23), workers)) == expected


def test_no_tasks_are_no_results():
    assert list(run_tasks(math.factorial, [], 2)) == []


def test_tasks_are_read_only_a_little_ahead():
    taken = []

    def tasks():
        for number in range(40):
            taken.append(number)
            yield number

    results = run_tasks(math.factorial, tasks(), 2)
    next(results)
    assert len(taken) <= 8
    results.close()


def test_errors_of_workers_arrive_as_they_were():
    with pytest.raises(ValueError, match="negative"):
        list(run_tasks(math.factorial, [-1], 2))
    with pytest.raises(OSError, match="nowhere") as caught:
        list(run_tasks(os.stat, ["/nowhere"], 2))
    assert caught.value.errno == errno.ENOENT
    with pytest.raises(ImageError, match="broken"):
        list(run_tasks(raising_image_error(), ["broken"], 2))


def raising_image_error():
    from functools import partial

    from degrade.images import decode_image

    return partial(decode_image, b"broken")


def test_a_killed_worker_is_one_line():
    with pytest.raises(UserError, match="killed, perhaps for lack of memory") as caught:
        list(run_tasks(os._exit, [9], 2))
    assert caught.value.exit_code == 1


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks for processes in /proc")
def test_workers_end_when_their_parent_is_killed():
    code = (
        "import os, time\n"
        "from degrade.executors import run_tasks\n"
        "if __name__ == '__main__':\n"
        "    results = run_tasks(time.sleep, [0, 600, 600], 2)\n"
        "    next(results)\n"
        "    time.sleep(0.3)\n"
        "    print(*open(f'/proc/self/task/{os.getpid()}/children').read().split(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(workers) >= 2
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(worker) for worker in workers)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
