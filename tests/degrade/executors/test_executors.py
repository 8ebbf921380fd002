import errno
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Thread

import pytest

from degrade.errors import ImageError, UserError
from degrade.executors import Engine, run_tasks
from degrade.executors.processes import AHEAD, _interrupts_held, run_window
from degrade.executors.worker import pin_threads
from degrade.images import decode_image


def test_every_task_is_done_once_whatever_the_number_of_workers():
    expected = sorted(math.factorial(n) for n in range(23))
    for workers in (0, 1, 2):
        assert sorted(run_tasks(math.factorial, range(23), Engine(workers))) == expected


def test_no_tasks_are_no_results():
    assert list(run_tasks(math.factorial, [], Engine(2))) == []


def test_tasks_are_read_only_a_little_ahead():
    taken = []

    def tasks():
        for number in range(40):
            taken.append(number)
            yield number

    results = run_tasks(math.factorial, tasks(), Engine(2))
    next(results)
    assert len(taken) <= 2 * AHEAD
    results.close()


def test_errors_of_workers_arrive_as_they_were():
    with pytest.raises(ValueError, match="negative"):
        list(run_tasks(math.factorial, [-1], Engine(2)))
    with pytest.raises(OSError, match="nowhere") as caught:
        list(run_tasks(os.stat, ["/nowhere"], Engine(2)))
    assert caught.value.errno == errno.ENOENT
    with pytest.raises(ImageError, match="broken"):
        list(run_tasks(partial(decode_image, b"broken"), ["broken"], Engine(2)))


def test_a_killed_worker_is_one_line():
    with pytest.raises(UserError, match="killed, perhaps for lack of memory") as caught:
        list(run_tasks(os._exit, [9], Engine(2)))
    assert caught.value.exit_code == 1


def test_workers_have_one_thread_for_each_library():
    names = ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"]
    assert list(run_tasks(os.getenv, names, Engine(2))) == ["1", "1", "1"]


def test_a_library_that_is_loaded_is_pinned_by_its_own_setter(monkeypatch):
    import cv2
    import numba

    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        pin_threads()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
    # Numba refuses to compile when the variable changes after its threads have started.
    assert numba.config.NUMBA_NUM_THREADS >= 1
    assert os.environ["NUMBA_NUM_THREADS"] == "2"


def test_workers_that_are_not_needed_any_more_end_at_once():
    results = run_tasks(time.sleep, [0, 600, 600, 600], Engine(2))
    next(results)
    start = time.monotonic()
    results.close()
    assert time.monotonic() - start < 10


def test_an_error_does_not_wait_for_the_other_tasks():
    def either(tasks):
        yield from tasks

    start = time.monotonic()
    with pytest.raises(TypeError):
        list(run_tasks(time.sleep, either([600, "no number"]), Engine(2)))
    assert time.monotonic() - start < 20


def test_the_window_is_as_wide_as_it_says_and_never_less_than_one_task():
    running, most = [], []

    def task(number):
        running.append(number)
        most.append(len(running))
        time.sleep(0.002)
        running.remove(number)
        return number

    with ThreadPoolExecutor(8) as pool:
        for width, expected in ((3, 3), (0, 1)):
            most.clear()
            finished = run_window(partial(pool.submit, task), range(30), lambda width=width: width)
            assert sorted(finished) == list(range(30))
            assert max(most) <= expected


# One that strikes in a destructor is lost, which Python reports as a warning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupt_while_waiting_leaves_no_future_locked():
    """The pool marks unfinished futures as broken; a locked one made it wait for ever."""
    pending: list[Future] = []

    def submit(task):
        pending.append(Future())
        return pending[-1]

    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    alarm = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for trial in range(300):
            with suppress(KeyboardInterrupt):
                # Again after a second, should it be lost.
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + trial * 1e-6, 1.0)
                next(run_window(submit, range(8), lambda: 8))
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, interrupt)
    unlocked = Thread(target=lambda: [future.set_result(None) for future in pending], daemon=True)
    unlocked.start()
    unlocked.join(10)
    assert not unlocked.is_alive()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks on Windows")
def test_interrupt_that_another_thread_takes_waits_for_the_end_of_the_block():
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    done = []
    other = Thread(target=time.sleep, args=(1,))
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt), _interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            done.append("block")
        done.append(signal.getsignal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, interrupt)
        other.join()
    assert done == ["block", signal.default_int_handler]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


PARENT = """
import os, time
from contextlib import closing
from degrade.executors import Engine, run_tasks
if __name__ == '__main__':
    try:
        with closing(run_tasks(time.sleep, [0, 600, 600], Engine(2))) as results:
            next(results)
            time.sleep(0.3)
            print(*open(f'/proc/self/task/{os.getpid()}/children').read().split(), flush=True)
            next(results)
    except KeyboardInterrupt:
        raise SystemExit(130)
"""


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks for processes in /proc")
@pytest.mark.parametrize("way", ["kill the parent", "Ctrl-C"])
def test_workers_end_with_their_parent(way):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert len(workers) >= 2
        start = time.monotonic()
        if way == "Ctrl-C":
            os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to all of them
        else:
            parent.send_signal(signal.SIGKILL)
        code = parent.wait(30)
        deadline = time.monotonic() + 10
        while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(worker) for worker in workers)
        assert time.monotonic() - start < 10
        if way == "Ctrl-C":
            assert parent.stderr.read() == ""
            assert code == 130


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
