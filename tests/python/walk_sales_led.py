"""Walks docs/organization-administrators.md, sales-led, in headless Chromium: the vendor registers the application, makes its role, the
organization and its first administrator, who is invited by a letter, follows its link, signs in and administers. Then the pages once
more on a phone and on a desktop, in the light and in the dark.

Arguments: the address, the environment, the vendor's administrator with their password, the file with the letters that were sent, and
where to put screenshots. Fails where a page is not what it should be, and where axe finds something.
"""

import re
import sys

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch
from letters import link

base, environment, email, password, letters, pictures = sys.argv[1:7]
OWN = "seven quiet lanterns by the door"
TEMPORARY = "nine loud lanterns at the gate"
CHOSEN = "five green lanterns on the roof"
NEW = "hal@wheelworks.example"
COLLEAGUE = "ivy@wheelworks.example"
SCREENS = [
    ("phone-light", 390, 844, "light"),
    ("phone-dark", 390, 844, "dark"),
    ("desktop-dark", 1280, 900, "dark"),
]
console = f"{base}/console/{environment}"


def tick(page, group, *labels):
    """Ticks boxes in a group, which is opened first."""
    details = page.locator("details.choices", has=page.locator("summary", has_text=group)).first
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    for label in labels:
        details.get_by_label(label, exact=True).check()


def sign_in_to_console(walk):
    page = walk.page
    page.goto(f"{base}/console/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    walk.press("Sign in")


def register(walk):
    """1. The application."""
    page = walk.page
    page.goto(f"{console}/applications/new")
    page.get_by_label("Name", exact=True).fill("Sales App")
    page.locator("input[name=grantTypes][value=client_credentials]").check()
    page.locator("input[name=grantTypes][value=organization_switch]").check()
    tick(page, "Users, in an organization", "List users", "Add and invite users")
    tick(page, "Organizations, in the whole environment", "Create organizations")
    page.locator("textarea#scopes-others").fill("orders:read")
    page.locator("#roleAudience").select_option("application")
    walk.look("application-form")
    walk.press("Create application")
    walk.says("Copy it now")
    walk.follow("I have copied it")
    walk.says("organization_switch")
    walk.says("its own: they count in this application alone")
    walk.says("internal_org_user_mgt_create")
    walk.says("orders:read")
    walk.says("/vendor/{organization}")
    walk.look("application")
    return page.url


def make_role(walk):
    """2. Its administrator role."""
    page = walk.page
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Roles", exact=True).click()
    walk.heading("Your own roles")
    walk.look("roles")
    walk.follow("Create the first role")
    page.get_by_label("Name", exact=True).fill("Org Admin")
    page.locator("#audience").select_option(label="Application “Sales App”")
    tick(page, "Users, in an organization", "List users", "Add and invite users")
    tick(page, "Users, in an organization", "Change users, their passwords, and switch them off")
    tick(page, "Roles, in an organization", "See roles, and who has them", "Change roles, and give them to people")
    tick(page, "Audit log, in an organization", "Read the audit log")
    tick(page, "Single sign-on, in an organization", "Set up single sign-on with an identity provider")
    walk.look("role-form")
    walk.press("Create role")
    walk.heading("Org Admin")
    walk.says("Add and invite users")
    walk.look("role")


def share(walk, application):
    """4. The sharing; with all one is not taken out."""
    page = walk.page
    page.goto(f"{application}/sharing")
    page.locator("input[name=shared][value=all]").check()
    walk.press("Save")
    walk.says("all organizations, those of the future too")
    walk.says("WheelWorks")
    expect(page.get_by_role("button", name=re.compile("^End"))).to_have_count(0)
    walk.look("sharing")


def create(walk):
    """3. The organization."""
    page = walk.page
    page.goto(f"{console}/organizations/new")
    page.get_by_label("Name", exact=True).first.fill("WheelWorks")
    walk.press("Create organization")
    walk.heading("WheelWorks")
    walk.says("Addresses")
    walk.says("/.well-known/openid-configuration")
    walk.look("organization")
    row = page.locator("dt", has_text="Administration").locator("xpath=following-sibling::dd[1]")
    return page.url, row.locator("code").first.inner_text()


def add(walk, organization):
    """6. and 7. The user, by a letter; the role."""
    page = walk.page
    page.goto(organization)
    walk.follow("New user")
    page.get_by_label("E-mail address", exact=False).first.fill(NEW)
    page.get_by_label("Full name").fill("Hal Wheeler")
    walk.look("new-user")
    walk.press("Create user")
    walk.says("They are invited")
    walk.look("invited")
    page.locator("#role").select_option(label="Org Admin · Application “Sales App”")
    walk.press("Give this role")
    walk.says("Role added.")
    walk.says("Org Admin")
    walk.look("user-with-role")
    user = page.url
    page.goto(f"{organization}/users")
    walk.says("Invited")
    walk.look("users")
    return user


def follow(walk, administration):
    """8. The letter, a password, and the pages of the administration."""
    page = walk.page
    page.goto(link(page, letters, NEW))
    walk.heading("Set your password")
    walk.look("letter")
    page.get_by_label("Password").fill(OWN)
    walk.press("Set the password")
    walk.says("Your account is ready.")
    page.goto(administration)
    sign_in(walk, NEW, OWN)
    page.wait_for_url(administration)
    walk.heading("WheelWorks")
    walk.says("What your roles permit")
    walk.look("administration")


def sign_in(walk, address, secret):
    page = walk.page
    page.get_by_label("E-mail address").fill(address)
    walk.press("Continue")
    page.get_by_label("Password").fill(secret)
    walk.press("Sign in")
    not_now(walk)


def not_now(walk):
    """Whatever is offered before it ends somewhere."""
    walk.page.wait_for_load_state()
    offer = walk.page.get_by_role("button", name="Not now")
    if offer.count():
        walk.go(offer)


def administer(walk, administration):
    """The new administrator adds somebody with a temporary password, gives a role, and looks at what was done."""
    page = walk.page
    walk.follow("Users")
    walk.says("Hal Wheeler")
    walk.look("administration-users")
    walk.follow("New user")
    page.get_by_label("E-mail address", exact=False).first.fill(COLLEAGUE)
    page.get_by_label("Full name").fill("Ivy Spoke")
    page.locator("input[name=access][value=password]").check()
    walk.look("administration-new-user")
    walk.press("Create user")
    walk.says("Password: Is required.")
    page.locator("input[name=password]").fill(TEMPORARY)
    walk.press("Create user")
    walk.heading("Ivy Spoke")
    walk.says("Must be changed at the next sign-in")
    page.locator("#role").select_option(label="Org Admin · Application “Sales App”")
    walk.press("Give this role")
    walk.says("Role added.")
    walk.look("administration-user")
    ivy = page.url
    page.goto(f"{administration}/audit-events")
    walk.says("gave Ivy Spoke the role Org Admin")
    walk.look("administration-audit")
    page.goto(f"{administration}/webhooks")
    walk.heading("This is not here")
    walk.look("administration-not-here")
    walk.follow("To your start page")
    walk.press("Open the set-up")
    walk.press("Start setup")
    walk.says("Back to the administration of your organization")
    walk.look("administration-set-up")
    walk.follow("Back to the administration of your organization")
    walk.heading("WheelWorks")
    return ivy


def leave(walk, administration):
    """They are asked before they take their own role."""
    page = walk.page
    page.goto(administration)
    walk.follow("Users")
    walk.follow("Hal Wheeler")
    page.locator("summary", has_text="Take").first.click()
    walk.press("Take this role")
    walk.heading("You take this from yourself")
    walk.says("You would not administer this organization any more")
    walk.look("administration-own-role")
    walk.follow("Go back")
    walk.heading("Hal Wheeler")


def first_sign_in(walk, administration):
    """The colleague changes the temporary password when they first sign in."""
    page = walk.page
    page.goto(administration)
    sign_in(walk, COLLEAGUE, TEMPORARY)
    page.get_by_label("New password").fill(CHOSEN)
    walk.look("administration-change-password")
    walk.go(page.locator("main form button[type=submit]").first)
    not_now(walk)
    page.wait_for_url(administration)
    walk.heading("WheelWorks")


def tour(context, name, paths):
    walk = Walk(context, name, pictures)
    for what, path in paths:
        walk.page.goto(path)
        walk.look(what)
    assert not walk.complaints, walk.complaints


with sync_playwright() as playwright:
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    vendor = Walk(context, "sales-led", pictures)
    sign_in_to_console(vendor)
    application = register(vendor)
    make_role(vendor)
    organization, administration = create(vendor)
    share(vendor, application)
    user = add(vendor, organization)
    theirs = browser.new_context(viewport={"width": 1280, "height": 900})
    theirs.set_default_timeout(30_000)
    hal = Walk(theirs, "administrator", pictures)
    follow(hal, administration)
    ivy = administer(hal, administration)
    leave(hal, administration)
    colleague = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    colleague.set_default_timeout(30_000)
    first = Walk(colleague, "colleague", pictures)
    first_sign_in(first, administration)
    for one in (vendor, hal, first):
        assert not one.complaints, one.complaints
    own = ivy.split("/admin/")[0] + "/admin"
    users = hal.page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.href)")
    shown = [(f"page-{number}", path) for number, path in enumerate(users)]
    for name, width, height, scheme in SCREENS:
        screen = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        state = browser.new_context(**screen, storage_state=context.storage_state())
        tour(state, f"console-{name}", [
            ("application", application),
            ("application-form", f"{console}/applications/new"),
            ("sharing", f"{application}/sharing"),
            ("roles", f"{console}/roles"),
            ("role-form", f"{console}/roles/new"),
            ("organization", organization),
            ("users", f"{organization}/users"),
            ("new-user", f"{organization}/users/new"),
            ("user", user),
        ])
        state.close()
        state = browser.new_context(**screen, storage_state=theirs.storage_state())
        tour(state, f"administration-{name}", shown + [("home", own), ("user", ivy), ("not-here", f"{own}/webhooks")])
        state.close()
    browser.close()
