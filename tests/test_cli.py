"""The command line: what each command prints, and how each mistake ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from regulars import Shop
from regulars.cli import app
from regulars.cli.common import emit
from regulars.errors import InputError, NotFoundError

Exit = tuple[int, str, str]
Cli = Callable[..., Exit]

COMMANDS = (
    "init", "import", "rates", "events", "check", "compact", "vacuum", "doctor", "learn", "evaluate", "decide", "profile",
    "history", "rollback", "demo", "customers",
)  # fmt: skip

CHINESE = """订单编号,下单时间,用户ID,商品ID,商品名称,数量,单价
A1,2024-05-01 10:00:00,u1,p1,龙井茶,2,38.50
A2,2024-05-02 11:30:00,u2,p2,紫砂壶,1,268.00
"""


def parsed(result: Exit) -> Any:
    code, out, _ = result
    assert code == 0, result
    return json.loads(out)


def test_every_command_explains_itself_with_an_example() -> None:
    runner = CliRunner()
    whole = runner.invoke(app, ["--help"])
    assert whole.exit_code == 0
    for command in COMMANDS:
        found: Result = runner.invoke(app, [command, "--help"])
        assert found.exit_code == 0
        assert f"regulars {command}" in found.output
        assert command in whole.output


def test_init_makes_a_shop_with_its_settings(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    said = parsed(cli("init", folder, "--name", "Tea", "--currency", "GBP", "--timezone", "Europe/London", "--json"))
    assert said == {"shop": str(folder)}
    settings = Shop.open(folder).config.shop
    assert (settings.name, settings.currency, settings.timezone) == ("Tea", "GBP", "Europe/London")


def test_init_says_what_comes_next(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("init", tmp_path / "new")
    assert code == 0
    assert "regulars import FILE" in out.replace("\n", " ")


def test_import_shows_the_mapping_it_guessed_and_counts_rows(cli: Cli, shop: Shop, orders: Path) -> None:
    code, out, _ = cli("import", orders, "--shop", shop.folder, "--yes")
    assert code == 0
    assert "customer_id" in out
    assert "2 rows read: 2 added, 0 known already, 0 refused" in out
    code, out, _ = cli("import", orders, "--shop", shop.folder)
    assert "0 added, 2 known already" in out
    assert Shop.open(shop.folder).log.version == 1


def test_import_as_json_says_the_same(cli: Cli, shop: Shop, orders: Path) -> None:
    said = parsed(cli("import", orders, "--shop", shop.folder, "--json"))
    assert (said["read"], said["added"], said["duplicates"], said["rejected"]) == (2, 2, 0, 0)


def test_import_takes_a_mapping_from_a_file(cli: Cli, shop: Shop, tmp_path: Path) -> None:
    data = tmp_path / "till.csv"
    data.write_text("a;b;c\n01/05/2024;ada;4,50\n")
    (tmp_path / "till.toml").write_text(
        'time_format = "%d/%m/%Y"\ndecimal = ","\n[columns]\ntime = "a"\ncustomer_id = "b"\nunit_price = "c"\n'
        '[constants]\ntype = "order_completed"\n'
    )
    said = parsed(cli("import", data, "--shop", shop.folder, "--map", tmp_path / "till.toml", "--json"))
    assert said["added"] == 1
    row = shop.log.read("events").to_pylist()[0]
    assert (row["customer_id"], str(row["unit_price"])) == ("ada", "4.5000")
    assert row["time"].date().isoformat() == "2024-05-01"
    assert "till" in Shop.open(shop.folder).config.mappings()


def test_import_takes_a_mapping_written_as_in_shop_toml(cli: Cli, shop: Shop, orders: Path, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        '[mapping.mine.columns]\ntime = "date"\ncustomer_id = "product"\n[mapping.mine.constants]\ntype = "sign_in"\n'
    )
    parsed(cli("import", orders, "--shop", shop.folder, "--map", tmp_path / "m.toml", "--json"))
    assert {row["type"] for row in shop.log.read("events").to_pylist()} == {"sign_in"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[columns\n", 3),
        ('[columns]\ntime = "a"\n', 3),
        ('[mapping.a.columns]\ntime = "a"\n[mapping.b.columns]\ntime = "a"\n', 3),
        ("mapping = 3\n", 3),
        ('columns = "time"\n', 3),
        ('[columns]\ntime = "no such column"\n[constants]\ntype = "sign_in"\n', 5),
    ],
)
def test_a_bad_mapping_file_is_a_sentence(
    cli: Cli, shop: Shop, orders: Path, tmp_path: Path, text: str, code: int
) -> None:
    (tmp_path / "m.toml").write_text(text)
    assert cli("import", orders, "--shop", shop.folder, "--map", tmp_path / "m.toml")[0] == code
    assert shop.log.version == 0


def test_a_missing_mapping_file_is_a_sentence(cli: Cli, shop: Shop, orders: Path, tmp_path: Path) -> None:
    code, _, err = cli("import", orders, "--shop", shop.folder, "--map", tmp_path / "none.toml")
    assert code == 5
    assert "no such file" in err


def test_a_chinese_file_needs_no_mapping(cli: Cli, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "订单.csv"
    path.write_text(CHINESE, encoding="utf-8")
    assert parsed(cli("import", path, "--shop", shop.folder, "--json"))["added"] == 2
    rows = {row["order_id"]: row for row in shop.log.read("events").to_pylist()}
    assert (rows["A1"]["customer_id"], rows["A1"]["product_id"], rows["A1"]["quantity"]) == ("u1", "p1", 2.0)
    assert str(rows["A2"]["unit_price"]) == "268.0000"


def test_events_lists_what_the_log_holds(cli: Cli, with_orders: Path) -> None:
    said = parsed(cli("events", "--shop", with_orders, "--json"))
    assert said["version"] == 1
    assert [(row["type"], row["rows"], row["customers"]) for row in said["types"]] == [("order_completed", 2, 2)]
    assert said["sources"] == [{"source": "orders.csv", "rows": 2}]
    assert said["gaps"] == [{"first": "2024-05-02", "last": "2024-05-02", "days": 1}]
    code, out, _ = cli("events", "--shop", with_orders)
    assert code == 0
    assert "import of orders.csv" in out


def test_events_of_an_empty_shop_are_none(cli: Cli, shop: Shop) -> None:
    said = parsed(cli("events", "--shop", shop.folder, "--json"))
    assert (said["version"], said["types"], said["rows"]) == (0, [], 0)
    assert cli("events", "--shop", shop.folder, "--html", shop.folder / "e.html")[0] == 0


def test_the_shop_may_be_named_by_the_environment(cli: Cli, with_orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_SHOP", str(with_orders))
    assert parsed(cli("events", "--json"))["version"] == 1


def test_profile_of_one_customer_is_a_page(cli: Cli, with_orders: Path) -> None:
    said = parsed(cli("profile", "ada", "--shop", with_orders, "--json"))
    assert said["customer_id"] == "ada"
    assert said["features"]["orders"] == 1
    assert said["features"]["recency_days"] == 2
    assert said["stage"] == "new"
    code, out, _ = cli("profile", "ada", "--shop", with_orders)
    assert code == 0
    assert "This customer is new." in out


def test_profiles_of_all_are_written_to_files(cli: Cli, with_orders: Path) -> None:
    said = parsed(cli("profile", "--shop", with_orders, "--json"))
    assert said["customers"] == 2
    assert all(Path(path).is_file() for path in said["files"])
    code, out, _ = cli("profile", "--shop", with_orders)
    assert code == 0
    assert "2 customers" in out


def test_profile_is_as_of_the_time_asked_for(cli: Cli, with_orders: Path) -> None:
    said = parsed(cli("profile", "ada", "--shop", with_orders, "--as-of", "2024-05-11", "--json"))
    assert said["features"]["recency_days"] == 10
    assert cli("profile", "bob", "--shop", with_orders, "--as-of", "2024-05-02")[0] == 8


def test_learning_deciding_history_and_rollback_go_together(cli: Cli, own_tea_shop: Shop, tea_as_of: datetime) -> None:
    folder, moment = own_tea_shop.folder, tea_as_of.isoformat()
    own_tea_shop.models.use("churn", 1)
    said = parsed(cli("learn", "profile", "--shop", folder, "--until", moment, "--json"))
    assert [(row["capability"], row["version"]) for row in said] == [("profile", 2)]
    assert said[0]["verdict"]

    told = parsed(cli("history", "profile", "churn", "--shop", folder, "--json"))
    assert [(row["capability"], row["version"]) for row in told] == [("profile", 2), ("profile", 1), ("churn", 1)]
    code, out, _ = cli("history", "--shop", folder)
    assert code == 0
    assert "churn" in out

    assert parsed(cli("rollback", "profile", "1", "--shop", folder, "--json")) == {
        "capability": "profile",
        "version": 1,
    }
    used = {row["version"]: row["in_use"] for row in parsed(cli("history", "profile", "--shop", folder, "--json"))}
    assert used == {1: True, 2: False}
    code, out, _ = cli("rollback", "profile", "2", "--shop", folder)
    assert "uses version 2 now" in out.replace("\n", " ")

    decided = parsed(cli("decide", "--shop", folder, "--as-of", moment, "--json"))
    assert [row["capability"] for row in decided] == ["churn"]
    assert decided[0]["decisions"] > 0
    # What has learned nothing yet stands in nobody's way, unless it is asked for.
    assert "Not decided: No recommend model" in cli("decide", "--shop", folder, "--as-of", moment)[2].replace("\n", " ")
    assert cli("decide", "recommend", "--shop", folder, "--as-of", moment)[0] == NotFoundError.exit_code
    assert decided[0]["first"][0]["rank"] == 1
    code, out, _ = cli("decide", "churn", "--shop", folder, "--as-of", moment)
    assert code == 0
    assert "at risk" in out
    code, _, complaint = cli("decide", "churn", "--shop", folder, "--as-of", "2024-03-01")
    assert code == InputError.exit_code
    assert "it would know what came after 2024-03-01" in complaint.replace("\n", " ")


def test_evaluate_writes_a_page_and_keeps_nothing(cli: Cli, own_tea_shop: Shop, tmp_path: Path) -> None:
    words = ("evaluate", "profile", "--shop", own_tea_shop.folder, "--as-of", "2024-05-31")
    page = tmp_path / "report.html"
    said = parsed(cli(*words, "--html", page, "--json"))
    assert said[0]["capability"] == "profile"
    assert said[0]["horizon_days"] == 30
    assert page.read_text(encoding="utf-8").startswith("<!")
    assert own_tea_shop.models.versions("profile") == [1]
    code, out, _ = cli(*words, "--horizon", "20")
    assert code == 0
    assert "20 days ahead" in out


def test_history_of_nothing_says_how_to_begin(cli: Cli, shop: Shop) -> None:
    code, out, _ = cli("history", "--shop", shop.folder)
    assert code == 0
    assert "regulars learn" in out
    assert parsed(cli("history", "--shop", shop.folder, "--json")) == []


MISTAKES: list[tuple[int, str, tuple[str, ...]]] = [
    (4, "is no shop", ("events", "--shop", "{tmp}/nowhere")),
    (4, "is no shop", ("import", "{tmp}/orders.csv", "--shop", "{tmp}")),
    (4, "is a shop already", ("init", "{shop}")),
    (5, "is no time zone", ("init", "{tmp}/new", "--timezone", "London")),
    (5, "--currency", ("init", "{tmp}/new", "--currency", "pounds")),
    (5, "none.csv", ("import", "{tmp}/none.csv", "--shop", "{shop}")),
    (5, "", ("import", "{tmp}/binary.csv", "--shop", "{shop}")),
    (5, "", ("import", "{tmp}/empty.csv", "--shop", "{shop}")),
    (5, "holds no file to import", ("import", "{empty}", "--shop", "{shop}")),
    (6, "", ("import", "{tmp}/broken.csv", "--shop", "{shop}", "--strict", "--yes")),
    (8, 'no customer "eve"', ("profile", "eve", "--shop", "{shop}")),
    (8, 'no capability "luck"', ("learn", "luck", "--shop", "{shop}")),
    (8, 'no capability "luck"', ("evaluate", "luck", "--shop", "{shop}")),
    (8, 'no capability "luck"', ("decide", "luck", "--shop", "{shop}")),
    (8, 'no capability "luck"', ("history", "luck", "--shop", "{shop}")),
    (8, 'no capability "luck"', ("rollback", "luck", "1", "--shop", "{shop}")),
    (8, "no version 7 of churn", ("rollback", "churn", "7", "--shop", "{shop}")),
    (8, "regulars learn churn", ("decide", "churn", "--shop", "{shop}")),
    (8, "does not act", ("decide", "profile", "--shop", "{shop}")),
    (9, "", ("learn", "--shop", "{shop}")),
    (9, "", ("evaluate", "--shop", "{shop}")),
    (9, "is empty", ("profile", "--shop", "{empty}")),
    (9, "", ("profile", "--shop", "{shop}", "--as-of", "2020-01-01")),
    (5, '"soon" is no time', ("learn", "--shop", "{shop}", "--until", "soon")),
    (5, "is no time", ("profile", "ada", "--shop", "{shop}", "--as-of", "2024-13-01")),
    (5, "is no time", ("decide", "--shop", "{shop}", "--as-of", "01/05/2024")),
    (5, "1970 to 2200", ("evaluate", "--shop", "{shop}", "--as-of", "0001-01-01")),
    (5, "1970 to 2200", ("learn", "--shop", "{shop}", "--until", "9999-12-31")),
    (4, "is a file", ("init", "{tmp}/broken.csv")),
    (5, "too large a number", ("vacuum", "--shop", "{shop}", "--keep-days", "99999999999")),
    (5, "too large a number", ("keys", "revoke", "99999999999999999999", "--shop", "{shop}")),
    (5, "UTF-8", ("customers", "show", "\udcff", "--shop", "{shop}")),
    (5, "not both", ("customers", "erase", "ada", "--again", "--yes", "--shop", "{shop}")),
    (5, "--again", ("customers", "erase", "ada", "--erased", "x.json", "--yes", "--shop", "{shop}")),
    (5, "--check", ("restore", "{tmp}", "{tmp}/new", "--check")),
]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(("code", "said", "words"), MISTAKES, ids=[" ".join(words) for _, _, words in MISTAKES])
def test_a_mistake_is_a_sentence_and_an_exit_code(
    cli: Cli, with_orders: Path, tmp_path: Path, code: int, said: str, words: tuple[str, ...], as_json: bool
) -> None:
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "broken.csv").write_text("date,customer,product,price\n2024-05-01,ada,tea,4.50\nnever,bob,pot,x\n")
    empty = Shop.create(tmp_path / "empty")
    places = {"tmp": tmp_path, "shop": with_orders, "empty": empty.folder}
    found, out, err = cli(*(word.format(**places) for word in words), *["--json"] * as_json)
    assert found == code, (out, err)
    if as_json:
        told = json.loads(out)
        assert told["exit_code"] == code
        assert said in told["error"]
    else:
        assert err.startswith("Error: ")
        assert said in err
    assert Shop.open(with_orders).log.version == 1


def test_a_mistake_in_the_settings_names_the_line(cli: Cli, with_orders: Path) -> None:
    settings = with_orders / "shop.toml"
    settings.write_text(settings.read_text().replace('currency = "EUR"', 'currency = "euros"'))
    line = next(n for n, text in enumerate(settings.read_text().splitlines(), 1) if "euros" in text)
    code, _, err = cli("events", "--shop", with_orders)
    assert code == 3
    assert f"shop.toml, line {line}: " in err.replace("\n", "")


def test_a_damaged_log_ends_with_its_own_code(cli: Cli, with_orders: Path) -> None:
    for path in (with_orders / "log" / "data").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-9])
    code, _, err = cli("events", "--shop", with_orders)
    assert code == 7
    assert "Restore it from a backup" in err.replace("\n", " ")


def test_a_typing_mistake_ends_with_two(cli: Cli) -> None:
    assert cli("lern")[0] == 2
    assert cli("rollback", "churn", "one")[0] == 2
    assert cli("evaluate", "--horizon", "0")[0] == 2


def test_what_is_no_number_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"lift": float("nan"), "rows": [{"share": float("inf"), "days": 3}]})

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    assert json.loads(capsys.readouterr().out, parse_constant=refuse) == {
        "lift": None, "rows": [{"share": None, "days": 3}],
    }  # fmt: skip


def test_a_shop_of_brackets_is_a_name_and_no_markup(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("events", "--shop", tmp_path / "[bold]x[/nope]")
    assert code == 4
    assert "[bold]x[/nope]" in err


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "regulars", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def test_real_processes_do_the_same(tmp_path: Path, orders: Path) -> None:
    assert run("init", "shop", cwd=tmp_path).returncode == 0
    # Without a terminal to ask at, the guess is taken.
    assert run("import", orders, "--shop", "shop", cwd=tmp_path).returncode == 0
    done = run("profile", "ada", "--json", cwd=tmp_path / "shop")
    assert json.loads(done.stdout)["features"]["orders"] == 1
    wrong = run("profile", "eve", cwd=tmp_path / "shop")
    assert wrong.returncode == 8
    assert wrong.stderr.startswith("Error: ")
    assert wrong.stdout == ""


def test_the_demo_ends_well_with_a_report_and_lists(gift_shop: Shop) -> None:
    said = json.loads((gift_shop.folder.parent / "stdout.json").read_text())
    assert all(Path(path).is_file() for path in said["files"])
    assert len(said["findings"]) == 19
    assert (gift_shop.folder / "report.html").is_file()
    for name in ("behavior", "profile", "churn", "recommend"):
        assert gift_shop.models.version_in_use(name) == 1


@pytest.fixture
def export(tmp_path: Path, orders: Path) -> Path:
    """A folder with a good file, one with a bad row, one that is none, and one of no known kind."""
    folder = tmp_path / "export"
    folder.mkdir()
    good = orders.read_text()
    (folder / "a.csv").write_text(good)
    (folder / "b.csv").write_text(good.replace("05-01", "06-01").replace("2024-05-03", "never"))
    (folder / "c.csv").write_text("date\n")
    (folder / "d.pdf").write_text("")
    return folder


def test_of_many_files_each_is_an_entry_and_a_bad_one_does_not_stop_the_rest(
    cli: Cli, shop: Shop, export: Path
) -> None:
    code, out, _ = cli("import", export, "--shop", shop.folder, "--json")
    first, second, third, fourth = json.loads(out)
    assert (first["source"], first["added"], first["version"]) == (str(export / "a.csv"), 2, 1)
    assert (second["added"], second["rejected"], second["version"]) == (1, 1, 2)
    assert (third["kind"], third["exit_code"]) == ("InputError", 5)
    assert fourth == {"source": str(export / "d.pdf"), "skipped": "not a kind of file that is known"}
    assert code == 5
    assert cli("import", export, "--shop", shop.folder, "--json", "--strict")[0] == 6


def test_of_many_files_there_is_a_line_each_and_a_total(cli: Cli, shop: Shop, export: Path) -> None:
    code, out, err = cli("import", export / "a.csv", export, "--shop", shop.folder, "--yes")
    out = out.replace("\n", " ")
    assert code == 5
    assert "b.csv: 2 rows read: 1 added, 0 known already, 1 refused" in out
    assert "c.csv: not imported" in out
    assert "d.pdf: skipped" in out
    assert "3 files imported, 1 not, 1 skipped; 6 rows read: 3 added, 2 known already, 1 refused. The log is" in out
    assert "no rows after it" in err


@pytest.mark.parametrize("how", ["--json", "--yes"])
def test_a_file_whose_name_is_no_utf8_does_not_stop_the_rest(cli: Cli, shop: Shop, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.csv", "\udcb6\udca9.csv"):
        (folder / name).write_text("date,customer,product,price\n2024-05-01,ada,tea,4.50\n")
    code, out, err = cli("import", folder, "--shop", shop.folder, how)
    assert code == 5
    assert "Give it another name" in out + err
    assert Shop.open(shop.folder).log.read("events").num_rows == 1


def test_one_file_in_a_folder_is_still_a_list(cli: Cli, shop: Shop, orders: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    orders.rename(tmp_path / "one" / "orders.csv")
    (entry,) = parsed(cli("import", tmp_path / "one", "--shop", shop.folder, "--json"))
    assert entry["added"] == 2
