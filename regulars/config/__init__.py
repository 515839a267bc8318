"""shop.toml: what a shop decides, typed; every mistake is named with its line."""

from regulars.config.capabilities import (
    CampaignSettings,
    ChurnSettings,
    FraudSettings,
    LifecycleSettings,
    PricingSettings,
    RecommendSettings,
    SupportSettings,
)
from regulars.config.foundations import LanguageSettings, SendingSettings, ServeSettings, ShopSettings
from regulars.config.whole import FILE, SECTIONS, Config, add_mapping, change, load, sample
from regulars.config.written import CHANNELS

__all__ = [
    "CHANNELS", "FILE", "SECTIONS", "CampaignSettings", "ChurnSettings", "Config", "FraudSettings", "LanguageSettings",
    "LifecycleSettings",
    "PricingSettings", "RecommendSettings", "SendingSettings", "ServeSettings", "ShopSettings", "SupportSettings",
    "add_mapping", "change", "load", "sample",
]  # fmt: skip
