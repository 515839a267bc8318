"""The behaviour model as a value: fit on sequences, ask it, keep it as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors

from regulars.behavior import distributed
from regulars.behavior.encode import encode
from regulars.behavior.losses import expected_spend, survival
from regulars.behavior.network import Network
from regulars.behavior.sequences import Sequences, place_before
from regulars.behavior.sizes import Settings
from regulars.behavior.tokens import Tokens
from regulars.behavior.training import OnEpoch, OnStep, Trained, train
from regulars.behavior.vocabulary import Content, Ints, Vocabulary
from regulars.errors import CorruptLogError

Floats = npt.NDArray[np.float32]

FILES = ("behavior.json", "vocabulary.json", "content.safetensors", "network.safetensors")
FORMAT = 2
"""Of the files; a model of another is refused."""


@dataclass(frozen=True)
class BehaviorModel:
    """What customers of a shop do, as learned until a moment.

    Attributes
    ----------
    until : microseconds since 1970; the network saw no event at or after it.
    """

    vocabulary: Vocabulary
    content: Content
    settings: Settings
    network: Network
    until: int

    @classmethod
    def new(cls, vocabulary: Vocabulary, content: Content, settings: Settings, until: int) -> BehaviorModel:
        """One that has learned nothing yet; the same seed gives the same."""
        torch.manual_seed(settings.seed)
        content = content.condensed()
        network = Network(vocabulary, content, settings).to(distributed.begin())
        distributed.share_weights(network)
        return cls(vocabulary, content, settings, network, until)

    def fit(
        self,
        sequences: Sequences,
        *,
        validate: Callable[[BehaviorModel], float] | None = None,
        since: int | None = None,
        checkpoint: Path | None = None,
        on_step: OnStep = lambda step, steps, loss: None,
        on_epoch: OnEpoch = lambda epoch: None,
    ) -> Trained:
        """Learn from sequences, all of them from before `until`; see `training.train`."""
        return train(
            self.network,
            self.vocabulary,
            sequences,
            self.until,
            self.settings,
            validate=None if validate is None else lambda network: validate(replace(self, network=network)),
            since=since,
            checkpoint=checkpoint,
            on_step=on_step,
            on_epoch=on_epoch,
        )

    def grown(self, vocabulary: Vocabulary, content: Content, settings: Settings, until: int) -> BehaviorModel:
        """The same knowledge with room for what is new: products, types, channels, attributes.

        What is new begins as what is unknown; the weights of all else are kept. The content is rearranged to the
        order of the grown vocabulary.
        """
        merged, places = self.vocabulary.grown(vocabulary)
        rows = np.concatenate([[0], np.where(places["products"] >= 0, places["products"] + 1, 0)])
        columns = places["attributes"]
        attributes = content.attributes[rows]
        if len(columns):
            padded = sp.hstack([attributes, sp.csr_matrix((attributes.shape[0], 1))]).tocsr()
            attributes = padded[:, np.where(columns >= 0, columns, attributes.shape[1])].astype(np.float32)
        content = Content(attributes.tocsr(), content.texts[rows]).condensed(self.content.directions)
        model = BehaviorModel.new(merged, content, settings, until)
        with torch.no_grad():
            mine = model.network.state_dict()
            for name, old in self.network.state_dict().items():
                new = mine.get(name)
                if new is None:
                    continue
                if new.shape == old.shape:
                    new.copy_(old)
                elif new.dim() == old.dim() and new.shape[1:] == old.shape[1:]:
                    _lay(name, new, old)
            model.network.load_state_dict(mine)
        return model

    def states(self, sequences: Sequences, customer: Ints, time: Ints) -> Floats:
        """Who customers are as of moments: only their events with time < the moment count.

        Parameters
        ----------
        customer : (q,) numbers into `sequences.customers`.
        time : (q,) microseconds since 1970; without meaning where only the order of events is known: then all count.

        Returns
        -------
        (q, D) float32; of who has no event yet it is the state of a stranger, or 0 where times are not known.
        """
        dimensions = self.settings.size.dimensions
        found = np.zeros((len(customer), dimensions), np.float32)
        if self.vocabulary.is_timed:
            before = place_before(sequences, customer, time)
            tokens = Tokens.of(sequences, self.vocabulary, customer, before, time)
            at = np.flatnonzero(tokens.is_now)
            # Questions stand in the order of customer, place and moment, ties in the order given.
            order = np.lexsort((time, before, customer))
            back = np.empty(len(tokens.event), np.int64)
            back[at] = order
        else:
            nothing = np.zeros(0, np.int64)
            tokens = Tokens.of(sequences, self.vocabulary, nothing, nothing, nothing)
            has_any = np.flatnonzero(sequences.lengths[customer] > 0)
            at = sequences.starts[customer[has_any] + 1] - 1
            back = np.empty(len(tokens.event), np.int64)
            back[at] = has_any
        wanted = np.zeros(len(tokens.event), bool)
        wanted[at] = True
        for part in encode(self.network, tokens, wanted):
            found[back[part.token]] = part.state.float().cpu().numpy()
        return found

    def scores(self, states: Floats, kind: str | None = None) -> Floats:
        """How likely each product is next: logits whose softmax is the chance.

        Parameters
        ----------
        states : (q, D) of `states`.
        kind : the type of event in which it would be met, e.g. "order_completed"; None for whichever is likely: then
            the types are averaged by their chances.

        Returns
        -------
        (q, n_products + 1) by the products' numbers; the first, of no product, is -inf.
        """
        found: Floats = self.queries(states, kind) @ self.product_vectors().T
        found[:, 0] = -np.inf
        return found

    def queries(self, states: Floats, kind: str | None = None) -> Floats:
        """(q, D) what to hold against the products' vectors: the inner products are the `scores`."""
        network = self.network.eval()
        with torch.inference_mode():
            given = torch.from_numpy(states).to(network.norm.weight.device)
            if kind is None:
                query = network.mean_query(given)
            else:
                number = 1 + self.vocabulary.types.index(kind) if kind in self.vocabulary.types else 0
                query = network.product_query(given, torch.full((len(given),), number, device=given.device))
        found: Floats = query.float().cpu().numpy()
        return found

    def product_vectors(self) -> Floats:
        """(n_products + 1, D) of all products."""
        with torch.inference_mode():
            found: Floats = self.network.eval().products().float().cpu().numpy()
        return found

    def hazards(self, states: Floats) -> Floats:
        """(q, bins) the chance that the customer has come back by the end of each bin of `buckets.EDGES_DAYS`."""
        with torch.inference_mode():
            given = torch.from_numpy(states).to(self.network.norm.weight.device)
            found: Floats = (1 - survival(self.network.eval().hazard_head(given).float())).cpu().numpy()
        return found

    def spend(self, states: Floats) -> Floats:
        """(q,) expected spend in the 30 days after the moment, in the shop's currency."""
        with torch.inference_mode():
            given = torch.from_numpy(states).to(self.network.norm.weight.device)
            found: Floats = expected_spend(self.network.eval().spend_head(given).float()).cpu().numpy()
        return found

    def to_files(self) -> dict[str, bytes]:
        """As files: JSON and safetensors."""
        about = {"format": FORMAT, "settings": self.settings.to_dict(), "until": self.until}
        weights = {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}
        return {
            "behavior.json": json.dumps(about, indent=1).encode(),
            "vocabulary.json": self.vocabulary.to_bytes(),
            "content.safetensors": self.content.to_bytes(),
            "network.safetensors": to_safetensors(weights),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> BehaviorModel:
        """From what `to_files` gave.

        Raises
        ------
        CorruptLogError
            If a file is cut short, or the model is of another version of the program.
        """
        try:
            about = json.loads(files["behavior.json"])
            if about["format"] != FORMAT:
                raise CorruptLogError(
                    f"This behaviour model is of format {about['format']}; this version of Regulars reads format "
                    f"{FORMAT}. Learn anew: regulars learn behavior"
                )
            settings = Settings.from_dict(about["settings"])
            vocabulary = Vocabulary.from_bytes(files["vocabulary.json"])
            content = Content.from_bytes(files["content.safetensors"])
            model = cls.new(vocabulary, content, settings, about["until"])
            model.network.load_state_dict(from_safetensors(files["network.safetensors"]))
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise CorruptLogError(
                f"The behaviour model cannot be read: {error}. Learn anew: regulars learn behavior"
            ) from None
        return model


def _lay(name: str, new: torch.Tensor, old: torch.Tensor) -> None:
    """Rows of an older, smaller table into a larger one; a new row begins as the unknown one, row 0."""
    common = min(len(new), len(old))
    if name == "fields.of_type.weight":
        # The last row is of questions, wherever it stands.
        new[:] = old[0]
        new[: common - 1], new[-1] = old[: common - 1], old[-1]
        return
    if name not in ("products.attributes",):
        new[:] = old[0]
    new[:common] = old[:common]
