"""The law as data: the strictest holds, words are to the byte, and no personal price leaves without them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from regulars.customers.countries import country_code
from regulars.errors import ConfigError
from regulars.pricing.guard import GuardError
from regulars.pricing.law import MODES, Law, Quote, strictest

AT = date(2026, 11, 24)
NEW_YORK = b"THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."


@pytest.fixture(scope="module")
def law() -> Law:
    return Law.known()


@pytest.mark.parametrize("region", ["NY", "New York", "new york", "US-NY"])
def test_new_yorks_words_are_there_to_the_byte(law: Law, region: str) -> None:
    terms = law.terms("US", region, AT)
    assert terms.place == "US-NY"
    assert NEW_YORK in [sentence.encode() for sentence in terms.sentences]


@pytest.mark.parametrize("region", [None, "", "N.Y. State", "Ontario"])
def test_of_an_american_whose_state_is_not_understood_the_strictest_state_holds(law: Law, region: str | None) -> None:
    terms = law.terms("USA", region, AT)
    assert terms.place == "US"
    assert [sentence.encode() for sentence in terms.sentences] == [NEW_YORK]
    assert law.terms("USA", region, AT, kinds=["food"]).mode == "declared"


@pytest.mark.parametrize("country", [None, "", "Atlantis"])
def test_of_whom_nothing_is_known_the_strictest_of_all_holds(law: Law, country: str | None) -> None:
    terms = law.terms(country, None, AT)
    assert terms.place == ""
    assert terms.mode == strictest(*(row.mode for row in law.rows if row.status == "in force"))


def test_china_allows_stated_rules_alone(law: Law) -> None:
    assert law.terms("中国", None, AT).mode == "declared"
    assert law.terms("CN", "Shanghai", AT, language="zh-CN").sentences[0].startswith("本优惠按公开规则")


def test_a_place_without_a_row_is_not_free_of_law(law: Law) -> None:
    terms = law.terms("Japan", None, AT)
    assert (terms.mode, terms.laws) == ("declared", ("anywhere-else",))


@pytest.mark.parametrize("country", ["DE", "DEU", "germany", "Deutschland", "德国"])
def test_a_country_is_understood_however_the_rest_of_the_program_does(law: Law, country: str) -> None:
    assert law.place(country, None) == country_code(country) == "DE"


def test_food_in_maryland_is_another_matter_than_other_products(law: Law) -> None:
    assert law.terms("US", "MD", AT).mode == "personal"
    assert law.terms("US", "MD", AT, kinds=["food"]).mode == "declared"
    assert law.terms("US", "MD", date(2026, 9, 30), kinds=["food"]).mode == "personal"


def test_a_bill_that_is_announced_or_vetoed_does_not_count(law: Law) -> None:
    assert law.terms("US", "CO", AT).mode == "personal"
    assert law.terms("US", "NY", date(2027, 6, 1)).mode == "personal"


@pytest.mark.parametrize(("language", "start"), [("de-AT", "Dieser Preis"), ("fr", "Ce prix"), ("fi", "This price")])
def test_sentences_are_in_the_customers_language_where_there_is_one(law: Law, language: str, start: str) -> None:
    assert law.terms("AT", None, AT, language=language).sentences[0].startswith(start)


def test_every_row_says_where_from_and_when_it_was_checked(law: Law) -> None:
    for row in law.rows:
        assert row.source
        assert row.asks
        assert row.mode in MODES
        assert row.checked >= date(2026, 11, 24)
        # Whoever may be given a personal price can be told so.
        if row.status == "in force" and row.mode == "personal":
            assert law.terms(*_place_of(law, row.place), AT).sentences


def _place_of(law: Law, place: str) -> tuple[str, str | None]:
    country, _, region = place.partition("-")
    return law.groups.get(country, (country,))[0], region or None


def test_a_shops_own_row_takes_the_place_of_a_known_one(tmp_path: Path) -> None:
    own = tmp_path / "pricing" / "law.toml"
    own.parent.mkdir()
    text = '[[law]]\nid = "us-ny-ban"\nplace = "US-NY"\nmode = "off"\nstatus = "in force"\nfrom = 2026-12-31\n'
    own.write_text(text + 'asks = "x"\nsource = "y"\nchecked = 2027-01-02\n')
    law = Law.known(tmp_path)
    assert law.terms("US", "NY", date(2026, 12, 30)).mode == "personal"
    assert law.terms("US", "NY", date(2026, 12, 31)).mode == "off"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('mode = "off"', 'mode = "maybe"', "one of off, declared, personal"),
        ("from = 2026-12-31", 'from = "soon"', "a day is expected"),
        ('source = "y"', "", "source is missing"),
        ('source = "y"', 'source = "y"\nwhere = "x"', "there is no where"),
        ('place = "US-NY"', 'place = "UK"', 'no customer is ever there. For this place write "GB"'),
        ('place = "US-NY"', 'place = "us-ny"', 'For this place write "US-NY"'),
        ('place = "US-NY"', 'place = "Atlantis"', r"A country as in ISO 3166 is expected \(DE\)"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    own = tmp_path / "pricing" / "law.toml"
    own.parent.mkdir()
    text = '[[law]]\nid = "x"\nplace = "US-NY"\nmode = "off"\nstatus = "in force"\nfrom = 2026-12-31\nasks = "x"\n'
    own.write_text((text + 'source = "y"\nchecked = 2027-01-02\n').replace(old, new))
    with pytest.raises(ConfigError, match=f"law 1.*{said}"):
        Law.known(tmp_path)


@pytest.fixture
def quote(law: Law) -> Quote:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    terms = law.terms("US", "NY", at)
    return Quote(
        "tea", "ada", Decimal("9.00"), Decimal("10.00"), "USD", "personal", True, "\n".join(terms.sentences), terms,
        ("comes less often",), "margin", 1, 0.9, at,
    )  # fmt: skip


def test_a_personal_price_carries_its_words(quote: Quote) -> None:
    said = quote.to_dict()
    assert said["personalised"] is True
    assert NEW_YORK.decode() in said["disclosure"].split("\n")
    assert said["why"] == ["comes less often"]


@pytest.mark.parametrize("words", ["", NEW_YORK.decode().lower(), f"{NEW_YORK.decode()} AND MORE"])
def test_a_personal_price_without_its_words_to_the_byte_is_refused(quote: Quote, words: str) -> None:
    with pytest.raises(GuardError, match="needs these words"):
        replace(quote, disclosure=words)


def test_a_personal_price_is_refused_where_the_shop_or_the_place_forbids_it(quote: Quote, law: Law) -> None:
    for mode in ("off", "declared"):
        with pytest.raises(GuardError, match=f"personal prices are {mode} here"):
            replace(quote, mode=mode)
    with pytest.raises(GuardError, match="personal prices are declared here"):
        replace(quote, terms=law.terms("CN", None, AT))


def test_nobody_pays_more_than_the_list_price(quote: Quote) -> None:
    with pytest.raises(GuardError, match="not more than"):
        replace(quote, price=Decimal("10.01"))
    with pytest.raises(GuardError, match="more than 0"):
        replace(quote, price=Decimal(0))


def test_what_everyone_pays_needs_no_words(quote: Quote) -> None:
    plain = replace(quote, price=quote.list_price, personalised=False, disclosure="", mode="off")
    assert plain.to_dict()["disclosure"] is None
