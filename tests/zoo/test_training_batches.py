import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import small, write_faces  # noqa: E402

from degrade.errors import ImageError, UserError  # noqa: E402
from degrade.images import read_image  # noqa: E402
from zoo.licences import accept_licence  # noqa: E402
from zoo.networks.style import StyleConfig  # noqa: E402
from zoo.portrait.landmark_regions import landmark_regions  # noqa: E402
from zoo.training.batches import LANDMARKS_FILE, FaceBatches  # noqa: E402
from zoo.training.config import TrainingError  # noqa: E402
from zoo.training.loading import batches_of  # noqa: E402

FIELDS = ("hq", "lq", "mask", "right")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"))


def same(one, other):
    return all(torch.equal(getattr(one, field), getattr(other, field)) for field in FIELDS)


def test_batches_depend_on_the_step_alone(faces):
    one, two = FaceBatches(small(), faces), FaceBatches(small(), faces)
    _ = one[0], one[1]
    assert same(one[5], two[5])
    assert not same(one[5], one[6])


@pytest.mark.parametrize(
    "changes", [{}, {"clean": 0.5, "mask_errors": 0.7, "predicted_masks": False}]
)
def test_the_parts_of_a_batch_put_together_are_the_batch(faces, changes):
    config = small(**changes)
    whole = FaceBatches(config, faces)
    parts = [FaceBatches(config, faces, range(first, first + 2)) for first in (0, 2)]
    for step in range(4):
        for field in FIELDS:
            joined = torch.cat([getattr(part[step], field) for part in parts])
            assert torch.equal(joined, getattr(whole[step], field)), field


def test_a_loader_worker_makes_the_same_bytes_and_its_mistakes_stay_one_line(faces, tmp_path):
    folder = write_faces(tmp_path)
    # Step 1 of this run is the first with this picture.
    first, second = ({*FaceBatches(small(), faces)._pool.pictures(step)} for step in (0, 1))
    name = min(second - first)[0]
    (folder / name).write_bytes(b"no picture")
    made = batches_of(FaceBatches(small(), folder), range(0, 2), workers=1)
    assert same(next(made), FaceBatches(small(), faces)[0])
    with pytest.raises(ImageError, match=name) as caught:
        next(made)
    assert "Traceback" not in str(caught.value)


def test_without_workers_batches_are_made_when_they_are_asked_for(faces):
    batches = FaceBatches(small(), faces)
    made = list(batches_of(batches, range(3, 5)))
    assert len(made) == 2
    assert same(made[1], batches[4])


def test_faces_come_with_their_mask_the_mean_one_or_none(faces):
    every = small(batch_size=16, no_mask=0.5, template_mask=0.25)
    batches = FaceBatches(every, faces)
    sums = torch.cat([batches[step].mask.sum(dim=(1, 2, 3)) for step in range(20)])
    assert 0.4 < float((sums == 0).float().mean()) < 0.6
    mean = batches._mean.sum()
    assert 0.15 < float((sums - mean).abs().lt(0.05).float().mean()) < 0.4


def test_a_share_of_the_faces_comes_undegraded(faces):
    batches = FaceBatches(small(batch_size=16, clean=0.3), faces)
    untouched = torch.cat(
        [(b.hq == b.lq).flatten(1).all(dim=1) for b in (batches[step] for step in range(20))]
    )
    assert 0.22 < float(untouched.float().mean()) < 0.42
    before = FaceBatches(small(batch_size=16), faces)[3]
    assert torch.equal(before.hq, batches[3].hq)
    assert torch.equal(before.mask, batches[3].mask)


def test_a_mirrored_face_has_its_mask_mirrored_and_left_and_right_named_anew(faces):
    batches = FaceBatches(small(batch_size=16, no_mask=0, template_mask=0), faces)
    batch, pictures = batches[0], batches._pool.pictures(0)
    with np.load(faces / LANDMARKS_FILE, allow_pickle=False) as stored:
        landmarks = dict(zip(stored["keys"].tolist(), stored["landmarks"], strict=True))
    seen = set()
    for index, (key, _) in enumerate(pictures):
        if key not in landmarks:
            continue
        face = torch.from_numpy(read_image(faces / key)).permute(2, 0, 1) / 255
        mask = torch.from_numpy(landmark_regions(landmarks[key], 64))
        mirrored = not torch.equal(batch.hq[index], face)
        if mirrored:
            assert torch.equal(batch.hq[index], face.flip(2))
            order = [0, 1, 2, 3, 5, 4, 7, 6, 9, 8, *range(10, 19)]
            mask = mask[order].flip(2)
        assert torch.equal(batch.mask[index], mask)
        seen.add(mirrored)
    assert seen == {False, True}


def test_right_masks_stay_right_where_wrong_ones_are_given(faces):
    right = FaceBatches(small(batch_size=16), faces)[2]
    wrong = FaceBatches(small(batch_size=16, mask_errors=0.8, predicted_masks=False), faces)[2]
    assert torch.equal(right.mask, right.right)
    assert torch.equal(wrong.right, right.mask)
    assert torch.equal(wrong.lq, right.lq)
    changed = (wrong.mask != wrong.right).flatten(1).any(dim=1)
    assert 4 < int(changed.sum()) < 16


def test_masks_that_are_predicted_need_consent_or_are_left_out_by_the_configuration(
    faces, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(TrainingError, match=r"zoo align --accept-licence ibug-68.*predicted_masks"):
        FaceBatches(small(mask_errors=0.5), faces)
    assert not FaceBatches(small(mask_errors=0.5, predicted_masks=False), faces)._wrong.predict
    assert FaceBatches(small(), faces).masked
    accept_licence("ibug-68")
    assert FaceBatches(small(mask_errors=0.5), faces)._wrong.predict
    # The agreement changes no batch of a run that does without.
    without = small(batch_size=16, mask_errors=0.5, predicted_masks=False)
    agreed = FaceBatches(without, faces)[1]
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    assert same(agreed, FaceBatches(without, faces)[1])


def test_the_template_is_that_of_the_faces_file_and_tight_where_it_does_not_say(tmp_path):
    folder = write_faces(tmp_path)
    config = small(mask_errors=0.5, predicted_masks=False)
    assert FaceBatches(config, folder).template == "tight"
    stored = dict(np.load(folder / LANDMARKS_FILE, allow_pickle=False))
    np.savez(folder / LANDMARKS_FILE, **stored, template=np.array("ffhq"))
    batches = FaceBatches(config, folder)
    assert batches.template == batches._wrong.template == "ffhq"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no archive"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:900]),
        lambda path: np.savez(path, keys=np.array(["a"])),
        lambda path: np.savez(path, keys=np.array(["a"]), landmarks=np.zeros((1, 5, 2))),
        lambda path: np.savez(path, keys=np.array(["a"]), landmarks=np.zeros((2, 68, 2))),
        lambda path: np.savez(
            path, keys=np.array(["a"]), landmarks=np.zeros((1, 68, 2)), template=np.array("odd")
        ),
        lambda path: np.savez(path, keys=np.array(["a"]), landmarks=np.full((1, 68, 2), np.nan)),
    ],
)
def test_a_damaged_file_of_landmarks_is_one_line(tmp_path, spoil):
    folder = write_faces(tmp_path)
    spoil(folder / LANDMARKS_FILE)
    with pytest.raises(TrainingError, match=r"landmarks68\.npz does not hold.*run `zoo align`"):
        FaceBatches(small(), folder)


def test_without_landmarks_there_are_no_masks(tmp_path):
    folder = write_faces(tmp_path)
    (folder / LANDMARKS_FILE).unlink()
    batches = FaceBatches(small(), folder)
    assert not batches.masked
    assert not batches[0].mask.any()


def test_faces_that_cannot_be_used_are_one_line(faces, tmp_path):
    other = small(network=StyleConfig(128, {16: 8, 32: 8, 64: 8}))
    with pytest.raises(TrainingError, match=r"64 × 64, tiny takes 128: run `zoo align` with"):
        FaceBatches(other, faces)
    with pytest.raises(TrainingError, match="is no folder"):
        FaceBatches(small(), tmp_path / "none")
    with pytest.raises(UserError, match="holds no images"):
        FaceBatches(small(), tmp_path)
