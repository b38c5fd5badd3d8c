"""Joins an organization by the link of a letter, without an account and with one; leaves it, hands it over, and administers it: in
headless Chromium, on a desktop and a phone, in the light and in the dark.

Arguments: the address of the server; the path of the organization's own administration; the link of the letter to somebody new, and to
somebody who has an account; their addresses, that of the owner, the password of all; and where to put screenshots. Fails where a page
is not what it should be, complains, or is not accessible.
"""

import sys

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

address, admin, new_link, known_link, new, known, owner, password, pictures = sys.argv[1:10]
ACCOUNT = f"{address}/prod/root/account"
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}}


def sign_in(walk, email, typed=False):
    """From the page that asks who somebody is."""
    page = walk.page
    if not typed:
        page.get_by_label("E-mail address").fill(email)
    expect(page.get_by_label("E-mail address")).to_have_value(email)
    walk.press("Continue")
    page.get_by_label("Password").fill(password)
    walk.press("Sign in")
    while page.get_by_role("button", name="Not now", exact=True).count():
        walk.press("Not now")


def newcomer(walk):
    """Gets an account by the letter."""
    page = walk.page
    page.goto(new_link)
    walk.heading("Join Acme")
    walk.says(new)
    walk.look("invited")
    page.get_by_label("Your name").fill("Nora New")
    page.get_by_label("Password").fill("short")
    walk.press("Join Acme")
    walk.look("refused")
    page.get_by_label("Password").fill(password)
    walk.press("Join Acme")
    walk.says("Your account is ready.")
    walk.look("ready")
    sign_in(walk, new, typed=True)
    walk.heading("Your organizations")
    walk.says("Acme")
    walk.says("Member")
    walk.look("organizations")
    page.goto(new_link)
    walk.heading("This invitation is not good any more")
    walk.look("ended")


def member(walk):
    """Joins with an account that is there, and leaves again."""
    page = walk.page
    page.goto(known_link)
    walk.says("There is an account with this address.")
    walk.look("sign-in")
    walk.follow("Sign in to join")
    sign_in(walk, known, typed=True)
    walk.heading("Join Acme")
    walk.look("join")
    walk.press("Join Acme")
    walk.heading("Your organizations")
    walk.says("You have joined the organization.")
    walk.says("Administrator")
    walk.look("joined")
    page.goto(address + admin)
    walk.heading("Acme")
    walk.look("administers")
    page.goto(ACCOUNT)
    walk.look("account")
    page.goto(ACCOUNT + "/organizations")
    walk.go(page.get_by_role("link", name="Leave Acme"))
    walk.heading("Leave Acme")
    walk.look("leave")
    walk.press("Leave Acme")
    walk.says("You have left the organization.")
    page.goto(address + admin)
    walk.look("not-any-more")


def run_it(walk):
    """The owner looks at members, invites, looks at the checklist, and hands the organization over."""
    page = walk.page
    page.goto(ACCOUNT)
    sign_in(walk, owner)
    page.goto(ACCOUNT + "/organizations")
    walk.look("organizations")
    walk.go(page.get_by_role("link", name="Administer Acme"))
    walk.go(page.get_by_role("link", name="Members", exact=True).first)
    walk.heading("Members of Acme")
    walk.says("Nora New")
    walk.look("members")
    walk.follow("Invite people")
    page.get_by_label("E-mail addresses").fill("one@people.example\nnonsense\n" + owner)
    walk.look("invite")
    walk.press("Invite")
    walk.says("not invited")
    walk.says("/sign-in/invitation?token=")
    walk.look("links")
    walk.follow("Done")
    walk.says("one@people.example")
    walk.look("invitations")
    walk.press("Send again to one@people.example")
    walk.look("again")
    walk.follow("Done")
    walk.press("Take back the invitation of one@people.example")
    walk.says("taken back")
    walk.go(page.get_by_role("link", name="Members", exact=True).first)
    walk.follow("Nora New")
    walk.look("member")
    page.get_by_label("What they are").select_option("admin")
    walk.press("Save the role")
    walk.says("Administrator")
    walk.press("Suspend")
    walk.says("suspended")
    walk.look("suspended")
    walk.press("Reactivate")
    walk.go(page.get_by_role("link", name="Checklist", exact=True).first)
    walk.heading("Checklist of Acme")
    walk.says("A second administrator")
    walk.look("checklist")
    page.goto(ACCOUNT + "/organizations")
    walk.go(page.get_by_role("link", name="Hand over Acme"))
    walk.look("transfer")
    page.get_by_label("E-mail address of the next owner").fill("nobody@people.example")
    walk.press("Hand it over")
    walk.look("transfer-refused")
    page.get_by_label("E-mail address of the next owner").fill(new)
    walk.press("Hand it over")
    walk.says("The organization has another owner now.")
    walk.says("Administrator")
    walk.look("transferred")


with sync_playwright() as playwright:
    browser = launch(playwright)
    for name, steps, options in [
        ("newcomer", newcomer, PHONE),
        ("member", member, {**PHONE, "color_scheme": "dark"}),
        ("owner", run_it, DESKTOP),
    ]:
        context = browser.new_context(**options, java_script_enabled=True)
        walk = Walk(context, name, pictures)
        walk.page.set_default_timeout(20_000)
        steps(walk)
        assert not walk.complaints, walk.complaints
        context.close()
    browser.close()
