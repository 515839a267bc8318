"""What should a message say, is all of it true, and who approved it?"""

from regulars.campaign.copy.approval import Approval, approvals, approve, approved
from regulars.campaign.copy.check import Facts, Fault, faults
from regulars.campaign.copy.message import Message, Messages, Variant, read_message
from regulars.campaign.copy.writing import Written, by_model, by_template, review, to_toml

__all__ = [
    "Approval", "Facts", "Fault", "Message", "Messages", "Variant", "Written", "approvals", "approve",
    "approved", "by_model", "by_template", "faults", "read_message", "review", "to_toml",
]  # fmt: skip
