"""The administrators' first page."""

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


def test_nobody_else_does(portal, alice):
    answer = alice.call(
        ".._pages_content.children..._pages_store.data..", _pages_location_pathname="/admin"
    )

    assert answer.status_code == 403
    assert "Readings and history" not in answer.text
