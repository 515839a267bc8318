"""Forms that are filled from what a customer says: the first question that has to be asked, else a proposal.

Of several things that are wanted one comes after the other, each with a yes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from regulars.support.dialogue.asking import question, status_of
from regulars.support.dialogue.drafts import Draft, stored
from regulars.support.dialogue.intents import STATUS, SWAP, UNDO
from regulars.support.dialogue.phrases import asked
from regulars.support.dialogue.reply import Memory, Reply
from regulars.support.dialogue.resolve import Account, Missing, joined, resolve, spread
from regulars.support.order.actions import Action, ChangeAddress, ChangePayment, OfOrder, Return
from regulars.support.order.desk import Desk
from regulars.support.order.policy import RefusedError
from regulars.support.order.wording import done, refusal

FOR_A_PERSON = ("too_many_tries", "needs_person", "over_limit", "not_offered", "had_coupon")
"""What the policy forbids here, and a person may still decide."""


def wishes_of(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Drafts that get one yes together: of one kind for one order, or for all orders. Each of the others gets its own.

    >>> drafts = [Draft(intent="cancel", order_id="#W1"), Draft(intent="return", order_id="#W2"),
    ...           Draft(intent="return", order_id="#W2")]
    >>> [[draft.intent for draft in wish] for wish in wishes_of(drafts)]
    [['cancel'], ['return', 'return']]
    """
    found: list[list[Draft]] = []
    for draft in drafts:
        same = next((wish for wish in found if _is_one(wish[0], draft)), None)
        if same is None:
            found.append([draft])
        else:
            same.append(draft)
    # What is only told comes first; items last, for after that the order cannot be changed any more.
    is_moved = any(wish[0].intent in (ChangeAddress.name, ChangePayment.name) for wish in found)
    return sorted(found, key=lambda wish: (wish[0].intent != STATUS, is_moved and wish[0].intent == SWAP))


def _is_one(first: Draft, second: Draft) -> bool:
    if first.intent != second.intent or first.intent == STATUS:
        return False
    # Items of one order go back, or are changed, all at once; which order that is may have to be found out.
    is_open = first.intent in (SWAP, Return.name) and not (first.order_id and second.order_id)
    is_same = first.order_id == second.order_id and bool(first.order_id)
    return is_open or is_same or (first.is_of_all and second.is_of_all)


class Forms:
    """The forms of one turn of a conversation, whose memory it writes into.

    Parameters
    ----------
    account : what can be seen of the customer; it may cost a look at the shop's own system.
    """

    def __init__(
        self, desk: Desk, conversation: str, memory: Memory, language: str, account: Callable[[], Account]
    ) -> None:
        self._desk, self._conversation, self._memory = desk, conversation, memory
        self._language, self._account = language, account

    def go_on(self, drafts: Sequence[Draft]) -> Reply:
        """From all that is wanted to what is told at once, and one question or proposal; the rest waits in the memory.

        Raises
        ------
        RefusedError
            If a person has to decide; see `FOR_A_PERSON`.
        """
        memory, account = self._memory, self._account()
        memory.drafts, memory.later, memory.question = [], [], ""
        left = wishes_of(spread(drafts, account))
        is_told = all(draft.intent == STATUS for draft in drafts)
        replies: list[Reply] = []
        while left:
            wish = left.pop(0)
            reply, apart = self._of(wish, account)
            if wish[0].intent == STATUS and reply.action == "ask" and not is_told:
                memory.drafts, memory.question = [], ""
                continue  # "and how much do I get back?": what is restated says it
            left[:0] = [apart] if apart else []
            replies.append(reply)
            if reply.action != "answer":
                break
        if left and (memory.drafts or replies[-1].action == "confirm"):
            memory.later = stored([draft for wish in left for draft in wish])
            replies.insert(-1, self._told(asked("one_by_one", self._language)))
        elif replies[-1].action == "answer" and self._desk.waiting(self._conversation) is None:
            replies.append(self._told(asked("more", self._language)))
        return _together(replies)

    def done(self, number: int, text: str) -> Reply:
        """What was done by a customer's yes; RefusedError if the message is none, see `Desk.confirm`."""
        results = tuple(self._desk.confirm(self._conversation, text, number))
        said = []
        for result in results:
            order = self._desk.backend.order(result.action.order_id) if isinstance(result.action, OfOrder) else None
            said.append(
                done(result.action, order, self._language)
                if result.is_done
                else asked("cannot", self._language, why=result.why)
            )
        if not self._memory.later:
            said.append(asked("more", self._language))
        return Reply("\n".join(said), "done", self._language, results=results)

    def again(self, reply: Reply) -> Reply:
        """A reply, and after it what waits for a yes, as it would be done now; if it cannot, it waits no longer."""
        try:
            proposal = self._desk.again(self._conversation, self._language)
        except RefusedError:
            self._desk.decline(self._conversation)
            return reply
        said = asked("confirm", self._language, summary=proposal.summary)
        return replace(reply, text=f"{reply.text}\n{said}", action="confirm", proposal=proposal.number)

    def _of(self, wish: list[Draft], account: Account) -> tuple[Reply, list[Draft]]:
        """The reply to a wish; and what of it turns out to need a yes of its own."""
        if wish[0].intent == UNDO:
            return self._undo(), []
        if wish[0].intent == STATUS:
            return self._stands(wish[0], account), []
        return self._filled(wish, account)

    def _stands(self, draft: Draft, account: Account) -> Reply:
        try:
            found = status_of(draft, account, self._language)
        except RefusedError as error:
            return self._refused(error)
        return self._told(found, draft.order_id) if isinstance(found, str) else self._question(found, [draft])

    def _filled(self, wish: list[Draft], account: Account) -> tuple[Reply, list[Draft]]:
        whole: list[tuple[Draft, Action]] = []
        replies: list[Reply] = []
        for place, draft in enumerate(wish):
            try:
                found = resolve(draft, account)
            except RefusedError as error:
                replies.append(self._refused(error))
                continue
            if isinstance(found, Missing):
                others = [one for one, _ in whole]
                return _together([*replies, self._question(found, [draft, *others, *wish[place + 1 :]])]), []
            whole.append((draft, found))
        if not whole:
            return _together(replies), []
        first = whole[0][0]
        mine = [pair for pair in whole if first.is_of_all or pair[0].order_id == first.order_id]
        apart = [pair[0] for pair in whole if pair not in mine]
        return _together([*replies, *self._proposed(mine)]), apart

    def _proposed(self, whole: list[tuple[Draft, Action]]) -> list[Reply]:
        proposal, changes, refused = self._desk.offer(
            self._conversation, joined([action for _, action in whole]), self._language
        )
        replies = [self._refused(error) for _, error in refused]
        if proposal is not None:
            # Kept until the yes: "with PayPal instead" is about what was restated.
            self._memory.drafts = stored([draft for draft, _ in whole])
            cited = tuple(change.before.order_id for change in changes if change.before is not None)
            said = asked("confirm", self._language, summary=proposal.summary)
            replies.append(Reply(said, "confirm", self._language, proposal.number, citations=cited))
        return replies

    def _undo(self) -> Reply:
        try:
            proposal = self._desk.undo(self._conversation, self._language)
        except RefusedError as error:
            return self._told(asked("cannot", self._language, why=refusal(error, self._language)))
        said = asked("confirm", self._language, summary=proposal.summary)
        return Reply(said, "confirm", self._language, proposal.number)

    def _question(self, missing: Missing, drafts: list[Draft]) -> Reply:
        """What has to be asked about the first of some drafts."""
        memory = self._memory
        text, memory.listed = question(missing, self._language)
        if missing.question != "no_orders":
            memory.question, memory.item, memory.drafts = missing.question, missing.item, stored(drafts)
        return Reply(text, "ask", self._language)

    def _refused(self, error: RefusedError) -> Reply:
        if error.reason in FOR_A_PERSON:
            raise error
        return self._told(asked("cannot", self._language, why=refusal(error, self._language)))

    def _told(self, text: str, *citations: str) -> Reply:
        return Reply(text, "answer", self._language, citations=citations)


def _together(replies: Sequence[Reply]) -> Reply:
    """Replies as one, that does what the last of them does."""
    text = "\n".join(reply.text for reply in replies)
    cited = dict.fromkeys(one for reply in replies for one in reply.citations)
    return replace(replies[-1], text=text, citations=tuple(cited))
