"""The table of customers, as lists ask it."""

from __future__ import annotations

from regulars.console.index import Index


def test_who_waits_for_a_turn_while_the_table_is_made_anew_asks_the_new_one(shop, orders, monkeypatch):
    shop.import_(orders)
    index = Index(shop)
    index.make(shop, lambda done, total: None)

    class Turn:
        """Meanwhile another one took the place of the file."""

        def __enter__(self):
            (path,) = (shop.folder / "cache" / "console").iterdir()
            path.rename(path.with_name("customers-99.parquet"))

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(index, "_turn", Turn())
    assert index.one("ada")["spend"] == 4.5
