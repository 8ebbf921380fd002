"""The report as a person meets it: opened from disk in a headless Chromium."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from bench.report import write_report
from bench.runner import execute
from degrade.planning import Step

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = '=a"><img src=x onerror=window.hacked=1><script>window.hacked=1</script>'
KEYS = ("b", "c", "d", "e", "f", HOSTILE)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: relume[dev]")
    if CHROMIUM is None:
        pytest.skip("needs the program chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        # Without its sandbox, as CI runs as root; it opens nothing but the test's own page.
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def noise(sigma):
    return Step("gaussian_noise", 1, "lq", {"sigma": float(sigma), "per_channel": True})


def blocks(quality):
    return Step("jpeg", 2, "lq", {"quality": quality, "subsampling": "420"})


def error(restored, hq):
    return float(np.abs(restored.image - 1.0 * hq.image).mean())


@pytest.fixture(scope="module")
def address(tmp_path_factory, fakes):
    """Six conditions, two of them blocks and one a mixture, of hostile names; an oracle."""
    conditions = [
        fakes.condition(
            f"steps:{name}:{level}",
            KEYS,
            choices={"corruption": name, "severity": str(level)},
            steps=lambda _, step=step: (step,),
        )
        for name, level, step in (
            ("grain", 1, noise(5)), ("grain", 2, noise(20)), ("grain", 3, noise(60)),
            ("blocks", 1, blocks(60)), ("blocks", 2, blocks(10)),
        )
    ]  # fmt: skip
    mixed = fakes.condition(
        "mix", KEYS, "hills", steps=lambda n: (noise(5 + 9 * n), blocks(90 - 11 * n))
    )
    nothing, brighter = fakes.restorers()
    spoiler = fakes.Restorer(fakes.card("<b>spoiler"), lambda face: face - np.uint8(9))
    told = fakes.Restorer(fakes.card("told", blind=False, kind="oracle"), brighter.act)
    restorers = [nothing, spoiler, brighter, told]
    metrics = [
        fakes.PairMetric("lpips", error, "lower"),
        fakes.PairMetric("psnr", lambda r, h: 40 - error(r, h), unit="dB"),
    ]
    suite = fakes.suite(
        datasets=("ramps", "hills"), restorers=("input", "<b>spoiler", "brighter", "told"),
        metrics=("lpips", "psnr"),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("page")
    run = execute(suite, [conditions, [mixed]], restorers, metrics, folder / "run")
    write_report(run, html=folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [address]


def names(page, section=0):
    table = page.locator("section.condition table.board").nth(section)
    return table.locator("tbody th.name").evaluate_all("all => all.map(e => e.firstChild.data)")


def shown(page):
    return page.locator("section.condition:visible h2").all_inner_texts()


def test_it_opens_without_a_complaint_and_names_from_outside_are_only_text(page):
    assert page.evaluate("window.hacked") is None
    assert page.locator("b").count() == 0
    assert page.get_by_text(HOSTILE).count() > 0


def test_a_click_or_the_keyboard_sorts_and_groups_stay_apart(page):
    assert names(page) == ["input", "<b>spoiler", "brighter", "told"]
    head = page.locator("section.condition table.board").first.locator("th[aria-sort]").nth(1)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"  # lower is better: the best first
    assert names(page) == ["input", "brighter", "<b>spoiler", "told"]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page) == ["input", "<b>spoiler", "brighter", "told"]


def test_filters_choose_leaderboards_and_plots_and_say_how_many(page):
    assert len(shown(page)) == 4
    page.get_by_role("button", name="Show 2 more").click()
    assert len(shown(page)) == 6
    page.get_by_label("family", exact=True).select_option("compression")
    assert shown(page) == [
        "ramps × steps:blocks:1", "ramps × steps:blocks:2", "hills × mix",
    ]  # fmt: skip
    assert page.get_by_role("status").inner_text() == "3 of 6 leaderboards shown"
    assert page.locator("#severity-1 .plot-card:visible figcaption").all_inner_texts() == [
        "blocks compression"
    ]
    page.get_by_label("dataset", exact=True).select_option("hills")
    page.get_by_label("recipe", exact=True).select_option("steps")
    assert shown(page) == []
    assert "choose others" in page.get_by_role("status").inner_text()
    page.get_by_label("family", exact=True).select_option("")
    page.get_by_label("recipe", exact=True).select_option("")
    assert shown(page) == ["hills × mix"]


def test_the_slider_moves_by_keyboard_and_by_hand_over_lq_restored_and_hq(page):
    figure = page.locator("figure.comparison:visible").first
    slider, stage = figure.get_by_role("slider"), figure.locator(".stage")
    split = "e => e.style.getPropertyValue('--split')"
    assert stage.evaluate(split) == "50%"
    slider.press("ArrowRight")
    assert stage.evaluate(split) == "51%"
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] * 0.25, "y": box["height"] / 2})
    assert 15 <= float(stage.evaluate(split).rstrip("%")) <= 35
    assert stage.locator(".tag").all_inner_texts() == ["LQ", "brighter"]
    gallery = page.locator(".gallery:visible").first
    gallery.get_by_label("right picture", exact=True).select_option("hq")
    gallery.get_by_label("left picture", exact=True).select_option("restored:<b>spoiler")
    assert figure.locator(".stage .tag").all_inner_texts() == ["<b>spoiler", "HQ"]
    widths = figure.locator("img").evaluate_all("all => all.map(e => e.naturalWidth)")
    assert widths == [48] * 5


def test_the_gallery_shows_where_a_restorer_helps_most_and_where_it_does_worst(page):
    gallery = page.locator(".gallery:visible").first
    gallery.get_by_label("right picture", exact=True).select_option("restored:<b>spoiler")
    heads = gallery.locator("h3:visible").all_inner_texts()
    assert heads == ["Where <b>spoiler helps most", "Where <b>spoiler does worst"]
    ranks = gallery.locator(".rank:visible").all_inner_texts()
    places = [int(rank.split()[0]) for rank in ranks]
    assert places == [1, 2, 3, 6, 5, 4]
    assert ranks[0].endswith("by lpips: 15.00, 9.00 worse than the input")
    assert "Gaussian noise sigma 5" in gallery.locator(".made:visible").first.inner_text()


def test_severity_shows_the_chosen_metric_and_brings_out_one_restorer(page):
    section = page.locator("#severity-1")
    section.get_by_label("metric", exact=True).select_option("psnr")
    assert section.locator(".panel:visible h3").inner_text().startswith("psnr")
    plots = section.locator(".panel:visible").get_by_role("img", name="over severity")
    assert plots.count() == 2
    key = section.locator(".panel:visible").get_by_role("button", name="brighter")
    key.click()
    assert key.get_attribute("aria-pressed") == "true"
    focused = section.locator(".panel:visible .series.focus")
    assert focused.evaluate_all("all => all.map(e => e.dataset.series)") == ["2", "2"]
    key.click()
    assert section.locator(".plot.focused").count() == 0


def test_every_control_has_a_name_that_a_screen_reader_can_say(page):
    roles = ("button", "combobox", "slider")
    controls = page.locator("button:visible, select:visible, input:visible").count()
    unnamed = sum(page.get_by_role(role, name="", exact=True).count() for role in roles)
    named = sum(page.get_by_role(role).count() for role in roles)
    assert named == controls > 0
    assert unnamed == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark_as_the_reader_likes_and_can_be_changed(page, scheme):
    page.emulate_media(color_scheme=scheme)
    level = "parseFloat(getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/)[0])"
    before = page.evaluate(level)
    assert before > 200 if scheme == "light" else before < 60
    page.get_by_role("button", name="Change between light and dark").click()
    after = page.evaluate(level)
    assert after < 60 if scheme == "light" else after > 200


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_runs_out_of_a_narrow_or_a_wide_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width
