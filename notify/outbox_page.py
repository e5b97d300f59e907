"""The local outbox as a page and as JSON: only without a mail server, only on this machine."""

from dataclasses import asdict
from ipaddress import IPv6Address, ip_address

from flask import Blueprint, Response, abort, jsonify, render_template, request

from notify import local, post

bp = Blueprint("outbox", __name__, template_folder="templates")


@bp.before_request
def only_here() -> None:
    """Answer 404 as soon as there is a mail server, or the request is not from this machine."""
    parts = post.current()
    if not (parts.senders.local and from_this_machine(parts.settings.trusted_proxies)):
        abort(404)


@bp.after_request
def keep_nothing(response: Response) -> Response:
    """Let no cache and no other site have what holds links and codes."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/outbox")
def page() -> str:
    """Show the mails as text, newest first; their HTML never becomes part of this page."""
    mails = [(mail, local.at_of(mail)) for mail in _mails()]
    return render_template("outbox.html", mails=mails)


@bp.get("/outbox.json")
def listing() -> Response:
    """Answer `[{"to", "subject", "text", "html", "at"}]`, newest first."""
    return jsonify([asdict(mail) for mail in _mails()])


def from_this_machine(trusted_proxies: int) -> bool:
    """Return whether the person who asks sits at this machine.

    A proxy on this machine makes everybody look local, so what was forwarded counts only when
    proxies are configured, and what was not forwarded only when none are.
    """
    forwarded = any(
        name in request.headers for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded")
    )
    if forwarded != (trusted_proxies > 0):
        return False
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _mails() -> list[local.LocalMail]:
    parts = post.current()
    return local.mails(local.folder_of(parts.settings.instance_dir))
