"""Calls every SCIM method of the Python SDK `ssoready` and checks what comes back. It is told what there is
by the test that starts it (tests/it/python_sdk_scim.rs)."""

import json
import os

from ssoready.client import SSOReady
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
        assert error.body["code"] == code, error
        assert error.body["message"] == message, error
        return
    raise AssertionError(f"not refused with {status}: {message}")


def directories():
    api = client(told["management_key"]).management.scim_directories
    organization = told["organization_id"]
    made = api.create_scim_directory(organization_id=organization, primary=False).scim_directory
    assert made.id.startswith("scim_directory_") and len(made.id) == 40, made
    assert (made.organization_id, made.primary, made.has_client_bearer_token) == (organization, False, False), made
    assert made.scim_base_url == f"{base_url}/v1/scim/{made.id}", made
    assert api.get_scim_directory(made.id).scim_directory == made

    first = api.rotate_scim_directory_bearer_token(made.id).bearer_token
    second = api.rotate_scim_directory_bearer_token(made.id).bearer_token
    assert first.startswith("ssoready_scim_bearer_token_") and first != second
    assert api.get_scim_directory(made.id).scim_directory.has_client_bearer_token is True

    assert api.update_scim_directory(made.id, primary=True).scim_directory.primary is True
    assert api.get_scim_directory(told["scim_directory_id"]).scim_directory.primary is False
    assert api.update_scim_directory(told["scim_directory_id"], primary=True).scim_directory.primary is True

    listed = api.list_scim_directories(organization_id=organization)
    assert [directory.id for directory in listed.scim_directories] == [told["scim_directory_id"], made.id]
    assert listed.next_page_token == "", listed
    nowhere = "scim_directory_0000000000000000000000001"
    refused(lambda: api.get_scim_directory(nowhere), 404, 5, f"SCIM directory not found: {nowhere}")
    foreign = client(told["foreign_key"]).management.scim_directories
    refused(
        lambda: foreign.rotate_scim_directory_bearer_token(made.id), 404, 5, f"SCIM directory not found: {made.id}"
    )


def people():
    api = client(told["plain_key"]).scim
    everybody = []
    for selector in (
        {"scim_directory_id": told["scim_directory_id"]},
        {"organization_id": told["organization_id"]},
        {"organization_external_id": told["external_id"]},
    ):
        everybody, token = [], None
        while token != "":
            page = api.list_scim_users(**selector, page_token=token)
            assert len(page.scim_users) <= 10, page
            everybody += page.scim_users
            token = page.next_page_token
        assert sorted(user.id for user in everybody) == sorted(told["users"]), everybody

    dana = api.get_scim_user(told["active"]).scim_user
    assert dana in everybody
    assert (dana.email, dana.deleted) == ("Dana@acme.example", False), dana
    assert dana.attributes["userName"] == "Dana@acme.example", dana
    assert dana.attributes["active"] is True and "schemas" not in dana.attributes, dana
    assert dana.scim_directory_id == told["scim_directory_id"], dana
    for user in (told["inactive"], told["deleted"]):
        assert api.get_scim_user(user).scim_user.deleted is True

    group = api.get_scim_group(told["group"]).scim_group
    assert (group.display_name, group.deleted) == ("Staff", False), group
    assert [member["value"] for member in group.attributes["members"]] == [told["active"]], group
    listed = api.list_scim_groups(organization_external_id=told["external_id"])
    assert listed.scim_groups == [group] and listed.next_page_token == "", listed
    members = api.list_scim_users(scim_directory_id=told["scim_directory_id"], scim_group_id=told["group"])
    assert [user.id for user in members.scim_users] == [told["active"]], members
    unknown = "scim_group_0000000000000000000000001"
    assert api.list_scim_users(scim_directory_id=told["scim_directory_id"], scim_group_id=unknown).scim_users == []

    refused(
        lambda: api.list_scim_users(),
        400, 3, "one of scim_directory_id, organization_id, or organization_external_id must be provided",
    )
    refused(
        lambda: api.list_scim_groups(organization_external_id="nobody"),
        400, 3,
        "bad organization_external_id: organization not found, or organization does not have a primary "
        "SCIM directory",
    )
    foreign = client(told["foreign_key"]).scim
    refused(lambda: foreign.get_scim_user(told["active"]), 404, 5, f"SCIM user not found: {told['active']}")
    refused(lambda: foreign.get_scim_group(told["group"]), 404, 5, f"SCIM group not found: {told['group']}")


people()
directories()
print("every method works")
