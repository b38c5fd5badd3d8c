"""Walks through docs/sign-in-guide.md as its reader does: from the letter to the guide's own app.

Arguments: the demo's address, the app's, the issuer, and where to put screenshots.
"""

import sys
import time
import urllib.request

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, home, issuer, pictures = sys.argv[1:5]
PASSWORD = "violet kettle under snow"


def wait_for_app():
    for _ in range(300):
        try:
            return urllib.request.urlopen(home).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the app does not start")


def open_app(walk, link):
    walk.page.goto(home)
    walk.go(walk.page.get_by_role("link", name=link))


with sync_playwright() as playwright:
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(20_000)
    walk = Walk(context, "guide", pictures)
    page = walk.page

    # A device that holds passkeys, and confirms by itself when it is told to.
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": False,
    }
    device = session.send("WebAuthn.addVirtualAuthenticator", {"options": device})["authenticatorId"]

    def confirms(yes):
        session.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": device, "enabled": yes})

    # The letter, and its link.
    page.goto(base + "/demo/mailbox")
    walk.look("mailbox")
    link = page.locator("a[href*='/sign-in/activate']").first
    page.goto(link.get_attribute("href"))
    walk.look("activate")
    page.locator("input[type=password]").first.fill(PASSWORD)
    walk.go(page.locator("main button[type=submit]").first)
    walk.look("activated")

    # The app.
    wait_for_app()
    open_app(walk, "Sign in")
    page.get_by_label("E-mail address").fill("dana@initech.example")
    walk.press("Continue")
    walk.look("password")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    walk.press("Sign in")

    # A passkey, which is offered once.
    expect(page.get_by_role("heading", name="Sign in faster next time?")).to_be_visible()
    walk.look("offer")
    confirms(True)
    walk.press("Add a passkey")
    expect(page.get_by_role("heading", name="Hello Dana Ito")).to_be_visible()
    expect(page.get_by_text("dana@initech.example, Initech")).to_be_visible()

    # Out, at the issuer too; and in with the passkey alone.
    confirms(False)
    open_app(walk, "Sign out")
    expect(page).to_have_url(home + "/")
    open_app(walk, "Sign in")
    button = page.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_visible()
    assert page.url.startswith(issuer + "/sign-in"), page.url
    walk.look("passkey")
    confirms(True)
    button.click()
    expect(page.get_by_role("heading", name="Hello Dana Ito")).to_be_visible()

    # An answer that nobody asked for.
    answer = page.goto(home + "/callback?code=x&state=y")
    assert answer.status == 400, answer.status
    assert not walk.complaints, walk.complaints
    browser.close()
