"""A single-page app signs somebody in from an origin of its own, in headless Chromium; a page of another origin reads nothing.

Arguments: the app's port, where the scripts of the app are, and what it is told as JSON.
"""

import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import sync_playwright

from browser import launch

port, scripts, told = int(sys.argv[1]), pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
PAGE = f"""<!doctype html><title>loading</title><link rel="icon" href="data:,">
<script type="application/json" id="told">{json.dumps(told)}</script><script type="module" src="/spa.mjs"></script>"""
FILES = {
    "/spa.mjs": scripts / "spa.mjs",
    "/oauth4webapi.js": scripts / "node_modules/oauth4webapi/build/index.js",
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        file = FILES.get(self.path)
        body = file.read_bytes() if file else PAGE.encode()
        self.send_response(200)
        self.send_header("content-type", "text/javascript" if file else "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(port):
    """A site on this port of localhost: an origin of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://localhost:{server.server_port}"


# What a script of an origin can read with a token that it got hold of: the status, or nothing.
READ = """async ([url, options]) => {
  try { return (await fetch(url, options)).status } catch (error) { return error.name }
}"""

own, other = serve(port), serve(0)
with sync_playwright() as playwright:
    browser = launch(playwright)
    page = browser.new_context().new_page()
    page.set_default_timeout(20_000)
    page.goto(own)
    page.wait_for_function("document.title === 'ready'")
    page.evaluate("begin()")
    page.get_by_label("E-mail address").fill(told["email"])
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_label("Password").fill(told["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(own + "/callback?*")
    page.wait_for_function("document.title === 'ready'")
    outcome = page.evaluate("outcome")
    assert "failed" not in outcome, outcome["failed"]
    assert (outcome["email"], outcome["error"]) == (told["email"], "invalid_grant"), outcome

    server = outcome["server"]
    userinfo = [server["userinfo_endpoint"], {"headers": {"authorization": f"Bearer {outcome['access_token']}"}}]
    form = f"grant_type=refresh_token&client_id={outcome['client_id']}&refresh_token=x"
    token = [
        server["token_endpoint"],
        {"method": "POST", "body": form, "headers": {"content-type": "application/x-www-form-urlencoded"}},
    ]
    logout = [server["end_session_endpoint"], {"credentials": "include"}]
    assert page.evaluate(READ, userinfo) == 200
    assert page.evaluate(READ, token) == 400
    assert page.evaluate(READ, logout) == "TypeError"
    stranger = browser.new_context().new_page()
    stranger.goto(other)
    stranger.wait_for_function("document.title === 'ready'")
    assert stranger.evaluate(READ, [server["jwks_uri"], {}]) == 200
    for request in [userinfo, token, logout]:
        assert stranger.evaluate(READ, request) == "TypeError", request

    status, challenge = page.evaluate("leave(outcome)")
    assert status == 401 and "invalid_token" in challenge, (status, challenge)
    browser.close()
