"""What is shown at a path that leads nowhere; Dash finds it by the name of this module."""

from typing import Any

import dash
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components
from dashboard.access import access
from db.models import User

dash.register_page(__name__, path="/not-found", title="Gatehouse", order=90)


@access("user")
def layout(_user: User, /, **_query: Any) -> Component:
    """Return the page."""
    return components.problem_page(
        _("There is nothing here."), _("The address may be wrong, or what was here is gone.")
    )
