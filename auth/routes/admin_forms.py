"""What the pages for administrators ask for."""

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, SelectChoice, SelectField, StringField, SubmitField

from auth.routes.forms import EMAIL, Form

ROLES = [SelectChoice("user", _l("User")), SelectChoice("admin", _l("Administrator"))]


class InviteForm(Form):
    """Whom to invite."""

    email = EmailField(_l("E-mail"), EMAIL, render_kw={"autocomplete": "off"})
    role = SelectField(_l("Role"), choices=ROLES)
    submit = SubmitField(_l("Invite"))


class PersonForm(InviteForm):
    """One account."""

    submit = SubmitField(_l("Save"))


class AuditFilter(Form):
    """Which lines to show."""

    class Meta:
        """It only reads, so no token is needed."""

        csrf = False

    action = StringField(_l("Action"))
    search = StringField(_l("Person, object or address"))
    submit = SubmitField(_l("Search"))
