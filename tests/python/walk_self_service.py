"""Walks the pages of those who cannot sign in yet, or not any more, in headless Chromium: a password that was forgotten, an account that
is activated, one that somebody makes for themselves. Each by the letters in the mailbox of the demo, on a desktop and on a phone, in
the light and in the dark, and once more without JavaScript.

Arguments: the address of a demo, the link by which its first administrator joins, the organization, the path of its issuer, an application
of it, the link by which a new user activates their account, and where to put screenshots. Fails where a page is not what it should be,
and where axe finds something.
"""

import re
import sys
from urllib.parse import urlencode

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, invitation, organization, issuer, client, activation, pictures = sys.argv[1:8]
PASSWORD = "seven quiet lanterns by the door"
NEW_PASSWORD = "eight quiet lanterns by the shore"
SCREENS = [
    ("desktop-light", 1280, 900, "light"),
    ("phone-dark", 390, 844, "dark"),
    ("desktop-dark", 1280, 900, "dark"),
    ("phone-light", 390, 844, "light"),
]


def authorize():
    """What the application sends people to."""
    parameters = {
        "client_id": client,
        "response_type": "code",
        "redirect_uri": f"{base}/demo",
        "scope": "openid",
        "state": "walk",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return f"{base}{issuer}/oauth2/authorize?{urlencode(parameters)}"


def sign_in(walk, where):
    """The last step, and whatever is offered before it ends somewhere."""
    page = walk.page
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state()
    offer = page.get_by_role("button", name="Not now")
    if offer.count():
        offer.click()
    page.wait_for_url(where)


followed = set()


def letter(page, address, subject):
    """The link of the newest letter to an address, one that was not followed yet. It takes a moment until it is sent."""
    for _ in range(60):
        page.goto(f"{base}/demo/mailbox")
        card = page.locator("section.card").filter(has_text=address).filter(has_text=subject).first
        href = card.get_by_role("link", name=re.compile("^http")).first.get_attribute("href") if card.count() else None
        if href and href not in followed:
            followed.add(href)
            return href
        page.wait_for_timeout(500)
    raise AssertionError(f"no letter to {address}: {page.content()}")


def allow_registration(walk, console):
    """As the pool of the organization allows it."""
    page = walk.page
    page.goto(f"{console}/organizations/{organization}")
    walk.follow("Identity pools")
    walk.go(page.locator("main table a").first)
    walk.follow("Edit")
    page.locator("input[type=checkbox][name=public_registration_allowed]").check()
    walk.press("Save")
    walk.says("People may register themselves.")


def invite(walk, console):
    """An administrator, by a letter."""
    page = walk.page
    page.goto(f"{console}/administrators/invite")
    walk.look("invite")
    page.get_by_label("E-mail address").fill("grace@vendor.example")
    walk.press("Invite them")
    walk.says("A letter with the link is on its way")
    walk.look("invited")
    page.goto(letter(page, "grace@vendor.example", "You are invited"))
    walk.heading("You are invited to the console")


def forget(walk, look, password, new):
    """From the application to the sign-in page, to the letter, and back into the application."""
    page = walk.page
    page.goto(authorize())
    look("identifier")
    page.get_by_label("E-mail address").fill("ada@post.example")
    walk.press("Continue")
    look("password")
    walk.follow("Forgot your password?")
    walk.heading("Get a new password")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@post.example")
    look("forgot")
    walk.press("Send me a letter")
    walk.says("If there is an account with ada@post.example, a letter is on its way.")
    look("sent")
    link = letter(page, "ada@post.example", "Set a new password")
    page.goto(link)
    walk.heading("Set a new password")
    look("reset")
    page.get_by_label("New password").fill("short")
    walk.press("Set the password")
    walk.says("Must be at least 12 characters")
    look("reset-refused")
    page.get_by_label("New password").fill(new)
    walk.press("Set the password")
    walk.says("Your password is set.")
    look("set")
    page.get_by_label("E-mail address").fill("ada@post.example")
    walk.press("Continue")
    page.get_by_label("Password").fill(password)
    walk.press("Sign in")
    walk.says("do not belong together")
    page.get_by_label("Password").fill(new)
    sign_in(walk, re.compile(re.escape(f"{base}/demo?code=code_")))
    assert "state=walk" in page.url, page.url
    page.goto(link)
    walk.says("This link is not good any more")
    look("ended")
    page.goto(f"{base}{issuer}/account")
    walk.says("Ada Lovelace")
    look("account")
    page.goto(f"{base}{issuer}/oidc/logout")
    walk.press("Sign out")
    walk.says("Nobody is signed in here")
    look("signed-out")


def activate(walk):
    page = walk.page
    page.goto(activation)
    walk.heading("Set your password")
    walk.look("activate")
    page.get_by_label("Password").fill(PASSWORD)
    walk.press("Set the password")
    walk.says("Your account is ready.")
    walk.look("activated")
    page.get_by_label("E-mail address").fill("hopper@post.example")
    walk.press("Continue")
    page.get_by_label("Password").fill(PASSWORD)
    sign_in(walk, f"{base}{issuer}/account")


def register(walk, look, address):
    page = walk.page
    page.goto(authorize())
    walk.follow("Create an account")
    walk.heading("Create an account")
    look("register")
    page.get_by_label("E-mail address").fill("nobody")
    page.get_by_label("Full name").fill("Eve Example")
    walk.press("Create the account")
    walk.says("Must be an e-mail address")
    look("register-refused")
    page.get_by_label("E-mail address").fill(address)
    walk.press("Create the account")
    walk.says(f"A letter is on its way to {address}.")
    look("registered")
    page.goto(letter(page, address, "Activate your account"))
    walk.heading("Set your password")
    look("register-password")
    page.get_by_label("Password").fill("password1234")
    walk.press("Set the password")
    walk.says("with a little added")
    page.get_by_label("Password").fill(PASSWORD)
    walk.press("Set the password")
    walk.says("Your account is ready.")
    page.get_by_label("E-mail address").fill(address)
    walk.press("Continue")
    page.get_by_label("Password").fill(PASSWORD)
    sign_in(walk, re.compile(re.escape(f"{base}/demo?code=code_")))


def quiet(_):
    """Without JavaScript axe cannot run either."""


with sync_playwright() as playwright:
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    walk = Walk(context, "console", pictures)
    console = walk.join(invitation, PASSWORD)
    allow_registration(walk, console)
    invite(walk, console)
    assert not walk.complaints, walk.complaints
    context.close()
    password = "violet kettle under snow"
    for number, (name, width, height, scheme) in enumerate(SCREENS):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(20_000)
        walk = Walk(context, name, pictures)
        new = f"{NEW_PASSWORD} {number}"
        forget(walk, walk.look, password, new)
        password = new
        register(walk, walk.look, f"eve{number}@new.example")
        assert not walk.complaints, walk.complaints
        context.close()
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    walk = Walk(context, "without-script", pictures)
    forget(walk, quiet, password, f"{NEW_PASSWORD} without")
    register(walk, quiet, "without@new.example")
    context.close()
    context = browser.new_context()
    context.set_default_timeout(20_000)
    activate(Walk(context, "activation", pictures))
    context.close()
    browser.close()
