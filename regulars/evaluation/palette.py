"""The colours of every chart and page: each legible on white and on near-black."""

from __future__ import annotations

MODEL = "#2f80d0"
BASELINE = "#d9822b"
NEUTRAL = "#8a94a3"
GOOD = "#2a9d6f"
BAD = "#d4505e"
