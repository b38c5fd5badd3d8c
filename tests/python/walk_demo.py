"""Walks the demo as a person does, in headless Chromium, and says what stood on the pages.

Arguments: the demo's address, and where to put screenshots. Fails where a page is not what it should be.
"""

import re
import sys

from playwright.sync_api import expect, sync_playwright

from browser import launch, picture

base, pictures = sys.argv[1], sys.argv[2]


def walk(page, picture):
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    # The sample app, "Sign in with SSO", the test identity provider's list, and back.
    page.goto(base + "/demo")
    picture("app")
    page.get_by_label("Work e-mail").fill("ada@acme.example")
    page.get_by_role("button", name="Sign in with SSO").click()
    expect(page.get_by_role("heading", name="Sign in to Acme")).to_be_visible()
    picture("identity-provider")
    page.get_by_role("button", name="Ada Lovelace").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.locator("main")).to_contain_text("ada@acme.example")
    expect(page.locator("main")).to_contain_text("Engineering, Admins")
    assert page.url == base + "/demo", page.url
    picture("signed-in")
    page.get_by_role("button", name="Sign out").click()

    # The same through OpenID Connect.
    page.goto(base + "/demo")
    page.get_by_label("Work e-mail").fill("alan@globex.example")
    page.get_by_role("button", name="Sign in with OpenID Connect").click()
    page.get_by_role("button", name="Alan Turing").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.locator("main")).to_contain_text("alan@globex.example")
    expect(page.locator("main")).to_contain_text("Globex")
    picture("signed-in-openid-connect")
    page.get_by_role("button", name="Sign out").click()

    # A user of the other company is refused, and the page says why and what to quote.
    page.goto(base + "/demo")
    page.get_by_role("button", name="See a refused login").click()
    page.get_by_role("button", name="Alan Turing").click()
    expect(page.locator("[data-reason=email_outside_organization_domains]")).to_be_visible()
    expect(page.locator("main")).to_contain_text("globex.example")
    expect(page.locator("main")).to_contain_text(re.compile("saml_flow_[0-9a-z]{25}"))
    picture("refused")

    assert not [text for text in complaints if "403" not in text], complaints


with sync_playwright() as playwright:
    browser = launch(playwright)
    for name, width, scheme in [("desktop-light", 1280, "light"), ("phone-dark", 390, "dark")]:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page = context.new_page()
        walk(page, lambda step: picture(page, f"{pictures}/{name}-{step}.png"))
        context.close()
    browser.close()
