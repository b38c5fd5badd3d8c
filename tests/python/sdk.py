"""Calls every method of the Python SDK `ssoready` that this server has a route for, and checks what
comes back. It is told what there is by the test that starts it (tests/it/python_sdk.rs)."""

import asyncio
import json
import os
import re
from urllib.parse import urlsplit

from ssoready.client import AsyncSSOReady, SSOReady
from ssoready.core.api_error import ApiError

told = json.loads(os.environ["OSTIARY_TOLD"])
base_url = told["base_url"]


def client(key):
    return SSOReady(base_url=base_url, api_key=key)


def refused(call, status, code, message):
    """Asserts that the call fails as the SDK's users see it."""
    try:
        call()
    except ApiError as error:
        assert error.status_code == status, error
        assert isinstance(error.body, dict), error
        assert error.body["code"] == code, error
        assert error.body["message"] == message, error
        assert error.body["details"] == [] or message == "", error
        return error.body["details"]
    raise AssertionError(f"not refused with {status}: {message}")


def saml():
    plain = client(told["plain_key"])
    for selector in (
        {"saml_connection_id": told["saml_connection_id"]},
        {"organization_id": told["organization_id"]},
        {"organization_external_id": told["external_id"]},
    ):
        reply = plain.saml.get_saml_redirect_url(**selector, state="a state")
        url = urlsplit(reply.redirect_url)
        assert f"{url.scheme}://{url.netloc}" == base_url, reply
        assert url.path == f"/v1/saml/{told['saml_connection_id']}/init", reply
        assert url.query.startswith("state="), reply

    refused(
        lambda: plain.saml.get_saml_redirect_url(),
        400, 3, "one of saml_connection_id, organization_id, or organization_external_id must be provided",
    )
    refused(
        lambda: plain.saml.get_saml_redirect_url(saml_connection_id="xxx"),
        400, 3, 'bad saml_connection_id: "xxx" does not have expected prefix "saml_conn_"',
    )
    refused(
        lambda: plain.saml.get_saml_redirect_url(organization_external_id="nobody"),
        400, 3,
        "bad organization_external_id: organization not found, or organization does not have a primary "
        "SAML connection",
    )
    refused(
        lambda: client(told["foreign_key"]).saml.get_saml_redirect_url(
            saml_connection_id=told["saml_connection_id"]
        ),
        400, 3, "saml connection not found",
    )

    code = told["access_code"]
    gone = "saml access code not found, already used, or ended because the person may not sign in any more"
    refused(
        lambda: client(told["foreign_key"]).saml.redeem_saml_access_code(saml_access_code=code), 404, 5, gone
    )
    reply = plain.saml.redeem_saml_access_code(saml_access_code=code)
    assert reply.email == "dana@acme.example", reply
    assert reply.state == "the app's state", reply
    assert reply.attributes["role"] == "admin", reply
    assert reply.organization_id == told["organization_id"], reply
    assert reply.organization_external_id == told["external_id"], reply
    assert reply.saml_flow_id.startswith("saml_flow_"), reply
    refused(lambda: plain.saml.redeem_saml_access_code(saml_access_code=code), 404, 5, gone)
    refused(
        lambda: plain.saml.redeem_saml_access_code(saml_access_code=""),
        400, 3, 'bad saml_access_code: "" does not have expected prefix "saml_access_code_"',
    )


def organizations():
    api = client(told["management_key"]).management.organizations
    made = api.create_organization(external_id="new", domains=["B.example", "a.example"]).organization
    assert made.id.startswith("org_") and len(made.id) == 29, made
    assert made.environment_id == told["environment_id"], made
    assert (made.external_id, made.domains) == ("new", ["a.example", "b.example"]), made
    assert api.get_organization(made.id).organization == made

    changed = api.update_organization(made.id, external_id="newer").organization
    assert (changed.external_id, changed.domains) == ("newer", ["a.example", "b.example"]), changed
    # Published SDKs know no display name; it can be sent all the same, and nothing wipes it.
    options = {"additional_body_parameters": {"displayName": "Newer"}}
    api.update_organization(made.id, request_options=options)
    cleared = api.update_organization(made.id, domains=[]).organization
    assert (cleared.external_id, cleared.domains) == ("newer", []), cleared
    assert cleared.dict()["displayName"] == "Newer", cleared

    ids = [made.id] + [api.create_organization().organization.id for _ in range(12)]
    listed, token = [], None
    while token != "":
        page = api.list_organizations(page_token=token)
        assert len(page.organizations) <= 10, page
        listed += [organization.id for organization in page.organizations]
        token = page.next_page_token
    assert sorted(listed) == sorted([told["organization_id"]] + ids), listed

    refused(
        lambda: api.create_organization(external_id="newer"),
        400, 3, "bad externalId: another organization already has this externalId",
    )
    refused(
        lambda: api.create_organization(domains=["co.uk"]),
        400, 3, 'bad domains: "co.uk" is a public suffix, under which anybody can register names',
    )
    nowhere = "org_0000000000000000000000001"
    refused(lambda: api.get_organization(nowhere), 404, 5, f"organization not found: {nowhere}")
    refused(lambda: api.update_organization("xxx"), 400, 3, 'bad id: "xxx" does not have expected prefix "org_"')
    details = refused(lambda: api.list_organizations(page_token="xxx"), 400, 3, "")
    assert details[0]["field"] == "page_token", details
    assert details[0]["description"] == "invalid pagination token", details
    foreign = client(told["foreign_key"]).management.organizations
    refused(lambda: foreign.get_organization(made.id), 404, 5, f"organization not found: {made.id}")
    assert foreign.list_organizations().organizations == []


def setup_urls():
    api = client(told["management_key"]).management.setup_urls
    reply = api.create_setup_url(
        organization_id=told["organization_id"], can_manage_saml=True, can_manage_scim=False
    )
    assert re.search(r"/setup\?one-time-token=ssoready_one_time_token_[0-9a-z]{25}$", reply.url), reply
    nowhere = "org_" + "0" * 24 + "1"
    refused(lambda: api.create_setup_url(organization_id=nowhere), 404, 5, f"organization not found: {nowhere}")
    foreign = client(told["foreign_key"]).management.setup_urls
    organization = told["organization_id"]
    refused(
        lambda: foreign.create_setup_url(organization_id=organization),
        404, 5, f"organization not found: {organization}",
    )


def saml_connections():
    api = client(told["management_key"]).management.saml_connections
    organization = told["organization_id"]
    made = api.create_saml_connection(
        organization_id=organization,
        primary=True,
        idp_redirect_url="https://idp.example/sso",
        idp_certificate=told["certificate"],
        idp_entity_id="https://idp.example",
    ).saml_connection
    assert made.id.startswith("saml_conn_") and len(made.id) == 35, made
    assert (made.organization_id, made.primary) == (organization, True), made
    assert made.idp_redirect_url == "https://idp.example/sso", made
    assert made.idp_entity_id == "https://idp.example", made
    assert made.idp_certificate == told["certificate"], made
    assert made.sp_entity_id == f"{base_url}/v1/saml/{made.id}", made
    assert made.sp_acs_url == f"{base_url}/v1/saml/{made.id}/acs", made
    assert api.get_saml_connection(made.id).saml_connection == made
    assert api.get_saml_connection(told["saml_connection_id"]).saml_connection.primary is False

    changed = api.update_saml_connection(made.id, idp_entity_id="https://other.example").saml_connection
    assert changed.idp_entity_id == "https://other.example", changed
    assert (changed.primary, changed.idp_certificate) == (True, told["certificate"]), changed
    assert api.update_saml_connection(made.id, primary=False).saml_connection.primary is False

    listed = api.list_saml_connections(organization_id=organization)
    assert [connection.id for connection in listed.saml_connections] == [told["saml_connection_id"], made.id]
    assert listed.next_page_token == "", listed

    refused(
        lambda: api.create_saml_connection(organization_id=organization, idp_certificate="hello!"),
        400, 3,
        "bad idpCertificate: there is no PEM certificate in the text (-----BEGIN CERTIFICATE-----)",
    )
    refused(lambda: api.list_saml_connections(), 400, 3, "bad organization_id: is required")
    nowhere = "saml_conn_0000000000000000000000001"
    refused(lambda: api.get_saml_connection(nowhere), 404, 5, f"SAML connection not found: {nowhere}")
    foreign = client(told["foreign_key"]).management.saml_connections
    refused(lambda: foreign.update_saml_connection(made.id), 404, 5, f"SAML connection not found: {made.id}")


def credentials():
    management = "api key is not authorized to access management api"
    refused(lambda: client(told["plain_key"]).management.organizations.list_organizations(), 401, 16, management)
    for key in ("x", "ssoready_sk_0000000000000000000000000"):
        refused(lambda: client(key).saml.get_saml_redirect_url(), 401, 16, "api key not found")


async def asynchronous():
    api = AsyncSSOReady(base_url=base_url + "/", api_key=told["plain_key"])
    reply = await api.saml.get_saml_redirect_url(saml_connection_id=told["saml_connection_id"])
    assert reply.redirect_url.startswith(base_url), reply


saml()
organizations()
saml_connections()
setup_urls()
credentials()
asyncio.run(asynchronous())
print("every method works")
