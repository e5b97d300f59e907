"""The signed-in browser as one who takes downloads."""

from auth import connection, sessions
from auth.watch import Proof
from devices.downloads import Reader
from errors import Unauthenticated


def current() -> Reader:
    """Return whose browser sent this request, and how to end what it takes.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    session = sessions.current_session()
    if session is None:
        raise Unauthenticated
    return Reader(
        f"user:{session.user.public_id}",
        Proof("session", session.id),
        connection.breaker(),
        connection.apart(),
    )
