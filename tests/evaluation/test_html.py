import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import altair as alt
import numpy as np
import pytest

from regulars.evaluation import Check, Figure, Section, Table, histogram, importance_plot, metric_plot, render

HOSTILE = '</script><script>alert("tea")</script><!-- & \u2028 <img src=http://x.example/a.png>'


class Page(HTMLParser):
    """Every tag with its attributes, and the text of every script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[tuple[dict, str]] = []
        self._script: dict | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._script = dict(attrs)
            self.scripts.append((self._script, ""))

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script is not None:
            attributes, text = self.scripts.pop()
            self.scripts.append((attributes, text + data))

    @property
    def specs(self) -> list[dict]:
        return [json.loads(text) for attributes, text in self.scripts if attributes.get("type")]


@pytest.fixture
def drawn(report):
    return replace(report, charts={"Figures": metric_plot(report.metrics), "Spend": histogram([1, 2], "Spend", "EUR")})


def test_the_page_loads_nothing_and_forbids_itself_to(drawn):
    html = drawn.to_html()
    page = Page(html)
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "form"}
        assert not {"src", "href", "srcset", "action"} & attributes.keys()
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy
    styles = "".join(re.findall(r"<style>.*?</style>", html, flags=re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles


def test_no_address_stands_outside_the_code_that_draws(drawn):
    html = drawn.to_html()
    without_code = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert "://" not in without_code


def test_the_page_names_its_language_and_fits_a_phone(report):
    tags = Page(report.to_html()).tags
    assert ("html", {"lang": "en"}) in tags
    assert any(attributes.get("name") == "viewport" for _, attributes in tags)


def test_a_report_shows_verdict_figures_checks_notes_and_method(report):
    html = report.to_html()
    for part in (
        "Better than recency only: AUROC .753 against .721",
        "Nothing after the as-of time is used",
        "212 customers have one order.",
        "Log version 7",
        "3,400",
        ".018 to .047",
    ):
        assert part in html


def test_a_failed_check_colours_the_verdict(report):
    failed = replace(report, checks=(Check("No leak", False, "It leaks."),))
    assert 'class="verdict good"' in report.to_html()
    assert 'class="verdict bad"' in failed.to_html()


def test_each_chart_has_its_sentence_on_how_to_read_it(drawn):
    html = drawn.to_html()
    assert "Each bar counts the customers within a span of EUR." in html
    assert len(Page(html).specs) == 2


def test_a_page_without_charts_carries_no_drawing_code(report, drawn):
    assert len(report.to_html()) < 40_000 < len(drawn.to_html())


def test_hostile_text_stays_text_everywhere(report):
    hostile = replace(
        report,
        capability=HOSTILE,
        question=HOSTILE,
        model=HOSTILE,
        baseline=HOSTILE,
        notes=(HOSTILE,),
        checks=(Check(HOSTILE, True, HOSTILE),),
        charts={HOSTILE: importance_plot([HOSTILE], [1])},
    )
    section = Section(
        HOSTILE,
        text=[HOSTILE],
        table=Table([HOSTILE], [[HOSTILE]]),
        figures=[Figure(HOSTILE, HOSTILE, importance_plot([HOSTILE], [1]))],
    )
    page = Page(render(HOSTILE, [section, Section(report=hostile)]))
    assert not any(tag == "img" for tag, _ in page.tags)
    # Two chart specifications, the drawing code and its caller: no script of the product's own.
    assert len(page.scripts) == 4
    assert not any(text.lstrip().startswith("alert") for _, text in page.scripts)
    assert [spec["data"]["values"][0]["name"] for spec in page.specs] == [HOSTILE, HOSTILE]


def test_the_drawing_code_cannot_close_its_own_tag(drawn):
    code = max((text for _, text in Page(drawn.to_html()).scripts), key=len)
    assert len(code) > 500_000
    assert "vegaEmbed" in code


def test_sections_come_in_order_with_tables_and_several_reports(report):
    table = Table(["Customer", "Risk", "Orders"], [["小林", 0.82, 12000], ["ada", None, 1]])
    other = replace(report, question="Who comes back?")
    html = render("Week 18", [Section("This week", table=table), Section(report=report), Section(report=other)])
    places = [html.index(part) for part in ("<title>Week 18", "This week", "小林", report.question, "Who comes back?")]
    assert places == sorted(places)
    assert '<td class="number">.820</td>' in html
    assert '<td class="number">12,000</td>' in html


def test_a_table_with_a_row_too_short_is_refused():
    with pytest.raises(ValueError, match="row 2 has 1 cells, 2 are expected"):
        Table(["a", "b"], [[1, 2], [3]])


def test_a_chart_that_no_browser_could_read_is_refused():
    chart = alt.Chart(alt.Data(values=[{"x": np.inf}])).mark_point().encode(x="x:Q")
    with pytest.raises(ValueError, match="JSON compliant"):
        render("Broken", [Section(figures=[Figure("Broken", "", chart)])])
