//! The OpenAPI document, generated from the handlers' annotations.
//!
//! What all operations have in common is added here: the default security requirement, the error responses, the
//! `Idempotency-Key`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::{
    OpenApi as _,
    openapi::{
        Server,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{oauth::issuer_description, secureauth, ssoready::Handlers};
use crate::links::Links;

/// The tags, in the order of the documentation.
const TAGS: &[(&str, &str)] = &[
    (
        "Logins",
        "The two calls that every app makes: to start a login, and to learn who signed in. Any key works.",
    ),
    ("Login flows", "What happened in each login, check by check, for support."),
    ("Organizations", "Your customers."),
    (
        "SAML connections",
        "The SAML settings with which an organization's people sign in through its identity provider.",
    ),
    (
        "OIDC connections",
        "The OpenID Connect settings with which an organization's people sign in at its OpenID provider. The calls that begin a \
         login take one wherever they take a SAML connection.",
    ),
    ("SCIM directories", "Where an organization's identity provider provisions users and groups."),
    ("People and groups", "The users and groups that identity providers provisioned. Any key works."),
    ("SCIM requests", "The SCIM requests to a directory, with bodies, for support."),
    ("Setup links", "One-time links by which a customer's own IT admin connects their identity provider."),
    ("Branding", "How the setup pages look to a customer's admin."),
    ("Events", "What happened in directories, connections and organizations, in order."),
    (
        "Webhooks",
        "Events delivered to your URL, signed according to Standard Webhooks, and the log of deliveries.",
    ),
    ("Environments", "Environments such as production and staging. A key sees only its own."),
    ("API keys", "The credentials of your programs, each for one environment."),
    (
        "OAuth clients",
        "Apps that sign people in through OpenID Connect. SSOReady calls them SAML OAuth clients.",
    ),
    (
        "Applications",
        "Clients of the environment's own issuers: service clients that administer, programs, and apps.",
    ),
    ("Audit log", "Who changed what, from which address, with old and new values; append-only."),
];

const ABOUT: &str = "SSOReady's API and more: its SDKs work when their base URL is set to this server.\n\n\
    A key belongs to one environment; resources of others are not found. Bodies are JSON objects with keys in \
    camelCase or snake_case; unknown keys are ignored, and an empty body is `{}`. PATCH sets what is sent and \
    leaves the rest. Every field of a response is always present.\n\n\
    Lists are paged: ask again with `pageToken` until `nextPageToken` is empty.\n\n\
    A caller's mistake is never answered with 5xx, and with 409 only while the same request is still running: \
    SDKs retry only what a retry can fix.";

/// The OpenAPI document, with the origin of `links` as its server.
pub fn document(links: &Links) -> Value {
    let mut document = Handlers::openapi();
    document.info.title = "Ostiary".to_owned();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description = Some(ABOUT.to_owned());
    document.info.contact = None;
    document.servers = Some(vec![Server::new(links.origin())]);
    document.security = Some(vec![SecurityRequirement::new("managementKey", [""; 0])]);
    document.tags = Some(
        TAGS.iter()
            .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build())
            .collect(),
    );
    let components = document.components.get_or_insert_default();
    for (name, about) in [
        ("apiKey", "Any API key: `Authorization: Bearer ssoready_sk_…`."),
        ("managementKey", "An API key with management access: `Authorization: Bearer ssoready_sk_…`."),
    ] {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(about.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let schemas = document["components"]["schemas"].clone();
    for item in members(&mut document["paths"]) {
        let versioned = members(item).any(|operation| takes_if_match(operation));
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(method, operation, &schemas);
            if takes_if_match(operation) {
                add_error_response(
                    operation,
                    "412",
                    "Somebody changed it since: it has none of the versions of `If-Match` any more.",
                );
            }
            if versioned && method != "delete" {
                operation["responses"]["200"]["headers"]["ETag"] = json!({
                    "description": "The version, for `If-Match`.",
                    "schema": { "type": "string" },
                });
            }
        }
    }
    issuer_description::add_to(&mut document);
    secureauth::openapi::add_to(&mut document);
    let schemas = document["components"]["schemas"].clone();
    correct_schemas(&mut document, &schemas);
    document
}

/// The values of an object's members.
fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(|object| object.values_mut())
}

/// Whether an operation honours `If-Match`.
fn takes_if_match(operation: &Value) -> bool {
    operation["parameters"]
        .as_array()
        .is_some_and(|list| list.iter().any(|parameter| parameter["name"] == "If-Match"))
}

/// The schema that `$ref` refers to, or the schema itself.
pub(super) fn resolve_ref<'s>(schema: &'s Value, schemas: &'s Value) -> &'s Value {
    match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => &schemas[name],
        None => schema,
    }
}

/// Completes an operation with what all have in common.
fn complete_operation(method: &str, operation: &mut Value, schemas: &Value) {
    let mut has_id = false;
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        has_id |= parameter["in"] == "path";
        if parameter["description"].is_null() {
            let about =
                resolve_ref(&parameter["schema"], schemas)["description"].as_str().unwrap_or_default();
            parameter["description"] = about.replace("The id of one ", "The ").into();
        }
    }
    let has_input = operation["requestBody"].is_object()
        || operation["parameters"].as_array().is_some_and(|list| !list.is_empty());
    if let [optional, null] = operation["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        && null["type"] == "null"
    {
        let schema = optional.clone();
        operation["requestBody"]["content"]["application/json"]["schema"] = schema;
        operation["requestBody"]["required"] = false.into();
    }
    for answer in members(&mut operation["responses"]) {
        if answer["description"] == "" {
            answer["description"] = "Done.".into();
        }
    }
    if has_input {
        add_error_response(
            operation,
            "400",
            "A field of the request is invalid, or something must be set up first.",
        );
    }
    add_error_response(operation, "401", "No key, an invalid key, or a key without the required access.");
    if has_id {
        add_error_response(operation, "404", "It does not exist, or belongs to another environment.");
    }
    // The login calls, which any key may make, are not management.
    if ["post", "patch", "delete"].contains(&method) && operation["security"].is_null() {
        add_idempotency_key(operation);
    }
    add_error_response(operation, "500", "An error of the server.");
}

/// Adds an error response, unless the handler describes it.
fn add_error_response(operation: &mut Value, status: &str, why: &str) {
    if operation["responses"][status].is_null() {
        let schema = json!({ "$ref": "#/components/schemas/Error" });
        operation["responses"][status] =
            json!({ "description": why, "content": { "application/json": { "schema": schema } } });
    }
}

/// Adds the `Idempotency-Key` header and its errors (`http/ssoready/idempotency.rs`).
fn add_idempotency_key(operation: &mut Value) {
    add_error_response(
        operation,
        "409",
        "The same request, with the same `Idempotency-Key`, is still running: retry.",
    );
    add_error_response(operation, "422", "Another request was made with this `Idempotency-Key`.");
    operation["responses"]["200"]["headers"]["Idempotency-Replayed"] = json!({
        "description": "`true` when this is the stored response of an earlier attempt.",
        "schema": { "type": "string" },
    });
    let key = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A new UUID for each request. To retry a request, send it again with the same key: it is \
            carried out once, and the first response is returned again for 24 hours.",
        "schema": { "type": "string", "maxLength": 255 },
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(key),
        None => operation["parameters"] = json!([key]),
    }
}

/// Corrects the generated schemas: removes the line breaks of doc comments, merges flattened structs into one object,
/// and marks every field of a response as required unless it may be omitted.
fn correct_schemas(document: &mut Value, schemas: &Value) {
    let mut answered = BTreeSet::new();
    for item in members(&mut document["paths"]) {
        for operation in members(item) {
            collect_schema_names(&operation["responses"], schemas, &mut answered);
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if let Some(parts) = schema["allOf"].as_array().cloned() {
            *schema = merge_all_of(&parts, schema["description"].clone(), schemas);
        }
        if answered.contains(name) {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let there = properties.filter(|(name, property)| {
                let listed = schema["required"].as_array().is_some_and(|list| list.contains(&json!(name)));
                listed || is_nullable(property)
            });
            schema["required"] = there.map(|(name, _)| name.as_str()).collect();
        }
    }
    remove_line_breaks(document);
}

/// Whether a value may be `null`: then the field is present all the same.
fn is_nullable(schema: &Value) -> bool {
    let null = |value: &Value| value == "null" || value["type"] == "null";
    ["type", "oneOf"].iter().any(|key| schema[key].as_array().is_some_and(|list| list.iter().any(null)))
        || schema.as_object().is_some_and(|schema| schema.keys().all(|key| key == "description"))
}

/// Merges the objects of an `allOf`.
fn merge_all_of(parts: &[Value], description: Value, schemas: &Value) -> Value {
    let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
    let mut object = json!({ "type": "object", "description": description });
    for part in parts.iter().map(|part| resolve_ref(part, schemas)) {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
        if object["description"].is_null() {
            object["description"] = part["description"].clone();
        }
    }
    object["properties"] = properties.into();
    object["required"] = required.into();
    object
}

/// Collects the names of the schemas that `value` refers to, directly or indirectly.
fn collect_schema_names(value: &Value, schemas: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = value["$ref"].as_str().and_then(|reference| reference.rsplit('/').next())
                && found.insert(name.to_owned())
            {
                collect_schema_names(&schemas[name], schemas, found);
            }
            object.values().for_each(|member| collect_schema_names(member, schemas, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_schema_names(item, schemas, found)),
        _ => {}
    }
}

/// Removes the line breaks of the source from descriptions; blank lines stay.
fn remove_line_breaks(value: &mut Value) {
    if let Some(text) = value["description"].as_str() {
        let paragraphs: Vec<_> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        value["description"] = paragraphs.join("\n\n").into();
    }
    match value {
        Value::Object(object) => {
            object.values_mut().filter(|member| !member.is_null()).for_each(remove_line_breaks)
        }
        Value::Array(items) => items.iter_mut().for_each(remove_line_breaks),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{secureauth, ssoready};

    const HOW: &str = "see docs/adding-an-endpoint.md";

    fn json() -> Value {
        let links = Links::new(&"https://sso.example.com".parse().unwrap()).unwrap();
        document(&links)
    }

    /// Every operation: its path, its method and its description.
    fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
        let of = |(path, item): (&'_ String, &'_ Value)| -> Vec<(String, String)> {
            item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())).collect()
        };
        let paths = document["paths"].as_object().unwrap();
        let mut found = Vec::new();
        for (path, method) in paths.iter().flat_map(of) {
            let (path, item) = paths.get_key_value(&path).unwrap();
            let (method, operation) = item.as_object().unwrap().get_key_value(&method).unwrap();
            found.push((path.as_str(), method.as_str(), operation));
        }
        found
    }

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let document = json();
        let described: BTreeSet<_> =
            operations(&document).iter().map(|(path, method, _)| (*path, *method)).collect();
        let routes = ssoready::ROUTES.iter().chain(secureauth::ROUTES).chain(issuer_description::ROUTES);
        let routes: BTreeSet<_> =
            routes.flat_map(|(path, methods)| methods.iter().map(|method| (*path, *method))).collect();
        assert_eq!(described, routes, "`path =` or the method of a handler is not that of its line; {HOW}");
    }

    #[test]
    fn every_operation_says_what_it_is() {
        let document = json();
        let mut names = BTreeSet::new();
        for (path, method, operation) in operations(&document) {
            let at = format!("{} {path}; {HOW}", method.to_uppercase());
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "operation_id is taken: {at}");
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(
                !summary.is_empty() && summary.len() < 60 && !summary.ends_with('.'),
                "{summary:?}: {at}"
            );
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            let tags = document["tags"].as_array().unwrap();
            assert!(tags.iter().any(|one| one["name"] == tag), "add the tag {tag:?} to TAGS: {at}");
            let mut answers = operation["responses"].as_object().unwrap().iter();
            let is_told = |(status, answer): (&String, &Value)| match status.as_str() {
                "200" | "201" => {
                    answer["content"].is_object() || path == crate::links::path::WORKSPACE_REVOKE
                }
                status => status == "204",
            };
            assert!(answers.any(is_told), "{at}");
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            for parameter in parameters {
                let told = parameter["description"].as_str().unwrap_or_default();
                assert!(told.ends_with('.'), "describe {}: {at}", parameter["name"]);
            }
            let in_path = |p: &&Value| {
                p["in"] == "path" && path.contains(&format!("{{{}}}", p["name"].as_str().unwrap()))
            };
            assert_eq!(
                parameters.iter().filter(in_path).count(),
                path.matches('{').count(),
                "parameters: {at}"
            );
        }
    }

    #[test]
    fn every_field_says_what_it_is_and_every_reference_leads_somewhere() {
        fn look(value: &Value, at: &str, schemas: &Value) {
            if let Some(reference) = value["$ref"].as_str() {
                let name = reference.rsplit('/').next().unwrap();
                assert!(schemas[name].is_object(), "{at}: {reference} leads nowhere");
            }
            if let Some(properties) = value["properties"].as_object() {
                for (name, property) in properties {
                    let named = property["$ref"].is_string() || property["items"]["$ref"].is_string();
                    let one_of = property["oneOf"]
                        .as_array()
                        .is_some_and(|of| of.iter().any(|s| s["$ref"].is_string()));
                    let told = property["description"].is_string() || named || one_of;
                    assert!(told, "{at}.{name} has no doc comment; {HOW}");
                }
            }
            match value {
                Value::Object(members) => {
                    members.iter().for_each(|(name, member)| look(member, &format!("{at}.{name}"), schemas));
                }
                Value::Array(items) => items.iter().for_each(|item| look(item, at, schemas)),
                _ => {}
            }
        }
        let document = json();
        look(&document, "", &document["components"]["schemas"]);
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name} has no doc comment; {HOW}");
        }
    }

    #[test]
    fn the_document_is_this() {
        let mut document = json();
        document["info"]["version"] = "…".into();
        insta::assert_json_snapshot!(document);
    }
}
