"""Walks the console's pages of identity pools and schemas in headless Chromium: a schema is written with its form beside it, a pool
gets it, a user is asked by it; all of it on a desktop and on a phone, in the light and in the dark.

Arguments: the address of a demo, the link by which its first administrator joins, an organization, and where to put screenshots.
Fails where a page is not what it should be, and where axe finds something.
"""

import re
import sys

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, invitation, organization, pictures = sys.argv[1:5]
PASSWORD = "seven quiet lanterns by the door"
SCHEMA = """{
  "type": "object",
  "required": ["salesforceId"],
  "properties": {
    "salesforceId": { "type": "string", "title": "Salesforce ID", "description": "Of the contact", "maxLength": 18 },
    "region": { "enum": ["North America", "Europe"], "title": "Region" },
    "orgEntitlements": { "type": "array", "items": { "type": "string" }, "title": "Entitlements" },
    "billing": {
      "type": "object", "title": "Billing",
      "properties": { "vat": { "type": "string", "title": "VAT number" } }
    }
  },
  "additionalProperties": false
}"""


def write_a_schema(walk, console):
    """The form beside the text follows what is written, without a button."""
    page = walk.page
    page.goto(f"{console}/identity-schemas")
    walk.says("built in")
    walk.look("schemas")
    walk.follow("User")
    walk.says("Full name")
    walk.look("user-schema")
    page.goto(f"{console}/identity-schemas/new")
    walk.look("new-schema")
    shown = page.locator("[data-part=fields]")
    area = page.get_by_label("JSON Schema")
    area.fill(SCHEMA)
    expect(shown.get_by_label("Salesforce ID")).to_be_visible()
    expect(shown.get_by_label("VAT number")).to_be_visible()
    expect(shown).to_contain_text("Of the contact. At most 18 characters.")
    expect(page.locator("[data-part=status]")).to_contain_text("4 fields, 1 required")
    walk.look("live")
    area.fill(SCHEMA.replace('"string", "title": "Salesforce ID"', '"text", "title": "Salesforce ID"'))
    expect(page.locator("[data-part=status]")).to_contain_text("/properties/salesforceId/type")
    walk.look("live-bad")
    area.fill("{ \"type\": ")
    expect(page.locator("[data-part=status]")).to_contain_text("breaks off in line 1")
    name = page.get_by_label("Name", exact=True)
    name.fill("Contacts")
    # Return creates the schema, and is no press of the first button.
    with page.expect_navigation():
        name.press("Enter")
    walk.says("Please check what you entered")
    walk.look("refused")
    area.fill(SCHEMA)
    expect(shown.get_by_label("Salesforce ID")).to_be_visible()
    shown.get_by_label("Salesforce ID").fill("001xx000003DGb2AAGX")
    page.get_by_role("button", name="Preview").click()
    walk.says("Must be at most 18 characters long.")
    walk.look("tried")
    walk.press("Create schema")
    walk.heading("Contacts")
    walk.look("schema")
    return page.url


def make_a_pool(walk, console):
    page = walk.page
    page.goto(f"{console}/organizations/{organization}")
    walk.look("organization")
    walk.follow("Identity pools")
    walk.look("no-pools")
    walk.follow("New identity pool")
    walk.look("new-pool")
    page.get_by_label("Name", exact=True).fill("Contacts of Acme")
    page.get_by_label("Colour of its badge").fill("pink")
    walk.press("Create identity pool")
    walk.says("Must be a colour")
    walk.look("pool-refused")
    page.get_by_label("Colour of its badge").fill("#c41f6e")
    page.locator("#authentication_mechanisms-totp").uncheck()
    page.get_by_label("Good for").first.fill("90 days")
    page.get_by_label("Schema of the profile").select_option("Contacts")
    walk.press("Create identity pool")
    walk.heading("Contacts of Acme")
    walk.says("90 days")
    walk.look("pool")
    pool = page.url
    walk.follow("New user")
    walk.says("Salesforce ID")
    page.get_by_label("E-mail address", exact=False).first.fill("ada@acme.example")
    page.get_by_label("Salesforce ID").fill("001xx000003DGb2AAG")
    walk.look("user-by-schema")
    walk.press("Create user")
    walk.says("001xx000003DGb2AAG")
    walk.follow("Contacts of Acme")
    walk.says("1 account.")
    walk.follow("Edit")
    walk.look("edit-pool")
    walk.follow("Cancel")
    walk.follow("Delete")
    walk.says("1 person will no longer be able to sign in")
    walk.look("delete-pool")
    return pool


def tour(walk, paths):
    """The pages once more, elsewhere."""
    for path in paths:
        answer = walk.page.goto(path)
        assert answer.ok, f"{path}: {answer.status}"
        walk.page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        walk.look(re.sub("[^a-z]+", "-", re.sub("(env|org|pool|schema)_[0-9a-z]+", "", path.split("/console/")[1])).strip("-"))


def without_script(browser, state, console):
    """The button does what the script does."""
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(f"{console}/identity-schemas/new")
    page.get_by_label("JSON Schema").fill(SCHEMA)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("[data-part=fields]").get_by_label("Salesforce ID")).to_be_visible()
    expect(page.locator("main")).to_contain_text("4 fields, 1 required")
    context.close()


with sync_playwright() as playwright:
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(20_000)
    walk = Walk(context, "desktop-light", pictures)
    console = walk.join(invitation, PASSWORD)
    schema = write_a_schema(walk, console)
    pool = make_a_pool(walk, console)
    walk.page.goto(f"{schema}/delete")
    walk.says("This schema is in use")
    walk.look("delete-schema")
    assert not walk.complaints, walk.complaints
    state = context.storage_state()
    context.close()
    without_script(browser, state, console)
    paths = [
        f"{console}/identity-pools",
        f"{console}/identity-pools/new",
        f"{console}/organizations/{organization}/identity-pools",
        pool,
        f"{pool}/edit",
        f"{pool}/delete",
        f"{console}/identity-schemas",
        f"{console}/identity-schemas/new",
        f"{console}/identity-schemas/user_v0",
        schema,
        f"{schema}/edit",
        f"{schema}/delete",
    ]
    for name, width, height, scheme in [
        ("phone-dark", 390, 844, "dark"),
        ("desktop-dark", 1280, 900, "dark"),
        ("phone-light", 390, 844, "light"),
    ]:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, storage_state=state
        )
        walk = Walk(context, name, pictures)
        tour(walk, paths)
        assert not walk.complaints, walk.complaints
        context.close()
    browser.close()
