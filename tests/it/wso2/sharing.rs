//! With which organizations an application is shared, and what ends with that (contract §2.8).

use model::{
    application::Application,
    environment::Environment,
    organization::{Organization, root_id},
    role::Audience,
};
use ostiary::app::{
    applications::ApplicationChange,
    organizations::{self, OrganizationChange},
    principal::Principal,
    resource,
    roles::{self, NewRole},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{SCOPES, application, switch};
use crate::{
    both,
    support::{Answer, TestApp, tokens::Client},
};

const APPLICATIONS: &str = "/api/server/v1/applications";
const CHECK_NAME: &str = "/o/api/server/v1/organizations/check-name";

fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

struct Setting<'a> {
    app: &'a TestApp,
    environment: Environment,
    guide: Client,
    root: String,
    id: String,
}

impl<'a> Setting<'a> {
    /// An application that is shared with nobody yet.
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let more = [
            "internal_shared_application_create",
            "internal_shared_application_delete",
            "internal_shared_application_view",
        ];
        let scopes: Vec<&str> = SCOPES.iter().copied().chain(more).collect();
        let guide = application(app, &environment, "none", &scopes).await;
        let root = app.token("/oauth2/token", &guide).await;
        let id = uuid(guide.id.bits());
        Self { app, environment, guide, root, id }
    }

    async fn organization(&self, parent: Option<&str>) -> String {
        let change = OrganizationChange {
            display_name: Some("Acme".to_owned()),
            parent_id: parent.map(str::to_owned),
            ..OrganizationChange::default()
        };
        let principal = Principal::operator(self.environment.id);
        let made: Organization =
            organizations::create(&self.app.state, &principal, &change).await.expect("an organization");
        uuid(made.id.bits())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.root, method, &format!("{APPLICATIONS}{path}"), body).await
    }

    async fn post(&self, path: &str, body: Value, status: u16) {
        let answer = self.call(Method::POST, path, Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
    }

    /// A token in an organization, if the application is shared with it.
    async fn switched(&self, organization: &str) -> Option<String> {
        let answer = switch(self.app, "/oauth2/token", &self.guide, &self.root, organization, None).await;
        match answer.status.as_u16() {
            200 => Some(answer.json()["access_token"].as_str().unwrap().to_owned()),
            _ => {
                let text = "Organization switching is not allowed for organizations that have not shared the application";
                assert_eq!(answer.json()["error_description"], text, "{}", answer.body);
                None
            }
        }
    }

    /// The organizations that the list of shares names.
    async fn listed(&self) -> Vec<String> {
        let answer = self.call(Method::GET, &format!("/{}/share", self.id), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut ids = ids(&answer.json()["organizations"], "id");
        ids.sort();
        ids
    }

    async fn counts(&self, token: &str) -> bool {
        let body = Some(json!({ "name": "x" }));
        match self.app.call(token, Method::POST, CHECK_NAME, body).await.status.as_u16() {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        }
    }

    /// Asserts with which of these organizations the application is shared, by every way to ask.
    async fn assert_shared(&self, all: &[&String], expected: &[&String]) {
        for organization in all {
            let is_shared = self.switched(organization).await.is_some();
            assert_eq!(is_shared, expected.contains(organization), "{organization}");
        }
        let mut expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        expected.sort();
        assert_eq!(self.listed().await, expected);
        let answer = self.call(Method::GET, &format!("/{}/shared-apps", self.id), None).await;
        let mut shown = ids(&answer.json()["sharedApplications"], "organizationId");
        shown.sort();
        assert_eq!(shown, expected);
    }
}

fn ids(list: &Value, name: &str) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.json()["code"], code, "{}", answer.body);
}

both! {
    async fn sharing_with_all_is_for_organizations_of_the_future_too(app: TestApp) {
        let setting = Setting::new(&app).await;
        let before = setting.organization(None).await;
        setting.assert_shared(&[&before], &[]).await;
        setting.post(&format!("/{}/share", setting.id), json!({ "shareWithAllChildren": true }), 200).await;
        let after = setting.organization(None).await;
        let below = setting.organization(Some(&before)).await;
        let all = [&before, &after, &below];
        setting.assert_shared(&all, &all).await;
        let answer = setting.call(Method::DELETE, &format!("/{}/share/{after}", setting.id), None).await;
        refused(&answer, 400, "ORG-60069");
        let answer = setting.call(Method::GET, &format!("/{}/share?attributes=sharingMode", setting.id), None).await;
        let mode = json!({ "policy": "ALL_EXISTING_AND_FUTURE_ORGS", "roleSharing": { "mode": "ALL" } });
        assert_eq!(answer.json()["sharingMode"], mode);
    }

    async fn sharing_with_all_that_there_are_is_not_for_those_of_the_future(app: TestApp) {
        let setting = Setting::new(&app).await;
        let before = setting.organization(None).await;
        app.advance(std::time::Duration::from_secs(1));
        let body = json!({ "applicationId": setting.id, "policy": "ALL_EXISTING_ORGS_ONLY" });
        setting.post("/share-with-all", body, 202).await;
        app.advance(std::time::Duration::from_secs(1));
        let after = setting.organization(None).await;
        setting.assert_shared(&[&before, &after], &[&before]).await;
        let answer = setting.call(Method::DELETE, &format!("/{}/share/{before}", setting.id), None).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        setting.assert_shared(&[&before, &after], &[]).await;
    }

    async fn chosen_organizations_have_it_alone_or_with_all_below_them(app: TestApp) {
        let setting = Setting::new(&app).await;
        let (one, two, three) =
            (setting.organization(None).await, setting.organization(None).await, setting.organization(None).await);
        let below_one = setting.organization(Some(&one)).await;
        let organizations = json!([
            { "orgId": one, "policy": "SELECTED_ORG_ONLY", "roleSharing": { "mode": "NONE" } },
            { "orgId": two, "policy": "SELECTED_ORG_WITH_ALL_EXISTING_AND_FUTURE_CHILDREN" },
        ]);
        let body = json!({ "applicationId": setting.id, "organizations": organizations });
        setting.post("/share", body, 202).await;
        let below_two = setting.organization(Some(&two)).await;
        let far_below_two = setting.organization(Some(&below_two)).await;
        let all = [&one, &two, &three, &below_one, &below_two, &far_below_two];
        setting.assert_shared(&all, &[&one, &two, &below_two, &far_below_two]).await;
        // One more, beside those; and one of those below taken out, with what is below it.
        let body = json!({ "shareWithAllChildren": false, "sharedOrganizations": [three] });
        setting.post(&format!("/{}/share", setting.id), body, 200).await;
        setting.post("/unshare", json!({ "applicationId": setting.id, "orgIds": [below_two] }), 202).await;
        setting.assert_shared(&all, &[&one, &two, &three]).await;
        let body = json!({ "applicationId": setting.id, "organizations": [{ "orgId": two, "policy": "NO_ORG" }] });
        setting.post("/share", body, 202).await;
        setting.assert_shared(&all, &[&one, &three]).await;
        setting.post("/unshare-with-all", json!({ "applicationId": setting.id }), 202).await;
        setting.assert_shared(&all, &[]).await;
    }

    async fn one_organization_is_taken_out_of_all(app: TestApp) {
        let setting = Setting::new(&app).await;
        let (one, two) = (setting.organization(None).await, setting.organization(None).await);
        let body = json!({ "applicationId": setting.id, "policy": "ALL_EXISTING_AND_FUTURE_ORGS" });
        setting.post("/share-with-all", body.clone(), 202).await;
        let token = setting.switched(&one).await.unwrap();
        let kept = setting.switched(&two).await.unwrap();
        setting.post("/unshare", json!({ "applicationId": setting.id, "orgIds": [one] }), 202).await;
        let below = setting.organization(Some(&one)).await;
        setting.assert_shared(&[&one, &two, &below], &[&two]).await;
        assert!(!setting.counts(&token).await && setting.counts(&kept).await);
        // Shared again, the tokens of before stay ended.
        setting.post("/share-with-all", body, 202).await;
        setting.assert_shared(&[&one, &two, &below], &[&one, &two, &below]).await;
        assert!(!setting.counts(&token).await && setting.counts(&kept).await);
    }

    async fn what_is_not_shared_any_more_ends_its_tokens_for_good(app: TestApp) {
        let setting = Setting::new(&app).await;
        let one = setting.organization(None).await;
        let share = || json!({ "shareWithAllChildren": false, "sharedOrganizations": [one] });
        let path = format!("/{}/share", setting.id);
        setting.post(&path, share(), 200).await;
        let token = setting.switched(&one).await.unwrap();
        assert!(setting.counts(&token).await);
        let answer = setting.call(Method::DELETE, &format!("{path}/{one}"), None).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert!(!setting.counts(&token).await);
        setting.post(&path, share(), 200).await;
        assert!(!setting.counts(&token).await);
        assert!(setting.counts(&setting.switched(&one).await.unwrap()).await);
    }

    async fn the_older_paths_below_the_organization_do_the_same(app: TestApp) {
        let setting = Setting::new(&app).await;
        let one = setting.organization(None).await;
        let fixed = "10084a8d-113f-4211-a0d5-efe36b082211";
        let base = format!("/api/server/v1/organizations/{fixed}/applications/{}", setting.id);
        let call = async |method, path: &str, body| app.call(&setting.root, method, &format!("{base}{path}"), body).await;
        let answer = call(Method::POST, "/share", Some(json!({ "sharedOrganizations": [one] }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        setting.assert_shared(&[&one], &[&one]).await;
        assert_eq!(ids(&call(Method::GET, "/share", None).await.json()["organizations"], "id"), std::slice::from_ref(&one));
        let shown = call(Method::GET, "/shared-apps", None).await.json();
        assert_eq!(shown["sharedApplications"][0]["organizationId"], json!(one));
        assert_eq!(call(Method::DELETE, &format!("/share/{one}"), None).await.status, 204);
        setting.assert_shared(&[&one], &[]).await;
        assert_eq!(call(Method::DELETE, "/shared-apps", None).await.status, 204);
        let other = format!("/api/server/v1/organizations/{one}/applications/{}/share", setting.id);
        refused(&app.call(&setting.root, Method::GET, &other, None).await, 404, "ORG-60015");
    }

    async fn requests_that_say_nothing_or_contradict_themselves_are_refused(app: TestApp) {
        let setting = Setting::new(&app).await;
        let one = setting.organization(None).await;
        let (id, share) = (&setting.id, format!("/{}/share", setting.id));
        for (path, body, status, code) in [
            (share.as_str(), json!({}), 400, "ORG-60067"),
            (&share, json!({ "shareWithAllChildren": true, "sharedOrganizations": [one] }), 400, "ORG-60068"),
            ("/00000000-0000-0000-0000-000000000009/share", json!({ "shareWithAllChildren": true }), 404, "ORG-60035"),
            ("/nonsense/share", json!({ "shareWithAllChildren": true }), 404, "ORG-60035"),
            ("/share", json!({ "applicationId": id }), 400, "ORG-60067"),
            ("/share-with-all", json!({ "applicationId": id }), 400, "ORG-60067"),
            ("/share-with-all", json!({ "applicationId": id, "policy": "SELECTED_ORG_ONLY" }), 400, "ORG-60001"),
            ("/share-with-all", json!({ "applicationId": "x", "policy": "NO_ORGS" }), 404, "ORG-60035"),
            ("/unshare", json!({ "applicationId": id, "orgIds": [] }), 400, "ORG-60067"),
            ("/unshare", json!({ "applicationId": id, "orgIds": [id] }), 404, "ORG-60015"),
            ("/unshare", json!({}), 400, "ORG-60001"),
        ] {
            refused(&setting.call(Method::POST, path, Some(body)).await, status, code);
        }
        for (query, code) in [("limit=-1", "ORG-60025"), ("after=%25", "ORG-60026"), ("before=eA", "ORG-60026")] {
            refused(&setting.call(Method::GET, &format!("{share}?{query}"), None).await, 400, code);
        }
        // Nothing of that did anything.
        setting.assert_shared(&[&one], &[]).await;
        // A program that cannot switch is not shared.
        let program = app.program(&setting.environment, None, &[]).await;
        let body = json!({ "shareWithAllChildren": true });
        refused(&setting.call(Method::POST, &format!("/{}/share", uuid(program.id.bits())), Some(body)).await, 400, "ORG-60001");
    }

    async fn the_list_of_organizations_goes_on_from_page_to_page(app: TestApp) {
        let setting = Setting::new(&app).await;
        for _ in 0..3 {
            setting.organization(None).await;
        }
        setting.post(&format!("/{}/share", setting.id), json!({ "shareWithAllChildren": true }), 200).await;
        let mut path = format!("{APPLICATIONS}/{}/share?limit=2", setting.id);
        let mut found = Vec::new();
        for page in 0.. {
            let body = app.call(&setting.root, Method::GET, &path, None).await.json();
            found.extend(ids(&body["organizations"], "id"));
            match body["links"][0]["href"].as_str() {
                Some(next) => path = next.to_owned(),
                None => {
                    assert_eq!(page, 1);
                    break;
                }
            }
        }
        found.sort();
        assert_eq!(found, setting.listed().await);
        assert_eq!(found.len(), 3);
    }

    async fn a_switch_and_the_end_of_sharing_at_once_leave_no_token_behind(app: TestApp) {
        let setting = Setting::new(&app).await;
        let one = setting.organization(None).await;
        let share = json!({ "shareWithAllChildren": false, "sharedOrganizations": [one] });
        let path = format!("/{}/share", setting.id);
        for _ in 0..16 {
            setting.post(&path, share.clone(), 200).await;
            let end = format!("{path}/{one}");
            let (token, ended) = tokio::join!(setting.switched(&one), setting.call(Method::DELETE, &end, None));
            assert_eq!(ended.status, 204, "{}", ended.body);
            // Shared again, what was given before the end does not come to life.
            setting.post(&path, share.clone(), 200).await;
            if let Some(token) = token {
                assert!(!setting.counts(&token).await);
            }
        }
    }

    async fn an_organization_that_is_made_while_an_application_is_shared_has_it(app: TestApp) {
        let setting = Setting::new(&app).await;
        let path = format!("/{}/share", setting.id);
        for _ in 0..16 {
            let share = setting.call(Method::POST, &path, Some(json!({ "shareWithAllChildren": true })));
            let (made, shared) = tokio::join!(setting.organization(None), share);
            assert_eq!(shared.status, 200, "{}", shared.body);
            assert!(setting.switched(&made).await.is_some());
            setting.post("/unshare-with-all", json!({ "applicationId": setting.id }), 202).await;
            assert!(setting.switched(&made).await.is_none());
        }
    }

    async fn which_roles_come_along_is_said_for_all_and_for_single_organizations(app: TestApp) {
        let setting = Setting::new(&app).await;
        let principal = Principal::operator(setting.environment.id);
        let root = root_id(setting.environment.id);
        let change = ApplicationChange { role_audience: Some("application".to_owned()), ..ApplicationChange::default() };
        resource::update::<Application>(&app.state, &principal, setting.guide.id, None, &change).await.unwrap();
        for name in ["App Admin", "Viewer"] {
            let audience = Some(Audience::Application(setting.guide.id));
            let new = NewRole { name: name.to_owned(), audience, ..NewRole::default() };
            roles::create(&app.state, &principal, root, &new).await.unwrap();
        }
        let (one, two) = (setting.organization(None).await, setting.organization(None).await);
        let of = async |organization: &String| {
            let token = setting.switched(organization).await.unwrap();
            let list = app.call(&token, Method::GET, "/o/api/server/v1/applications", None).await.json();
            let path = list["applications"][0]["self"].as_str().unwrap().to_owned();
            let body = app.call(&token, Method::GET, &path, None).await.json();
            ids(&body["associatedRoles"]["roles"], "name")
        };
        let name = |name: &str| json!({ "displayName": name, "audience": { "display": "B2B App", "type": "application" } });
        let share = async |roles: Value| {
            let policy = "ALL_EXISTING_AND_FUTURE_ORGS";
            setting.call(Method::POST, "/share-with-all", Some(json!({ "applicationId": setting.id, "policy": policy, "roleSharing": roles }))).await
        };
        assert_eq!(share(json!({ "mode": "ALL" })).await.status, 202);
        assert_eq!(of(&one).await, ["App Admin", "Viewer"]);
        assert_eq!(share(json!({ "mode": "SELECTED", "roles": [name("App Admin")] })).await.status, 202);
        assert_eq!(of(&one).await, ["App Admin"]);
        for (op, role, expected) in [("add", "Viewer", &["App Admin", "Viewer"][..]), ("remove", "App Admin", &["Viewer"])] {
            let path = format!("organizations[orgId eq \"{one}\"].roles");
            let body = json!({ "applicationId": setting.id, "Operations": [{ "op": op, "path": path, "value": [name(role)] }] });
            let answer = setting.call(Method::PATCH, "/share", Some(body)).await;
            assert_eq!(answer.status, 202, "{}", answer.body);
            assert_eq!(of(&one).await, expected);
            assert_eq!(of(&two).await, ["App Admin"], "the other organization has what all have");
        }
        let listed = setting.call(Method::GET, &format!("/{}/share?attributes=roles", setting.id), None).await.json();
        let first = listed["organizations"].as_array().unwrap().iter().find(|item| item["id"] == json!(one)).unwrap();
        assert_eq!(first["roles"], json!([name("Viewer")]));
        assert_eq!(share(json!({ "mode": "NONE" })).await.status, 202);
        assert_eq!(of(&one).await, Vec::<String>::new());
        for (roles, code) in [
            (json!({ "mode": "SELECTED", "roles": [name("Nobody")] }), "ORG-60043"),
            (json!({ "mode": "SELECTED" }), "ORG-60001"),
            (json!({ "mode": "ALL", "roles": [name("Viewer")] }), "ORG-60001"),
            (json!({ "mode": "SOME" }), "ORG-60001"),
        ] {
            refused(&share(roles).await, 400, code);
        }
        assert_eq!(of(&one).await, Vec::<String>::new(), "what was refused did nothing");
    }
}
