"""Walks into the console as its first administrators do, in headless Chromium with a virtual authenticator.

Arguments: the server's address, a join link without an address, a second one, and where to put screenshots.
Fails where a page is not what it should be, complains, or is not accessible.
"""

import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from browser import launch, picture

base, first_link, second_link, pictures = sys.argv[1:5]


def authenticator(context, page):
    """A platform authenticator that holds passkeys and verifies its user (WebAuthn WebDriver extension, by CDP)."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, added["authenticatorId"]


def accessible(page, name):
    results = Axe().run(page)
    assert results.violations_count == 0, f"{name}: {results.generate_report()}"


def walk(browser, name, width, scheme, join_link, email, with_passkey):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def seen(step):
        picture(page, f"{pictures}/{name}-{step}.png")
        accessible(page, step)

    session, device = authenticator(context, page)

    def signal(enabled):
        simulated = {"authenticatorId": device, "enabled": enabled}
        session.send("WebAuthn.setAutomaticPresenceSimulation", simulated)

    page.goto(base + "/console")
    expect(page.get_by_role("heading", name="Sign in to the console")).to_be_visible()
    seen("sign-in")

    page.goto(join_link)
    expect(page.get_by_role("heading", name="You are invited to the console")).to_be_visible()
    seen("join")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.get_by_text(email)).to_be_visible()
    seen("join-choose")
    if with_passkey:
        page.get_by_role("button", name="Create a passkey and join").click()
    else:
        page.get_by_label("Your name").fill("Grace Hopper")
        page.get_by_label("Password", exact=True).fill("short")
        page.get_by_label("Password once more").fill("short")
        page.get_by_role("button", name="Set the password and join").click()
        expect(page.get_by_text("at least 12 characters").first).to_be_visible()
        seen("join-refused")
        page.get_by_label("Password", exact=True).fill("violet kettle under snow")
        page.get_by_label("Password once more").fill("violet kettle under snow")
        page.get_by_role("button", name="Set the password and join").click()
    page.wait_for_url(base + "/console")

    page.goto(base + "/console/account")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    seen("account")
    if not with_passkey:
        # A passkey beside the password.
        page.get_by_label("Name of a new passkey").fill("work laptop")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("work laptop").first).to_be_visible()
        seen("account-passkey")
    held = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert len(held) == 1 and held[0]["isResidentCredential"], held

    # Out, and in again with the passkey alone: nobody types an address. Without its signal the device waits,
    # so that the button is what signs in, not the offer in the address field.
    context.clear_cookies()
    signal(False)
    page.goto(base + "/console/account?from=link")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    signal(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(base + "/console/account?from=link")
    expect(page.get_by_text("Signed in by passkey").first).to_be_visible()
    assert "last used" in page.content()

    # A passkey that was taken away opens nothing.
    if not with_passkey:
        page.get_by_text("Rename or remove").click()
        page.get_by_role("button", name="Remove this passkey").click()
        expect(page.get_by_text("None yet.")).to_be_visible()
        context.clear_cookies()
        signal(False)
        page.goto(base + "/console/sign-in")
        button = page.get_by_role("button", name="Sign in with a passkey")
        expect(button).to_be_visible()
        signal(True)
        button.click()
        expect(page.get_by_text("is not accepted here")).to_be_visible()
        seen("sign-in-refused")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill("violet kettle under snow")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(base + "/console")

    # Refused forms answer 401 and 422, which the browser calls errors.
    assert not [text for text in complaints if "401" not in text and "422" not in text], complaints
    context.close()


with sync_playwright() as playwright:
    browser = launch(playwright)
    walk(browser, "desktop-light", 1280, "light", first_link, "grace@vendor.example", False)
    walk(browser, "phone-dark", 390, "dark", second_link, "ada@vendor.example", True)
    browser.close()
