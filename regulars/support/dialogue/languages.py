"""In which language a message is written, as far as an answer needs it, and the notices in each."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

NOTICES: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "notices.toml").read_text("utf-8"))
"""{language: {"ai": that an AI answers, "person": that a person goes on}}."""

_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("ja", r"[\u3040-\u30ff]"),
    ("ko", r"[\uac00-\ud7af\u1100-\u11ff]"),
    ("zh", r"[\u3400-\u9fff]"),
    ("th", r"[\u0e00-\u0e7f]"),
    ("hi", r"[\u0900-\u097f]"),
    ("bn", r"[\u0980-\u09ff]"),
    ("he", r"[\u0590-\u05ff]"),
    ("el", r"[\u0370-\u03ff]"),
    ("fa", r"[\u067e\u0686\u0698\u06af\u06cc\u06a9]"),
    ("ar", r"[\u0600-\u06ff]"),
    ("uk", r"[іїєґІЇЄҐ]"),
    ("bg", r"[ъЪ](?!е|ё|ю|я)\w|\b(?:съм|искам|поръчка\w*|моля|върна)\b"),
    ("ru", r"[\u0400-\u04ff]"),
)
"""One after the other: a sign that only one language has comes before the letters that several share."""

_COMMON: dict[str, str] = {
    "en": "the and is to my i want of for please order it in you with return cancel not have a an or are do does did "
    "can could how what when where who which why me we your has would about any there this that no yes",
    "de": "der die das und ist ich nicht mein meine bitte zu möchte bestellung eine ein mit für wo zurückgeben",
    "fr": "le la les et est je pas mon ma mes vous une un pour commande voudrais s'il avec dans des où",
    "es": "el los las y es mi mis quiero por favor pedido una un para con no devolver dónde está hola",
    "it": "il gli e è mio mia vorrei per favore ordine una un con non che di dove restituire ciao",
    "pt": "o os as e é meu minha quero por favor pedido uma um para com não devolver onde está olá",
    "nl": "de het een en is ik niet mijn graag bestelling met voor wil terugsturen waar van",
    "sv": "och är jag inte min mitt vill beställning en ett med för att var returnera tack",
    "da": "og er jeg ikke min mit vil bestilling en et med for at hvor returnere tak gerne",
    "no": "og er jeg ikke min mitt vil bestilling bestillingen en et med for å hvor returnere takk gjerne",
    "fi": "ja on en minun haluan tilaus tilaukseni kiitos missä palauttaa ei että voinko peruuttaa",
    "pl": "i jest nie moje mój chcę proszę zamówienie z do gdzie zwrócić się na że",
    "cs": "a je ne můj moje chci prosím objednávka objednávku s do kde vrátit se na že",
    "hu": "és az egy nem szeretném kérem rendelés rendelésem hol visszaküldeni van hogy a",
    "ro": "și este nu meu mea vreau vă rog comanda comandă cu pentru unde returnez în să o",
    "tr": "ve bir bu değil benim istiyorum lütfen sipariş siparişim siparişimi ile için nerede iade etmek",
    "vi": "tôi và là không của muốn vui lòng đơn hàng với cho ở đâu trả lại một",
    "id": "dan adalah tidak saya ingin tolong pesanan dengan untuk di mana mengembalikan ini itu yang",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}


def language_of(text: str, before: str = "en") -> str:
    """In which language is a message written?

    Parameters
    ----------
    text : a cleaned message.
    before : what to keep to if the message does not tell: "ok", a number, an emoji.

    Returns
    -------
    A key of `NOTICES`.

    Examples
    --------
    >>> [language_of(said) for said in ("Where is my order?", "我的订单在哪", "Wo ist meine Bestellung?", "👍")]
    ['en', 'zh', 'de', 'en']
    """
    for language, pattern in _SCRIPTS:
        if re.search(pattern, text):
            return language
    said = set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.casefold()))
    # A word of one letter alone ("a", "o") is one of many languages.
    counts = {
        language: len(met) for language, words in _WORDS.items() if max(map(len, met := said & words), default=0) > 1
    }
    most = max(counts.values(), default=0)
    if most == 0 or counts.get(before, 0) == most:
        return before
    return max(counts, key=lambda language: (counts[language], language == "en"))
