"""The administrators' first page."""

from db.telemetry.records import Batch
from tests.portal import parts, texts


def test_administrators_see_how_the_system_is_and_where_to_go(portal):
    root = portal.person("root@example.org", role="admin")
    page = root.page("/admin")

    words = texts(page)
    assert "Readings and history" in words
    assert "in another process" in words
    assert "not connected" in words
    for path in ("/admin/users", "/admin/audit", "/admin/mail"):
        assert parts(page, href=path)
        assert root.get(path).status_code == 200


def test_devices_that_take_most_on_the_disk_are_named_the_largest_first(portal):
    root = portal.person("root@example.org", role="admin")
    for name, count in (("Quiet", 100), ("Talkative", 50_000)):
        device = portal.device(root, name)
        sensor = portal.store.add_series(device.id, "level", "number").id
        values = [(sensor, 1_795_000_000_000 + i, 1.0) for i in range(count)]
        portal.store.write(Batch(values=values))

    words = texts(root.page("/admin"))

    assert "Largest on the disk Talkative 1.2 MB Quiet 2 kB" in words


def test_nobody_else_does(portal, alice):
    answer = alice.call(
        ".._pages_content.children..._pages_store.data..", _pages_location_pathname="/admin"
    )

    assert answer.status_code == 403
    assert "Readings and history" not in answer.text
