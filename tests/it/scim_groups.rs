//! SCIM groups, with the requests of identity providers.

use std::collections::BTreeSet;

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        TestApp,
        scim::{TestDirectory, id, patch},
    },
};

/// The members of a group, as `GET` returns them.
async fn members(app: &TestApp, directory: &TestDirectory, group: &str) -> BTreeSet<String> {
    let group = app.scim(directory, Method::GET, &format!("/Groups/{group}"), None).await;
    assert_eq!(group.status, 200, "{}", group.body);
    let group = group.json();
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

both! {
    async fn members_come_and_go_in_every_form(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let mut ids = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let user = app.scim_user(&directory, &format!("{name}@acme.example")).await;
            ids.push(id(&user).to_owned());
        }
        let [a, b, c, d] = [&*ids[0], &*ids[1], &*ids[2], &*ids[3]];
        let group = app.scim_group(&directory, "Keyholders", &[a]).await;
        let group_id = id(&group).to_owned();
        let path = format!("/Groups/{group_id}");
        assert_eq!(group["members"], json!([{
            "value": a, "type": "User", "$ref": format!("{}/Users/{a}", directory.base),
        }]));
        let steps: &[(Value, &[&str])] = &[
            // JumpCloud repeats itself
            (json!([{ "op": "add", "path": "members", "value": [{ "value": b }] }]), &[a, b]),
            (json!([{ "op": "add", "path": "members", "value": [{ "value": b }] }]), &[a, b]),
            // Entra: many at once, with a null
            (json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": c }, { "value": d }] }]), &[a, b, c, d]),
            // Entra: only those that are listed
            (json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": a }] }]), &[b, c, d]),
            // Okta: both in one PATCH, with a display
            (json!([
                { "op": "remove", "path": format!("members[value eq \"{b}\"]") },
                { "op": "add", "path": "members", "value": [{ "value": a, "display": "a@acme.example" }] },
            ]), &[a, c, d]),
            // by a value filter
            (json!([{ "op": "remove", "path": "members[display eq \"A@ACME.example\"]" }]), &[c, d]),
            (json!([{ "op": "remove", "path": "members[type eq \"Group\"]" }]), &[c, d]),
            (json!([{ "op": "remove", "path": format!("members[value eq \"{c}\" or value eq \"{d}\"]") }]), &[]),
            // without a path
            (json!([{ "op": "add", "value": { "members": [{ "value": a }] } }]), &[a]),
            (json!([{ "op": "replace", "value": { "id": group_id, "displayName": "Keyholders", "members": [{ "value": b }] } }]), &[b]),
            // Okta's full push, and its "Push now" of an empty group
            (json!([{ "op": "replace", "path": "members", "value": [{ "value": c }, { "value": d }, { "value": c }] }]), &[c, d]),
            (json!([{ "op": "replace", "path": "members", "value": [] }]), &[]),
            (json!([{ "op": "add", "path": "members", "value": [{ "value": a }, { "value": b }] }]), &[a, b]),
            // RFC 7644: without a value, all of them
            (json!([{ "op": "remove", "path": "members" }]), &[]),
        ];
        for (operations, then) in steps {
            let answer = app.scim(&directory, Method::PATCH, &path, patch(operations.clone())).await;
            assert_eq!((answer.status.as_u16(), &*answer.body), (204, ""), "{operations}: {}", answer.body);
            assert_eq!(members(&app, &directory, &group_id).await, set(then), "{operations}");
        }
    }

    async fn a_patch_answers_with_the_group_when_attributes_are_asked_for(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let group = app.scim_group(&directory, "Keyholders", &[]).await;
        let rename = json!([{ "op": "replace", "value": { "id": id(&group), "displayName": "Doorkeepers" } }]);
        let path = format!("/Groups/{}?attributes=displayName", id(&group));
        let answer = app.scim(&directory, Method::PATCH, &path, patch(rename)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["displayName"], "Doorkeepers");
        assert_eq!(answer.json().get("meta"), None);
        assert_eq!(answer.json()["id"], group["id"]);
    }

    async fn a_put_replaces_name_and_members(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let other = app.scim_user(&directory, "b@acme.example").await;
        let group = app.scim_group(&directory, "Keyholders", &[id(&user)]).await;
        let path = format!("/Groups/{}", id(&group));
        let mut whole = group.clone();
        whole["displayName"] = "Doorkeepers".into();
        whole["members"] = json!([{ "value": id(&other) }]);
        let answer = app.scim(&directory, Method::PUT, &path, Some(whole)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["displayName"], "Doorkeepers");
        assert_eq!(members(&app, &directory, id(&group)).await, set(&[id(&other)]));
        let answer = app.scim(&directory, Method::PUT, &path, Some(json!({ "displayName": "Doorkeepers" }))).await;
        assert_eq!(answer.json().get("members"), None, "{}", answer.body);
    }

    async fn names_are_told_apart_whatever_their_case(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let first = app.scim_group(&directory, "Straße", &[]).await;
        let second = app.scim_group(&directory, "Other", &[]).await;
        let taken = app.scim(&directory, Method::POST, "/Groups", Some(json!({ "displayName": "STRAßE" }))).await;
        assert_eq!((taken.status.as_u16(), &taken.json()["scimType"]), (409, &json!("uniqueness")));
        let rename = |name: &str| patch(json!([{ "op": "replace", "path": "displayName", "value": name }]));
        let taken = app.scim(&directory, Method::PATCH, &format!("/Groups/{}", id(&second)), rename("straße")).await;
        assert_eq!(taken.status, 409, "{}", taken.body);
        let own = app.scim(&directory, Method::PATCH, &format!("/Groups/{}", id(&first)), rename("STRAßE")).await;
        assert_eq!(own.status, 204, "{}", own.body);
        let gone = app.scim(&directory, Method::DELETE, &format!("/Groups/{}", id(&first)), None).await;
        assert_eq!(gone.status, 204);
        app.scim_group(&directory, "straße", &[]).await;
    }

    async fn a_user_shows_its_groups_and_leaves_them_when_it_goes(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let group = app.scim_group(&directory, "Keyholders", &[id(&user)]).await;
        let outer = app.scim_group(&directory, "Everybody", &[id(&group)]).await;
        assert_eq!(outer["members"][0]["type"], "Group");
        let path = format!("/Users/{}", id(&user));
        let read = app.scim(&directory, Method::GET, &path, None).await.json();
        assert_eq!(read["groups"], json!([{
            "value": id(&group),
            "$ref": format!("{}/Groups/{}", directory.base, id(&group)),
            "display": "Keyholders",
            "type": "direct",
        }]));
        assert_eq!(app.scim(&directory, Method::DELETE, &path, None).await.status, 204);
        assert!(members(&app, &directory, id(&group)).await.is_empty());
        let known = [(header::IF_NONE_MATCH, group["meta"]["version"].as_str().unwrap())];
        let path = format!("/Groups/{}", id(&group));
        let changed = app.scim_with(&directory, Method::GET, &path, None, &known).await;
        assert_eq!(changed.status, 200, "its membership changed, so did its version");
        assert_eq!(app.scim(&directory, Method::DELETE, &path, None).await.status, 204);
        assert!(members(&app, &directory, id(&outer)).await.is_empty());
        let back = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": id(&group) }] }]));
        let answer = app.scim(&directory, Method::PATCH, &format!("/Groups/{}", id(&outer)), back).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidValue")));
    }

    async fn a_patch_is_done_whole_or_not_at_all(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let group = app.scim_group(&directory, "Keyholders", &[]).await;
        let group_path = format!("/Groups/{}", id(&group));
        for bad in [
            json!({ "op": "add", "path": "members", "value": [{ "value": "scim_user_0000000000000000000000000" }] }),
            json!({ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }),
            json!({ "op": "add", "path": "members", "value": [{ "value": id(&group) }] }),
            json!({ "op": "replace", "path": "displayName", "value": "" }),
            json!({ "op": "explode" }),
        ] {
            let operations = json!([
                { "op": "add", "path": "members", "value": [{ "value": id(&user) }] },
                { "op": "replace", "path": "displayName", "value": "Renamed" },
                bad,
            ]);
            let answer = app.scim(&directory, Method::PATCH, &group_path, patch(operations)).await;
            assert_eq!(answer.status, 400, "{bad}: {}", answer.body);
            let now = app.scim(&directory, Method::GET, &group_path, None).await.json();
            assert_eq!(now, group, "{bad}");
        }
        let user_path = format!("/Users/{}", id(&user));
        let operations = json!([
            { "op": "replace", "path": "title", "value": "Keyholder" },
            { "op": "replace", "path": "userName", "value": "a@evil.example" },
        ]);
        let answer = app.scim(&directory, Method::PATCH, &user_path, patch(operations)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(app.scim(&directory, Method::GET, &user_path, None).await.json(), user);
    }
}
