import numpy as np
import pytest

from zoo.portrait.detect.pose import MEAN_FACE, estimate_pose
from zoo.portrait.face import SCHEMES


def seen(face, yaw, pitch, roll, distance=np.inf):
    """Project a face in 3-D by rotation matrices; ``distance`` of the camera in centimetres."""
    yaw, pitch, roll = np.radians([yaw, pitch, roll])
    look_up = [
        [1, 0, 0],
        [0, np.cos(pitch), np.sin(pitch)],
        [0, -np.sin(pitch), np.cos(pitch)],
    ]
    turn_right = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    x, y, z = (np.array(turn_right) @ np.array(look_up) @ face.T).astype(float)
    nearer = 1.0 if np.isinf(distance) else distance / (distance - z)
    flat = np.stack([x * nearer, -y * nearer])
    tilt = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return (tilt @ flat).T * 17 + (300, 200)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("yaw", [-60, -30, 0, 15, 45])
@pytest.mark.parametrize("roll", [-170, -45, 0, 20, 90])
def test_a_turned_mean_face_shows_its_yaw_and_roll(scheme, yaw, roll):
    pose = estimate_pose(seen(MEAN_FACE[scheme], yaw, 0, roll), scheme)
    assert pose.yaw == pytest.approx(yaw, abs=0.5)
    assert pose.pitch == pytest.approx(0, abs=1)
    assert pose.roll == pytest.approx(roll, abs=0.5)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("pitch", [-25, -10, 10, 25])
def test_pitch_has_its_sign_and_most_of_its_size(scheme, pitch):
    pose = estimate_pose(seen(MEAN_FACE[scheme], 0, pitch, 0), scheme)
    assert np.sign(pose.pitch) == np.sign(pitch)
    assert abs(pose.pitch - pitch) < 0.4 * abs(pitch)  # the weak prior pulls towards 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_mirrored_face_looks_the_other_way(scheme):
    order = [2, 3, 0, 1, 4] if scheme == "dlib5" else [1, 0, 2, 4, 3]
    points = seen(MEAN_FACE[scheme], 25, 8, 12, distance=60)
    pose = estimate_pose(points, scheme)
    mirrored = estimate_pose((points * (-1, 1))[order], scheme)
    assert (mirrored.yaw, mirrored.roll) == pytest.approx((-pose.yaw, -pose.roll), abs=0.25)
    assert mirrored.pitch == pytest.approx(pose.pitch, abs=0.25)


@pytest.mark.parametrize(("scheme", "error"), [("dlib5", 10), ("eyes-nose-mouth", 6)])
def test_other_faces_close_to_the_camera_are_estimated_as_well_as_the_docstring_says(scheme, error):
    rng = np.random.default_rng(8)
    apart = []
    for yaw in (-40, -20, 0, 20, 40):
        for _ in range(40):
            face = MEAN_FACE[scheme] * (1 + rng.normal(0, 0.06, 3))
            face = face + rng.normal(0, 0.15, face.shape)
            points = seen(face, yaw, rng.normal(0, 10), rng.normal(0, 10), distance=60)
            apart.append(estimate_pose(points, scheme).yaw - yaw)
    assert np.sqrt(np.mean(np.square(apart))) < error


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pose_does_not_depend_on_where_and_how_large_the_face_is(scheme):
    points = seen(MEAN_FACE[scheme], 33, -7, 5, distance=80)
    here, there = estimate_pose(points, scheme), estimate_pose(points * 0.03 - 999, scheme)
    assert (here.yaw, here.pitch) == (there.yaw, there.pitch)
    assert here.roll == pytest.approx(there.roll, abs=1e-6)
