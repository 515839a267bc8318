"""Why a price is as it is, in words for the customer: English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The sentences of a language."""

    off: str
    stated: str
    nothing: str
    objected: str
    usual: str
    lot: str
    none: str
    held: str
    new: str
    volume: str
    kept: str

    def reasons(self, mode: str, share: float, policy: str, objects: bool) -> list[str]:
        """Why a customer has a discount, or has none."""
        said = [self.objected] if objects and mode != "personal" else []
        return [*said, self.reason(mode, share, policy).format(share=share)]

    def reason(self, mode: str, share: float, policy: str) -> str:
        """The one of a decision, with a place for the share."""
        if policy.startswith("stated rule"):
            return self.stated
        if mode != "personal":
            return self.off if mode == "off" else self.nothing
        if policy.startswith("drawn"):
            return self.lot
        return self.usual if share > 0 else self.none


SAID = {
    "en": Words(
        off="everyone pays the list price",
        stated="members have {share:.0%} off, all of them",
        nothing="no stated rule applies",
        objected="prices by personal data were objected to",
        usual="{share:.0%} off, by what was bought before and how sales answer prices",
        lot="{share:.0%} off, drawn by lot",
        none="the list price, by what was bought before and how sales answer prices",
        held="this price was shown before and stands",
        new="{share:.0%} off the first order, for all who are new",
        volume="{share:.0%} off for {count} and more, for all",
        kept="the list price: this product cannot be sold for less",
    ),
    "zh": Words(
        off="所有顾客同价",
        stated="会员均享 {share:.0%} 优惠",
        nothing="没有适用的公开优惠规则",
        objected="顾客已拒绝依据个人数据定价",
        usual="优惠 {share:.0%}：依据过往购买及销量对价格的反应",
        lot="优惠 {share:.0%}：随机抽取",
        none="按标价：依据过往购买及销量对价格的反应",
        held="此价格先前已展示，继续有效",
        new="首单优惠 {share:.0%}，所有新顾客均享",
        volume="满 {count} 件优惠 {share:.0%}，所有顾客均享",
        kept="按标价：此商品不能以更低的价格出售",
    ),
}
