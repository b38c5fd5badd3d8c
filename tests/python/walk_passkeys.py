"""Signs in with an account as its person does, in headless Chromium with a virtual authenticator: by password, where a passkey is
offered and made; out again; and in with the passkey. Then with an authenticator app that the pool asks for.

Arguments: the address of an authorization request, the address for signing out, the address of a request at an organization that
asks for a second factor, the address of the person, their password, the port at which the application is, and where to put
screenshots. Fails where a page is not what it should be, complains, or is not accessible.
"""

import base64
import hashlib
import hmac
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

authorize, sign_out, strict, email, password, port, pictures = sys.argv[1:8]


class Application(BaseHTTPRequestHandler):
    """The application: it says that somebody is there."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel=icon href=data:,><h1>The application</h1>")

    def log_message(self, *_):
        pass


def authenticator(page):
    """A platform authenticator that holds passkeys and verifies its user (WebAuthn WebDriver extension, by CDP)."""
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
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, added["authenticatorId"]


def signal(session, device, enabled):
    session.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": device, "enabled": enabled})


def one_time_password(secret):
    """RFC 6238, with the defaults of authenticator apps."""
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def at_the_application(page):
    expect(page.get_by_role("heading", name="The application")).to_be_visible()
    assert "code=" in page.url and "iss=" in page.url, page.url


def passkey(context, name, with_passkey):
    walk = Walk(context, name, pictures)
    page = walk.page
    session, device = authenticator(page)
    # The browser offers a passkey by itself in the address field: not before somebody asks for it.
    signal(session, device, False)
    page.goto(authorize)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    walk.look("identifier")
    page.get_by_label("E-mail address").fill(email)
    walk.press("Continue")
    walk.look("password")
    page.get_by_label("Password", exact=True).fill("a wrong one")
    walk.press("Sign in")
    expect(page.get_by_text("do not belong together").first).to_be_visible()
    expect(page.get_by_text("login_flow_")).to_be_visible()
    walk.look("wrong")
    page.get_by_label("Password", exact=True).fill(password)
    walk.press("Sign in")
    if not with_passkey:
        at_the_application(page)
        return walk
    expect(page.get_by_role("heading", name="Sign in faster next time?")).to_be_visible()
    walk.look("offer")
    signal(session, device, True)
    walk.press("Add a passkey")
    at_the_application(page)
    held = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert len(held) == 1 and held[0]["isResidentCredential"], held
    page.goto(sign_out)
    walk.press("Sign out")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    signal(session, device, False)
    page.goto(authorize)
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    signal(session, device, True)
    with page.expect_navigation(url="**/callback?**"):
        page.get_by_role("button", name="Sign in with a passkey").click()
    at_the_application(page)
    return walk


def second_factor(context, name):
    walk = Walk(context, name, pictures)
    page = walk.page
    page.goto(strict)
    page.get_by_label("E-mail address").fill(email)
    walk.press("Continue")
    page.get_by_label("Password", exact=True).fill(password)
    walk.press("Sign in")
    expect(page.get_by_role("heading", name="Set up an authenticator app")).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    walk.look("authenticator")
    secret = page.locator("main code").first.inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill("12")
    walk.press("Continue")
    expect(page.get_by_text("This code is wrong").first).to_be_visible()
    walk.look("authenticator-wrong")
    page.get_by_label("Code", exact=True).fill(one_time_password(secret))
    walk.press("Continue")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert page.locator(".codes li").count() == 10
    walk.look("recovery-codes")
    walk.press("I have kept them")
    at_the_application(page)
    return walk


threading.Thread(target=HTTPServer(("127.0.0.1", int(port)), Application).serve_forever, daemon=True).start()
with sync_playwright() as playwright:
    browser = launch(playwright)
    for name, width, scheme, first in [("phone", 390, "light", True), ("desktop", 1280, "dark", False)]:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        walks = [passkey(context, f"{name}-passkey", first)]
        if first:
            walks.append(second_factor(context, f"{name}-app"))
        for walk in walks:
            assert not walk.complaints, walk.complaints
        context.close()
    # Without JavaScript there are no passkeys, and everything else is there.
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(authorize)
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    at_the_application(page)
    browser.close()
