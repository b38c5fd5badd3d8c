"""The browser of the walks, its pictures, and who walks."""

import pathlib
import sys

from playwright.sync_api import Error, expect

AXE = next(pathlib.Path(sys.prefix).rglob("axe.min.js")).read_text()

# How often a picture is tried.
ATTEMPTS = 5


def launch(playwright):
    """Starts Chromium as the machine has it, with nothing that talks to anybody else."""
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    )


def picture(page, path):
    """Takes a picture of the whole page.

    On a busy machine Chromium sometimes has no frame to capture and says so: then it is asked again. Any other error, and
    one that stays, is the walk's.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            page.screenshot(path=path, full_page=True)
            return
        except Error as error:
            if "Unable to capture screenshot" not in error.message or left == 0:
                raise


class Walk:
    """A person in one tab of a browser, who looks at each page: its pictures are in `pictures`."""

    def __init__(self, context, name, pictures):
        self.context, self.name, self.step = context, name, 0
        self.pictures = pictures
        self.page = context.new_page()
        self.complaints = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.hear)

    def hear(self, message):
        # A page that is refused says so by its status, too.
        if message.type == "error" and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def look(self, what):
        """Takes a picture, lets axe look at the page, and sees that nothing is wider than the screen."""
        self.step += 1
        picture(self.page, f"{self.pictures}/{self.name}-{self.step:02}-{what}.png")
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run()")["violations"]
        told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
        assert not told, f"{what}: {told}"
        width = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, f"{what} is {width} pixels wider than the screen"

    def go(self, where):
        """Clicks what leads to another page, and waits until that page is there."""
        with self.page.expect_navigation():
            where.click()

    def press(self, name):
        self.go(self.page.get_by_role("button", name=name, exact=True).first)

    def follow(self, name):
        self.go(self.page.locator("main").get_by_role("link", name=name, exact=True).first)

    def join(self, invitation, password):
        """Joins the demo as its first administrator. Returns the address of its environment."""
        page = self.page
        page.goto(invitation)
        page.get_by_label("Your e-mail address").fill("dana@vendor.example")
        self.press("Continue")
        page.get_by_label("Your name").fill("Dana")
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_label("Password once more").fill(password)
        self.press("Set the password and join")
        self.follow("Demo")
        return page.url

    def heading(self, text):
        expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible()

    def says(self, text):
        expect(self.page.locator("main")).to_contain_text(text)
