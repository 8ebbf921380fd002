import copy
import multiprocessing
import pickle

import pytest

from degrade.dataset.paired_dataset import SharedEpoch


def answer(epoch, asked, told):
    for _ in iter(asked.get, None):
        told.put(epoch.value)


@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_a_process_sees_what_is_set_after_it_was_started(start):
    context = multiprocessing.get_context(start)
    epoch, asked, told = SharedEpoch(3), context.Queue(), context.Queue()
    process = context.Process(target=answer, args=(epoch, asked, told))
    process.start()
    try:
        for value in (3, 8, 0, 2**40):
            epoch.value = value
            asked.put(True)
            assert told.get(timeout=60) == value
    finally:
        asked.put(None)
        process.join(60)
    assert process.exitcode == 0


def pickled(epoch):
    return pickle.loads(pickle.dumps(epoch))  # noqa: S301


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_any_other_copy_has_the_value_and_goes_its_own_way(copied):
    epoch = SharedEpoch(5)
    other = copied(epoch)
    epoch.value = 6
    assert (other.value, epoch.value) == (5, 6)
