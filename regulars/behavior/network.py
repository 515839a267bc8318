"""The network: from tokens to states, and from states to what comes next."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from regulars.behavior.buckets import BINS
from regulars.behavior.dropout import Dropout
from regulars.behavior.products import Products
from regulars.behavior.sequences import FIELDS
from regulars.behavior.sizes import Settings
from regulars.behavior.transformer import Block, Seen, Where
from regulars.behavior.vocabulary import Content, Vocabulary

Cache = list[tuple[Tensor, Tensor]]


class Network(nn.Module):
    """Tokens in, states out; heads that read a state.

    A state (D numbers, normed) after a token is all that is known of the customer then. The chance of what comes next
    is that of its type, times that of its product given the type, times that of its time: their heads share no more
    than the state.
    """

    def __init__(self, vocabulary: Vocabulary, content: Content, settings: Settings) -> None:
        super().__init__()
        size = settings.size
        d = size.dimensions
        self.size, self.is_timed = size, vocabulary.is_timed
        self.drop = Dropout(settings.dropout)
        self.products = Products(content, vocabulary.counts, d)
        self.fields = nn.ModuleDict({f"of_{name}": nn.Embedding(count, d) for name, count in vocabulary.sizes.items()})
        self.blocks = nn.ModuleList(Block(size, self.drop, is_timed=vocabulary.is_timed) for _ in range(size.layers))
        self.norm = nn.RMSNorm(d)
        kinds = len(vocabulary.types) + 1
        self.has_types = kinds > 2
        self.type_head = nn.Linear(d, kinds)
        self.product_of_type = nn.Embedding(kinds, d) if self.has_types else None
        self.hazard_head = nn.Linear(d, BINS)
        self.spend_head = nn.Linear(d, 3)
        self.apply(_start)

    def embed(self, fields: Tensor, vectors: Tensor, places: Tensor | None = None) -> Tensor:
        """Tokens (…, D) from their fields (…, f).

        `vectors` (k, D) are those of the products; `places` (…) says which of them, by default the product's number.
        """
        at = fields[..., FIELDS.index("product")] if places is None else places
        x = F.embedding(at, vectors)
        for name, table in self.fields.items():
            x = x + table(fields[..., FIELDS.index(name.removeprefix("of_"))])
        return cast(Tensor, self.drop(x))

    def forward(self, x: Tensor, where: Where) -> Tensor:
        """States (B, T, D) of whole rows of tokens (B, T, D)."""
        if x.is_cuda:
            # Torch's compiler takes two seconds to be imported.
            from regulars.behavior import fused  # noqa: PLC0415

            return cast(
                Tensor, self.norm(fused.states(self.blocks, x, where, self.size.context, is_timed=self.is_timed))
            )
        seen = self._seen(where, None, None)
        for block in self.blocks:
            x, _ = block(x, seen)
        return cast(Tensor, self.norm(x))

    def advance(
        self, x: Tensor, where: Where, before: Where | None, cache: Cache, only: Tensor
    ) -> tuple[Tensor, Cache]:
        """States (B, N, D) of some tokens that follow others, and keys and values of all.

        Parameters
        ----------
        x, where : (B, T, D), (B, T) the tokens.
        before, cache : where tokens before them stand, and their keys and values of each block; None and [] for none.
        only : (B, N) places of those whose states are wanted: the last block need not do the work for the others.
        """
        seen = self._seen(where, before, None) if len(self.blocks) > 1 else None
        kept: Cache = []
        for number, block in enumerate(self.blocks):
            is_last = number == len(self.blocks) - 1
            given = self._seen(where, before, only) if is_last else seen
            x, own = block(x, given, cache[number] if cache else None, only if is_last else None)
            kept.append(own)
        return cast(Tensor, self.norm(x)), kept

    def _seen(self, where: Where, before: Where | None, only: Tensor | None) -> Seen:
        asked = where if before is None else before.before(where)
        itself = torch.arange(where.place.shape[1], device=where.place.device).expand(where.place.shape)
        asking = where
        if only is not None:
            asking, itself = where.each(lambda values: values.gather(1, only)), only
        itself = itself + asked.place.shape[1] - where.place.shape[1]
        return Seen.of(asking, asked, itself, self.size.context, is_timed=self.is_timed)

    def product_query(self, states: Tensor, types: Tensor) -> Tensor:
        """(n, D) what to hold against products' vectors, if the next event is of a type (n,)."""
        return states if self.product_of_type is None else states + self.product_of_type(types)

    def mean_query(self, states: Tensor) -> Tensor:
        """(n, D) the same, over all types by their chances."""
        if self.product_of_type is None:
            return states
        return states + torch.softmax(self.type_head(states), 1) @ self.product_of_type.weight


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding) and not isinstance(module, Products):
        nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
