"""Features of variety: products, categories, brands, channels, devices.

Their level has one row for each kind that a customer has to do with (a product bought, a category
bought from, a channel used): `rows` (order lines, or events), `orders`, `value` and `age_days` (since
the last time). One set of rules serves all five.
"""

from __future__ import annotations

from regulars.profile.features.feature import Feature, within


def _variety(kind: str, kinds: str, needs: str, of: str) -> tuple[Feature, ...]:
    return (
        Feature(kinds, f"different {kinds} {of}", kinds, None, needs, lambda k: k.count(), 0),
        Feature(
            f"{kind}_top_share", f"share of the most frequent {kind}", "share", None, needs,
            lambda k: k.rows.max() / k.rows.sum().cast("float64"),
        ),
        Feature(
            # ln n - sum(c ln c)/n is Shannon's entropy of counts c that sum to n.
            f"{kind}_entropy", f"evenness over {kinds} (0 all in one; higher is more even)", "nats", None, needs,
            lambda k: k.rows.sum().cast("float64").ln()
            - (k.rows * k.rows.cast("float64").ln()).sum() / k.rows.sum(),
        ),
    )  # fmt: skip


PRODUCTS = (
    *_variety("product", "products", "orders", "bought"),
    Feature(
        "product_repeat_share", "share of purchases that repeat an earlier product", "share", None, "orders",
        lambda k: 1.0 - k.count() / k.orders.sum().cast("float64"),
    ),
    Feature(
        "products_90d", "different products bought in the last 90 days", "products", 90, "orders",
        lambda k: within(k, 90).sum(), 0,
    ),
)  # fmt: skip

CATEGORIES = (
    *_variety("category", "categories", "categories", "bought from"),
    Feature(
        "categories_90d", "different categories bought from in the last 90 days", "categories", 90, "categories",
        lambda k: within(k, 90).sum(), 0,
    ),
)  # fmt: skip

BRANDS = _variety("brand", "brands", "brands", "bought")
CHANNELS = _variety("channel", "channels", "channels", "used")
DEVICES = _variety("device", "devices", "devices", "used")
