"""Walks the console as its people do, in headless Chromium: from the first administrator's invitation to
the first working login of an app, and from a login that failed to one that works again.

Arguments: the address of a demo, the link by which its first administrator joins, and where to put
screenshots. Fails where a page is not what it should be, and where axe finds something.
"""

import http.server
import json
import pathlib
import re
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

from playwright.sync_api import expect, sync_playwright

from browser import launch, picture

base, invitation, pictures = sys.argv[1], sys.argv[2], sys.argv[3]
AXE = None
for folder in pathlib.Path(sys.prefix).rglob("axe.min.js"):
    AXE = folder.read_text()
PASSWORD = "seven quiet lanterns by the door"


class App(http.server.BaseHTTPRequestHandler):
    """The vendor's own app: it begins a login, and greets whoever comes back with a code."""

    key = ""
    organization = ""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/sign-in":
            body = {"organizationId": App.organization}
            answer = call("/v1/saml/redirect", body)
            self.send_response(302)
            self.send_header("Location", answer["redirectUrl"])
            self.end_headers()
        elif path == "/callback":
            code = urllib.parse.parse_qs(query)["saml_access_code"][0]
            answer = call("/v1/saml/redeem", {"samlAccessCode": code})
            text = f"<!doctype html><title>App</title><h1>Hello {answer['email']}</h1>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text)
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


def call(path, body):
    request = urllib.request.Request(
        base + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {App.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class Walk:
    def __init__(self, page, name):
        self.page, self.name, self.step = page, name, 0
        self.complaints = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def look(self, what):
        """Takes a picture, and lets axe look at the page."""
        self.step += 1
        picture(self.page, f"{pictures}/{self.name}-{self.step:02}-{what}.png")
        if AXE:
            self.page.evaluate(AXE)
            found = self.page.evaluate("axe.run()")["violations"]
            told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
            assert not told, f"{what}: {told}"

    def go(self, where):
        """Clicks what leads to another page, and waits until that page is there."""
        with self.page.expect_navigation():
            where.click()

    def press(self, name):
        self.go(self.page.get_by_role("button", name=name, exact=True).first)

    def follow(self, name):
        self.go(self.page.get_by_role("link", name=name, exact=True).first)

    def fill(self, label, text):
        self.page.get_by_label(label).first.fill(text)

    def says(self, text):
        expect(self.page.locator("main")).to_contain_text(text)


def first_administrator(walk):
    walk.page.goto(invitation)
    walk.look("join")
    walk.fill("Your e-mail address", "dana@vendor.example")
    walk.press("Continue")
    walk.look("join-how")
    walk.fill("Your name", "Dana")
    walk.page.get_by_label("Password", exact=True).fill(PASSWORD)
    walk.fill("Password once more", PASSWORD)
    walk.press("Set the password and join")
    walk.look("environments")


def first_login(walk, redirect):
    page = walk.page
    walk.follow("New environment")
    walk.fill("Name", "Production")
    walk.fill("Slug", "production")
    walk.fill("Redirect URL", redirect)
    walk.look("new-environment")
    walk.press("Create environment")
    walk.look("environment")

    walk.follow("Organizations")
    walk.look("no-organizations")
    walk.go(page.get_by_role("link", name=re.compile("Create the first one|New organization")).first)
    walk.fill("Name", "Initech")
    walk.fill("Domains", "initech.example")
    walk.press("Create organization")
    walk.says("initech.example")
    App.organization = re.search("org_[0-9a-z]{25}", page.url)[0]

    walk.go(page.locator("a[href$=\"/saml-connections/new\"]").first)
    metadata = urllib.request.urlopen(base + "/test-idp/metadata").read()
    page.get_by_label("Metadata file").set_input_files(
        {"name": "metadata.xml", "mimeType": "text/xml", "buffer": metadata}
    )
    page.get_by_label("Primary connection").check()
    walk.look("new-connection")
    walk.press("Create connection")
    walk.says("/acs")
    walk.look("connection")

    walk.follow("API keys")
    walk.go(page.get_by_role("link", name=re.compile("Create the first one|New API key")).first)
    walk.fill("Name", "App")
    walk.press("Create API key")
    App.key = re.search("ssoready_sk_[0-9a-z]{25}", page.content())[0]
    walk.look("api-key")
    return re.match(".*/console/env_[0-9a-z]{25}", page.url)[0]


def answer_as(walk, email):
    """At the test identity provider: says who signs in."""
    page = walk.page
    form = page.get_by_text("Change what is said, or break it")
    if not page.get_by_label("NameID").is_visible():
        form.click()
    walk.fill("NameID", email)
    walk.fill("Attribute email", email)
    walk.press("Send the response")


def sign_in(walk, app, email):
    walk.page.goto(app + "/sign-in")
    answer_as(walk, email)


def working_login(walk, app):
    sign_in(walk, app, "peter@initech.example")
    expect(walk.page.get_by_role("heading", name="Hello peter@initech.example")).to_be_visible()


def failed_login(walk, app, console):
    """Somebody is refused; support finds the login, understands it, mends it and sees that it is mended."""
    page = walk.page
    sign_in(walk, app, "milton@initech-labs.example")
    expect(page.locator("[data-reason=email_outside_organization_domains]")).to_be_visible()
    walk.look("refused")
    reference = re.search("saml_flow_[0-9a-z]{25}", page.content())[0]

    page.goto(console)
    walk.look("overview")
    walk.follow("Login flows")
    walk.look("flows")
    page.get_by_role("searchbox").first.fill("milton@initech-labs.example")
    walk.press("Search")
    walk.go(page.locator(f"a[href*={reference}]").first)
    walk.says("initech.example")
    walk.says("initech-labs.example")
    walk.look("failed-flow")
    flow = page.url

    page.goto(f"{console}/organizations/{App.organization}/edit")
    walk.fill("Domains", "initech.example\ninitech-labs.example")
    walk.press("Save")
    page.goto(flow)
    walk.press("Check again with today’s settings")
    walk.look("checked-again")
    sign_in(walk, app, "milton@initech-labs.example")
    expect(page.get_by_role("heading", name="Hello milton@initech-labs.example")).to_be_visible()


def audit(walk, console):
    walk.page.goto(console + "/audit-events")
    walk.says("dana@vendor.example")
    walk.look("audit")


def service_client(walk, console):
    """A program of the vendor's gets a client, a token and an answer of the API; then the client is switched off."""
    page = walk.page
    page.goto(console)
    walk.follow("Applications")
    walk.look("no-applications")
    walk.follow("New service client")
    walk.fill("Name", "Provisioning")
    page.get_by_label("view_audit_events").check()
    walk.look("new-service-client")
    walk.press("Create service client")
    secret = re.search("app_secret_[0-9a-z]{25}", page.content())[0]
    client = re.search("/applications/(app_[0-9a-z]{25})", page.content())[1]
    walk.look("service-client-secret")
    page.goto(f"{console}/applications/{client}")
    walk.says("/production/system/oauth2/token")
    walk.look("service-client")

    def ask():
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{base}/production/system/oauth2/token", data) as answer:
            return json.load(answer)["access_token"]

    events = urllib.request.Request(
        f"{base}/api/system/production/servers/system/audit-events",
        headers={"Authorization": f"Bearer {ask()}"},
    )
    with urllib.request.urlopen(events) as answer:
        made = [one for one in json.load(answer)["audit_events"] if one["event_subject"] == "application"]
    assert made[0]["payload"]["target_id"] == client, made
    walk.follow("New secret")
    walk.look("rotate-secret")
    page.goto(f"{console}/applications/{client}/edit")
    page.get_by_label("Switched off").check()
    walk.look("edit-service-client")
    walk.press("Save")
    walk.says("is switched off")
    walk.look("service-client-off")
    for request in (events, None):
        try:
            urllib.request.urlopen(request) if request else ask()
            raise SystemExit("a client that is switched off was answered")
        except urllib.error.HTTPError as refused:
            assert refused.code in (400, 401), refused
    page.goto(f"{console}/applications/new")
    walk.look("new-application")


def filled_directory(walk):
    """The test identity provider pushes its people, and the console shows them."""
    page = walk.page
    page.goto(base + "/test-idp/scim")
    page.get_by_label("Directory").select_option("Acme")
    walk.go(page.locator("button[name=action][value=push]"))
    walk.says("Done")
    page.goto(base + "/console")
    walk.follow("Demo")
    walk.follow("Directories")
    walk.look("directories")
    walk.go(page.locator("main table").get_by_role("link", name="Acme"))
    # The directory's, not those of the navigation.
    walk.go(page.locator("main").get_by_role("link", name="Users", exact=True))
    walk.says("ada@acme.example")
    walk.look("users")
    walk.go(page.locator("main table a").first)
    walk.look("user")
    walk.follow("Requests")
    walk.says("/Users")
    walk.look("requests")


def tour(walk, console, organization):
    """The other pages, on a phone and in the dark too."""
    for path in [
        "",
        "/organizations",
        f"/organizations/{organization}",
        "/flows",
        "/scim-directories",
        "/webhooks",
        "/webhooks/new",
        "/events",
        "/audit-events",
        "/settings",
        "/api-keys",
        "/oauth-clients",
        "/oauth-clients/new",
        "/applications",
        "/applications/new",
        "/applications/new-service-client",
        "/branding",
        "/administrators",
    ]:
        answer = walk.page.goto(console + path)
        assert answer.ok, f"{path}: {answer.status}"
        walk.look(path.strip("/").replace("/", "-") or "overview")
    walk.page.goto(base + "/console/account")
    walk.look("account")


with sync_playwright() as playwright:
    app_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app_server.serve_forever, daemon=True).start()
    app = f"http://127.0.0.1:{app_server.server_address[1]}"
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(20_000)
    walk = Walk(context.new_page(), "desktop-light")
    first_administrator(walk)
    console = first_login(walk, app + "/callback")
    working_login(walk, app)
    failed_login(walk, app, console)
    audit(walk, console)
    service_client(walk, console)
    filled_directory(walk)
    assert not walk.complaints, walk.complaints
    state = context.storage_state()
    context.close()
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", storage_state=state
    )
    walk = Walk(phone.new_page(), "phone-dark")
    tour(walk, console, App.organization)
    assert not walk.complaints, walk.complaints
    browser.close()
