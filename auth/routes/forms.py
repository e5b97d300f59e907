"""What the account pages ask for."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField, SubmitField
from wtforms.validators import EqualTo, InputRequired, Length

from auth.passwords import LONGEST

NEEDED = InputRequired(_l("This is needed."))
EMAIL = [NEEDED, Length(max=320, message=_l("This is too long."))]
# said at once, before anything that waits or hashes
PASSWORD = [NEEDED, Length(max=LONGEST, message=_l("This password is too long."))]


def new_password(label: str) -> PasswordField:
    """A field for a password that is going to be set."""
    return PasswordField(label, PASSWORD, render_kw={"autocomplete": "new-password"})


def repeated(label: str) -> PasswordField:
    """A field that must hold the same as the field `password`."""
    return PasswordField(
        label,
        [NEEDED, EqualTo("password", _l("The two passwords are not the same."))],
        render_kw={"autocomplete": "new-password"},
    )


class Form(FlaskForm):  # type: ignore[misc]
    """What all forms here are: filled in from fields only.

    Flask-WTF would take JSON too, whose fields may be of any type.
    """

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Where the fields come from."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Return the fields that were sent."""
            given = request.form if formdata is _Auto and request.is_json else formdata
            return super().wrap_formdata(form, given)


class LoginForm(Form):
    """E-mail and password."""

    email = EmailField(_l("E-mail"), EMAIL, render_kw={"autocomplete": "username"})
    password = PasswordField(
        _l("Password"), PASSWORD, render_kw={"autocomplete": "current-password"}
    )
    remember = BooleanField(_l("Remember me for 30 days"))
    next = HiddenField()
    submit = SubmitField(_l("Log in"))


class RegisterForm(Form):
    """A new account."""

    email = EmailField(_l("E-mail"), EMAIL, render_kw={"autocomplete": "email"})
    password = new_password(_l("Password"))
    repeat = repeated(_l("Repeat password"))
    submit = SubmitField(_l("Register"))


class EmailForm(Form):
    """Only an address."""

    email = EmailField(_l("E-mail"), EMAIL, render_kw={"autocomplete": "email"})
    submit = SubmitField(_l("Send mail"))


class LinkForm(Form):
    """The two parameters of a link in a mail."""

    token = HiddenField()
    check = HiddenField()


class ConfirmForm(LinkForm):
    """One button."""

    submit = SubmitField(_l("Confirm my account"))


class InvitationForm(LinkForm):
    """A password for an account that somebody else made."""

    email = EmailField(_l("E-mail"), EMAIL, render_kw={"autocomplete": "username"})
    password = new_password(_l("Password"))
    repeat = repeated(_l("Repeat password"))
    submit = SubmitField(_l("Create account"))


class LogoutForm(Form):
    """One button."""

    submit = SubmitField(_l("Log out"))


class ButtonForm(Form):
    """A button whose words the template has; `item` says which one of a list it belongs to."""

    item = StringField()


class CodeForm(Form):
    """A code from a mail, a chat or an app."""

    code = StringField(
        _l("Code"),
        [NEEDED, Length(max=40, message=_l("This is too long."))],
        render_kw={"autocomplete": "one-time-code", "autocapitalize": "off"},
    )
    submit = SubmitField(_l("Continue"))


class SecondStepForm(CodeForm):
    """The code after the password; the rest is what the first step found out."""

    token = HiddenField()
    remember = HiddenField()
    next = HiddenField()
    submit = SubmitField(_l("Log in"))


class ResetForm(LinkForm):
    """The code of the mail and a new password twice."""

    code = StringField(_l("Code"), [NEEDED], render_kw={"autocomplete": "one-time-code"})
    password = new_password(_l("Password"))
    repeat = repeated(_l("Repeat password"))
    submit = SubmitField(_l("Save"))


class EmailLinkForm(LinkForm):
    """One button."""

    submit = SubmitField(_l("Confirm this address"))


class UndoForm(LinkForm):
    """One button."""

    submit = SubmitField(_l("Use the old address again"))


class PasskeyForm(Form):
    """What the browser answered; a script fills it in."""

    challenge = HiddenField()
    answer = HiddenField()


class PasskeyLoginForm(PasskeyForm):
    """A login by passkey; after the password with what the first step found out."""

    token = HiddenField()
    remember = HiddenField()
    next = HiddenField()
