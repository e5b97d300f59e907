"""The form for language, look and time zone."""

from zoneinfo import available_timezones

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, SubmitField

from notify.language import LANGUAGES

TIME_ZONES = sorted(name for name in available_timezones() if "/" in name and name[:4] != "Etc/")


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """How the pages look to this person; an empty choice leaves it to the browser."""

    language = SelectField(_l("Language"))
    theme = SelectField(_l("Appearance"))
    timezone = SelectField(_l("Time zone"))
    submit = SubmitField(_l("Save"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        browser = ("", _("As the browser says"))
        self.language.choices = [browser, *LANGUAGES.items()]
        self.theme.choices = [
            ("", _("As the system says")),
            ("light", _("Light")),
            ("dark", _("Dark")),
        ]
        self.timezone.choices = [browser, ("UTC", "UTC"), *((zone, zone) for zone in TIME_ZONES)]
