"""What the actions of the audit log are called on pages; exports and REST keep their codes."""

import re

from notify.mark import N_

PUBLIC_ID = r"[0-9a-z]{16}"

WORDS = {
    "access.refused": N_("Asked for what only others may"),
    "account.confirm": N_("Address confirmed"),
    "account.delete": N_("Account deleted"),
    "account.export": N_("Data of the account downloaded"),
    "account.invitation": N_("Invitation to register accepted"),
    "account.limit": N_("Too many mails asked for"),
    "account.profile": N_("Language, theme or time zone changed"),
    "account.recover": N_("Recovery asked for"),
    "account.register": N_("Registered"),
    "account.resend": N_("Confirmation sent again"),
    "account.reset": N_("New password set after recovery"),
    "admin.add": N_("Account added by an administrator"),
    "admin.disable": N_("Account disabled"),
    "admin.email": N_("Address changed by an administrator"),
    "admin.enable": N_("Account enabled again"),
    "admin.end_sessions": N_("Sessions ended by an administrator"),
    "admin.resend": N_("Invitation sent again"),
    "admin.role": N_("Role changed"),
    "app_token.revoke": N_("App revoked"),
    "app_token.vouch": N_("App paired by the device"),
    "channel.ask": N_("Another channel for codes asked for"),
    "channel.change": N_("Channel for codes changed"),
    "code.fail": N_("Wrong code"),
    "code.limit": N_("Too many codes asked for"),
    "code.locked": N_("Code refused after too many tries"),
    "code.resend": N_("Code sent again"),
    "config.push": N_("Configuration pushed"),
    "device.claim": N_("Device claimed"),
    "device.claim_fail": N_("Wrong claim code"),
    "device.controller_id": N_("Device has another controller id"),
    "device.create": N_("Device added"),
    "device.delete": N_("Device deleted"),
    "device.import": N_("Readings imported"),
    "device.login": N_("Device logged in"),
    "device.login_fail": N_("Wrong password of a device"),
    "device.register": N_("Device registered itself"),
    "device.register_fail": N_("Wrong claim secret of a device"),
    "device.revoke": N_("Device revoked"),
    "device.rotate": N_("New password for a device"),
    "device.sensors": N_("Sensors described"),
    "device.token.create": N_("Device token made"),
    "device.token.revoke": N_("Device token revoked"),
    "device.set_point": N_("Range of a value declared"),
    "device.topics": N_("Topics given to a device"),
    "device.update": N_("Device changed"),
    "email.ask": N_("Another address asked for"),
    "email.change": N_("Address changed"),
    "email.undo": N_("Change of address taken back"),
    "factor.passkey_added": N_("Passkey added"),
    "factor.passkey_fail": N_("New passkey refused"),
    "factor.passkey_removed": N_("Passkey removed"),
    "factor.recovery_code_used": N_("Recovery code used"),
    "factor.recovery_codes": N_("New recovery codes made"),
    "factor.totp_off": N_("Authenticator app turned off"),
    "factor.totp_on": N_("Authenticator app turned on"),
    "file.ask": N_("File asked of a device"),
    "file.delete": N_("File deleted"),
    "file.send": N_("File sent to a device"),
    "grant.change": N_("Level changed"),
    "grant.create": N_("Device shared"),
    "grant.remove": N_("Access taken away"),
    "guest_link.create": N_("Guest link made"),
    "guest_link.pin": N_("Wrong PIN at a guest link"),
    "guest_link.revoke": N_("Guest link revoked"),
    "invitation.accept": N_("Invitation accepted"),
    "invitation.decline": N_("Invitation declined"),
    "invitation.withdraw": N_("Invitation withdrawn"),
    "link.refused": N_("Link of a mail refused"),
    "login": N_("Logged in"),
    "login.disabled": N_("Login to a disabled account refused"),
    "login.factor": N_("Wrong code at login"),
    "login.fail": N_("Wrong password at login"),
    "login.locked": N_("Login refused after too many tries"),
    "login.passkey": N_("Logged in with a passkey"),
    "login.passkey_fail": N_("Passkey refused at login"),
    "login.password": N_("Password right, second step asked for"),
    "login.unconfirmed": N_("Login before the address was confirmed refused"),
    "mapping.add": N_("Topic mapped"),
    "mapping.change": N_("Mapped topic changed"),
    "mapping.remove": N_("Mapped topic removed"),
    "ownership.offer": N_("Ownership offered"),
    "password.ask": N_("Change of password begun"),
    "password.change": N_("Password changed"),
    "password.fail": N_("Wrong password at a change"),
    "password.locked": N_("Password refused after too many tries"),
    "proposal.accept": N_("Found device accepted"),
    "proposal.ignore": N_("Found device ignored"),
    "request.cross_site": N_("Request from another site refused"),
    "session.end": N_("Session ended"),
    "session.end_others": N_("All other sessions ended"),
    "session.ended": N_("Ended session refused"),
    "session.reuse": N_("Copied session refused"),
    "share_token.create": N_("Share token made"),
    "share_token.redeem": N_("Share token redeemed"),
    "share_token.revoke": N_("Share token revoked"),
    "token.create": N_("Program logged in"),
    "token.ended": N_("Ended refresh token refused"),
    "token.limit": N_("Too many wrong tokens"),
    "token.reuse": N_("Used refresh token refused"),
    "token.revoke": N_("Program logged out"),
}
RESULTS = {"ok": N_("done"), "refused": N_("refused"), "failed": N_("failed")}
OBJECTS = {
    "device": N_("device"),
    "page": N_("page"),
    "proposal": N_("found device"),
    "session": N_("session"),
    "token": N_("program"),
    "user": N_("person"),
}
SHELL = "command line"  # who acts there is written down so
ACTORS = {SHELL: N_("command line"), "device": N_("device")}


def split_actor(actor: str) -> tuple[str, str]:
    """Return the word of an actor that has one, and what follows it; else "" and the actor.

    An app that a device vouched for is written down as "device" and its public id.
    """
    if actor in ACTORS:
        return ACTORS[actor], ""
    word, _space, rest = actor.partition(" ")
    if word in ACTORS and re.fullmatch(PUBLIC_ID, rest):
        return ACTORS[word], rest
    return "", actor
