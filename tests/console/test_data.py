"""The data screen: a file imported by the wizard, by a client and in a browser, and what was refused."""

from __future__ import annotations

import re
import time

import pytest

from regulars.console.security import FIELD

GOOD = "".join(f"2024-05-{day},cleo,tea,4.50\n" for day in range(10, 30))
CSV = f"date,customer,product,price\n{GOOD}2024-05-30,cleo,{{}},5\nnever,cleo,tea,5\n"


@pytest.fixture
def growth(browser_of):
    return browser_of("growth")


def upload(browser, text, name="till.csv"):
    """Where an upload leads to."""
    found = browser.client.post(
        "/console/data/upload", data={FIELD: browser.token()}, files={"file": (name, text.encode(), "text/csv")}
    )
    assert found.status_code == 303, found.text
    return found.headers["location"].removeprefix("/console")


def done(console):
    """The newest import, once it is over."""
    for _ in range(1_200):
        job = console.jobs.newest("data.job_import")
        if job.status != "running":
            return job
        time.sleep(0.05)
    raise AssertionError("the import did not end")


def test_a_file_is_uploaded_seen_mended_and_imported(growth, console, hostile, browser_of):
    path = upload(growth, CSV.format('"' + hostile.replace('"', '""') + '"'), name="../../t<i>ll.csv")
    text = growth.get(path).text
    assert "t_i_ll.csv" in text
    assert hostile not in text
    assert '<option value="time" selected>' in text
    form = {
        "mapping": "till", "column-0": "time", "column-1": "customer_id", "column-2": "product_id",
        "column-3": "unit_price", "constant-type": "order_completed", "time_format": "", "decimal": ".",
    }  # fmt: skip
    twice = growth.post(path, {**form, "column-3": "time"})
    assert (twice.status_code, "same field: time" in twice.text) == (400, True)
    before = console.shop.log.version
    growth.post(path, form)
    job = done(console)
    assert (job.status, job.said) == ("done", "t_i_ll.csv: 22 rows read: 21 added, 0 known already, 1 refused.")
    assert console.shop.log.version > before
    assert "till" in console.shop.config.mapping
    assert growth.get(path).status_code == 404
    assert "21 added" in growth.get("/data").text
    assert "Import begun" in browser_of("admin").get("/settings/audit?who=growth").text


def test_a_file_of_products_is_known_as_one_and_goes_to_the_catalogue(growth, console):
    path = upload(growth, "sku,title,cost\ntea,Sencha,2.10\ncup,White cup,1\n", name="products.csv")
    text = growth.get(path).text
    assert '<option value="product_described" selected>What is known of a product</option>' in text
    fields = {f"column-{place}": field for place, field in enumerate(("product_id", "title", "unit_cost"))}
    constants = dict(re.findall(r'name="(constant-\w+)" value="([^"]*)"', text))
    growth.post(path, {"mapping": "products", **fields, **constants, "constant-type": "product_described"})
    assert done(console).said == "products.csv: 2 rows read: 2 added, 0 known already, 0 refused."
    assert "White cup" in growth.get("/data/catalogue").text


def test_refused_rows_say_where_and_why(growth, console, hostile, browser_of):
    path = upload(growth, CSV.format("tea"), name="again.csv")
    growth.post(path, {
        "mapping": "again", "column-0": "time", "column-1": "customer_id", "column-2": "product_id",
        "constant-type": "product_viewed",
    })  # fmt: skip
    done(console)
    found = re.search(r'href="/console(/data/rejects/[^"]*again\.csv)"', growth.get("/data/rejects").text)
    assert found is not None
    text = growth.get(found[1]).text
    assert "never" in text
    assert ">1 row<" in text
    assert growth.get(f"{found[1]}?reason=nothing").text.count("No row was refused.") == 1
    assert growth.get(f"{found[1]}/download").headers["content-disposition"].startswith("attachment")
    assert browser_of("read_only").get(found[1]).status_code == 403
    assert growth.get("/data/rejects/..%2F..%2Fshop.toml").status_code == 404


def test_what_cannot_be_read_is_said_in_words(growth):
    path = upload(growth, "a,b\n1,2\n", name="numbers.csv")
    text = growth.get(path).text
    assert 'role="alert"' in text
    assert growth.post(path, {"mapping": "numbers", "column-0": "quantity"}).status_code == 400
    assert growth.get("/data/import/nonsense").status_code == 404


def test_a_file_is_imported_in_the_browser(page, console, tmp_path):
    file = tmp_path / "shop.csv"
    file.write_text("date,customer,product,price\n2024-05-22,dora,tea,4.50\n")
    page.go("/data")
    page.page.set_input_files("input[type=file]", file)
    with page.page.expect_navigation():
        page.page.click("button:has-text('Look at it')")
    assert page.page.input_value("select[name=column-1]") == "customer_id"
    with page.page.expect_navigation():
        page.page.click("main form button.primary")
    page.page.wait_for_selector(".job.done", timeout=60_000)
    assert "1 added" in page.page.inner_text(".job.done")
