"""A picture and its near copies share a split, whatever else is in the set."""

import numpy as np
import pytest

pytest.importorskip("torch")

from zoo.training.base.config import TrainingError
from zoo.training.data.splits import (
    NEAR,
    choose_splits,
    difference_hash,
    near_copies,
    read_splits,
    unit_hash,
)


def distance(one, other):
    return int(np.bitwise_count(one ^ other).sum())


def test_a_brighter_neighbour_is_a_bit():
    ramp = np.repeat(np.arange(17, dtype=np.uint8)[None] * 10, 16, axis=0)
    rising = difference_hash(np.dstack([ramp] * 3))
    falling = difference_hash(np.dstack([ramp[:, ::-1]] * 3))
    assert rising.tolist() == [2**64 - 1] * 4
    assert falling.tolist() == [0] * 4


def test_a_copy_that_was_compressed_or_resized_is_near_and_another_picture_far(
    photographs, compress
):
    import cv2

    hashes = {name: difference_hash(image) for name, image in photographs.items()}
    for name, image in photographs.items():
        small = cv2.resize(image, (150, 150), interpolation=cv2.INTER_AREA)
        for copy in (compress(image, 60), small, (image * 0.8).astype(np.uint8)):
            assert distance(difference_hash(copy), hashes[name]) <= NEAR
        others = [other for key, other in hashes.items() if key != name]
        assert min(distance(hashes[name], other) for other in others) > 3 * NEAR


def test_chains_of_near_copies_are_one_group():
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 2**64, (2500, 4), np.uint64, endpoint=False)
    codes[2000] = codes[3]
    codes[2000, 0] ^= np.uint64(2**NEAR - 1)
    codes[2001] = codes[2000]
    codes[2001, 1] ^= np.uint64(1)
    groups = near_copies(list(codes))
    assert groups[3] == groups[2000] == groups[2001]
    assert len(set(groups.tolist())) == 2498


def test_a_twentyfourth_is_for_validation_and_another_for_testing():
    keys = [f"set/{i}.png" for i in range(24_000)]
    splits = choose_splits(keys, range(len(keys)), {})
    for split in ("val", "test"):
        assert 880 < splits.count(split) < 1120


def test_a_face_stays_in_its_split_when_others_come_and_a_group_goes_together():
    keys = [f"set/{i}.png" for i in range(400)]
    groups = [i // 2 for i in range(400)]
    splits = choose_splits(keys, groups, {})
    assert splits[::2] == splits[1::2]
    more = choose_splits([*keys, "z.png"], [*groups, 999], {})
    assert more[:-1] == splits


def test_a_table_decides_and_takes_near_copies_along():
    keys = [f"{i:03d}" for i in range(300)]
    groups = [0, 0, *range(1, 299)]
    listed = {key: "train" for key in keys[1:]} | {key: "val" for key in keys[200:]}
    listed[keys[5]] = "test"
    splits = choose_splits(keys, groups, listed)
    # The first is in no table, and its near copy is for training.
    assert splits[0] == splits[1] == "train"
    assert splits[5] == "test"
    assert {*splits[6:200]} == {"train"}
    assert 30 < splits[200:].count("val") < 70
    assert splits[200:].count("val") + splits[200:].count("test") == 100
    groups[0] = groups[1] = groups[250]
    assert choose_splits(keys, groups, listed)[0] in ("val", "test")


def test_what_a_hash_chooses_says_nothing_of_what_it_chooses_for_another_purpose():
    keys = [f"set/{i}.png" for i in range(20_000)]
    first = [key for key in keys if unit_hash(key, "limit") < 0.5]
    splits = choose_splits(first, range(len(first)), dict.fromkeys(keys, "val"))
    assert 0.47 < splits.count("val") / len(first) < 0.53


def test_a_hash_is_a_number_from_0_to_1_that_depends_on_the_text():
    values = [unit_hash(str(i), "split") for i in range(4000)]
    assert 0 <= min(values) < 0.01
    assert 0.99 < max(values) < 1
    assert unit_hash("7", "split") == values[7]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file;split\na.png;val\n", "is not a CSV with the columns file and split"),
        ("file,split\na.png,valid\n", r"split 'valid' is none of train, val, test"),
    ],
)
def test_a_table_that_does_not_say_is_one_line(tmp_path, text, told):
    path = tmp_path / "index.csv"
    path.write_text(text)
    with pytest.raises(TrainingError, match=told):
        read_splits(path)
    with pytest.raises(TrainingError, match="is not a CSV"):
        read_splits(tmp_path / "none.csv")
