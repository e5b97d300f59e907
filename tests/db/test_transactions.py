"""What a transaction of the application's database sees."""

from threading import Thread

from clock import utcnow
from db.base import db, transaction
from db.models import User


def rename(server, name: str) -> None:
    """Change the row beside this thread, as another request does."""

    def change() -> None:
        with server.app_context(), transaction() as session:
            session.query(User).one().timezone = name

    thread = Thread(target=change)
    thread.start()
    thread.join()


def test_a_check_is_made_on_what_is_true_now_even_right_after_another_transaction(context):
    now = utcnow()
    with transaction() as session:
        user = User(email="a@example.org", email_typed="a@example.org", created_at=now)
        session.add(user)
    rename(context, "after a commit")
    with transaction():
        assert user.timezone == "after a commit"

    assert db.session.query(User).count() == 1  # begins to read
    rename(context, "while it was read")
    with transaction():
        assert user.timezone == "while it was read"
