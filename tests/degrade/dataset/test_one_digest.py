"""The same dataset, to the byte, from every engine and through every interruption."""

import pytest
from build_routes import ROUTES, NotHere, Scene, inline
from interruptions import make_photos, scratch


@pytest.fixture
def folder():
    with scratch() as empty:
        yield empty


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def expected(photos, tmp_path_factory):
    """What an undisturbed build in this process comes to, by layout."""
    return {
        layout: inline(Scene(photos, tmp_path_factory.mktemp("expected"), layout))
        for layout in ("files", "webdataset")
    }


def cases():
    for name, route in ROUTES.items():
        for layout in ("files", "webdataset"):
            quick = layout == "files" and not route.slow
            marks = () if quick else pytest.mark.slow
            yield pytest.param(route, layout, id=f"{name} {layout}", marks=marks)


@pytest.mark.parametrize(("route", "layout"), list(cases()))
def test_every_route_leads_to_the_same_digest_and_the_same_files(
    photos, folder, expected, route, layout
):
    try:
        built = route.take(Scene(photos, folder, layout))
    except NotHere as reason:
        pytest.skip(str(reason))
    assert set(built) == set(expected[layout])
