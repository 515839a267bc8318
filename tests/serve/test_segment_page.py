"""Segment's own script for pages, in a real browser on another host, pointed here."""

from __future__ import annotations

import json
from pathlib import Path

SCRIPT = Path(__file__).parent / "vendor" / "analytics-next.js"
PAGE = "<!doctype html><html lang='en'><head><title>Tea</title></head><body><h1>Tea</h1></body></html>"
SENDS = """async ([key, host]) => {
    const segment = {apiKey: key, apiHost: `${host}/v1`, protocol: "http"};
    const [analytics] = await AnalyticsNext.AnalyticsBrowser.load(
        {writeKey: key, cdnSettings: {integrations: {"Segment.io": segment}}},
        {integrations: {"Segment.io": segment}},
    );
    await analytics.page("Shop", "Home");
    await analytics.identify("ada", {city: "Kyoto"});
    await analytics.track("Product Added", {product_id: "tea", price: 4.5, quantity: 2, currency: "GBP"});
}"""


def test_what_the_script_of_a_page_sends_is_in_the_log(start, keys, shop, engine, wait_until, site):
    address, folder = site
    (folder / "tea.html").write_text(PAGE)
    secret = keys.create("page", ["ingest"], who="ada", origins=[address])[1]
    server = start()
    page = engine.new_page()
    answers = []
    page.on("response", lambda answer: answers.append(answer.status) if server.url in answer.url else None)
    page.goto(f"{address}/tea.html")
    page.add_script_tag(path=SCRIPT)
    page.evaluate(SENDS, [secret, server.url.removeprefix("http://")])

    def arrived() -> bool:
        page.wait_for_timeout(50)  # the browser's events come while its page is waited for
        return answers == [200, 200, 200]

    wait_until(arrived)
    page.close()
    server.serving.close()
    columns = ["type", "customer_id", "anonymous_id", "product_id", "quantity", "properties"]
    rows = {row["type"]: row for row in shop.log.read("events", columns).to_pylist()}
    assert set(rows) == {"page_viewed", "customer_identified", "product_added"}
    assert len({row["anonymous_id"] for row in rows.values()}) == 1
    assert (rows["page_viewed"]["customer_id"], rows["product_added"]["customer_id"]) == (None, "ada")
    assert (rows["product_added"]["product_id"], rows["product_added"]["quantity"]) == ("tea", 2)
    assert json.loads(rows["customer_identified"]["properties"])["city"] == "Kyoto"
