"""The page of devices that announced themselves."""

import json

import pytest
from sqlalchemy import delete, select

import db.base
import wiring
from clock import utcnow
from db.base import transaction
from db.models import Proposal
from devices import proposals
from tests.portal import texts

CONFIG = {
    "state_topic": "plug/state",
    "command_topic": "plug/set",
    "device": {"identifiers": ["plug-1"], "name": "Desk plug", "model": "P1"},
    "name": "Outlet",
}


@pytest.fixture
def offered(portal):
    """A proposal that waits."""
    with portal.server.app_context():
        parts = wiring.current()
        proposals.announce(
            "homeassistant/switch/plug-1/outlet/config",
            json.dumps(CONFIG),
            namespace="gatehouse",
            store=parts.store,
            bus=parts.bus,
            now=utcnow(),
        )
        public_id = db.base.db.session.scalars(select(Proposal.public_id)).one()
    yield public_id
    with portal.server.app_context(), transaction() as session:
        session.execute(delete(Proposal))


@pytest.fixture
def admin(portal):
    return portal.person("admin@example.org", role="admin")


def listed(visitor):
    answer = visitor.call("proposals-list.children", proposals_poll_n_intervals=1)
    assert answer.status_code == 200, answer.text
    return texts(answer.json["response"]["proposals-list"]["children"])


def test_an_administrator_sees_what_was_announced(offered, admin):
    shown = listed(admin)
    for text in ("Desk plug", "P1", "Outlet", "plug/set", "Accept", "Ignore"):
        assert text in shown


def test_others_see_nothing_that_is_not_theirs(offered, bob):
    assert "Desk plug" not in listed(bob)


def test_an_accepted_device_is_the_persons_own(offered, portal, admin):
    answer = admin.call("proposals-away.href", proposal_accept_data={"row": offered})
    assert answer.status_code == 200, answer.text
    path = answer.json["response"]["proposals-away"]["href"]
    assert path.startswith("/devices/")
    assert "Desk plug" in texts(admin.page(path))
    assert "Desk plug" not in listed(admin)


def test_an_ignored_device_goes(offered, portal, admin):
    output = next(
        name for name in portal.app.callback_map if name.startswith("proposals-list.children@")
    )
    answer = admin.call(output, proposal_ignore_data={"row": offered})
    assert answer.status_code == 200, answer.text
    assert "Desk plug" not in listed(admin)
