"""What the pages of the settings ask for."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    EmailField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    SubmitField,
)
from wtforms.validators import Length

from auth.routes.forms import (
    EMAIL,
    NEEDED,
    PASSWORD,
    CodeForm,
    Form,
    PasskeyForm,
    new_password,
    repeated,
)
from clock import zones_of_places
from notify.language import LANGUAGES

TIME_ZONES = ["UTC", *zones_of_places()]


class ProfileForm(Form):
    """How the pages look to this person; an empty choice leaves it to the browser."""

    language = SelectField(_l("Language"))
    theme = SelectField(_l("Appearance"))
    timezone = SelectField(_l("Time zone"))
    submit = SubmitField(_l("Save"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        browser = SelectChoice("", _("As the browser says"))
        self.language.choices = [browser, *_choices(LANGUAGES)]
        self.theme.choices = _choices(
            {"": _("As the system says"), "light": _("Light"), "dark": _("Dark")}
        )
        self.timezone.choices = [browser, *_choices({zone: zone for zone in TIME_ZONES})]


def _choices(words: dict[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in words.items()]


class PasswordForm(Form):
    """The password of the person who is logged in, before something grave."""

    password = PasswordField(
        _l("Current password"), PASSWORD, render_kw={"autocomplete": "current-password"}
    )
    submit = SubmitField(_l("Continue"))


class NewPasswordForm(CodeForm):
    """The code of the mail and a new password twice."""

    password = new_password(_l("Password"))
    repeat = repeated(_l("Repeat password"))
    submit = SubmitField(_l("Save"))


class NewEmailForm(PasswordForm):
    """Another address."""

    email = EmailField(_l("New e-mail"), EMAIL, render_kw={"autocomplete": "email"})
    submit = SubmitField(_l("Send mail"))


class AddPasskeyForm(PasskeyForm):
    """A name for a new passkey."""

    label = StringField(_l("Name"), [NEEDED, Length(max=80, message=_l("This is too long."))])
    submit = SubmitField(_l("Add passkey"))


class ChannelForm(Form):
    """The way in which codes come."""

    channel = RadioField(_l("Send codes by"))
    target = StringField(_l("Number or chat"), [Length(max=64, message=_l("This is too long."))])
    submit = SubmitField(_l("Save"))

    def __init__(self, channels: list[str], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        names = {"mail": _("E-mail"), "telegram": "Telegram", "sms": "SMS"}
        self.channel.choices = _choices({channel: names[channel] for channel in channels})
