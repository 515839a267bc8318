"""Models: the card of each version, and putting another one to use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import sleep

import pytest

from regulars.evaluation import Report
from regulars.evaluation.bootstrap import Metric
from regulars.evaluation.plots import histogram


@pytest.fixture(scope="module")
def versions(console):
    """Two versions of churn, the first in use."""
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    auroc = Metric("AUROC", "higher", 0.753, 0.731, 0.774, 0.721, 0.698, 0.743, 0.018, 0.047)
    found = Report(
        capability="churn", question="Who leaves?", as_of=moment, horizon_days=90, customers=3400,
        trained_until=moment, model="trees", baseline="recency only", metrics=(auroc,), primary="AUROC",
        log_version=1, notes=("With the behaviour model .75, without .74.",),
        charts={"How risk is spread": histogram([0.1, 0.2, 0.4], "Risk", "")},
    )  # fmt: skip
    models = console.shop.models
    for report in (found, replace(found, notes=("The second.",))):
        card = {
            "made_at": moment.isoformat(), "until": moment.isoformat(), "log_version": 1,
            "code": {"regulars": "0.1"}, "about": {"customers": 3400, "losses": {"trees": 0.5}},
            "report": report.to_dict(),
        }  # fmt: skip
        models.save("churn", {"report.html": report.to_html().encode()}, card)
    models.use("churn", 1)
    return models


@pytest.fixture
def admin(browser_of, versions):
    return browser_of("admin")


def test_the_list_says_which_version_is_in_use_and_sorts(admin):
    text = admin.get("/models").text
    assert "AUROC .753" in text
    assert "Not learned" in text
    assert admin.get("/models?sort=-version").text.count("aria-sort") == 1


def test_the_card_says_how_good_a_version_is_and_what_to_know(admin):
    text = admin.get("/models/churn").text
    assert "Better than recency only" in text
    assert "With the behaviour model .75, without .74." in text
    assert "losses: trees" in text
    assert "The second." in admin.get("/models/churn?version=2").text


def test_the_charts_of_its_report_are_on_the_page(admin):
    text = admin.get("/models/churn/1/charts").text
    assert "How risk is spread" in text
    assert text.count("data-spec") == 1


def test_the_report_comes_as_a_file_and_never_as_a_page_of_ours(admin):
    found = admin.get("/models/churn/1/report")
    assert found.headers["content-disposition"] == 'attachment; filename="churn-1.html"'


def test_another_version_is_put_to_use_noted_and_taken_back(admin, versions):
    admin.post("/models/churn/use", {"version": "2"})
    assert versions.version_in_use("churn") == 2
    text = admin.get("/models/churn").text
    assert "Churn uses version 2 now." in text
    assert "Undo" in text
    admin.post("/models/churn/use", {"version": "1"})
    assert versions.version_in_use("churn") == 1
    assert "Version put to use" in admin.get("/settings/audit?about=churn").text


def test_who_only_looks_sees_the_card_and_no_button(browser_of, versions):
    text = browser_of("read_only").get("/models/churn?version=2").text
    assert "Use this version" not in text
    assert browser_of("growth").post("/models/churn/use", {"version": "2"}).status_code == 403


def test_a_version_or_capability_that_there_is_not_says_which_there_are(admin):
    assert "There is no version 9 of churn. There are: 1, 2." in admin.get("/models/churn?version=9").text
    found = admin.get("/models/tea")
    assert found.status_code == 404
    assert "churn" in found.text
    assert admin.get("/models/fraud").status_code == 200


def test_learning_goes_on_as_a_job_that_says_why_it_cannot(admin, console):
    admin.post("/models/segment/learn")
    job = console.jobs.newest("models.job_segment")
    assert job is not None
    for _ in range(400):
        job = console.jobs.one(job.id)
        if job.status != "running":
            break
        sleep(0.05)
    assert job.status == "failed"
    assert "segment" in admin.get("/models/segment").text


def test_a_model_is_rolled_back_in_the_browser(page, versions):
    versions.use("churn", 2)
    page.faults.clear()
    page.go("/models")
    page.page.click("a[href$='/models/churn']")
    page.page.wait_for_selector(".chart-place canvas")
    row = page.page.locator("tbody tr", has=page.page.locator("form[action$='/models/churn/use']"))
    row.get_by_role("button").click()
    page.page.wait_for_selector(".toast")
    assert versions.version_in_use("churn") == 1
    page.page.click(".toast form button")
    page.page.wait_for_selector(".toast")
    assert versions.version_in_use("churn") == 2
    assert page.faults == []
    versions.use("churn", 1)
