"""Authlib, a client of another hand, at one of WSO2's issuers: it signs a user of the root in with a code and PKCE, verifies the ID
token, asks userinfo, exchanges the token for one in an organization (grant organization_switch), calls the API there, refreshes both,
and signs out. OSTIARY_TOLD says where and who.
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
warnings.filterwarnings("ignore", message="EdDSA is deprecated via RFC 9864")
told = json.loads(os.environ["OSTIARY_TOLD"])
VIEW = "internal_org_organization_view"


class App(OAuth2Mixin, OpenIDMixin, BaseApp):
    client_cls = OAuth2Session

    def session(self):
        return self._get_oauth_client(**self.load_server_metadata())


class Nothing:
    def update_token(self, token, **_):
        pass


def submit(browser, page, **values):
    form = re.search(r'<form(?![^>]* data-passkey)[^>]* action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.S)
    assert form, (page.url, page.status_code, page.text)
    fields = {}
    for found in re.findall(r"<input[^>]*>", form[2]):
        attributes = dict(re.findall(r' (name|value)="([^"]*)"', found))
        if "name" in attributes:
            fields[attributes["name"]] = unescape(attributes.get("value", ""))
    return browser.post(urljoin(page.url, unescape(form[1])), data=fields | values, allow_redirects=False)


def sign_in(browser, url):
    page = browser.get(url, allow_redirects=False)
    for _ in range(8):
        if "location" in page.headers:
            target = urljoin(page.url, page.headers["location"])
            if target.startswith(told["redirect_uri"]):
                return target
            page = browser.get(target, allow_redirects=False)
        elif 'type="password"' in page.text:
            page = submit(browser, page, password=told["password"])
        else:
            page = submit(browser, page, identifier=told["name"])
    raise AssertionError(f"the sign-in does not end: {page.status_code} {page.url} {page.text}")


client = told["client"]
app = App(
    Nothing(),
    client_id=client["id"],
    client_secret=client["secret"],
    server_metadata_url=told["issuer"] + "/.well-known/openid-configuration",
    client_kwargs={
        "scope": f"openid offline_access internal_organization_view {VIEW}",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_basic",
        "revocation_endpoint_auth_method": "client_secret_basic",
    },
)
browser = requests.Session()
begun = app.create_authorization_url(told["redirect_uri"])
answer = {name: values[0] for name, values in parse_qs(urlsplit(sign_in(browser, begun["url"])).query).items()}
assert (answer["state"], answer["iss"]) == (begun["state"], told["issuer"]), answer
tokens = app.fetch_access_token(told["redirect_uri"], code=answer["code"], code_verifier=begun["code_verifier"])
claims = app.parse_id_token(tokens, begun["nonce"])
assert (claims["iss"], claims["sub"]) == (told["issuer"], told["user"]), claims
assert app.userinfo(token=tokens)["sub"] == told["user"]

metadata = app.load_server_metadata()
assert "organization_switch" in metadata["grant_types_supported"]
# A session of its own: Authlib's keeps what it fetched last.
switching = app.session()
switched = switching.fetch_token(
    metadata["token_endpoint"],
    grant_type="organization_switch",
    token=tokens["access_token"],
    switching_organization=told["organization"],
    scope=f"openid {VIEW}",
)
assert VIEW in switched["scope"].split(), switched
found = switching.get(told["organization_self"])
assert found.status_code == 200, found.text
# Without the scope Authlib asks for what the application asked for at the sign-in, which the switch did not give.
again = switching.refresh_token(
    metadata["token_endpoint"], refresh_token=switched["refresh_token"], scope=switched["scope"]
)
assert again["refresh_token"] != switched["refresh_token"]
assert switching.get(told["organization_self"]).status_code == 200

session = app.session()
session.token = tokens
refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
seen = session.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"])
assert (seen.json()["active"], seen.json()["iss"]) == (True, told["issuer"]), seen.text
try:
    session.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
    raise AssertionError("a refresh token was good twice")
except OAuthError as refusal:
    assert refusal.error == "invalid_grant", refusal

begun = app.create_authorization_url(told["redirect_uri"], prompt="none")
answer = {name: values[0] for name, values in parse_qs(urlsplit(sign_in(browser, begun["url"])).query).items()}
last = app.fetch_access_token(told["redirect_uri"], code=answer["code"], code_verifier=begun["code_verifier"])
out = app.create_logout_url(told["signed_out"], id_token_hint=last["id_token"], state="bye")
left = browser.get(out["url"], allow_redirects=False)
assert left.headers["location"] == told["signed_out"] + "?state=bye", left.text
# With the session end its tokens, those that were switched too.
assert switching.get(told["organization_self"]).status_code == 401
assert app.get(metadata["userinfo_endpoint"], token=last).status_code == 401
print(found.json()["name"])
