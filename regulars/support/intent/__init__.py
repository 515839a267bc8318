"""What does a customer want, how sure is that, and what should the shop learn to answer?

Begin: `Intents.starter().of(["where is my parcel?"])`; with the shop's own labelled questions: `Intents.fit(texts,
labels)`.
"""

from regulars.support.intent.message import Message, read
from regulars.support.intent.model import Intents, Understood
from regulars.support.intent.starter import starter
from regulars.support.intent.unanswered import Cluster, clusters, worth_labelling

__all__ = ["Cluster", "Intents", "Message", "Understood", "clusters", "read", "starter", "worth_labelling"]
