"""Walks the self-service part of docs/organization-administrators.md in headless Chromium, after its calls of the API: whoever is a user of
their organization follows the letter, sets a password and administers; whoever is a user of the vendor's and owns two organizations
signs in at the root and goes from one to the other. On a desktop and on a phone, in the light and in the dark.

Arguments: the address, the paths of the two organizations, the first password of the owner, the file with the letters that were sent,
and where to put screenshots. Fails where a page is not what it should be, and where axe finds something.
"""

import sys

from playwright.sync_api import sync_playwright

from browser import Walk, launch
from letters import link

base, first, second, temporary, letters, pictures = sys.argv[1:7]
OWN = "seven quiet lanterns by the door"
CHOSEN = "five green lanterns on the roof"
SCREENS = [
    ("desktop-light", 1280, 900, "light"),
    ("phone-dark", 390, 844, "dark"),
    ("desktop-dark", 1280, 900, "dark"),
    ("phone-light", 390, 844, "light"),
]


def sign_in(walk, name, secret):
    page = walk.page
    page.get_by_label("E-mail address").fill(name)
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


def bob(walk):
    """The user of the organization, from the letter on."""
    page = walk.page
    page.goto(link(page, letters, "bob@bestcar.test"))
    walk.heading("Set your password")
    walk.look("letter")
    page.get_by_label("Password").fill(OWN)
    walk.press("Set the password")
    walk.says("Your account is ready.")
    page.goto(f"{base}{first}/admin")
    sign_in(walk, "bob", OWN)
    page.wait_for_url(f"{base}{first}/admin")


def looks_around(walk):
    """What the role permits: users, and nothing else."""
    page = walk.page
    page.goto(f"{base}{first}/admin")
    walk.heading("BestCar")
    walk.says("List users")
    walk.look("home")
    walk.follow("Users")
    walk.says("Bob B")
    walk.look("users")
    page.goto(f"{base}{first}/admin/audit-events")
    walk.heading("Your roles do not allow this")
    walk.look("refused")


def ann(walk):
    """The owner, at the root; the first password is changed."""
    page = walk.page
    page.goto(f"{base}/vendor/root/account")
    sign_in(walk, "ann", temporary)
    page.get_by_label("New password").fill(CHOSEN)
    walk.look("change-password")
    walk.go(page.locator("main form button[type=submit]").first)
    not_now(walk)
    page.wait_for_url(f"{base}/vendor/root/account")


def goes_from_one_to_the_other(walk):
    page = walk.page
    page.goto(f"{base}/vendor/root/account")
    walk.says("What you administer")
    walk.look("account")
    for name, path in [("BestCar", first), ("SecondCar", second)]:
        walk.follow(f"Administer {name}")
        page.wait_for_url(f"{base}{path}/admin")
        walk.heading(name)
        walk.look(f"at-{name}")
        walk.follow("Users")
        walk.says("ann")
        page.locator("details.account summary").click()
        page.get_by_role("link", name="Account and sessions").click()
        page.wait_for_url(f"{base}/vendor/root/account")
    page.goto(f"{base}{second}/admin/users")
    walk.heading("This is not here")


with sync_playwright() as playwright:
    browser = launch(playwright)
    for person, arrive, look in [("bob", bob, looks_around), ("ann", ann, goes_from_one_to_the_other)]:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(30_000)
        walk = Walk(context, f"{person}-arrives", pictures)
        arrive(walk)
        assert not walk.complaints, walk.complaints
        for name, width, height, scheme in SCREENS:
            screen = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
            again = browser.new_context(**screen, storage_state=context.storage_state())
            again.set_default_timeout(30_000)
            walk = Walk(again, f"{person}-{name}", pictures)
            look(walk)
            assert not walk.complaints, walk.complaints
            again.close()
        context.close()
    browser.close()
