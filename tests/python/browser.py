"""The browser of the walks, and its pictures."""

from playwright.sync_api import Error

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
