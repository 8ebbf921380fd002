import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import one_thread  # noqa: E402

from zoo.networks.restoration.style import LABELS  # noqa: E402
from zoo.training.tasks.restorer.validation import (  # noqa: E402
    Validation,
    ValidationFaces,
    is_best,
    is_exhausted,
    paired_kernel_distance,
)

SIZE, COUNT = 64, 9


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def line(kernel_distance, psnr=30.0, identity=0.96):
    scores = {"kernel_distance": kernel_distance, "psnr": psnr, "identity": identity}
    return scores | {"input_identity": 0.95}


class Scripted(torch.nn.Module):
    """Returns what a function makes of the faces."""

    def __init__(self, change):
        super().__init__()
        self._change = change

    def forward(self, faces, mask):
        assert mask.shape == (len(faces), LABELS, SIZE // 2, SIZE // 2)
        return self._change(faces)


@pytest.fixture(scope="module")
def validation():
    with one_thread():
        rng = np.random.default_rng(4)
        coarse = rng.integers(0, 256, (COUNT, 3, 8, 8)).astype(np.float32)
        smooth = torch.nn.functional.interpolate(torch.from_numpy(coarse), SIZE, mode="bicubic")
        hq = smooth.clamp(0, 255).round().byte().permute(0, 2, 3, 1).numpy()
        noise = rng.normal(0, 20, hq.shape)
        lq = np.clip(hq + noise, 0, 255).astype(np.uint8)
        mask = torch.zeros(COUNT, LABELS, SIZE // 2, SIZE // 2, dtype=torch.uint8)
        faces = ValidationFaces(np.ascontiguousarray(hq), lq, mask, "ffhq")
        yield Validation(faces, torch.device("cpu")), faces


def test_a_network_that_changes_nothing_scores_as_the_input_does(validation):
    validate, _ = validation
    with one_thread():
        assert validate(Scripted(lambda faces: faces)) == pytest.approx(validate.input)


def test_psnr_is_the_mean_of_the_faces_own(validation):
    validate, faces = validation
    own = []
    for lq, hq in zip(faces.lq, faces.hq, strict=True):
        error = np.mean((lq.astype(float) - hq) ** 2)
        own.append(10 * np.log10(255**2 / error))
    assert validate.input["psnr"] == pytest.approx(np.mean(own))


def test_less_noise_is_better_by_every_score(validation):
    validate, faces = validation
    hq = torch.from_numpy(faces.hq).permute(0, 3, 1, 2).float() / 255
    lq = torch.from_numpy(faces.lq).permute(0, 3, 1, 2).float() / 255

    def nearly(batch):
        place = next(i for i in range(COUNT) if torch.equal(lq[i], batch[0]))
        return 0.8 * hq[place : place + len(batch)] + 0.2 * batch

    with one_thread():
        scores = validate(Scripted(nearly))
    for name, value in scores.items():
        better = (
            value > validate.input[name]
            if name in ("psnr", "identity")
            else (value < validate.input[name])
        )
        assert better, name


def test_the_sheet_has_input_restored_and_hq_in_three_rows(validation):
    validate, faces = validation
    sheet = validate.sheet(Scripted(lambda faces: 0 * faces))
    assert sheet.shape == (3 * SIZE, COUNT * SIZE, 3)
    assert np.array_equal(sheet[:SIZE, SIZE : 2 * SIZE], faces.lq[1])
    assert not sheet[SIZE : 2 * SIZE].any()
    assert np.array_equal(sheet[2 * SIZE :, SIZE : 2 * SIZE], faces.hq[1])


def test_the_kernel_distance_is_gretton_s_u_statistic_over_pairs():
    x, y = random((6, 3)), random((6, 3), 1)

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    terms = [
        k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i])
        for i in range(6)
        for j in range(6)
        if i != j
    ]
    assert paired_kernel_distance(x, y) == pytest.approx(np.mean(terms))


def test_equal_sets_have_no_kernel_distance_on_average_even_when_they_are_pairs():
    values = []
    for seed in range(200):
        x = random((20, 4), seed)
        values.append(paired_kernel_distance(x, x + 0.1 * random((20, 4), seed + 1000)))
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values)) + 0.02


def test_the_best_has_the_lowest_kernel_distance_among_those_that_keep_psnr_and_identity():
    assert is_best([line(0.3)])
    assert is_best([line(0.3), line(0.2)])
    assert not is_best([line(0.3), line(0.31)])
    assert not is_best([line(0.3, psnr=30), line(0.2, psnr=28.9)])
    assert not is_best([line(0.3), line(0.2, identity=0.94)])
    # What lost too much PSNR is no rival either.
    assert is_best([line(0.1, psnr=28.9), line(0.3, psnr=30)])


def test_a_run_is_exhausted_after_so_many_validations_without_a_better_one():
    lines = [line(0.3), line(0.2), line(0.25), line(0.21)]
    assert not is_exhausted(lines, 3)
    assert is_exhausted(lines, 2)
    assert not is_exhausted(lines, 0)
    assert not is_exhausted(lines[:2], 2)
