"""What a callback request must look like before Dash sees it."""

import copy
import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.portal import ROUTER, UPDATE, body_of, callbacks, everything, first

NOTHING = [None, [], [1], 1, "x", {}, {"output": None}, {"output": []}, {"output": "no.such"}]


@pytest.mark.parametrize("body", NOTHING, ids=str)
def test_what_is_no_call_is_refused(alice, body):
    assert alice.post(body).status_code == 400


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 30_000, '{"a":' * 12_000, "\xff"])
def test_what_is_no_json_is_refused(alice, text):
    answer = alice.client.post(
        UPDATE, data=text, headers=alice.csrf(), content_type="application/json"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_cannot_call_a_callback(portal, alice, kind):
    body = json.dumps(body_of(portal.app, "dashboard-cards.children", {}))
    answer = alice.client.post(UPDATE, data=body, headers=alice.csrf(), content_type=kind)
    assert answer.status_code == 400


def broken(body):
    """Every way to take away or spoil one part of a call."""
    for key in body:
        if key != "changedPropIds":
            yield {name: value for name, value in body.items() if name != key or not value}
        for junk in (None, 1, "x", {}, [1], [[]], [{}], [None]):
            spoilt = copy.deepcopy(body)
            spoilt[key] = junk
            yield spoilt
    for key in ("inputs", "state"):
        for number in range(len(body[key])):
            for part, junk in (("id", 1), ("id", {}), ("property", None), ("property", "other")):
                spoilt = copy.deepcopy(body)
                first(spoilt[key][number])[part] = junk
                yield spoilt


def test_a_call_that_lacks_a_part_never_reaches_dash(portal, alice, caplog):
    before = everything(portal)
    tried = 0

    with caplog.at_level(logging.ERROR):
        for output in callbacks(portal.app):
            for body in broken(body_of(portal.app, output, {})):
                status = alice.post(body).status_code
                assert status in {200, 204, 400}, (status, body)
                tried += status == 400

    assert tried > 100
    assert not caplog.records
    assert everything(portal) == before


OTHERWISE = {
    # no button: the link and the words beside it follow what is chosen
    "..export-link.href...export-word.children...export-cells.hidden..": 200,
    "topics-given.children": 403,  # for administrators
}


def test_no_value_of_a_click_does_anything_unasked(portal, alice):
    """A button that came with the page was not pressed, whatever Dash says."""
    device = portal.device(alice, "Untouched", "lock")
    before = everything(portal)

    for output in callbacks(portal.app):
        if output == ROUTER:
            continue
        for value in (None, 0, False, ""):
            values = {
                "device_id_data": device.public_id,
                "device_delete_name_value": "Untouched",
                "device_new_name_value": "Made by itself",
                "device_new_kind_value": "lock",
            }
            body = body_of(portal.app, output, values)
            for one in body["inputs"]:
                first(one)["value"] = value
            assert alice.post(body).status_code == OTHERWISE.get(output, 204), output

    found, known = json.loads(everything(portal)), json.loads(before)
    found["audit_event"] = [row for row in found["audit_event"] if "access.refused" not in row]
    assert found == known  # but for the line about what is for administrators


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["output", "outputs", "inputs", "state", "id", "property", "value"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_no_body_makes_an_internal_error(portal, alice, body):
    if isinstance(body, dict) and body.get("output") is not None:
        body["output"] = "dashboard-cards.children"
    assert alice.post(body).status_code in {200, 204, 400}


@pytest.mark.parametrize("text", ["a\0", "\ud800"], ids=["nul", "half"])
def test_a_text_that_no_database_takes_is_refused(portal, alice, caplog, text):
    with caplog.at_level(logging.ERROR):
        for output in callbacks(portal.app):
            body = body_of(portal.app, output, {})
            for item in map(first, body["inputs"] + body["state"]):
                item["value"] = text
            assert alice.post(body).status_code == 400, output
    assert not caplog.records


@pytest.mark.parametrize(
    ("path", "search"), [(None, ""), (1, ""), ("", ""), ("nowhere", ""), ("/", 1), ("/", [])]
)
def test_a_path_that_is_none_is_refused(alice, path, search):
    values = {"_pages_location_pathname": path, "_pages_location_search": search}
    assert alice.call(ROUTER, **values).status_code == 400


def test_any_query_is_only_a_query(alice):
    for search in ("?user=1", "?self=1&cls=2", "?a=1&a=2", "?%00=1", "?device_id=", "?__class__=x"):
        assert alice.page("/", search)
