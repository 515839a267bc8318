"""What the law asks a shop to write down is made from the shop itself."""

from __future__ import annotations

import pytest

from regulars.errors import InputError
from regulars.privacy.report import KINDS, LANGUAGES, report


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_both_reports_say_what_this_shop_holds_and_leave_open_what_only_people_know(planted, kind, language):
    said = report(planted, kind, language)
    assert planted.config.shop.name in said
    assert "[ ]" in said
    assert "`ip` (3)" in said
    assert "churn" in said  # a model of it was learned
    assert "**pricing**" not in said  # nothing was


def test_the_record_names_each_type_with_its_rows_and_how_long_it_is_kept(planted):
    said = report(planted, "record")
    assert "| `support_asked` | asked customer service | 1 | 1 | 2024-05-02 – 2024-05-02 | without end" in said


def test_an_unknown_report_is_refused(planted):
    with pytest.raises(InputError, match="record and assessment"):
        report(planted, "diary")
