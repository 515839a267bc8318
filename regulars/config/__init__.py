"""shop.toml: what a shop decides, typed; every mistake is named with its line."""

from regulars.config.acting import (
    CampaignSettings,
    FraudSettings,
    LifecycleSettings,
    PricingSettings,
    SupportSettings,
)
from regulars.config.foundations import LanguageSettings, SendingSettings, ServeSettings, ShopSettings
from regulars.config.learning import ChurnSettings, RecommendSettings
from regulars.config.whole import FILE, SECTIONS, Config, add_mapping, change, load, sample
from regulars.config.written import CHANNELS

__all__ = [
    "CHANNELS", "FILE", "SECTIONS", "CampaignSettings", "ChurnSettings", "Config", "FraudSettings", "LanguageSettings",
    "LifecycleSettings",
    "PricingSettings", "RecommendSettings", "SendingSettings", "ServeSettings", "ShopSettings", "SupportSettings",
    "add_mapping", "change", "load", "sample",
]  # fmt: skip
