"""The letters that a mail server got, as the test writes them into a file."""

import json
import pathlib
import re


def link(page, letters, address, known=()):
    """The link of the newest letter to an address that is none of these. It takes a moment until it is there."""
    for _ in range(120):
        path = pathlib.Path(letters)
        got = json.loads(path.read_text()) if path.exists() else []
        for letter in reversed(got):
            found = re.search(r"^http\S+code=\S+", letter["text"], re.M)
            if letter["to"][0] == address and found and found[0] not in known:
                return found[0]
        page.wait_for_timeout(250)
    raise AssertionError(f"no letter to {address}")
