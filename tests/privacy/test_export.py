"""A copy of all that is kept about a customer, which somebody else can read in."""

from __future__ import annotations

import io
import json
import zipfile

from regulars import Shop
from regulars.customers import customers_as_of
from regulars.events.mapping import Mapping
from regulars.support import Chat, Desk, OwnTables
from tests.privacy.conftest import IDS, MARKS, QUESTION, account


def exported(shop, cli, customer, tmp_path):
    file = tmp_path / "copy.zip"
    code, said, wrong = cli("customers", "export", customer, file, "--shop", shop.folder, "--json")
    assert code == 0, wrong
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        return json.loads(said), {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def test_a_copy_holds_all_of_one_customer_and_nothing_of_others(planted, cli, tmp_path):
    said, files = exported(planted, cli, IDS[2], tmp_path)
    whole = "".join(json.dumps(json.loads(files[name]), ensure_ascii=False) for name in files if name.endswith(".json"))
    whole += files["events.jsonl"]
    assert [mark for mark in MARKS if mark not in whole.replace("\\", "")] == []
    assert said["rows"]["events"] == 7  # the refund of her order, which names nobody, too
    assert "order-bob-1" not in whole
    assert "is there more tea?" not in whole
    state = json.loads(files["state.json"])
    assert [row["text"] for row in state["support_messages"]] == [QUESTION]
    assert set(json.loads(files["tables.json"])) == {"churn/decisions", "profile/decisions", "segment/decisions"}


def test_the_copy_read_into_an_empty_shop_gives_the_same_customer(planted, cli, tmp_path):
    _, files = exported(planted, cli, IDS[0], tmp_path)
    path = tmp_path / "events.jsonl"
    path.write_text(files["events.jsonl"], encoding="utf-8")
    rows = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    columns = {name: name for row in rows for name in row if name not in ("received_at", "line", "properties")}
    other = Shop.create(tmp_path / "other")
    assert other.import_(path, mapping=Mapping("copy", columns)).rejected == 0
    moment = planted.now
    (hers,) = [row for row in customers_as_of(planted, moment).to_pylist() if row["customer_id"] == IDS[0]]
    (theirs,) = customers_as_of(other, moment).to_pylist()
    assert theirs["customer_id"] == hers["customer_id"]
    assert sorted(theirs["other_ids"]) == sorted(hers["other_ids"])


def test_whom_support_alone_knows_has_a_copy_too(planted, cli, tmp_path):
    own = OwnTables(planted.state)
    own.load([account("grace-0042", "Grace", "Hopper", "Grace@Navy.example"), account("bob", "Bob", "Stone", "b@t.ex")])
    chat = Chat(Desk(planted.state, own))
    for said in ("my mail is grace@navy.example", "I am Bob Stone"):
        chat.say(chat.open(), f"{said}: cancel my order, no longer needed")
    counts, files = exported(planted, cli, "grace-0042", tmp_path)
    assert counts["rows"]["events"] == 0
    assert json.loads(files["customer.json"])["customer_id"] == "grace-0042"
    state = json.loads(files["state.json"])
    assert "Hopper" in json.dumps(state["support_customers"])
    assert "grace@navy.example" in json.dumps(state["support_messages"])
    assert "Stone" not in files["state.json"]
