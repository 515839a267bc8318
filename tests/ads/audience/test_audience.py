"""Exports: hashes as platforms make them, nothing in the clear, nobody who cannot be matched."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.ads.audience import hashed, normal_email, normal_phone, write
from regulars.errors import InputError, NotEnoughError

PEOPLE = [
    {"email": "Ada@Tea.example", "phone": "020 7946 0000", "jurisdiction_country": "GB"},
    {"email": None, "phone": "+33 1 23 45 67 89", "jurisdiction_country": None},
    {"email": "no address", "phone": None, "jurisdiction_country": "DE"},
]


@pytest.mark.parametrize("platform", ["google", "meta"])
def test_a_file_holds_hashes_and_nothing_in_the_clear(tmp_path: Path, platform: str) -> None:
    assert write(tmp_path / "list.csv", PEOPLE, platform) == (2, 1)
    text = (tmp_path / "list.csv").read_text()
    assert sha256(b"ada@tea.example").hexdigest() in text
    number = b"+442079460000" if platform == "google" else b"442079460000"
    assert sha256(number).hexdigest() in text
    assert "@" not in text
    assert "7946" not in text
    assert text.splitlines()[0].replace('"', "").lower() == "email,phone,country"
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("030 123456", "Germany", "+4930123456"), ("49 30 123456", "DE", "+4930123456"),
        ("1 (212) 555-0100", "US", "+12125550100"), ("212-555-0100", "United States", "+12125550100"),
        ("391 234 5678", "IT", "+393912345678"), ("39 391 234 5678", "Italia", "+393912345678"),
        ("91987 65432", "IN", "+919198765432"), ("47 12 34 56", "NO", "+4747123456"), ("06 1 234 5678", "HU", "+3612345678"),
        ("138 0013 8000", "中国", "+8613800138000"), ("86 138 0013 8000", "CN", "+8613800138000"),
    ],
)  # fmt: skip
def test_a_number_is_of_its_country_however_both_are_written(
    tmp_path: Path, written: str, country: str, number: str
) -> None:
    assert normal_phone(written, country, "google") == number
    write(tmp_path / "list.csv", [{"email": None, "phone": written, "jurisdiction_country": country}], "google")
    line = (tmp_path / "list.csv").read_text().splitlines()[1].replace('"', "")
    assert line.split(",")[1] == sha256(number.encode()).hexdigest()
    assert len(line.split(",")[2]) == 2


def test_one_person_twice_is_one_row(tmp_path: Path) -> None:
    assert write(tmp_path / "list.csv", [PEOPLE[0], dict(PEOPLE[0])], "google") == (1, 0)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There are: google, meta"):
        write(tmp_path / "list.csv", PEOPLE, "other")
    with pytest.raises(InputError, match=r"ends in \.csv"):
        write(tmp_path / "list.xlsx", PEOPLE, "meta")
    with pytest.raises(NotEnoughError, match="none of 1 customers"):
        write(tmp_path / "list.csv", PEOPLE[2:], "meta")
    assert not list(tmp_path.iterdir())


@given(st.text(max_size=30), st.sampled_from(["google", "meta"]))
def test_normalising_twice_changes_nothing(text: str, platform: str) -> None:
    email = normal_email(text, platform)
    assert normal_email(email, platform) == email
    phone = normal_phone(text, "DE", platform)
    if platform == "google":
        assert normal_phone(phone, None, platform) == phone
    assert hashed(email) == "" if email is None else len(hashed(email)) == 64


def test_only_gmail_loses_its_dots() -> None:
    assert normal_email("a.b+c@googlemail.com", "google") == "ab@googlemail.com"
    assert normal_email("a.b+c@tea.example", "google") == "a.b+c@tea.example"
    assert normal_phone("02 1234 5678", "IT", "google") == "+390212345678"
    assert normal_phone("0044 20 7946 0000", None, "meta") == "442079460000"
    assert normal_phone("12", "GB", "meta") is None
