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
    page.get_by_label("Password").fill(PASSWORD)
    walk.press("Sign in")
    expect(page.get_by_role("heading", name="Hello Dana Ito")).to_be_visible()
    expect(page.get_by_text("dana@initech.example, Initech")).to_be_visible()

    # Once more, without a page; then out, at the issuer too.
    open_app(walk, "Sign out")
    expect(page).to_have_url(home + "/")
    open_app(walk, "Sign in")
    expect(page.get_by_label("E-mail address")).to_be_visible()
    assert page.url.startswith(issuer + "/sign-in"), page.url

    # An answer that nobody asked for.
    answer = page.goto(home + "/callback?code=x&state=y")
    assert answer.status == 400, answer.status
    assert not walk.complaints, walk.complaints
    browser.close()
