"""The report and notebooks in a browser: Debian's chromium, without a screen."""

import pathlib
import shutil

import blank_figure
import example_comparison
import pytest
from digits_search import make_search
from example_records import RECORDS
from processes import wait_for

from glo_tf.display.callbacks import Generation
from glo_tf.display.live import LivePage
from glo_tf.report import write_overview, write_report
from glo_tf.results.record import Phase, Source

webdriver = pytest.importorskip("selenium.webdriver", reason="the extra 'browser' is missing")
axe = pytest.importorskip("axe_core_python.selenium", reason="the extra 'browser' is missing")
service = pytest.importorskip("selenium.webdriver.chrome.service")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    pytest.skip("chromium and chromium-driver are not installed", allow_module_level=True)
pytestmark = pytest.mark.browser
CSS, ID, TAG = "css selector", "id", "tag name"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("run")
    make_search(folder, generations=1, coefficient_generations=1, finalists=1).run()
    example_comparison.write(folder)
    with blank_figure.drawn():
        return write_report(folder, figures=False)


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=service.Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def shown(browser, page):
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    prefer(browser, "light")
    browser.get(page.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def prefer(browser, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def background(browser) -> str:
    return browser.find_element(TAG, "body").value_of_css_property("background-color")


def test_the_contents_lead_to_each_section(shown) -> None:
    links = shown.find_elements(CSS, "nav a")
    assert len(links) == len(shown.find_elements(CSS, "main section"))
    for link in links:
        link.click()
        target = shown.find_element(CSS, ":target")
        assert shown.current_url.endswith(f"#{target.get_attribute('id')}")
        assert target.is_displayed()


def test_details_open(shown) -> None:
    for details in shown.find_elements(TAG, "details"):
        inner = details.find_element(CSS, ":scope > :not(summary)")
        assert not inner.is_displayed()
        details.find_element(TAG, "summary").click()
        assert inner.is_displayed()


def test_the_theme_follows_the_system_and_the_button(shown) -> None:
    button = shown.find_element(ID, "theme")
    text = shown.find_element(CSS, "#figure-fitness text")
    assert (background(shown), button.text) == ("rgba(255, 255, 255, 1)", "Dark page")
    assert text.value_of_css_property("fill") == "rgb(31, 35, 40)"
    button.click()
    assert (background(shown), button.text) == ("rgba(20, 24, 29, 1)", "Light page")
    assert text.value_of_css_property("fill") == "rgb(230, 237, 243)"
    prefer(shown, "dark")
    button.click()
    assert background(shown) == "rgba(255, 255, 255, 1)"
    shown.refresh()
    assert background(shown) == "rgba(20, 24, 29, 1)"


def test_the_code_is_copied(shown) -> None:
    origin = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    shown.execute_cdp_cmd("Browser.grantPermissions", origin)
    button = shown.find_element(CSS, "[data-copies=code]")
    button.click()
    wait_for(lambda: button.text == "Copied")
    copied = shown.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == shown.find_element(ID, "code").get_property("textContent")


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_is_wider_than_the_screen(shown, width) -> None:
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": width < 600}
    shown.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    shown.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width
    if width == 390:  # text in figures stays readable
        smallest = shown.execute_script(
            "return Math.min(...[...document.querySelectorAll('figure:not(.wide) text')]"
            ".filter(t => t.textContent.trim()).map(t => {const m = t.getScreenCTM();"
            "return parseFloat(getComputedStyle(t).fontSize) * Math.hypot(m.a, m.b);}))"
        )
        assert smallest >= 7.0


def test_charts_take_the_place_of_figures(shown) -> None:
    figure = shown.find_element(ID, "figure-pareto")
    shown.execute_script("arguments[0].scrollIntoView()", figure)
    wait_for(lambda: figure.find_elements(CSS, ".plot .main-svg"))
    assert not figure.find_element(CSS, "svg[role=img]").is_displayed()
    dots = "return document.querySelector('#figure-pareto .plot').data[0].text.length"
    assert shown.execute_script(dots) > 0


def test_the_hall_of_fame_is_sorted_by_its_heads(shown) -> None:
    head = shown.find_element(CSS, "table.sortable th:nth-child(2)")
    cells = "[...document.querySelectorAll('table.sortable td:nth-child(2)')]"
    sizes = f"return {cells}.map(cell => Number(cell.textContent))"
    for order in ("descending", "ascending"):
        head.find_element(TAG, "button").click()
        assert head.get_attribute("aria-sort") == order
        found = shown.execute_script(sizes)
        assert found == sorted(found, reverse=order == "descending")


@pytest.fixture(scope="module")
def pages(page, tmp_path_factory) -> dict[str, pathlib.Path]:
    """One of each kind of page."""
    compared, both, running = (tmp_path_factory.mktemp(name) for name in ("a", "b", "c"))
    example_comparison.write(compared)
    with blank_figure.drawn():
        write_report(compared, figures=False)
    live = LivePage(running, lambda: {"running": 2, "finished": 5, "failed": 1}, "accuracy")
    live.on_search_begin(10)
    for record in RECORDS:
        live.on_evaluation(record)
    counts = {Source.TRAINED: 3}
    live.on_generation(Generation(Phase.DISCOVERY, 3, 10, 0.5, RECORDS[0], counts))
    wait_for(lambda: "discovery 3/10" in _text(running / "report.html"))
    (running / "live.html").write_text(_text(running / "report.html"), encoding="utf-8")
    live.close()
    return {
        "search": page,
        "comparison": compared / "report.html",
        "overview": pathlib.Path(write_overview([page.parent, compared], both)),
        "live": running / "live.html",
    }


def _text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *(("search", "light"), ("search", "dark"), ("comparison", "dark")),
        *(("overview", "light"), ("live", "dark")),
    ],
)
def test_nothing_keeps_anyone_from_reading_it(browser, pages, name, scheme) -> None:
    """axe-core finds nothing serious or critical, on a phone either."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    prefer(browser, scheme)
    browser.get(pages[name].as_uri())
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    found = axe.Axe().run(browser)
    assert found["passes"]
    assert [
        (violation["id"], [node["target"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ] == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
