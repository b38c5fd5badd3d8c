"""Looks after one's own account, in headless Chromium with a virtual authenticator: every page on a desktop and a phone, in the
light and in the dark; profile, address, password, passkey, authenticator app, sessions; without JavaScript; and the erasure.

Arguments: the address of an authorization request, that of the account, of a second person: the same request is theirs, too; their
addresses, the password of both, and where to put screenshots. Fails where a page is not what it should be, complains, or is not
accessible.
"""

import base64
import hashlib
import hmac
import re
import struct
import sys
import time

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

authorize, account, dana, ada, password, pictures = sys.argv[1:7]
NEW = "purple kettle under rain"
PAGES = ["", "/profile", "/addresses", "/password", "/passkeys", "/second-factor", "/sessions", "/data", "/erase", "/confirm"]


def one_time_password(secret):
    """RFC 6238, with the defaults of authenticator apps."""
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def authenticator(page):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_in(page, email, secret):
    """Signs in for an application that is not there."""
    page.route("https://portal.example/**", lambda route: route.fulfill(body="<title>App</title><h1>The application</h1>", content_type="text/html"))
    page.goto(authorize)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_label("Password").fill(secret)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="The application")).to_be_visible()


def tour(walk):
    for path in PAGES:
        answer = walk.page.goto(account + path)
        assert answer.ok, f"{path}: {answer.status}"
        walk.look(path.strip("/") or "account")


def live(walk):
    """What somebody does in a morning."""
    page = walk.page
    authenticator(page)
    page.goto(account)
    walk.heading("Your account")
    walk.says("Dana Doe")
    walk.follow("Change your profile")
    page.get_by_label("Full name").fill("Dana Roe")
    walk.look("profile")
    walk.press("Save")
    walk.says("Your profile is saved.")
    walk.says("Dana Roe")
    walk.look("saved")

    walk.follow("Change your passkeys")
    page.get_by_label("Name", exact=False).fill("work laptop")
    walk.press("Add a passkey")
    walk.says("The passkey is added.")
    walk.says("work laptop")
    page.locator("summary").click()
    walk.look("passkey")

    page.goto(account + "/confirm?next=passkeys")
    walk.look("confirm")
    walk.press("Confirm by passkey")
    walk.heading("Passkeys")
    walk.says("Thank you.")

    page.goto(account)
    walk.follow("Change your second factor")
    walk.follow("Set up an app")
    secret = page.locator("main code").first.inner_text().replace(" ", "").replace("\n", "")
    page.get_by_role("textbox", name="Code").fill("000000")
    walk.press("Set up the app")
    walk.says("This is not what the app shows now")
    walk.look("app")
    page.get_by_role("textbox", name="Code").fill(one_time_password(secret))
    walk.press("Set up the app")
    walk.heading("Your authenticator app is set up")
    expect(page.locator(".codes li")).to_have_count(10)
    walk.look("codes")
    walk.follow("I have kept them")
    walk.says("10 are left")
    walk.look("second-factor")

    page.goto(account)
    walk.follow("Change your password")
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password once more").fill(NEW)
    walk.press("Save the password")
    walk.says("This is not your password")
    walk.look("password-refused")
    page.get_by_label("Present password").fill(password)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password once more").fill(NEW)
    walk.press("Save the password")
    walk.says("Your password is saved.")

    page.goto(account + "/second-factor")
    walk.press("Remove the app (authenticator app)")
    walk.says("The authenticator app is removed.")
    page.goto(account + "/data")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert '"work laptop"' in download.value.path().read_text()
    page.goto(account)
    walk.press("Sign out")
    walk.heading("You are signed out")


def without_scripts(context):
    """Everything but passkeys works, and says so where it does not."""
    walk = Walk(context, "no-scripts", pictures)
    page = walk.page
    sign_in(page, ada, password)
    page.goto(account + "/passkeys")
    # What stands in noscript is no text for the locators.
    assert "Adding a passkey needs JavaScript." in page.content()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    page.goto(account + "/sessions")
    walk.press("Sign out everywhere else")
    walk.says("You are signed out everywhere else.")
    page.goto(account + "/confirm?next=erase")
    page.get_by_label("Your password").fill(password)
    walk.press("Confirm")
    walk.heading("Erase your account?")
    page.get_by_label(f"Type {ada} to confirm").fill("somebody")
    walk.press("Erase my account")
    walk.says("Type ada@acme.com to confirm")
    page.get_by_label(f"Type {ada} to confirm").fill(ada)
    walk.press("Erase my account")
    walk.heading("Your account is erased")
    answer = page.goto(account)
    assert "/sign-in" in page.url, page.url
    assert not walk.complaints, walk.complaints


with sync_playwright() as playwright:
    browser = launch(playwright)
    state = None
    for name, width, height, scheme in [
        ("desktop-light", 1280, 900, "light"),
        ("phone-dark", 390, 844, "dark"),
        ("desktop-dark", 1280, 900, "dark"),
        ("phone-light", 390, 844, "light"),
    ]:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, storage_state=state)
        context.set_default_timeout(20_000)
        walk = Walk(context, name, pictures)
        if state is None:
            sign_in(walk.page, dana, password)
            state = context.storage_state()
        tour(walk)
        assert not walk.complaints, walk.complaints
        context.close()
    # A second session of Ada, for the list.
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    sign_in(context.new_page(), ada, password)
    context.close()
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    without_scripts(context)
    context.close()
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", storage_state=state)
    context.set_default_timeout(20_000)
    walk = Walk(context, "life", pictures)
    live(walk)
    assert not walk.complaints, walk.complaints
    browser.close()
