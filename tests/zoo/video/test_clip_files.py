"""Clips in and out: what is kept of a file, and one line on each that cannot be read."""

import builtins
import re
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av")

import av
from clip_files import moving_astronaut, packets, shown, write_clip

from degrade.errors import DependencyError, ImageError, UserError
from zoo.video.clip_reader import ClipReader
from zoo.video.clip_writer import ClipWriter, container_of


def read(path):
    with ClipReader(path) as reader:
        frames = list(reader.frames(lambda packet: None))
        return frames, reader


def copy(source, target, change=lambda pixels: pixels, comment=""):
    with ClipReader(source) as reader, target.open("w+b") as file:
        writer = ClipWriter(file, container_of(target.name), reader, comment)
        for frame in reader.frames(writer.copy):
            writer.write(change(frame.pixels), frame.pts, frame.duration)
        writer.close()
        return reader, writer


UNEVEN = [0, 1000, 2500, 2600, *range(4000, 24000, 1000)]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("start", [0, 3000])
def test_frames_times_and_sound_come_out_as_they_went_in(tmp_path, ending, start):
    source, target = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    frames = moving_astronaut()
    write_clip(source, frames, times=[start + time for time in UNEVEN], sound="aac")
    copy(source, target)
    before, after = packets(source, "audio"), packets(target, "audio")
    assert len(before) > 20
    assert [data for data, _ in before] == [data for data, _ in after]
    assert [time for _, time in before] == [time for _, time in after]
    (pixels, times), (_, times_before) = shown(target), shown(source)
    assert times == times_before
    assert len(pixels) == 24 and pixels[0].shape == frames[0].shape


def test_from_mp4_to_matroska_picture_and_sound_stay_together(tmp_path):
    source, target = tmp_path / "in.mp4", tmp_path / "out.mkv"
    write_clip(source, moving_astronaut(), times=UNEVEN, sound="aac")
    copy(source, target)
    before, after = packets(source, "audio"), packets(target, "audio")
    sound = [later[1] - earlier[1] for earlier, later in zip(before, after, strict=True)]
    picture = np.subtract(shown(target)[1], shown(source)[1])
    np.testing.assert_allclose(picture, np.mean(sound), atol=0.0011)


def test_frames_are_rgb_within_what_4_2_0_and_the_codec_lose(tmp_path, psnr):
    frames = moving_astronaut(4)
    write_clip(tmp_path / "in.mp4", frames, tags=(1, 1, 1, 1))
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    first, reader = read(tmp_path / "in.mp4")
    second, again = read(tmp_path / "out.mp4")
    for one, other in zip(first, second, strict=True):
        assert psnr(one.pixels, other.pixels) > 40
        assert np.abs((one.pixels.astype(float) - other.pixels).mean(axis=(0, 1))).max() < 0.4
    assert reader.problem == again.problem == ""


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (6, 1, 6, 6), (5, 2, 5, 6), (9, 1, 9, 14)])
def test_colour_tags_are_kept_and_grey_and_colours_do_not_shift(tmp_path, tags):
    colours = np.array([[0, 0, 0], [128, 128, 128], [255, 255, 255], [200, 60, 40]], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 32, axis=1), 32, axis=0)
    write_clip(tmp_path / "in.mp4", [picture] * 3, tags=tags)
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    first, reader = read(tmp_path / "in.mp4")
    second, again = read(tmp_path / "out.mp4")
    assert (again.colours.matrix, again.colours.range) == tags[:2]
    assert again.colours == reader.colours
    middles = np.s_[16, 16::32]
    difference = first[0].pixels[middles].astype(int) - second[0].pixels[middles]
    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_a_turned_clip_is_read_upright_and_written_upright(tmp_path, turn):
    frames = [frame[:, :120] for frame in moving_astronaut(3)]
    lying = [np.rot90(frame, -turn // 90) for frame in frames]
    write_clip(tmp_path / "in.mp4", lying, turn=turn, aspect=Fraction(4, 3))
    upright, _ = read(tmp_path / "in.mp4")
    assert np.abs(upright[0].pixels.astype(int) - frames[0]).mean() < 4
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    pixels, _ = shown(tmp_path / "out.mp4")
    assert np.abs(pixels[0].astype(int) - frames[0]).mean() < 5
    with av.open(str(tmp_path / "out.mp4")) as container:
        aspect = container.streams.video[0].sample_aspect_ratio
    assert aspect == (Fraction(3, 4) if turn in (90, -90) else Fraction(4, 3))


def test_of_an_odd_size_the_last_row_and_column_are_repeated(tmp_path):
    write_clip(tmp_path / "in.mp4", moving_astronaut(3))
    _, writer = copy(tmp_path / "in.mp4", tmp_path / "out.mp4", lambda pixels: pixels[:-1, :-3])
    assert writer.padded
    pixels, _ = shown(tmp_path / "out.mp4")
    assert pixels[0].shape == (160, 158, 3)
    assert np.abs(pixels[0][-1].astype(int) - pixels[0][-2]).mean() < 3


def test_titles_are_kept_and_the_comment_joins_the_one_that_was_there(tmp_path):
    with av.open(str(tmp_path / "in.mp4"), "w") as output:
        output.metadata.update(title="A walk", comment="in May")
        video = output.add_stream("libx264", rate=12)
        video.width = video.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        frame.pts = 0
        output.mux(video.encode(frame))
        output.mux(video.encode(None))
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4", comment="restored")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["title"] == "A walk"
        assert container.metadata["comment"] == "in May; restored"


def test_frames_without_times_follow_at_the_clip_s_rate(tmp_path):
    write_clip(tmp_path / "raw.mp4", moving_astronaut(5), format="h264")
    frames, reader = read(tmp_path / "raw.mp4")
    steps = np.diff([frame.pts * float(reader.time_base) for frame in frames])
    assert len(frames) == 5
    np.testing.assert_allclose(steps, 1 / float(reader.rate), rtol=0.05)


def test_a_clip_whose_frames_change_their_size_is_refused_with_the_frame(tmp_path):
    write_clip(tmp_path / "one", moving_astronaut(5), format="h264")
    write_clip(tmp_path / "two", moving_astronaut(5, size=(96, 128)), format="h264")
    path = tmp_path / "both.mp4"
    path.write_bytes((tmp_path / "one").read_bytes() + (tmp_path / "two").read_bytes())
    with pytest.raises(UserError, match=r"changes from 160 × 160 to 128 × 96 .* at frame 5"):
        read(path)


def test_what_is_no_clip_is_one_line(tmp_path):
    for name, data in [("text.mp4", b"Dear diary, no video today.\n" * 20), ("empty.mp4", b"")]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=f"^{name} is ") as caught:
            ClipReader(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_file_of_sound_alone_is_one_line(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as output:
        track = output.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 4000), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16000
        output.mux(track.encode(frame))
        output.mux(track.encode(None))
    with pytest.raises(ImageError, match=r"song\.mp4 holds no video"):
        ClipReader(path)


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4"])
def test_of_a_clip_that_breaks_off_the_beginning_is_read_and_a_line_says_so(tmp_path, name):
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    whole = write_clip(tmp_path / f"whole-{name}", moving_astronaut(48), sound="aac",
                       container_options=options)  # fmt: skip
    data = whole.read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    frames, reader = read(tmp_path / name)
    assert 8 <= len(frames) < 40
    expected = 48 if name.endswith("mp4") else r"\d+"
    pattern = rf"{name} breaks off: {len(frames)} of about {expected} frames"
    assert re.match(pattern, reader.problem)
    copy(tmp_path / name, tmp_path / "out.mp4")
    assert len(shown(tmp_path / "out.mp4")[0]) == len(frames)


def test_an_avi_with_dropped_frames_is_whole(tmp_path):
    """Its header counts the frames that were dropped: 23 for these 12."""
    write_clip(tmp_path / "in.avi", moving_astronaut(12), times=range(0, 24000, 2000),
               codec="mpeg4", options={})  # fmt: skip
    frames, reader = read(tmp_path / "in.avi")
    assert len(frames) == 12 < reader.frame_count
    assert reader.problem == ""


def test_an_mp4_without_its_index_is_one_line(tmp_path):
    whole = write_clip(tmp_path / "whole.mp4", moving_astronaut(12)).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"half\.mp4 is no video that can be read, or its end"):
        ClipReader(tmp_path / "half.mp4")


def test_sound_that_the_container_does_not_take_is_one_line(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_astronaut(3), sound="wavpack")
    with pytest.raises(UserError, match=r"in\.mkv .*mp4.*let OUT end in \.mkv"):
        copy(source, tmp_path / "out.mp4")
    copy(source, tmp_path / "out.mkv")
    assert packets(source, "audio")[0][0] == packets(tmp_path / "out.mkv", "audio")[0][0]


def test_without_pyav_a_line_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name == "av":
            raise ModuleNotFoundError(name="av")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DependencyError, match=r"pip install 'relume\[video\]'"):
        ClipReader(tmp_path / "clip.mp4")


def test_other_endings_are_refused():
    assert container_of("A.MP4") == "mp4" and container_of("a.mkv") == "matroska"
    with pytest.raises(ImageError, match=r"a\.avi: clips are written as \.mp4 or \.mkv"):
        container_of("a.avi")
