//! The console's pages of a directory: its people, groups and requests, each of its own environment only.

use std::time::Duration;

use model::administrator::Role;
use ostiary::{
    app::directories::request_log::{self, NewScimRequest},
    web::console::scim_requests::explanations,
};
use reqwest::Method;
use scim::Error;
use serde_json::json;

use crate::{
    both,
    support::scim::{id, patch},
};

both! {
    async fn the_directories_of_an_environment_are_listed_with_their_companies(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("other").await);
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let foreign = app.scim_directory(&app.tenant(&other, "globex.example").await).await;
        let viewer = app.administrator(Role::Viewer, Some(&environment)).await;
        let page = viewer.get(&app.url(&format!("/console/{}/scim-directories", environment.id))).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Company acme.example") && page.body.contains(&directory.id.to_string()));
        assert!(!page.body.contains(&foreign.id.to_string()) && !page.body.contains("globex"));
        let closed = viewer.get(&app.url(&format!("/console/{}/scim-directories", other.id))).await;
        assert_eq!(closed.status, 404);
    }

    async fn people_are_found_and_shown_with_their_groups_and_what_happened(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let dana = app.scim(&directory, Method::POST, "/Users", Some(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "dana@acme.example", "externalId": "00u-dana", "displayName": "Dana <Okafor>",
            "title": "Head & shoulders", "active": true,
        }))).await.json();
        app.advance(Duration::from_millis(5));
        let eve = app.scim_user(&directory, "eve@acme.example").await;
        let group = app.scim_group(&directory, "Engineering <1>", &[id(&dana)]).await;
        app.advance(Duration::from_millis(5));
        let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
        let answer = app.scim(&directory, Method::PATCH, &format!("/Users/{}", id(&eve)), off).await;
        assert!(answer.status.is_success(), "{}", answer.body);

        let viewer = app.administrator(Role::Viewer, Some(&environment)).await;
        let base = format!("/console/{}/scim-directories/{}", environment.id, directory.id);
        let list = app.page(&viewer, &format!("{base}/users")).await.body;
        assert!(list.contains("Dana &lt;Okafor&gt;") && list.contains("eve@acme.example"), "{list}");
        assert!(list.contains("Inactive") && list.contains("Active"), "{list}");
        for (words, found) in [
            ("DANA@acme.example", true), ("00u-dana", true), ("dana+%3Cokafor%3E", true), (id(&dana), true),
            ("dana", false), ("eve@acme.example", false), ("%25", false),
        ] {
            let page = app.page(&viewer, &format!("{base}/users?q={words}")).await.body;
            assert_eq!(page.contains("Dana &lt;Okafor&gt;"), found, "{words}: {page}");
        }

        let page = app.page(&viewer, &format!("{base}/users/{}", id(&dana))).await.body;
        for expected in [
            "Head &amp; shoulders", "00u-dana", "Engineering &lt;1&gt;", "User pushed for the first time",
            &format!("/v1/scim/users/{}", id(&dana)), &format!("{base}/groups/{}", id(&group)),
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        let groups = app.page(&viewer, &format!("{base}/groups")).await.body;
        assert!(groups.contains("Engineering &lt;1&gt;"), "{groups}");
        let found = app.page(&viewer, &format!("{base}/groups?q=engineering+%3C1%3E")).await.body;
        assert!(found.contains(id(&group)), "{found}");
        let none = app.page(&viewer, &format!("{base}/groups?q=engine")).await.body;
        assert!(none.contains("Nothing here matches.") && !none.contains(id(&group)), "{none}");
        let members = app.page(&viewer, &format!("{base}/groups/{}", id(&group))).await.body;
        assert!(members.contains("dana@acme.example") && !members.contains("eve@acme.example"), "{members}");
        let events = app.page(&viewer, &format!("/console/{}/events", environment.id)).await.body;
        assert!(events.contains("scim_user.deactivated") && events.contains("Company acme.example"), "{events}");
        assert!(events.find("scim_user.deactivated</code>") < events.find("scim_user.created</code>"), "newest first");
        let one = format!("/console/{}/events?type=scim_group.created", environment.id);
        let one = app.page(&viewer, &one).await.body;
        assert!(one.contains("<code>scim_group.created</code>") && !one.contains("<code>scim_user.created</code>"));
    }

    async fn long_lists_are_paged_there_and_back(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        let mut people = Vec::new();
        for number in 0..30 {
            people.push(app.person(&directory, &format!("p{number:02}@acme.example"), true, false).await);
            app.advance(Duration::from_millis(2));
        }
        let group = app.group(&directory, "Everybody", &people).await;
        let viewer = app.administrator(Role::Viewer, Some(&environment)).await;
        let base = format!("/console/{}/scim-directories/{}", environment.id, directory.directory.id);
        for path in [format!("{base}/users"), format!("{base}/groups/{group}")] {
            let first = app.page(&viewer, &path).await.body;
            assert_eq!((first.contains("p24@"), first.contains("p25@")), (true, false));
            let next = link(&first, "rel=\"next\" href=\"");
            let second = app.page(&viewer, &next).await.body;
            assert_eq!((second.contains("p24@"), second.contains("p25@"), second.contains("p29@")), (false, true, true));
            assert_eq!(link(&second, "rel=\"prev\" href=\""), path);
        }
    }

    async fn requests_are_filtered_and_refusals_explained(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        app.scim_user(&directory, "dana@acme.example").await;
        app.advance(Duration::from_secs(1));
        let foreign = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "x@gmail.example" });
        assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(foreign)).await.status, 400);
        app.advance(Duration::from_secs(1));
        // Unauthenticated requests are not logged; older entries of them are still explained.
        let refused = NewScimRequest {
            directory: directory.id,
            at: app.now(),
            method: "GET",
            path: "/Users",
            status: 401,
            duration: Duration::ZERO,
            request_body: b"",
            response_body: b"",
            error: Some("unauthorized"),
        };
        request_log::enqueue(&app.state, &refused);

        let viewer = app.administrator(Role::Viewer, Some(&environment)).await;
        let base = format!("/console/{}/scim-directories/{}/requests", environment.id, directory.id);
        let all = app.page(&viewer, &base).await.body;
        assert!(all.contains("201 done") && all.contains("400 refused") && all.contains("401 refused"), "{all}");
        assert!(all.find("401 refused") < all.find("201 done"), "newest first");
        for (filter, expected) in [
            ("method=GET", [false, false, true]), ("status=4xx", [false, true, true]), ("status=201", [true, false, false]),
            ("error=invalidValue", [false, true, false]), ("method=POST&status=4xx", [false, true, false]),
        ] {
            let page = app.page(&viewer, &format!("{base}?{filter}")).await.body;
            let shown = ["201 done", "400 refused", "401 refused"].map(|text| page.contains(text));
            assert_eq!(shown, expected, "{filter}");
        }
        let bad = viewer.get(&app.url(&format!("{base}?status=many"))).await;
        assert_eq!(bad.status, 422);
        assert!(bad.body.contains("Must be a status such as 404"), "{}", bad.body);

        let refused = app.page(&viewer, &format!("{base}?error=invalidValue")).await.body;
        let path = link(&refused, "class=\"request\" href=\"");
        let page = app.page(&viewer, &path).await.body;
        for expected in [
            "is not of the organization&#39;s domains (acme.example)", "Who can fix it", "invalidValue",
            "&quot;userName&quot;: &quot;x@gmail.example&quot;",
        ] {
            assert!(page.contains(expected) || page.replace('\'', "&#39;").contains(expected), "{expected}: {page}");
        }
        let locked = app.page(&viewer, &format!("{base}?error=unauthorized")).await.body;
        let page = app.page(&viewer, &link(&locked, "class=\"request\" href=\"")).await.body;
        assert!(page.contains("The bearer token is missing, mistyped, or was replaced."), "{page}");
        assert!(!page.contains("wrong"), "no token in the log: {page}");
    }

    async fn nothing_of_another_environment_or_directory_is_there(app: TestApp) {
        let (own, foreign) = (app.environment("prod").await, app.environment("staging").await);
        let tenant = app.tenant(&foreign, "acme.example").await;
        let (directory, sibling) = (app.scim_directory(&tenant).await, app.scim_directory(&tenant).await);
        let user = app.scim_user(&directory, "dana@acme.example").await;
        let group = app.scim_group(&directory, "Engineering", &[id(&user)]).await;
        let owner = app.administrator(Role::Owner, Some(&own)).await;
        let boss = app.administrator(Role::Owner, None).await;
        let of = format!("/console/{}/scim-directories/{}", foreign.id, directory.id);
        let requests = app.page(&boss, &format!("{of}/requests")).await.body;
        let request = link(&requests, "class=\"request\" href=\"");
        let request = request.rsplit('/').next().unwrap();
        let rest = ["users", "groups", "requests"].map(str::to_owned).into_iter().chain([
            format!("users/{}", id(&user)), format!("groups/{}", id(&group)), format!("requests/{request}"),
        ]);
        for path in rest {
            let at = |environment, directory| format!("/console/{environment}/scim-directories/{directory}/{path}");
            app.page(&boss, &at(foreign.id, directory.id)).await;
            for hidden in [at(foreign.id, directory.id), at(own.id, directory.id)] {
                let answer = owner.get(&app.url(&hidden)).await;
                assert_eq!(answer.status, 404, "{hidden}");
                assert!(!answer.body.contains("dana"), "{}", answer.body);
            }
            assert_eq!(boss.get(&app.url(&at(own.id, directory.id))).await.status, 404, "{path}");
            if path.contains('/') {
                assert_eq!(boss.get(&app.url(&at(foreign.id, sibling.id))).await.status, 404, "{path}");
            }
        }
        let events = app.page(&owner, &format!("/console/{}/events", own.id)).await.body;
        assert!(events.contains("Nothing happened yet."), "{events}");
    }
}

fn link(html: &str, before: &str) -> String {
    let (_, rest) = html.split_once(before).unwrap_or_else(|| panic!("no {before} in {html}"));
    rest.split_once('"').unwrap().0.replace("&amp;", "&")
}

#[test]
fn every_refusal_is_explained() {
    let all: [fn(String) -> Error; 24] = [
        Error::InvalidFilter,
        Error::TooMany,
        Error::Uniqueness,
        Error::Mutability,
        Error::InvalidSyntax,
        Error::InvalidPath,
        Error::NoTarget,
        Error::InvalidValue,
        Error::InvalidVersion,
        Error::Sensitive,
        Error::InvalidCursor,
        Error::ExpiredCursor,
        Error::InvalidCount,
        Error::Unauthorized,
        Error::Forbidden,
        Error::NotFound,
        Error::MethodNotAllowed,
        Error::Conflict,
        Error::PreconditionFailed,
        Error::TooLarge,
        Error::UnsupportedMediaType,
        Error::Limited,
        Error::NotImplemented,
        Error::Internal,
    ];
    for error in all {
        let code = error(String::new()).code();
        let refusal = explanations::explain(code).unwrap_or_else(|| panic!("{code} is not explained"));
        assert!(!refusal.meaning.is_empty() && !refusal.remedy.is_empty());
    }
}
