"""`restore_clip` and `zoo restore clip.mp4`: from file to file."""

import json

import numpy as np
import pytest

pytest.importorskip("av")

from click.testing import CliRunner
from clip_files import moving_astronaut, packets, shown, write_clip
from portrait_stand_ins import EllipseParser, Restorer, face_at

from degrade.errors import UserError
from zoo.cli import main
from zoo.commands.portrait_options import PortraitOptions
from zoo.portrait.pipeline import load_pipeline
from zoo.video.restore import restore_clip

FACE = (70, 90, 70)


class ScriptedDetector:
    """Finds the faces of one call after another."""

    name = "scripted"

    def __init__(self, *detections):
        self._detections = iter(detections)

    def detect(self, image):
        return next(self._detections)


class NoisyRestorer(Restorer):
    """Darkens, and adds noise that is new in each frame, as a network adds detail."""

    def __init__(self):
        super().__init__(self._noisy, 128)
        self._random = np.random.default_rng(1)

    def _noisy(self, crop):
        levels = 0.8 * crop + self._random.normal(0, 5, crop.shape)
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def pipeline_of(restorer, *detections):
    return load_pipeline(
        restorer,
        detector=ScriptedDetector(*detections),
        parser=EllipseParser(),
        identity_threshold=None,
    )


def face_region(frames):
    """Return the middle of the face, float64 (frames, 30, 30, 3)."""
    return np.stack(frames)[:, 75:105, 55:85].astype(float)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "still.mp4"
    return write_clip(path, moving_astronaut(24, step=0), sound="aac")


def test_a_still_clip_flickers_less_than_frame_by_frame(still, tmp_path):
    flickers = []
    for smooth in (False, True):
        out = tmp_path / f"{smooth}.mp4"
        pipeline = pipeline_of(NoisyRestorer(), *[(face_at(*FACE),)] * 24)
        report = restore_clip(pipeline, still, out, smooth=smooth)
        assert (report.frames, report.faces, report.frames_without_faces) == (24, 24, 0)
        frames, times = shown(out)
        assert times == shown(still)[1]
        flickers.append(np.abs(np.diff(face_region(frames), axis=0)).mean())
        assert report.flicker_frame_by_frame == pytest.approx(10 / np.sqrt(np.pi), rel=0.1)
    assert report.flicker < 0.25 * report.flicker_frame_by_frame
    assert flickers[1] < 0.5 * flickers[0]  # as seen in the files, behind the codec
    sound = [data for data, _ in packets(still, "audio")]
    assert [data for data, _ in packets(out, "audio")] == sound and len(sound) > 20


def test_a_moving_face_is_as_restored_frame_by_frame(tmp_path, psnr):
    source = write_clip(tmp_path / "in.mp4", moving_astronaut(16, step=2))
    results = []
    for smooth in (False, True):
        faces = [(face_at(105 - 2 * n, 110 - 2 * n, 70),) for n in range(16)]
        pipeline = pipeline_of(Restorer(lambda crop: crop - crop // 4, 128), *faces)
        restore_clip(pipeline, source, tmp_path / "out.mkv", smooth=smooth)
        results.append(shown(tmp_path / "out.mkv")[0])
    assert min(psnr(a, b) for a, b in zip(*results, strict=True)) > 38


def test_at_a_cut_the_face_before_leaves_nothing_behind(tmp_path):
    """The same face stays in its place, but all else and its light change."""
    dark = [frame // 3 for frame in moving_astronaut(6, step=0)]
    light = [255 - frame // 4 for frame in moving_astronaut(6, step=0)]
    source = write_clip(tmp_path / "in.mp4", dark + light)
    seen = []

    def restored(crop):
        seen.append(crop)
        return np.full_like(crop, 200 if len(seen) <= 6 else 20)

    pipeline = pipeline_of(Restorer(restored, 128), *[(face_at(*FACE),)] * 12)
    restore_clip(pipeline, source, tmp_path / "out.mp4")
    levels = face_region(shown(tmp_path / "out.mp4")[0]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(levels, [200] * 6 + [20] * 6, atol=3)


def test_a_face_that_the_detector_misses_is_restored_all_the_same(still, tmp_path):
    detections = [(face_at(*FACE),) if number not in (5, 6) else () for number in range(24)]
    pipeline, done = pipeline_of(Restorer(lambda crop: crop // 2, 128), *detections), []
    report = restore_clip(
        pipeline, still, tmp_path / "out.mp4", on_frame=lambda *pair: done.append(pair)
    )
    assert report.faces == 24
    assert done == [(number, 24) for number in range(25)]
    levels = face_region(shown(tmp_path / "out.mp4")[0]).mean(axis=(1, 2, 3))
    assert np.ptp(levels) < 2


def test_a_clip_without_a_face_is_copied(still, tmp_path):
    pipeline = pipeline_of(NoisyRestorer(), *[()] * 48)
    report = restore_clip(pipeline, still, tmp_path / "out.mp4")
    assert (report.copied, report.faces, report.frames_without_faces) == (True, 0, 24)
    assert (tmp_path / "out.mp4").read_bytes() == still.read_bytes()
    report = restore_clip(pipeline, still, tmp_path / "out.mkv")
    assert not report.copied
    difference = np.abs(np.stack(shown(tmp_path / "out.mkv")[0]) - np.float32(shown(still)[0]))
    assert difference.mean() < 2


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_is_stopped_leaves_no_file(still, tmp_path, error):
    def stop(done, total):
        assert not (tmp_path / "out.mp4").exists()
        if done == 5:
            raise error

    pipeline = pipeline_of(NoisyRestorer(), *[(face_at(*FACE),)] * 24)
    with pytest.raises(error):
        restore_clip(pipeline, still, tmp_path / "out.mp4", on_frame=stop)
    assert [*tmp_path.iterdir()] == []


def test_a_restorer_that_fails_is_reported_and_the_rest_goes_on(still, tmp_path):
    calls = []

    def failing(crop):
        calls.append(crop)
        if len(calls) == 3:
            raise ValueError("no memory for this one")
        return crop // 2

    pipeline = pipeline_of(Restorer(failing, 128), *[(face_at(*FACE),)] * 24)
    report = restore_clip(pipeline, still, tmp_path / "out.mp4")
    assert (report.faces, report.failed, report.frames_without_faces) == (23, 1, 1)
    assert "no memory for this one" in report.failure


def test_an_enlarged_clip_is_of_the_new_size(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_astronaut(3))
    pipeline = load_pipeline(
        NoisyRestorer(),
        detector=ScriptedDetector(*[(face_at(*FACE),)] * 3),
        parser=EllipseParser(),
        identity_threshold=None,
        upscale=2,
    )
    restore_clip(pipeline, source, tmp_path / "out.mp4")
    assert shown(tmp_path / "out.mp4")[0][0].shape == (320, 320, 3)


def test_names_that_cannot_be_are_one_line(still, tmp_path):
    pipeline = pipeline_of(NoisyRestorer())
    for source, out, message in [
        (still, still, "is the clip that is read"),
        (still, tmp_path, "is a folder"),
        (still, tmp_path / "out.avi", r"\.mp4 or \.mkv"),
        (tmp_path / "none.mp4", tmp_path / "out.mp4", "does not exist"),
    ]:
        with pytest.raises(UserError, match=message):
            restore_clip(pipeline, source, out)


@pytest.fixture
def command(monkeypatch):
    """Run ``zoo restore`` with a stand-in for what it loads."""

    def run(*arguments, detections=((face_at(*FACE),),) * 24, restorer=None):
        pipeline = pipeline_of(restorer or NoisyRestorer(), *detections)
        monkeypatch.setattr(PortraitOptions, "load", lambda self, model: pipeline)
        return CliRunner().invoke(main, ["restore", *map(str, arguments)])

    return run


def test_the_command_ends_with_one_line_on_the_clip(command, still, tmp_path):
    result = command(still, tmp_path / "out.mp4")
    assert result.exit_code == 0, result.output
    line = result.stdout.splitlines()[0]
    assert "24 frames, 24 with faces restored with stand-in; flicker " in line
    assert "frame by frame)" in line
    import av

    with av.open(str(tmp_path / "out.mp4")) as container:
        assert "stand-in by relume" in container.metadata["comment"]


def test_the_command_answers_in_json(command, still, tmp_path):
    result = command(still, tmp_path / "out.mp4", "--json", "--no-tag")
    record = json.loads(result.stdout)
    assert record["frames"] == 24 and record["flicker"] < record["flicker_frame_by_frame"]


def test_the_command_says_when_there_was_no_face(command, still, tmp_path):
    result = command(still, tmp_path / "out.mp4", detections=[()] * 24)
    assert "24 frames, no face restored: copied as it was" in result.stdout


def test_the_command_says_that_a_clip_breaks_off(command, tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", moving_astronaut(48), sound="aac")
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = command(tmp_path / "cut.mkv", tmp_path / "out.mkv", detections=((),) * 48)
    assert result.exit_code == 0, result.output
    assert "note: cut.mkv breaks off" in result.stderr


def test_mistakes_are_one_line(command, still, tmp_path):
    (tmp_path / "text.mp4").write_text("no video\n" * 50)
    for arguments, message in [
        ((tmp_path / "text.mp4", tmp_path / "out.mp4"), "text.mp4 is no video"),
        ((still, tmp_path / "out.png"), "clips are written as .mp4 or .mkv"),
        ((still, tmp_path / "out.mp4", "--compare"), "are for photos"),
        ((tmp_path / "none.mov", tmp_path / "out.mp4"), "does not exist"),
    ]:
        result = command(*arguments)
        assert result.exit_code == 2
        assert message in result.stderr and result.stderr.count("\n") == 1
        assert not (tmp_path / "out.mp4").exists()


def test_faces_that_failed_make_the_exit_code_1(command, still, tmp_path):
    def failing(crop):
        raise ValueError("broken")

    for allowed, code in (((), 1), (("--allow-failed",), 0)):
        result = command(still, tmp_path / "out.mp4", *allowed, restorer=Restorer(failing, 128))
        assert result.exit_code == code
