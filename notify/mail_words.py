"""What the messages of the outbox and their states are called on pages; the rows keep codes."""

from notify.mark import N_

TEMPLATES = {
    "account_changed": N_("Account changed by an administrator"),
    "account_deleted": N_("Account deleted"),
    "already_registered": N_("Account exists already"),
    "code": N_("Code"),
    "confirm": N_("Confirmation of an address"),
    "device_invitation": N_("Invitation to a device"),
    "email_change": N_("Change of address"),
    "email_changed": N_("Address changed"),
    "guest_link": N_("Guest link"),
    "invitation": N_("Invitation to register"),
    "ownership_offer": N_("Ownership offered"),
    "password_changed": N_("Password changed"),
    "recover": N_("Recovery of an account"),
    "security_changed": N_("Security setting changed"),
    "shared": N_("Device shared"),
}
STATES = {
    "queued": N_("waiting"),
    "sending": N_("being sent"),
    "sent": N_("sent"),
    "failed": N_("failed"),
}
