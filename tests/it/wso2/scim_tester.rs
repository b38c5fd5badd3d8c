//! An independent SCIM client checks the accounts' SCIM: scim2-tester, at the root and in an organization.

use serde_json::{Value, json};

use super::{Vendor, application, organization};
use crate::{
    both,
    scim_tester::{failed, results},
};

/// What the client finds and is to be so: the title of a check, a part of its reason, and why.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    (
        "search_with_attributes",
        "There is nothing at this address",
        "WSO2 searches below a type of resources, /Users/.search; the search over all types is optional (RFC 7644 §3.4.3)",
    ),
    (
        "check_add_attribute",
        "value for 'roles'",
        "roles are given over /scim2/v2/Roles, and shown with the user",
    ),
    ("check_replace_attribute", "value for 'roles'", "the same"),
    (
        "check_add_attribute",
        "value for 'urn:",
        "an extension comes back with accountState, which is the server's",
    ),
    ("check_replace_attribute", "value for 'urn:", "the same"),
    ("check_remove_attribute", "remove attribute 'active'", "an account is active or not"),
    ("check_remove_attribute", "remove attribute 'urn:", "an account is locked or not, and in some state"),
    ("object_query_with_attributes", "'externalId' missing from Group", "groups of users have no externalId"),
    ("object_list_with_attributes", "'externalId' missing from Group", "the same"),
    ("check_add_attribute", "value for 'externalId'", "the same"),
    ("check_replace_attribute", "value for 'externalId'", "the same"),
    (
        "check_add_attribute",
        "value for 'members'",
        "a member is shown with its own name, not the one that was sent",
    ),
    ("check_replace_attribute", "value for 'members'", "the same"),
];

fn scopes(prefix: &str) -> Vec<String> {
    let verbs = ["create", "list", "view", "update", "delete"];
    let of = |kind: &str| verbs.map(|verb| format!("{prefix}{kind}_mgt_{verb}"));
    of("user").into_iter().chain(of("group")).collect()
}

async fn check(base: String, token: String) {
    let all =
        results(json!({ "base": base, "token": token, "domain": "acme.example", "accounts": true })).await;
    let is_meant = |result: &Value| {
        let text = |name: &str| result[name].as_str().unwrap_or_default();
        DEVIATIONS.iter().any(|(title, reason, _)| text("title") == *title && text("reason").contains(reason))
    };
    let wrong: Vec<&Value> = failed(&all).into_iter().filter(|result| !is_meant(result)).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), all.len());
    assert!(all.len() > 50, "only {} checks ran", all.len());
    for (title, reason, why) in DEVIATIONS {
        let is_it = |result: &&Value| {
            result["title"] == *title && result["reason"].as_str().unwrap_or_default().contains(reason)
        };
        assert!(all.iter().any(|result| is_it(&result)), "no deviation any more: {title} ({why})");
    }
}

both! {
    async fn scim2_tester_checks_the_users_and_groups_of_the_root_and_of_an_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let all = [scopes("internal_"), scopes("internal_org_")].concat();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let client = application(&app, &environment, "all", &all).await;
        let root = app.token("/oauth2/token", &client).await;
        check(app.url("/scim2"), root.clone()).await;
        let vendor = Vendor { app: &app, environment, client, root };
        let made = organization(&app, &vendor.environment).await;
        let id = uuid::Uuid::from_u128(made.id.bits()).hyphenated().to_string();
        check(app.url("/o/scim2"), vendor.switched(&id).await).await;
    }
}
