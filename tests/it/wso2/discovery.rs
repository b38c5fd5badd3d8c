//! Which domains of addresses lead people to an organization (contract §2.5).

use base::id::OrganizationId;
use model::{
    domain::{Domain, DomainState},
    organization::Organization,
};
use ostiary::{
    app::{
        organizations::{self, OrganizationChange},
        principal::Principal,
    },
    store::table,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Vendor, organization};
use crate::{
    both,
    support::{Answer, TestApp},
};

const PATH: &str = "/api/server/v1/organizations";
const SETTINGS: &str = "/api/server/v1/organization-configs/discovery";

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &json!(code)), "{}", answer.body);
}

fn uuid(id: OrganizationId) -> String {
    uuid::Uuid::from_u128(id.bits()).hyphenated().to_string()
}

fn enable(value: &str) -> Option<Value> {
    Some(json!({ "properties": [{ "key": "emailDomain.enable", "value": value }] }))
}

fn domains(values: &[&str]) -> Value {
    json!([{ "type": "emailDomain", "values": values }])
}

impl Vendor<'_> {
    async fn add(&self, id: &str, attributes: Value) -> Answer {
        let body = json!({ "organizationId": id, "attributes": attributes });
        self.at_root(Method::POST, &format!("{PATH}/discovery"), Some(body)).await
    }

    async fn available(&self, domain: &str) -> Value {
        let body = json!({ "type": "emailDomain", "value": domain });
        let answer = self.at_root(Method::POST, &format!("{PATH}/check-discovery"), Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["available"].clone()
    }
}

async fn state_of(app: &TestApp, found: &Organization, domain: &str) -> Option<DomainState> {
    let mut conn = app.state.db.read().await.unwrap();
    let stored: Option<Organization> = table::find(&mut conn, found.environment_id, found.id).await.unwrap();
    stored.unwrap().domains.get(&Domain::parse(domain).unwrap()).copied()
}

both! {
    async fn the_vendor_says_whose_domains_are(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let one = organization(&app, &vendor.environment).await;
        app.advance(std::time::Duration::from_millis(1));
        let two = organization(&app, &vendor.environment).await;
        let (own, other) = (uuid(one.id), uuid(two.id));
        let settings = |method, body| vendor.at_root(method, SETTINGS, body);
        assert_eq!(settings(Method::GET, None).await.status, 404);
        assert_eq!(settings(Method::DELETE, None).await.status, 404);
        refused(&vendor.add(&own, domains(&["abc.com"])).await, 400, "ORG-60080");
        assert_eq!(settings(Method::POST, enable("true")).await.status, 201);
        assert_eq!(settings(Method::POST, enable("true")).await.status, 409);
        assert_eq!(settings(Method::PUT, enable("maybe")).await.status, 400);
        assert_eq!(settings(Method::PUT, enable("false")).await.status, 200);
        refused(&vendor.add(&own, domains(&["abc.com"])).await, 400, "ORG-60080");
        assert_eq!(settings(Method::PUT, enable("true")).await.status, 200);
        assert_eq!(settings(Method::GET, None).await.json(), enable("true").unwrap());

        assert_eq!(vendor.available("abc.com").await, json!(true));
        let answer = vendor.add(&own, domains(&["ABC.com", "abc.org"])).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.json()["attributes"], domains(&["abc.com", "abc.org"]));
        assert_eq!(state_of(&app, &one, "abc.com").await, Some(DomainState::Verified));
        assert_eq!(vendor.available("abc.com").await, json!(false));
        for (id, attributes, status, code) in [
            (&own, domains(&["abc.net"]), 400, "ORG-60085"),
            (&other, domains(&["abc.com"]), 400, "ORG-60083"),
            (&other, domains(&[]), 400, "ORG-60088"),
            (&other, domains(&[" "]), 400, "ORG-60088"),
            (&other, json!([]), 400, "ORG-60088"),
            (&other, domains(&["not a domain"]), 400, "ORG-60092"),
            (&other, domains(&["co.uk"]), 400, "ORG-60092"),
            (&other, domains(&["gmail.com"]), 400, "ORG-60092"),
            (&other, json!([{ "type": "phone", "values": ["1"] }]), 400, "ORG-60084"),
            (&other, json!([{ "type": "emailDomain", "values": ["a.com"] }, { "type": "emailDomain", "values": ["b.com"] }]), 400, "ORG-60082"),
            (&"7c430544-4754-4d26-9b45-796da08013d7".to_owned(), domains(&["a.com"]), 404, "ORG-60015"),
        ] {
            refused(&vendor.add(id, attributes).await, status, code);
        }
        let path = format!("{PATH}/{own}/discovery");
        let answer = vendor.at_root(Method::PUT, &path, Some(json!({ "attributes": domains(&["abc.net", "abc.org"]) }))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["attributes"]), (200, &domains(&["abc.net", "abc.org"])));
        assert_eq!(state_of(&app, &one, "abc.com").await, None);
        assert_eq!(vendor.add(&other, domains(&["abc.com"])).await.status, 201);
        assert_eq!(vendor.at_root(Method::GET, &path, None).await.json()["attributes"], domains(&["abc.net", "abc.org"]));
        let list = vendor.at_root(Method::GET, &format!("{PATH}/discovery?filter=organizationName+sw+Ac&limit=1"), None).await.json();
        assert_eq!((&list["totalResults"], &list["count"]), (&json!(2), &json!(1)));
        assert_eq!(list["organizations"][0]["organizationId"], json!(own));
        let list = vendor.at_root(Method::GET, &format!("{PATH}/discovery?filter=organizationName+eq+Nobody"), None).await.json();
        assert_eq!(list["organizations"], json!([]));
        let answer = vendor.at_root(Method::GET, &format!("{PATH}/discovery?filter=name+eq+x"), None).await;
        refused(&answer, 400, "ORG-60023");
        assert_eq!(vendor.at_root(Method::DELETE, &path, None).await.status, 204);
        assert_eq!(vendor.at_root(Method::GET, &path, None).await.json()["attributes"], json!([]));
        assert_eq!(vendor.available("abc.net").await, json!(true));
        assert_eq!(settings(Method::DELETE, None).await.status, 204);
        assert_eq!(settings(Method::GET, None).await.status, 404);
    }

    async fn the_domains_are_the_roots_business_only(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let own = organization(&app, &vendor.environment).await;
        assert_eq!(vendor.at_root(Method::POST, SETTINGS, enable("true")).await.status, 201);
        let token = vendor.switched(&uuid(own.id)).await;
        let answer = app.call(&token, Method::GET, &format!("/o{PATH}/discovery"), None).await;
        refused(&answer, 400, "ORG-60081");
        let answer = app.call(&token, Method::GET, &format!("/o{SETTINGS}"), None).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, ""));
    }

    async fn a_domain_that_the_vendor_named_stays_what_it_was_when_the_vendor_says_no_more(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let own = organization(&app, &vendor.environment).await;
        let id = uuid(own.id);
        let change = OrganizationChange { domains: Some(vec!["abc.com".into()]), ..OrganizationChange::default() };
        organizations::update(&app.state, &Principal::operator(vendor.environment.id), own.id, None, &change).await.unwrap();
        assert_eq!(vendor.at_root(Method::POST, SETTINGS, enable("true")).await.status, 201);
        assert_eq!(vendor.available("abc.com").await, json!(true), "a list proves nothing");
        assert_eq!(vendor.add(&id, domains(&["abc.com"])).await.status, 201);
        assert_eq!(state_of(&app, &own, "abc.com").await, Some(DomainState::Verified));
        assert_eq!(vendor.at_root(Method::DELETE, &format!("{PATH}/{id}/discovery"), None).await.status, 204);
        assert_eq!(state_of(&app, &own, "abc.com").await, Some(DomainState::Whitelisted));
    }
}
