"""The page as a person meets it: in a headless Chromium, without a network."""

import shutil
import warnings

import PIL.Image
import pytest
import skimage.data

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    pytest.importorskip("gradio", reason="needs gradio: relume[app]")
    from zoo.app.page import build_page, launch

    folder = tmp_path_factory.mktemp("app")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Gradio and what it stands on
        page = build_page(folder)
        launch(page, "127.0.0.1", None, open_browser=False, wait=False)
        yield page.local_url
        page.close()


@pytest.fixture
def page(address):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: relume[dev]")
    if CHROMIUM is None:
        pytest.skip("needs the program chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        # Without its sandbox, as CI runs as root; it opens nothing but the test's own page.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1100, "height": 900}).new_page()
        page.set_default_timeout(60_000)
        addresses = []
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(address)
        yield page
        browser.close()
    strangers = [
        url
        for url in addresses
        if not url.startswith((address, "data:", "blob:", "ws://127.0.0.1"))
    ]
    assert strangers == []


def test_a_dropped_photo_is_restored_compared_and_downloaded(page, tmp_path):
    photo = tmp_path / "astronaut.jpg"
    PIL.Image.fromarray(skimage.data.astronaut()[:300, 100:400]).save(photo, quality=30)
    page.locator("input[type=file]").first.set_input_files(photo)
    page.get_by_text("1 face restored with style-256", exact=True).wait_for()
    assert page.locator("figcaption").inner_text().startswith("face 1: restored with style-256")
    handle = page.locator("[role=slider], .outer .icon-wrap, .outer .inner").first
    handle.wait_for()
    before = handle.bounding_box()["x"]
    centre = [handle.bounding_box()[key] for key in ("x", "y")]
    page.mouse.move(centre[0] + 2, centre[1] + 5)
    page.mouse.down()
    page.mouse.move(centre[0] + 82, centre[1] + 5, steps=5)
    page.mouse.up()
    assert abs(handle.bounding_box()["x"] - before) > 20
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).first.click()
    assert download.value.suggested_filename == "astronaut-restored.jpg"
    with PIL.Image.open(download.value.path()) as image:
        assert image.size == (300, 300) and image.format == "JPEG"


def test_a_text_file_is_one_line_on_the_page_and_the_next_photo_works(page, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    page.locator("input[type=file]").first.set_input_files(text)
    page.get_by_text("text.jpg is no PNG, JPEG, WebP, TIFF or HEIC").wait_for()
    assert page.locator("figure").count() == 0
