"""What a bid request says of privacy: may what is known of the person be used?"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

PURPOSES = (1, 3, 4)
"""Of the Transparency and Consent Framework: to store ids, to make profiles for ads, and to choose ads by them."""
FIRST_PURPOSE = 152
"""The bit of the core string at which consents to purposes begin."""
TCF_VERSION = 2
TCF_SECTION = 2
"""Of the Global Privacy Platform: the European framework. Others that apply are not read, and count as a refusal."""
NO_SECTION = (-1, 0)

EUROPEAN = frozenset({
    "AUT", "BEL", "BGR", "CHE", "CYP", "CZE", "DEU", "DNK", "ESP", "EST", "FIN", "FRA", "GBR", "GRC", "HRV", "HUN",
    "IRL", "ISL", "ITA", "LIE", "LTU", "LUX", "LVA", "MLT", "NLD", "NOR", "POL", "PRT", "ROU", "SVK", "SVN", "SWE",
})  # fmt: skip
"""Countries (ISO 3166-1 alpha-3) of the European Economic Area, the United Kingdom and Switzerland."""


def may_profile(regs: Mapping[str, Any], device: Mapping[str, Any], consent: str | None, place: str | None) -> bool:
    """Whether the person may be known: not a child, no refusal of any kind, and consent where the law asks for it.

    Parameters
    ----------
    regs, device : objects of a bid request.
    consent : a consent string (TCF). place : as of `BidRequest`.
    """
    if regs.get("coppa") == 1 or device.get("lmt") == 1 or device.get("dnt") == 1:
        return False
    # Global Privacy Control, and an opt-out by the US privacy string (third letter Y).
    privacy = str(regs.get("us_privacy") or "")
    if str(regs.get("gpc", "")) == "1" or privacy[2:3].upper() == "Y":
        return False
    sections = _sections(regs.get("gpp"), regs.get("gpp_sid"))
    if any(each != TCF_SECTION for each in sections):
        return False
    gdpr = regs.get("gdpr")
    is_there = gdpr == 1 or (gdpr is None and (place or "").split("-")[0] in EUROPEAN)
    # A string beside no word on whether it applies may be a refusal: it is taken at its word.
    if is_there or TCF_SECTION in sections or (gdpr is None and consent):
        return consent is not None and allows(consent)
    return True


def allows(consent: str) -> bool:
    """Whether a consent string (TCF 2) consents to personalised ads; False too where it cannot be read.

    Source
    ------
    IAB Europe and IAB Tech Lab, Transparency and Consent String with Global Vendor & CMP List Formats v2, "The core
    string".

    Examples
    --------
    Purposes 1 to 6 are allowed; 1, 3, 9 and 10 are; and what is no such string.

    >>> allows("COxSKBCOxSKCCBcABCENAgCMAPzAAEPAAAqIDaQBQAMgAgABqAR0A2gDaQAwAMgAgANoAAA")
    True
    >>> allows("CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA"), allows("yes")
    (False, False)
    """
    core = consent.partition(".")[0]
    try:
        raw = base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    bits = "".join(f"{byte:08b}" for byte in raw[: (FIRST_PURPOSE + 24) // 8])
    if len(bits) < FIRST_PURPOSE + 24 or int(bits[:6], 2) != TCF_VERSION:
        return False
    return all(bits[FIRST_PURPOSE + purpose - 1] == "1" for purpose in PURPOSES)


def _sections(said: Any, named: Any) -> Sequence[Any]:
    """The sections of a privacy string (GPP) that apply; one that is not known where it names none."""
    if isinstance(named, list) and named:
        return [each for each in named if each not in NO_SECTION]
    return [None] if said else []
