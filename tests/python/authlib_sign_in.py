"""Authlib, a client of another hand, at an organization's issuer: it signs somebody in with a code and PKCE, verifies the ID
token, asks userinfo, refreshes, introspects, revokes and signs out. OSTIARY_TOLD says where, who, and for which applications.
"""

import json
import os
import re
import warnings
from html import unescape
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from authlib.integrations.base_client import BaseApp, OAuthError
from authlib.integrations.base_client.sync_app import OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session

# Warnings of the library are as good as refusals.
warnings.simplefilter("error")
# RFC 9864 has a new name, Ed25519, which other clients do not know yet.
warnings.filterwarnings("ignore", message="EdDSA is deprecated via RFC 9864")
told = json.loads(os.environ["OSTIARY_TOLD"])
SCOPE = "openid profile email offline_access"
METHODS = {"none": "none", "basic": "client_secret_basic", "post": "client_secret_post"}


class Tokens:
    """Where a web framework would keep refreshed tokens."""

    def __init__(self):
        self.kept = []

    def update_token(self, token, **_):
        self.kept.append(token)


class App(OAuth2Mixin, OpenIDMixin, BaseApp):
    """What Authlib makes of its parts for each web framework, without one."""

    client_cls = OAuth2Session

    def session(self):
        return self._get_oauth_client(**self.load_server_metadata())


def submit(browser, page, **values):
    """Fills in the form of a page and sends it; not the one that needs a script and a passkey."""
    form = re.search(r'<form(?![^>]* data-passkey)[^>]* action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.S)
    assert form, (page.url, page.status_code, page.text)
    fields = {}
    for found in re.findall(r"<input[^>]*>", form[2]):
        attributes = dict(re.findall(r' (name|value)="([^"]*)"', found))
        if "name" in attributes:
            fields[attributes["name"]] = unescape(attributes.get("value", ""))
    target = urljoin(page.url, unescape(form[1]))
    return browser.post(target, data=fields | values, allow_redirects=False)


def sign_in(browser, url):
    """Goes where the application sends it, signs in if it is asked to, and comes back to the application."""
    page = browser.get(url, allow_redirects=False)
    for _ in range(8):
        if "location" in page.headers:
            target = urljoin(page.url, page.headers["location"])
            if target.startswith(told["redirect_uri"]):
                return target
            page = browser.get(target, allow_redirects=False)
        elif 'type="password"' in page.text:
            page = submit(browser, page, password=told["password"])
        elif ' name="identifier"' in page.text:
            page = submit(browser, page, identifier=told["email"])
        else:
            # What is offered besides is left.
            page = submit(browser, page)
    raise AssertionError(f"the sign-in does not end: {page.status_code} {page.url} {page.text}")


def refused(error, call, *arguments, **named):
    """Expects a refusal with this code."""
    try:
        call(*arguments, **named)
    except OAuthError as refusal:
        assert refusal.error == error, refusal
        return
    raise AssertionError(f"{error} was expected")


def walk(application):
    store = Tokens()
    app = App(
        store,
        client_id=application["id"],
        client_secret=application["secret"] or None,
        server_metadata_url=told["issuer"] + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": SCOPE,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": METHODS[application["authentication"]],
            "revocation_endpoint_auth_method": METHODS[application["authentication"]],
        },
    )
    browser = requests.Session()

    def begin(**more):
        begun = app.create_authorization_url(told["redirect_uri"], **more)
        back = sign_in(browser, begun["url"])
        answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        assert (answer["state"], answer["iss"]) == (begun["state"], told["issuer"]), answer
        return begun, answer

    def fetch(begun, answer):
        tokens = app.fetch_access_token(
            told["redirect_uri"], code=answer["code"], code_verifier=begun["code_verifier"]
        )
        claims = app.parse_id_token(tokens, begun["nonce"])
        assert (claims["iss"], claims["sub"]) == (told["issuer"], told["user"]), claims
        assert (claims["email"], claims["email_verified"]) == (told["email"], True), claims
        return tokens

    begun, answer = begin()
    tokens = fetch(begun, answer)
    assert app.userinfo(token=tokens)["name"] == "Dana Doe"
    metadata = app.load_server_metadata()

    session = app.session()
    session.token = tokens
    refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
    assert store.kept == [refreshed]
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    app.userinfo(token=refreshed)
    found = session.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"])
    if application["authentication"] == "none":
        assert (found.status_code, found.json()["error"]) == (401, "invalid_client"), found.text
    else:
        assert (found.json()["active"], found.json()["sub"]) == (True, told["user"]), found.text
    refused(
        "invalid_grant", session.refresh_token, metadata["token_endpoint"], refresh_token=tokens["refresh_token"]
    )
    refused(
        "invalid_grant", session.refresh_token, metadata["token_endpoint"], refresh_token=refreshed["refresh_token"]
    )

    # With the session, without a page.
    second = fetch(*begin(prompt="none"))
    revoked = session.revoke_token(
        metadata["revocation_endpoint"], token=second["refresh_token"], token_type_hint="refresh_token"
    )
    assert revoked.status_code == 200, revoked.text
    answered = app.get(metadata["userinfo_endpoint"], token=second)
    assert answered.status_code == 401 and 'error="invalid_token"' in answered.headers["www-authenticate"]

    third = fetch(*begin(prompt="none"))
    out = app.create_logout_url(told["signed_out"], id_token_hint=third["id_token"], state="bye")
    left = browser.get(out["url"], allow_redirects=False)
    assert left.headers["location"] == told["signed_out"] + "?state=bye", left.text
    assert app.get(metadata["userinfo_endpoint"], token=third).status_code == 401
    begun = app.create_authorization_url(told["redirect_uri"], prompt="none")
    assert "error=login_required" in sign_in(browser, begun["url"])


for application in told["applications"]:
    walk(application)
    print(application["authentication"], application["alg"])
