"""Makes the vectors of the starter set anew, after its questions or the encoder have changed: half a minute.

python -m benchmarks.support_starter
"""

from __future__ import annotations

import numpy as np
from safetensors.numpy import save

from regulars import storage
from regulars.language.embedding import embed
from regulars.language.retrieval import QUESTIONS
from regulars.support.intent import starter
from regulars.support.intent.closer import KEPT, mark
from regulars.support.intent.features import plain


def main() -> None:
    """Write them beside the questions."""
    vectors = embed([plain(text) for text in starter()[0]], None, QUESTIONS)
    storage.replace(KEPT, save({"vectors": vectors.astype(np.float16)}, mark()))


if __name__ == "__main__":
    main()
