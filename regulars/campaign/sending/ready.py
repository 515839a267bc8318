"""Whether a message may leave at all: approved as it is, by channels that are set up."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from regulars.campaign.copy import Messages, approved
from regulars.campaign.sending.channels import channels
from regulars.errors import ConfigError

if TYPE_CHECKING:
    from regulars.shop import Shop


def refuse_unready(shop: Shop, message: str, by: Collection[str], where: str = "") -> None:
    """Refuse a message that cannot be sent by these channels.

    Parameters
    ----------
    where : what the error begins with, if anything.

    Raises
    ------
    NotFoundError
        If there is no such message.
    ConfigError
        If nobody has approved it as it is now, or a channel is not set up.
    """
    variants = Messages(shop.folder).get(message).variants
    if len(approved(shop.state, variants)) < len(variants):
        raise ConfigError(
            f'{where}nobody has approved "{message}" as it is now. Read it: regulars campaign preview {message}; '
            f"then: regulars campaign approve {message} --as NAME"
        )
    for channel in sorted(set(by) - set(channels(shop))):
        setting = "smtp" if channel == "email" else f"{channel}_webhook"
        raise ConfigError(f"{where}{channel} is not set up. Set [sending] {setting}.")
