"""Walks the console's pages of templates as somebody new to them does, in headless Chromium: a template is made, becomes the default
one, gets a schema, and a customer is made from it; then the same pages on a phone and on a desktop, in the light and in the dark.

Arguments: the address of a demo, the link by which its first administrator joins, and where to put screenshots. Fails where a page is
not what it should be, and where axe finds something.
"""

import re
import sys

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, invitation, pictures = sys.argv[1:4]
PASSWORD = "seven quiet lanterns by the door"
SCHEMA = """{
  "type": "object",
  "required": ["salesforceId"],
  "properties": {
    "salesforceId": { "type": "string", "title": "Salesforce id", "maxLength": 18 },
    "plan": { "enum": ["free", "pro"], "title": "Plan" }
  }
}"""


def section(walk, name):
    walk.go(walk.page.locator("nav.sections").get_by_role("link", name=name, exact=True))


def make_template(walk):
    page = walk.page
    section(walk, "Templates")
    walk.says("what your customers have in common")
    walk.look("no-templates")
    walk.follow("Create the first template")
    walk.press("Create template")
    walk.says("Is required")
    walk.look("new-template-refused")
    page.get_by_label("Name").fill("B2B customers")
    page.get_by_label("Description").fill("Everybody who pays.")
    page.get_by_label("Password", exact=True).check()
    page.get_by_label("Passkey", exact=True).check()
    page.get_by_label("Colour").fill("#1f6f54")
    page.get_by_label("Attributes").fill("tier=gold")
    walk.look("new-template")
    walk.press("Create template")
    walk.says("Template created.")
    walk.look("template")
    template = page.url
    walk.follow("Edit the schema")
    page.get_by_label("JSON Schema").fill(SCHEMA)
    # The form beside it follows what is typed.
    expect(page.get_by_label("Salesforce id")).to_be_visible()
    walk.look("schema")
    page.get_by_label("JSON Schema").fill("{")
    walk.press("Save")
    walk.says("JSON")
    walk.look("schema-refused")
    page.get_by_label("JSON Schema").fill(SCHEMA)
    walk.press("Save")
    walk.says("Metadata schema saved.")
    walk.follow("New identity pool")
    page.get_by_label("Name", exact=True).fill("Staff")
    walk.look("new-pool")
    walk.go(page.locator("main form.form button.primary"))
    page.goto(template)
    walk.says("Staff")
    walk.press("Mark as default")
    walk.says("It is the default")
    walk.look("default-template")
    return template


def make_customer(walk, console):
    """From the list of organizations, as somebody who does not think of templates."""
    page = walk.page
    section(walk, "Organizations")
    walk.follow("New organization")
    expect(page.get_by_label("B2B customers (the default)")).to_be_checked()
    walk.says("Gives sign-in by password and passkey · the identity pool “Staff”")
    page.locator("#displayName").fill("Initech")
    page.locator("#domains").fill("initech.example")
    page.get_by_label("Parent").select_option("Acme")
    walk.look("new-organization")
    walk.press("Create organization")
    walk.says("from template B2B customers")
    walk.says("Passkey")
    walk.says("gold")
    walk.look("customer")
    customer = page.url
    walk.follow("Edit metadata")
    page.get_by_label("Plan").select_option("pro")
    walk.press("Save")
    walk.says("Salesforce id: Is required.")
    walk.look("metadata-refused")
    page.get_by_label("Salesforce id").fill("001xx000003DGb2AAG")
    walk.press("Save")
    walk.says("001xx000003DGb2AAG")
    # The tree: what is above cannot go below.
    walk.follow("Acme")
    walk.says("Organizations below it (1)")
    acme = page.url
    walk.follow("Edit")
    page.get_by_label("Parent").select_option("Initech")
    walk.press("Save")
    walk.says("nothing is below itself")
    walk.look("cycle")
    page.goto(f"{console}/settings")
    walk.says("B2B customers")
    walk.look("settings")
    return customer, acme


def tour(walk, console, template, customer, acme):
    """The pages once more, elsewhere."""
    for url, name in [
        (f"{console}/templates", "templates"),
        (f"{console}/templates/new", "new-template"),
        (template, "template"),
        (f"{template}/edit", "edit-template"),
        (f"{template}/metadata-schema/edit", "schema"),
        (f"{template}/delete", "delete-template"),
        (f"{console}/organizations/new", "new-organization"),
        (customer, "customer"),
        (f"{customer}/edit", "edit-customer"),
        (f"{customer}/metadata/edit", "metadata"),
        (acme, "acme"),
        (f"{acme}/organizations", "children"),
        (f"{console}/settings/edit", "edit-settings"),
    ]:
        answer = walk.page.goto(url)
        assert answer.ok, f"{url}: {answer.status}"
        walk.look(name)


with sync_playwright() as playwright:
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(20_000)
    walk = Walk(context, "desktop-light", pictures)
    console = walk.join(invitation, PASSWORD)
    template = make_template(walk)
    customer, acme = make_customer(walk, console)
    template = re.match("[^?#]*", template)[0]
    assert not walk.complaints, walk.complaints
    state = context.storage_state()
    context.close()
    for name, width, height, scheme in [
        ("phone-dark", 390, 844, "dark"),
        ("desktop-dark", 1280, 900, "dark"),
        ("phone-light", 390, 844, "light"),
    ]:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, storage_state=state
        )
        walk = Walk(context, name, pictures)
        tour(walk, console, template, customer, acme)
        assert not walk.complaints, walk.complaints
        context.close()
    browser.close()
