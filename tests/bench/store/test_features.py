from __future__ import annotations

import pickle

import numpy as np
import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.store.features import FeatureStore, file_of, read_vectors, write_vectors
from degrade.errors import DatasetError

PLACE = ("set", "recipe", "a/b", "vector")


def test_vectors_come_back_from_the_file_as_they_went_in(tmp_path):
    source = np.random.Generator(np.random.Philox(1))
    names = [("b", 1), ("a", 0), ("ü/\udcff", 0)]
    vectors = {key: source.normal(size=4).astype(np.float32) for key in names}
    write_vectors(tmp_path / "x.npz", vectors)
    found = read_vectors(tmp_path / "x.npz")
    assert found.keys() == vectors.keys()
    assert all(np.array_equal(found[key], vectors[key]) for key in vectors)


def test_a_value_from_the_store_is_that_from_the_file(tmp_path):
    store = FeatureStore()
    store.add(PLACE, ("a", 0), np.array([1 / 3, 2 / 3]))
    kept = store.at(PLACE).stack([("a", 0)])
    store.save(tmp_path)
    assert np.array_equal(read_vectors(file_of(tmp_path, PLACE))["a", 0].astype(float), kept[0])
    assert not store.at(PLACE).vectors


def test_what_several_processes_found_is_joined():
    parts = []
    for number in range(3):
        part = FeatureStore()
        part.add(PLACE, (f"{number}", 0), np.full(2, number))
        parts.append(pickle.loads(pickle.dumps(part)))  # noqa: S301 - made two lines above
    parts[2].add(PLACE, ("x", 0), Measurement(None, Status.ERROR, "too small"))
    whole = FeatureStore()
    for part in parts:
        whole.take(part)
    found = whole.at(PLACE)
    assert found.stack([("2", 0), ("0", 0)]).tolist() == [[2, 2], [0, 0]]
    assert found.problems["x", 0].detail == "too small"


def test_a_missing_a_foreign_and_a_hostile_file_are_one_line(tmp_path):
    with pytest.raises(DatasetError, match="is missing: run the suite again"):
        read_vectors(tmp_path / "none.npz")
    write_vectors(tmp_path / "x.npz", {("a", 0): np.zeros(3, np.float32)})
    whole = (tmp_path / "x.npz").read_bytes()
    np.savez(tmp_path / "hostile.npz", keys=np.array([{"a": 1}], object), variants=[0], vectors=[0])
    (tmp_path / "text.npz").write_bytes(b"no archive")
    (tmp_path / "torn.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "other.npz", other=np.zeros(3))
    for name in ("hostile", "text", "torn", "other"):
        with pytest.raises(DatasetError, match="does not hold feature vectors"):
            read_vectors(tmp_path / f"{name}.npz")
