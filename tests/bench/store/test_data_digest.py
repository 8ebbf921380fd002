import dataclasses

import pytest

from bench.runner.run import execute
from bench.store.images import digest_of_pairs, pair_digest

CONDITION = ("faces", "dark")


def digest(pairs, keys=None):
    digests = {(CONDITION, key): pair_digest(pair.hq, pair.lq) for key, pair in pairs}
    return digest_of_pairs(digests, CONDITION, keys or [key for key, _ in pairs])


@pytest.fixture
def pairs(fakes):
    loaded = fakes.condition().pairs
    return [((loaded[index].key, 0), loaded[index]) for index in range(3)]


def test_the_order_does_not_matter_and_every_pixel_name_and_version_does(pairs):
    whole = digest(pairs)
    assert digest(pairs[::-1]) == whole
    others = [
        pairs[:2],
        [(("z", 0), pairs[0][1]), *pairs[1:]],
        [(("a", 1), pairs[0][1]), *pairs[1:]],
    ]
    for part in ("hq", "lq"):
        changed = getattr(pairs[1][1], part).copy()
        changed[0, 0, 0] ^= 1
        others.append(
            [pairs[0], (pairs[1][0], dataclasses.replace(pairs[1][1], **{part: changed})), pairs[2]]
        )
    digests = [digest(each) for each in others]
    assert len({whole, *digests}) == 6


def test_of_images_that_could_not_be_read_there_is_none(pairs):
    assert digest(pairs, [("a", 0), ("gone", 0)]) is None


def test_a_run_records_the_digest_of_what_it_saw(tmp_path, fakes):
    def pixels(out, **options):
        run = execute(
            fakes.suite(), [[fakes.condition(**options)]], fakes.restorers(), fakes.metrics(), out
        )
        return run.record["conditions"][0]["pixels_sha256"]

    whole = pixels(tmp_path / "x")
    assert len(whole) == 64
    assert pixels(tmp_path / "x") == whole  # a session that had nothing left to do
    assert pixels(tmp_path / "y", broken=("b",)) is None
