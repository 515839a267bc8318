"""What does a customer want, and what is answered? A conversation that completes its tasks without a language model."""

from regulars.support.dialogue.chat import Chat
from regulars.support.dialogue.reply import Handed, Reply

__all__ = ["Chat", "Handed", "Reply"]
