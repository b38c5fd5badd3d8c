"""Walks the console's pages of users as support does, in headless Chromium: somebody is found, looked at and helped; an account is
made, with what is wrong first; all of it on a desktop and on a phone, in the light and in the dark.

Arguments: the address of a demo, the link by which its first administrator joins, an organization, a user of it with an authenticator
app and a session, and where to put screenshots. Fails where a page is not what it should be, and where axe finds something.
"""

import re
import sys

from playwright.sync_api import expect, sync_playwright

from browser import Walk, launch

base, invitation, organization, ada, pictures = sys.argv[1:6]
PASSWORD = "seven quiet lanterns by the door"


def find(walk, console):
    """From the organization to somebody whose name is half remembered."""
    page = walk.page
    page.goto(f"{console}/organizations/{organization}")
    walk.says("One account is kept here.")
    walk.look("organization")
    walk.follow("Users of this organization")
    walk.heading("Users of Acme")
    walk.look("users")
    page.get_by_role("searchbox").fill("love")
    walk.press("Search")
    walk.says("ada@acme.example")
    page.get_by_role("searchbox").fill("charles")
    walk.press("Search")
    walk.says("Nothing here matches.")
    walk.look("nobody")
    page.get_by_role("searchbox").fill("ADA@acme.example")
    walk.press("Search")
    walk.follow("Ada Lovelace")
    walk.heading("Ada Lovelace")
    walk.says("Authenticator app")
    walk.says("Made by the operator")
    walk.look("user")


def summary(walk, name):
    walk.page.locator("summary", has_text=name).first.click()


def help_her(walk):
    """She has lost her phone and her password, and has another address."""
    page = walk.page
    summary(walk, "Remove (authenticator app)")
    walk.look("remove-app")
    walk.press("Remove the authenticator app")
    walk.says("Authenticator app deleted.")
    walk.says("They are signed in nowhere.")
    walk.follow("New password")
    page.get_by_label("New password").fill("short")
    walk.press("Set password")
    walk.says("Must be at least")
    walk.look("weak-password")
    page.get_by_label("New password").fill("a green kettle on thick ice")
    walk.press("Set password")
    walk.says("Must be changed at the next sign-in")
    walk.follow("Add identifier")
    page.get_by_label("What it is").select_option("User name")
    page.get_by_label("Identifier").fill("countess")
    walk.look("new-identifier")
    walk.press("Add identifier")
    walk.follow("Add address")
    page.get_by_label("Address", exact=True).fill("ada@home.example")
    walk.look("new-address")
    walk.press("Add address")
    walk.says("Not verified")
    summary(walk, "Change or remove ada@home.example")
    walk.look("changed")
    walk.press("Mark as verified")
    walk.follow("One-time code")
    walk.look("code-for-what")
    walk.press("Make the code")
    expect(page.locator(".secret code")).to_have_text(re.compile("[0-9]{6}"))
    walk.look("code")
    walk.follow("I have copied it")
    walk.press("Disable")
    walk.says("This user is disabled")
    walk.look("disabled")
    walk.press("Enable")
    walk.follow("Edit")
    walk.look("edit")
    page.locator("summary", has_text="More of the profile").click()
    page.get_by_label("Time zone").fill("Europe/London")
    page.locator("summary", has_text="Metadata").click()
    page.locator("[name=metadata]").fill("{")
    walk.press("Save")
    walk.says("Must be a JSON object")
    walk.look("edit-refused")
    page.locator("[name=metadata]").fill('{ "plan": "pro" }')
    walk.press("Save")
    walk.says("Europe/London")
    walk.says("plan")


def make(walk, console):
    """An account of the environment itself; the first attempt takes somebody's address."""
    page = walk.page
    page.goto(f"{console}/organizations/{organization}/users/new")
    walk.look("new-user")
    page.get_by_label("E-mail address", exact=False).first.fill("ADA@acme.example")
    page.get_by_label("Full name").fill("Grace Hopper")
    page.locator("input[name=access][value=none]").check()
    walk.press("Create user")
    walk.says("Ada Lovelace has this already")
    walk.look("new-user-refused")
    page.get_by_label("E-mail address", exact=False).first.fill("grace@acme.example")
    page.locator("input[name=access][value=later]").check()
    walk.press("Create user")
    walk.says("This user is new")
    walk.look("new")
    walk.follow("Delete")
    page.get_by_label("Type Grace Hopper to confirm").fill("Grace Hopper")
    walk.look("delete")
    walk.press("Delete user")
    walk.heading("Users of Acme")
    page.get_by_role("link", name="Users", exact=True).first.click()
    walk.heading("Users of Demo")
    walk.says("Nobody has an account here yet.")
    walk.look("empty")


def tour(walk, console):
    """The pages once more, elsewhere."""
    for path in [
        "/users",
        "/users/new",
        f"/organizations/{organization}",
        f"/organizations/{organization}/users",
        f"/organizations/{organization}/users/new",
        f"/users/{ada}",
        f"/users/{ada}/edit",
        f"/users/{ada}/identifiers",
        f"/users/{ada}/addresses",
        f"/users/{ada}/password",
        f"/users/{ada}/codes",
        f"/users/{ada}/delete",
    ]:
        answer = walk.page.goto(console + path)
        assert answer.ok, f"{path}: {answer.status}"
        walk.page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        walk.look(re.sub("[^a-z]+", "-", path.replace(ada, "one").replace(organization, "acme")).strip("-"))


with sync_playwright() as playwright:
    browser = launch(playwright)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(20_000)
    walk = Walk(context, "desktop-light", pictures)
    console = walk.join(invitation, PASSWORD)
    find(walk, console)
    help_her(walk)
    make(walk, console)
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
        tour(walk, console)
        assert not walk.complaints, walk.complaints
        context.close()
    browser.close()
