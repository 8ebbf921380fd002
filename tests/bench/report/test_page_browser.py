"""The report as a person meets it: opened from disk in a headless Chromium."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from bench.report import write_report
from bench.runner.run import execute
from degrade.planner.plan import Step

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
    kept = {url.split("#")[0] for url in requests if not url.startswith(("data:", "about:"))}
    assert kept == {address}


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
    assert heads == ["Where <b>spoiler does best", "Where <b>spoiler does worst"]
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


def test_costs_are_columns_that_sort_and_hide_and_a_phone_shows_them_on_demand(page):
    board = page.locator("section.condition table.board").first
    assert board.locator("th.cost button").all_inner_texts() == [
        "latency p50\nms ↓", "latency p95\nms ↓", "memory\nMB ↓", "parameters\n↓",
    ]  # fmt: skip
    head = board.get_by_role("columnheader", name="latency p50")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    button = page.get_by_role("button", name="Costs", exact=True).first
    button.click()
    assert (button.get_attribute("aria-pressed"), board.locator(".cost:visible").count()) == (
        "false", 0,
    )  # fmt: skip
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("history.replaceState(null, '', location.pathname)")
    page.reload()
    assert board.locator(".cost:visible").count() == 0
    button.press("Enter")
    assert board.locator("tbody .cost:visible").count() == 4 * 4


def reopened(page, address=""):
    """Open an address, or the page's own, anew, as somebody would to whom it was sent."""
    shared = address or page.url
    page.goto("about:blank")
    page.goto(shared)


def test_what_was_filtered_and_sorted_is_in_the_address_and_comes_back_with_it(page):
    from playwright.sync_api import expect

    head = page.locator("#board-2 th[aria-sort]").nth(2)
    head.get_by_role("button").press("Enter")
    page.get_by_label("degradation", exact=True).select_option("grain")
    page.locator("#severity-1").get_by_label("metric", exact=True).select_option("psnr")
    before = names(page, 1), shown(page)
    reopened(page)
    assert head.get_attribute("aria-sort") == "descending"
    assert (names(page, 1), shown(page)) == before
    assert page.locator("#severity-1 .panel:visible h3").inner_text().startswith("psnr")
    page.get_by_role("link", name="Metrics").click()
    assert "degradation=grain" in page.url
    assert "at=metrics" in page.url
    reopened(page)
    expect(page.locator("#metrics")).to_be_in_viewport()
    page.get_by_label("degradation", exact=True).select_option("")
    assert len(shown(page)) == 4


def test_a_link_to_a_leaderboard_below_the_first_four_shows_it(page):
    assert not page.locator("#condition-6").is_visible()
    page.evaluate("location.hash = 'condition-6'")
    page.locator("#condition-6").wait_for(state="visible")


def test_an_address_that_asks_for_what_is_not_there_changes_nothing(page):
    reopened(page, f"{page.url}#family=none&sort-board-1=up.nothing&at=nowhere&costs=<b>")
    assert len(shown(page)) == 4
    assert names(page) == ["input", "<b>spoiler", "brighter", "told"]


@pytest.mark.parametrize("hash_", ["%E0%A4%A", "a=%zz", "at=%zz", "="])
def test_an_address_that_was_damaged_on_its_way_stops_nothing(page, hash_):
    start = page.url
    reopened(page, f"{start}#{hash_}")
    assert len(shown(page)) == 4
    assert page.locator("button.theme").is_visible()
    page.get_by_label("degradation", exact=True).select_option("grain")
    assert "degradation=grain" in page.url


def test_a_leaderboard_is_copied_as_markdown_as_it_is_sorted_and_shown(page):
    page.evaluate(
        "() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }"
    )
    page.locator("#board-1 th[aria-sort]").nth(1).get_by_role("button").click()
    page.get_by_role("button", name="Costs", exact=True).first.click()
    page.get_by_role("button", name="Copy as Markdown").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    head, ruler, *rows = page.evaluate("window.copied").splitlines()
    assert (head, ruler) == (
        "| restorer | lpips ↓ n 6/6 | psnr dB ↑ n 6/6 |",
        "| --- | ---: | ---: |",
    )
    assert [row.split(" | ")[0] for row in rows] == [
        "| input", "| brighter", r"| \<b\>spoiler", "| told",
    ]  # fmt: skip
    assert "**2.5**" in rows[1]


def test_where_nothing_may_be_copied_the_text_is_there_to_be_selected(page):
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error()); }")
    page.get_by_role("button", name="Copy as Markdown").first.click()
    area = page.get_by_label("The leaderboard as Markdown")
    area.wait_for()
    assert area.input_value().startswith("| restorer |")


def test_the_heads_stay_in_sight_while_a_long_leaderboard_is_scrolled(page):
    page.set_viewport_size({"width": 390, "height": 330})
    place = """() => {
        const scroll = document.querySelector('#condition-1 .scroll');
        scroll.scrollTop = scroll.scrollLeft = 90;
        const [head, name] = ['thead', 'tbody th.name'].map((each) => scroll.querySelector(each));
        const from = scroll.getBoundingClientRect();
        return [scroll.scrollTop, scroll.scrollLeft,
            head.getBoundingClientRect().top - from.top,
            name.getBoundingClientRect().left - from.left];
    }"""
    down, across, top, left = page.evaluate(place)
    assert (down, across) == (90, 90)
    assert (top, left) == (pytest.approx(1, abs=0.5), pytest.approx(1, abs=0.5))
