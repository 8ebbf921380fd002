import pytest

from bench.runner import efficiency as metering
from bench.runner.efficiency import Meter


class Cuda:
    """Notes what is asked of a GPU on which 100 bytes are taken, and 350 at most."""

    def __init__(self):
        self.asked = []

    def synchronize(self, device):
        self.asked.append(("wait", device))

    def reset_peak_memory_stats(self, device):
        self.asked.append(("forget", device))

    def memory_allocated(self, device):
        return 100

    def max_memory_allocated(self, device):
        return 350


@pytest.fixture
def events(monkeypatch):
    cuda = Cuda()
    monkeypatch.setattr(metering, "_cuda", lambda: cuda)
    times = iter((10.0, 12.5))

    def clock():
        cuda.asked.append("clock")
        return next(times)

    monkeypatch.setattr(metering.time, "perf_counter", clock)
    return cuda.asked


def test_a_gpus_clock_is_read_when_it_has_done_its_work(events):
    with Meter("cuda:1") as meter:
        events.append("work")
    wait = ("wait", "cuda:1")
    assert events == [wait, ("forget", "cuda:1"), "clock", "work", wait, "clock"]
    assert (meter.seconds, meter.memory) == (2.5, 250)


def test_after_a_failure_a_gpu_is_asked_nothing_more(events):
    with pytest.raises(KeyError), Meter("cuda:0") as meter:
        raise KeyError
    assert events.count(("wait", "cuda:0")) == 1
    assert meter.memory is None


def test_where_the_system_does_not_tell_no_memory_is_claimed(monkeypatch, tmp_path):
    monkeypatch.setattr(metering, "_PEAK_RESET", tmp_path / "no" / "clear_refs")
    with Meter() as meter:
        pass
    assert meter.memory is None and meter.seconds > 0
