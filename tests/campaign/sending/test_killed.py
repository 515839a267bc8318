"""Killed at every point (kill -9), then run again: e-mail leaves at most once, a webhook is repeated under one key, and
the log hears once of what was sent."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from regulars import Shop, clock
from regulars.campaign.sending import channels, history, send_due, tell
from regulars.campaign.sending.tables import outbox
from tests.campaign.conftest import NOON, Mailbox, Receiver, Settings
from tests.campaign.sending.test_post import ask, sent_events

POINTS = ("claimed email", "leaving email", "left email", "told email", "left push")
KILLED = """
import os, signal, sys
from datetime import datetime
from regulars import Shop
from regulars.campaign.offer import abuse
from regulars.campaign.sending import channels, post, queue, send_due, tell

abuse.CAPABILITY = "none"

def dying(function, *, before):
    def called(*args, **words):
        result = None if before else function(*args, **words)
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    return called

def sending(folder, point):
    shop = Shop.open(folder)
    if point == "claimed":
        post._letter = dying(post._letter, before=True)
    elif point == "leaving":
        queue.leaving = dying(queue.leaving, before=False)
    elif point == "left":
        queue.settle = dying(queue.settle, before=True)
    else:
        shop.log.append = dying(shop.log.append, before=False)
    send_due(shop, datetime.fromisoformat(sys.argv[1]), channels(shop))
    tell(shop)

# Forked before anything is opened: to import all of it anew for each takes seconds.
for folder in sys.argv[2:]:
    child = os.fork()
    if not child:
        sending(folder, os.path.basename(folder).split()[0])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, folder
"""


@pytest.fixture
def killed(by_mail: Shop, set_up: Settings, receiver: Receiver, tmp_path: Path) -> dict[str, Shop]:
    """A shop for each point, killed there while it sent one e-mail and one webhook."""
    shop = set_up(by_mail, push_webhook=receiver.url, most_per_day=0)
    found = {}
    for name in POINTS:
        found[name] = Shop.open(shutil.copytree(shop.folder, tmp_path / name))
        ask(found[name], "ada", channel=name.split()[1], key=name)
        found[name].state.close()
    folders = [str(each.folder) for each in found.values()]
    command = [sys.executable, "-W", "ignore", "-c", KILLED, NOON.isoformat(), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert not done.returncode, done.stderr
    return found


def test_nothing_is_sent_twice_or_lost_without_a_word(
    killed: dict[str, Shop], mailbox: Mailbox, receiver: Receiver
) -> None:
    assert len(mailbox.letters) == 2  # left, told
    with clock.held_at(clock.now() + timedelta(minutes=11)):
        counts = {name: dict(send_due(shop, NOON, channels(shop)).counts) for name, shop in killed.items()}
    assert counts == {
        "claimed email": {"recovered": 1, "sent": 1},
        "leaving email": {"unsure": 1},
        "left email": {"unsure": 1},
        "told email": {},
        "left push": {"recovered": 1, "sent": 1},
    }
    assert len({str(letter["Message-ID"]) for letter in mailbox.letters}) == len(mailbox.letters) == 3
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.posts]
    assert (len(keys), len(set(keys))) == (2, 1)
    for name, shop in killed.items():
        tell(shop)
        is_sent = name not in ("leaving email", "left email")
        assert len(sent_events(shop)) == is_sent, name
        if not is_sent:
            with shop.state.read() as view:
                assert view.execute(sa.select(outbox.c.status)).scalar() == "unsure"
            assert history(shop.state, what="unsure")[0].reason.endswith("it is not sent again")
