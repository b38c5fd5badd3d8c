"""Walks through the sign-in pages of people who sign in through their company, in headless Chromium, on a desktop and a phone, in the
light and in the dark.

Arguments: the address of a demo, an organization with a connection that shares its domain with another one, an application of the
vendor, and where to put screenshots. Fails where a page is not what it should be, and where axe finds something.
"""

import re
import sys
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, acme, client, pictures = sys.argv[1:5]


def authorize(issuer, **extra):
    """The address of an authorization request (RFC 7636 appendix B)."""
    parameters = {
        "client_id": client,
        "response_type": "code",
        "redirect_uri": f"{base}/demo",
        "scope": "openid profile email",
        "state": "s-1",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        **extra,
    }
    return f"{base}/demo-app/{issuer}/oauth2/authorize?{urlencode(parameters)}"


def arrived(walk, issuer):
    """The browser is back at the application, with a code."""
    walk.page.wait_for_url(re.compile(r"/demo\?"))
    answer = parse_qs(urlsplit(walk.page.url).query)
    assert answer["state"] == ["s-1"] and answer["code"], answer
    assert answer["iss"][0].startswith(f"{base}/demo-app/"), answer
    assert issuer != "root" or answer["iss"] == [f"{base}/demo-app/root"], answer


def walk_at_the_organization(walk):
    page = walk.page
    page.goto(authorize(acme))
    walk.heading("Sign in")
    walk.look("company")
    walk.press("Continue with your company’s sign-in")
    walk.heading("Sign in to Acme")
    walk.go(page.get_by_role("button", name="Ada Lovelace"))
    arrived(walk, acme)
    # Signed in: the next request has no page.
    page.goto(authorize(acme))
    arrived(walk, acme)
    # By their address, once there is a pool; and with a password, where the address is of another domain.
    page.goto(authorize(acme, prompt="login"))
    walk.look("identifier")
    page.get_by_label("E-mail address").fill("somebody@elsewhere.example")
    walk.press("Continue")
    walk.heading("Enter your password")
    page.goto(authorize(acme, prompt="login"))
    page.get_by_label("E-mail address").fill("grace@acme.example")
    walk.press("Continue")
    walk.heading("Sign in to Acme")


def walk_at_the_root(walk):
    page = walk.page
    page.goto(authorize("root"))
    page.get_by_label("E-mail address").fill("ada@acme.example")
    walk.press("Continue")
    walk.heading("Choose your company")
    walk.look("choose")
    page.keyboard.press("Tab")
    walk.go(page.get_by_role("button", name="Acme"))
    walk.heading("Sign in to Acme")
    walk.go(page.get_by_role("button", name="Ada Lovelace"))
    arrived(walk, "root")


def refused(walk):
    """Somebody of another company: the page says why, and leads back to the application."""
    page = walk.page
    page.goto(authorize(acme, prompt="login"))
    page.get_by_label("E-mail address").fill("ada@acme.example")
    walk.press("Continue")
    walk.go(page.get_by_role("button", name="Alan Turing"))
    expect(page.locator("[data-reason=email_outside_organization_domains]")).to_be_visible()
    walk.look("refused")
    walk.go(page.get_by_role("link", name=re.compile("^Back to")))
    answer = parse_qs(urlsplit(page.url).query)
    assert answer["error"] == ["access_denied"] and answer["state"] == ["s-1"], answer


with sync_playwright() as playwright:
    browser = launch(playwright)
    for name, width, scheme in [("desktop-light", 1280, "light"), ("phone-dark", 390, "dark")]:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        walk = Walk(context, name, pictures)
        walk_at_the_organization(walk)
        walk_at_the_root(walk)
        refused(walk)
        assert not walk.complaints, walk.complaints
        context.close()
    browser.close()
