"""Walks the setup pages as a customer's IT admin does, in headless Chromium: from the vendor's link to a
tested connection, a test that failed and was mended, a domain to prove and people that arrive by SCIM.

Arguments: the address of a demo, two setup links of one of its organizations (one a screen), and where to
put screenshots. Fails where a page is not what it should be, and where axe finds something.
"""

import json
import re
import sys
import urllib.request
import xml.etree.ElementTree

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, links, pictures = sys.argv[1], sys.argv[2:4], sys.argv[4]
EMAIL = "ada@acme.example"


def identity_provider():
    """Entity ID, sign-on URL and certificate, as the test identity provider's metadata says them."""
    metadata = xml.etree.ElementTree.parse(urllib.request.urlopen(base + "/test-idp/metadata")).getroot()
    ns = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
    return (
        metadata.attrib["entityID"],
        metadata.find(".//md:SingleSignOnService", ns).attrib["Location"],
        metadata.find(".//ds:X509Certificate", ns).text,
    )


def arrive(walk, link):
    """The link is looked at without harm, and opens in the browser in which its button is pressed."""
    page = walk.page
    for _ in range(2):
        page.goto(link)
        expect(page.get_by_role("button", name="Start setup")).to_be_visible()
    walk.look("start")
    walk.press("Start setup")
    walk.heading("Connect Acme")
    walk.look("overview")
    page.reload()
    walk.heading("Connect Acme")
    page.goto(link)
    walk.heading("Connect Acme")
    stranger = walk.context.browser.new_context().new_page()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", level=1)).to_have_text("This link does not open")
    stranger.context.close()


def connect(walk):
    """Single sign-on with an identity provider that is none of the well-known ones, by single values."""
    page = walk.page
    page.goto(base + "/setup/saml")
    walk.look("providers")
    walk.go(page.get_by_role("button", name=re.compile("any other|another|Other", re.I)).first)
    walk.heading("Create the application")
    walk.look("create-app")
    walk.follow("Done, next step")
    walk.heading("Tell your identity provider about the application")
    walk.says("/v1/saml/saml_conn_")
    walk.look("configure")
    walk.follow("Done, next step")
    walk.heading("Tell the application about your identity provider")
    walk.look("metadata")

    page.get_by_text("Or enter single values").click()
    entity_id, sso_url, certificate = identity_provider()
    page.get_by_label("Entity ID").fill(entity_id)
    page.get_by_label("Sign-on URL").fill("not an address")
    page.get_by_label("Signing certificate").fill(certificate)
    page.locator("form").filter(has=page.get_by_label("Entity ID")).evaluate("form => form.noValidate = true")
    walk.press("Save and continue")
    expect(page.get_by_label("Entity ID")).to_have_value(entity_id)
    expect(page.get_by_label("Sign-on URL")).to_have_attribute("aria-invalid", "true")
    walk.look("metadata-refused")
    page.get_by_label("Sign-on URL").fill(sso_url)
    walk.press("Save and continue")
    walk.heading("Say who may sign in")
    walk.look("assign")
    walk.follow("Done, next step")
    walk.heading("Test the sign-in")
    walk.look("test")


def fail_and_mend(walk):
    """A test with an answer for another app shows the failed check and what to do; the next one succeeds."""
    page = walk.page
    walk.press("Test sign-in")
    page.get_by_text("Change what is said, or break it").click()
    page.get_by_label("NameID").fill(EMAIL)
    page.get_by_label("Attribute email").fill(EMAIL)
    page.get_by_label("Wrong audience", exact=True).check()
    walk.press("Send the response")
    walk.heading("The test did not succeed")
    walk.says("assertion_audience")
    walk.says("SP Entity ID")
    walk.look("test-failed")
    walk.press("Test again")
    walk.go(page.get_by_role("button", name="Ada Lovelace"))
    walk.heading("The test succeeded")
    walk.says(EMAIL)
    walk.says("Lovelace")
    walk.look("test-succeeded")
    walk.follow("Finish")
    walk.heading("Single sign-on is set up")
    walk.look("done")


def prove_domain(walk, domain):
    page = walk.page
    walk.follow("To the overview")
    page.goto(base + "/setup/domains")
    page.get_by_label("Domain").fill("gmail.com")
    walk.press("Add domain")
    walk.says("free-mail provider")
    walk.look("domain-refused")
    page.get_by_label("Domain").fill("ada@" + domain)
    walk.press("Add domain")
    walk.says("_sso-challenge." + domain)
    walk.look("domain-waits")
    walk.go(page.locator("section").filter(has_text=domain).get_by_role("button", name="Check now"))
    walk.says("The last check did not prove it")
    walk.look("domain-not-proved")
    walk.go(page.locator("section").filter(has_text=domain).get_by_role("button", name="Check now"))
    walk.says("Wait ten seconds")


def scim(base_url, token, method, path, body=None):
    request = urllib.request.Request(
        base_url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def provision(walk, person):
    """A directory for an identity provider; its first requests show up on the page that waits for them."""
    page = walk.page
    page.goto(base + "/setup/scim")
    walk.look("scim-providers")
    walk.go(page.get_by_role("button", name=re.compile("Google")))
    walk.says("Google Workspace cannot do this")
    walk.go(page.get_by_role("button", name=re.compile("any other|another|Other", re.I)).first)
    walk.heading("Connect your identity provider")
    walk.look("scim-connect")
    walk.press("Make the token")
    walk.says("Copy it now")
    walk.look("scim-token")
    token = page.get_by_role("button", name="Copy token").get_attribute("data-copy")
    base_url = page.get_by_role("button", name="Copy Base URL").get_attribute("data-copy")
    assert token.startswith("ssoready_scim_bearer_token_"), "the whole token is there to copy"
    live = page.url.rsplit("/", 1)[0] + "/live"
    page.goto(page.url)
    assert token not in page.content(), "a token is shown once"
    walk.look("scim-token-made")
    walk.follow("Done, next step")
    walk.look("scim-actions")
    walk.follow("Done, next step")
    assert page.url == live, page.url
    walk.says("Nothing arrived yet")
    walk.look("scim-waits")
    scim(base_url, token, "GET", "/Users?filter=userName%20eq%20%22" + person + "%22")
    scim(
        base_url,
        token,
        "POST",
        "/Users",
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": person, "active": True},
    )
    # Nobody reloads: the page asks by itself.
    expect(page.locator("main")).to_contain_text("People arrive", timeout=15_000)
    walk.says("Added a person")
    walk.look("scim-arrived")
    page.goto(base + "/setup/home")
    walk.says("Requests arrive")
    walk.look("overview-after")


with sync_playwright() as playwright:
    browser = launch(playwright)
    screens = [("desktop-light", 1280, "light"), ("phone-dark", 390, "dark")]
    for link, (name, width, scheme) in zip(links, screens, strict=True):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        context.set_default_timeout(20_000)
        walk = Walk(context, name, pictures)
        arrive(walk, link)
        connect(walk)
        fail_and_mend(walk)
        prove_domain(walk, f"{name}.example")
        provision(walk, f"{name}@acme.example")
        walk.press("Close these pages in this browser")
        walk.heading("You closed the setup pages")
        walk.page.goto(base + "/setup/home")
        walk.heading("These setup pages are not open here")
        assert not walk.complaints, walk.complaints
        context.close()
    browser.close()
