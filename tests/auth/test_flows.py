"""Everything a person does with an account, in Chromium without scripts, with mails by SMTP."""

import contextlib
import email
import email.policy
import re

import pyotp
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Page, expect

from notify.worker import Worker
from tests.auth.conftest import PASSWORD, ROOT
from tests.stack import free_port, until

NEW, NEWEST = "umbrella granite whistle orbit", "copper lantern meadow thirteen"
OLD_ADDRESS, NEW_ADDRESS = "ana@example.org", "anna@example.org"


class Mailbox:
    """What arrived at a real mail server, oldest first."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self.read = 0

    async def handle_DATA(self, server, session, envelope) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    def next(self, to: str) -> str:
        """The text of the next mail to somebody; waits for it."""

        def arrived() -> str | None:
            for number, mail in enumerate(self.mails[self.read :], self.read):
                if mail["To"] == to:
                    self.read = number + 1
                    return str(mail.get_body(("plain",)).get_content())
            return None

        return str(until(arrived, what=f"a mail to {to}"))

    def link(self, to: str) -> tuple[str, str]:
        """The address in the next mail that has one with a token, and its code if it has one."""
        while True:
            text = self.next(to)
            if found := re.search(r"http\S+token=\S+", text):
                code = re.search(r"\b\d{6}\b", text.replace(found[0], ""))
                return found[0], code[0] if code else ""


@pytest.fixture
def mailbox():
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    box.port = server.port
    yield box
    server.stop()


@pytest.fixture
def settings(settings, mailbox):
    return settings.model_copy(update={"mail_server": "127.0.0.1", "mail_port": mailbox.port})


@pytest.fixture
def post_office(house):
    """The worker that really sends."""
    worker = Worker(house)
    worker.start()
    yield
    worker.stop()


@contextlib.contextmanager
def opened(chromium, url: str, locale: str, scripts: bool = False):
    context = chromium.new_context(
        base_url=url,
        locale=locale,
        java_script_enabled=scripts,
        viewport={"width": 390, "height": 800},
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def send(page: Page, path: str = "", **fields: str) -> None:
    """Fill in the form of a page and press its main button."""
    if path:
        page.goto(path)
    for name, value in fields.items():
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main form .btn-primary").first.click()


def log_in(page: Page, address: str, password: str) -> None:
    send(page, "/login", email=address, password=password)


def log_out(page: Page) -> None:
    page.goto("/logout")
    page.locator("main form button").click()


@pytest.mark.parametrize(("locale", "language"), [("en-GB", "en"), ("de-DE", "de")])
@pytest.mark.usefixtures("post_office")
def test_a_person_does_everything_that_one_does_with_an_account(
    chromium, url, mailbox, locale, language
):
    with opened(chromium, url, locale) as page:
        send(page, "/register", email=OLD_ADDRESS, password=PASSWORD, repeat=PASSWORD)
        expect(page.locator("html")).to_have_attribute("lang", language)
        send(page, mailbox.link(OLD_ADDRESS)[0])
        log_in(page, OLD_ADDRESS, PASSWORD)
        expect(page).to_have_url(f"{url}/")

        send(page, "/settings/password", password=PASSWORD)
        code = re.search(r"\b\d{6}\b", mailbox.next(OLD_ADDRESS))[0]
        send(page, code=code, password=NEW, repeat=NEW)
        page.goto("/settings")
        expect(page).to_have_url(re.compile("/login"))

        send(page, "/recover", email=OLD_ADDRESS)
        link, code = mailbox.link(OLD_ADDRESS)
        send(page, link, code=code, password=NEWEST, repeat=NEWEST)
        log_in(page, OLD_ADDRESS, NEWEST)
        expect(page).to_have_url(f"{url}/")

        send(page, "/settings/email", email=NEW_ADDRESS, password=NEWEST)
        send(page, mailbox.link(NEW_ADDRESS)[0])
        mailbox.link(OLD_ADDRESS)

        page.goto("/settings/security")
        page.locator("form[action$=app] button").click()
        app = pyotp.TOTP(page.locator("main p > code").inner_text())
        send(page, code=app.now())
        listed = page.locator("[data-recovery-codes] li")
        expect(listed).to_have_count(10)
        codes = listed.all_inner_texts()
        log_out(page)
        log_in(page, NEW_ADDRESS, NEWEST)
        send(page, code=codes[0])
        expect(page).to_have_url(f"{url}/")

        page.goto("/settings/account")
        page.locator("main [name=password]").fill(NEWEST)
        page.locator("main form button").click()
        log_in(page, NEW_ADDRESS, NEWEST)
        expect(page.get_by_role("alert")).to_be_visible()
    assert all(
        word not in mail.as_string() for mail in mailbox.mails for word in (PASSWORD, NEW, NEWEST)
    )


PAGES = ["/login", "/register", "/recover", "/confirm", "/confirm?token=x", "/reset?token=x"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_before_the_login_are_light_and_open_to_everybody(chromium, url, theme):
    checker = (ROOT / "tests/vendor/axe.min.js").read_text()
    with opened(chromium, url, "de-DE", scripts=True) as page:
        page.emulate_media(color_scheme=theme)
        for path in PAGES:
            page.goto(path)
            page.evaluate(checker)
            found = page.evaluate("axe.run()")["violations"]
            assert [item["id"] for item in found] == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
