import pytest

from degrade.dataset.shards import ShardSelection
from degrade.errors import UserError


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_every_shard_belongs_to_exactly_one_part(count):
    parts = [ShardSelection(index, count) for index in range(1, count + 1)]
    for shard in range(25):
        assert sum(part.has(shard) for part in parts) == 1


def test_parts_differ_by_one_shard_at_most_and_surplus_parts_are_empty():
    sizes = [
        sum(ShardSelection(index, 8).has(shard) for shard in range(21)) for index in range(1, 9)
    ]
    assert max(sizes) - min(sizes) == 1
    assert not any(ShardSelection(5, 9).has(shard) for shard in range(4))


def test_a_part_is_read_and_shown_as_it_is_written():
    part = ShardSelection.parse("2/8")
    assert part == ShardSelection(2, 8)
    assert str(part) == "2/8"


@pytest.mark.parametrize(
    "text", ["", "2", "2/", "/8", "2/8/3", "a/b", "-1/8", "1.5/2", " 1/2", "1/2\n", "٢/٨", "1" * 12]
)
def test_what_is_no_part_is_one_line(text):
    with pytest.raises(UserError, match="is no part: give INDEX/COUNT, as 2/8"):
        ShardSelection.parse(text)


@pytest.mark.parametrize("text", ["0/8", "9/8", "0/0", "1/0"])
def test_a_part_that_does_not_exist_says_how_parts_count(text):
    with pytest.raises(UserError, match="parts count from 1") as caught:
        ShardSelection.parse(text)
    assert caught.value.exit_code == 2
