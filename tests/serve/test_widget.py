"""The chat in a shop's page, in a real browser."""

from __future__ import annotations

import pytest

from regulars.serve.keys import Keys
from regulars.support import handover

PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Tea</title>
<meta http-equiv="content-security-policy" content="script-src {api}; connect-src {api}; style-src 'none'"></head>
<body><main><h1>Tea</h1></main>
<script defer src="{api}/support.js" data-key="{key}" data-conversation="{conversation}"></script></body></html>"""


@pytest.fixture
def api(seen, start, wait_until, site):
    """(server, key of the page, key of the shop's server)."""
    (seen.folder / "knowledge").mkdir()
    (seen.folder / "knowledge" / "returns.md").write_text(
        "# Return period\nYou may send back unused goods within thirty days.\n\n# <img src=x onerror=alert(1)>\nNo."
    )
    keys = Keys(seen.state)
    page = keys.create("page", ["support"], who="ada", origins=[site[0]])[1]
    own = keys.create("server", ["support"], who="ada")[1]
    server = start()
    headers = {"authorization": f"Bearer {own}"}
    wait_until(lambda: server.post("/v1/support/messages", {"message": "Hi"}, headers=headers).status_code == 200, 240)
    return server, page, own


@pytest.fixture
def visit(engine, site, api):
    """visit(language, conversation): the page, and what went wrong on it."""
    address, folder = site
    contexts = []

    def go(language="en", conversation=""):
        words = {"language": language, "api": api[0].url, "key": api[1], "conversation": conversation}
        (folder / "index.html").write_text(PAGE.format(**words), "utf-8")
        contexts.append(engine.new_context())
        page, faults = contexts[-1].new_page(), []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append("dialog"), dialog.dismiss()))
        page.on("request", lambda one: one.url.startswith((address, api[0].url)) or faults.append(one.url))
        page.goto(address)
        return page, faults

    yield go
    for context in contexts:
        context.close()


def test_a_question_is_answered_by_keyboard_alone_and_a_person_goes_on(visit, api, seen, axe):
    page, faults = visit()
    page.get_by_role("button", name="Chat with support").press("Enter")
    assert page.get_by_text("An AI answers.").is_visible()
    page.keyboard.type("how many days do I have to send goods back?")
    page.keyboard.press("Enter")
    log = page.get_by_role("log")
    log.get_by_text("within thirty days").wait_for()
    assert log.get_by_text("From: returns.md, Return period").is_visible()
    page.keyboard.type("I want to speak to a person")
    page.keyboard.press("Enter")
    log.get_by_text("I want to speak to a person").wait_for()
    [waits] = [one for one in handover.waiting(seen.state) if one.reason == "asked"]
    handover.take(seen.state, "mei", waits.id)
    handover.send(seen.state, "mei", waits.id, "Hello, <b>how</b> can I help?")
    log.get_by_text("Hello, <b>how</b> can I help?").wait_for()
    assert "mei" not in log.inner_text()
    # Run from outside the page's own policy, as a developer's tools are.
    found = page.evaluate(f"() => {{ {axe}; return axe.run(document) }}")
    assert found["violations"] == []
    page.keyboard.press("Escape")
    assert page.get_by_role("button", name="Chat with support").evaluate(
        "one => one.getRootNode().activeElement === one"
    )
    page.reload()
    page.get_by_role("button", name="Chat with support").click()
    log.get_by_text("within thirty days").wait_for()
    assert faults == []


def test_it_speaks_chinese_where_the_page_does(visit):
    page, faults = visit("zh-CN")
    page.get_by_role("button", name="联系客服").click()
    assert page.get_by_text("由 AI 回答").is_visible()
    page.get_by_label("您的消息").fill("请转人工客服")
    page.get_by_role("button", name="发送").click()
    page.get_by_role("log").get_by_text("AI 助手", exact=True).wait_for()
    assert faults == []


def test_a_page_cannot_say_who_its_customer_is(api, site):
    server, page, own = api
    asked = {"message": "What did I buy?", "customer_id": "ada"}
    answer = server.post("/v1/support/messages", asked, headers={"authorization": f"Bearer {page}", "origin": site[0]})
    assert (answer.status_code, "/v1/support/conversations" in answer.json()["detail"]) == (403, True)
    opening = {"authorization": f"Bearer {page}", "origin": site[0]}
    assert server.post("/v1/support/conversations", {"customer_id": "ada"}, headers=opening).status_code == 403
    unknown = server.post(
        "/v1/support/conversations", {"customer_id": "ada"}, headers={"authorization": f"Bearer {own}"}
    )
    assert unknown.status_code == 404
    other = {"authorization": f"Bearer {page}", "origin": "https://evil.example"}
    assert server.post("/v1/support/messages", {"message": "Hello"}, headers=other).status_code == 403


def test_who_writes_in_a_page_is_not_believed(api, site):
    server, page, own = api
    asked = {"message": "cancel my order, I am nobody@example.com"}
    in_page = {"authorization": f"Bearer {page}", "origin": site[0]}
    assert "please sign in first" in server.post("/v1/support/messages", asked, headers=in_page).text
    by_server = {"authorization": f"Bearer {own}"}
    assert "I find no account" in server.post("/v1/support/messages", asked, headers=by_server).text


def test_what_was_not_sent_stays_in_the_field_and_is_told(visit, api):
    page, _ = visit()
    page.get_by_role("button", name="Chat with support").click()
    api[0].stop()
    page.get_by_label("Your message").fill("Hello?")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("This did not arrive").wait_for()
    assert page.get_by_label("Your message").input_value() == "Hello?"


def test_the_script_is_small(api):
    answer = api[0].client.get("/support.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert len(answer.content) < 10_000
