//! Which route an address belongs to.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use actix_web::{
    App,
    dev::{ResourceDef, Service as _},
    http::Method,
    test::{self, TestRequest},
};
use ostiary::{
    http::routes,
    web::kit::routing::{RouteTable, Surface},
};

/// The addresses of a pattern: each of its variable segments is `x`, or what another pattern of the same first segment has in
/// that place.
fn addresses(pattern: &str, all: &[&str]) -> BTreeSet<String> {
    let first = |pattern: &str| pattern.split('/').nth(1).unwrap_or_default().to_owned();
    let whole = pattern.replace("[^/]*", "");
    let mut addresses = BTreeSet::from([String::new()]);
    for (place, segment) in whole.split('/').enumerate().skip(1) {
        let values: BTreeSet<_> = match segment.starts_with('{') {
            false => BTreeSet::from([segment]),
            true if segment.contains(":scim_directory_") => BTreeSet::from(["scim_directory_1"]),
            true => all
                .iter()
                .filter(|other| first(other) == first(pattern))
                .filter_map(|other| other.split('/').nth(place))
                .filter(|other| !other.starts_with('{'))
                .chain(["x"])
                .collect(),
        };
        addresses = addresses
            .iter()
            .flat_map(|address| values.iter().map(move |value| format!("{address}/{value}")))
            .collect();
    }
    addresses
}

#[actix_web::test]
async fn a_route_is_found_as_if_all_were_tried_in_the_order_of_their_registration() {
    let mut table = RouteTable::default();
    let app = App::new().configure(|config| routes::configure(config, &mut table));
    let table = Rc::new(table);
    let patterns: Vec<_> = table.patterns().map(|(pattern, _)| pattern).collect();
    let definitions: Vec<_> = table
        .patterns()
        .map(|(pattern, surface)| match surface {
            Surface::Scim => ResourceDef::prefix(pattern),
            _ => ResourceDef::new(pattern),
        })
        .collect();
    let found = Rc::new(RefCell::new(None));
    let (kept, asked) = (Rc::clone(&found), Rc::clone(&table));
    let app = app.wrap_fn(move |request, service| {
        let route = asked.find(&request);
        let (kept, is_scim) = (Rc::clone(&kept), route.surface == Surface::Scim);
        // A directory's handlers ask for the database.
        let response = (!is_scim).then(|| service.call(request));
        async move {
            let Some(response) = response else {
                *kept.borrow_mut() = Some((route, None));
                return Err(actix_web::error::ErrorNotFound("SCIM"));
            };
            let response = response.await?;
            let matched = response.request().match_pattern();
            *kept.borrow_mut() = Some((route, Some((matched, response.status()))));
            Ok(response.map_into_boxed_body())
        }
    });
    let app = test::init_service(app).await;
    let mut count = 0;
    for pattern in &patterns {
        for address in addresses(pattern, &patterns) {
            count += 1;
            let expected = definitions.iter().position(|definition| definition.is_match(&address));
            let expected = patterns[expected.unwrap_or_else(|| panic!("{address} has no route"))];
            let request = TestRequest::with_uri(&address).method(Method::from_bytes(b"PROPFIND").unwrap());
            let answer: Result<_, actix_web::Error> =
                test::try_call_service(&app, request.to_request()).await;
            let (route, answered) = found.take().unwrap();
            assert_eq!(route.pattern, expected, "{address}");
            let Some((matched, status)) = answered else { continue };
            assert_eq!(matched.as_deref(), Some(expected), "{address}");
            assert_eq!((status.as_u16(), answer.is_ok()), (405, true), "{address}");
        }
    }
    assert!(count > 500, "{count}");
}
