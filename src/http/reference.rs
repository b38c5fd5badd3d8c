//! The OpenAPI document as the pages of `/docs/api`.

use serde_json::{Map, Value};

use super::openapi::resolve_ref;
use crate::{
    links::Links,
    web::api_reference::{Access, ApiReference, ApiSection, Field, Object, Operation},
};

/// Converts the OpenAPI document to the view of the pages.
pub(crate) fn reference(links: &Links, document: &Value) -> ApiReference {
    let schemas = &document["components"]["schemas"];
    let sections = list(&document["tags"])
        .iter()
        .map(|tag| {
            let name = text(&tag["name"]);
            let mut operations = Vec::new();
            let mut objects = Vec::new();
            for (path, item) in object(&document["paths"]) {
                for (method, operation) in object(item).filter(|(_, o)| o["tags"][0] == tag["name"]) {
                    operations.push(read(links, path, method, operation, schemas));
                    let answer = success_schema(operation);
                    collect(answer, schemas, &mut objects);
                }
            }
            // A collection before its members, reading before writing.
            operations
                .sort_by_key(|o: &Operation| (o.path.matches('/').count(), o.path.clone(), rank(&o.method)));
            ApiSection { slug: slug(&name), about: text(&tag["description"]), name, operations, objects }
        })
        .collect();
    ApiReference {
        version: text(&document["info"]["version"]),
        about: paragraphs(&document["info"]["description"]),
        sections,
    }
}

fn read(links: &Links, path: &str, method: &str, operation: &Value, schemas: &Value) -> Operation {
    let parameters = list(&operation["parameters"]);
    let body = body_schema(operation);
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        title: text(&operation["summary"]),
        about: paragraphs(&operation["description"]),
        access: match operation["security"][0].as_object().and_then(|named| named.keys().next()) {
            Some(name) if name == "apiKey" => Access::AnyKey,
            Some(name) if name == "accessToken" => Access::AccessToken,
            Some(name) if name == "clientSecret" => Access::ClientSecret,
            None if operation["security"].is_array() => Access::Nobodys,
            _ => Access::ManagementKey,
        },
        parameters: parameters
            .iter()
            .map(|parameter| {
                let place = match parameter["in"].as_str() {
                    Some("path") => "path",
                    Some("header") => "header",
                    _ => "query",
                };
                let required = parameter["required"] == true;
                let about = text(&parameter["description"]);
                let name = text(&parameter["name"]);
                (place, Field { name, kind: kind(&parameter["schema"], schemas), about, required })
            })
            .collect(),
        body: fields(body, schemas),
        responses: object(&operation["responses"])
            .map(|(status, answer)| (status.clone(), text(&answer["description"])))
            .collect(),
        curl: curl(links, path, method, operation, schemas),
        example: match success_schema(operation) {
            Value::Null => String::new(),
            schema => pretty(&example(schema, schemas)),
        },
    }
}

/// The schema of the request body, whatever its type.
fn body_schema(operation: &Value) -> &Value {
    let content = object(&operation["requestBody"]["content"]).next();
    content.map_or(&Value::Null, |(_, content)| &content["schema"])
}

/// The schema of the successful response, if it has a body.
fn success_schema(operation: &Value) -> &Value {
    let succeeded = ["200", "201", "202"].map(|status| &operation["responses"][status]["content"]);
    let content = succeeded.into_iter().flat_map(object).next();
    content.map_or(&Value::Null, |(_, content)| &content["schema"])
}

fn curl(links: &Links, path: &str, method: &str, operation: &Value, schemas: &Value) -> String {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    let mut lines = match operation["security"][0].as_object().and_then(|named| named.keys().next()) {
        Some(name) if name == "accessToken" => vec![authorization("ACCESS_TOKEN")],
        Some(name) if name == "clientSecret" => Vec::new(),
        None if operation["security"].is_array() => Vec::new(),
        _ => vec![authorization("OSTIARY_API_KEY")],
    };
    for parameter in list(&operation["parameters"]) {
        let name = text(&parameter["name"]);
        let value = example(&parameter["schema"], schemas);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match parameter["in"].as_str() {
            // What has no example is a variable of the shell.
            Some("path") if value.is_empty() => {
                let id = if name == "tenant" {
                    "TENANT".to_owned()
                } else {
                    format!("{}_ID", name.to_uppercase())
                };
                path = path.replace(&format!("{{{name}}}"), &format!("${id}"));
            }
            Some("path") => path = path.replace(&format!("{{{name}}}"), &value),
            Some("header") if name == "Idempotency-Key" => {
                lines.push(format!("  -H \"{name}: $(uuidgen)\""));
            }
            Some("header") => {}
            _ if parameter["required"] == true => query.push(format!("{name}={value}")),
            _ => {}
        }
    }
    let body = body_schema(operation);
    if !body.is_null() {
        // The example shows required fields and those with an example or a default.
        let whole = resolve_ref(body, schemas);
        let shown: Map<String, Value> = object(&whole["properties"])
            .filter(|(name, schema)| {
                let required = list(&whole["required"]).contains(&Value::from(name.as_str()));
                let schema = resolve_ref(schema, schemas);
                required || !schema["example"].is_null() || !schema["default"].is_null()
            })
            .map(|(name, schema)| (name.clone(), example(schema, schemas)))
            .collect();
        if operation["requestBody"]["content"]["application/json"].is_object() {
            lines.push("  -H \"Content-Type: application/json\"".to_owned());
            lines.push(format!("  -d '{}'", Value::from(shown)));
        } else {
            lines.extend(shown.iter().map(|(name, value)| format!("  -d \"{name}={}\"", text(value))));
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let verb = if method == "get" { String::new() } else { format!("-X {} ", method.to_uppercase()) };
    lines.insert(0, format!("curl {verb}\"{}{path}{query}\"", links.origin()));
    lines.join(" \\\n")
}

/// The header with a credential from a variable of the shell.
fn authorization(variable: &str) -> String {
    format!("  -H \"Authorization: Bearer ${variable}\"")
}

/// An example value of a schema.
fn example(schema: &Value, schemas: &Value) -> Value {
    let schema = resolve_ref(schema, schemas);
    for told in [&schema["example"], &schema["examples"][0], &schema["default"], &schema["enum"][0]] {
        if !told.is_null() {
            return told.clone();
        }
    }
    if let Some(first) = list(&schema["oneOf"]).iter().find(|one| one["type"] != "null") {
        return example(first, schemas);
    }
    match kind_name(schema) {
        "array" => Value::Array(vec![example(&schema["items"], schemas)]),
        "object" => object(&schema["properties"])
            .map(|(name, member)| (name.clone(), example(member, schemas)))
            .collect(),
        "boolean" => false.into(),
        "integer" | "number" => 0.into(),
        "string" => "".into(),
        _ => Value::Null,
    }
}

/// The type of a schema, apart from `null`.
fn kind_name(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        kind => kind.as_str().unwrap_or_default(),
    }
}

/// A short description of a value's type.
fn kind(schema: &Value, schemas: &Value) -> String {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let whole = resolve_ref(schema, schemas);
    if let Some(first) = list(&whole["oneOf"]).iter().find(|one| one["type"] != "null") {
        return format!("{} or null", kind(first, schemas));
    }
    let nullable = list(&whole["type"]).iter().any(|kind| kind == "null");
    let said = match (kind_name(whole), name) {
        ("array", _) => format!("list of {}", kind(&whole["items"], schemas)),
        ("object", Some(name)) => name.to_owned(),
        ("string", _) if whole["format"] == "date-time" => "timestamp".to_owned(),
        ("string", _) if whole["format"] == "uri" => "URL".to_owned(),
        ("string", Some(name)) if name.ends_with("Id") => "id".to_owned(),
        ("string", _) if whole["enum"].is_array() => {
            list(&whole["enum"]).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        ("string", _) => "text".to_owned(),
        ("integer", _) => "whole number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("", _) => "anything".to_owned(),
        (other, _) => other.to_owned(),
    };
    if nullable { format!("{said} or null") } else { said }
}

fn fields(schema: &Value, schemas: &Value) -> Vec<Field> {
    let whole = resolve_ref(schema, schemas);
    let mut fields: Vec<_> = object(&whole["properties"])
        .map(|(name, property)| {
            let told = |schema: &Value| schema["description"].as_str().map(str::to_owned);
            let one = list(&property["oneOf"]).iter().find(|one| one["type"] != "null");
            let about = told(property)
                .or_else(|| told(resolve_ref(property, schemas)))
                .or_else(|| one.and_then(|one| told(resolve_ref(one, schemas))))
                .or_else(|| told(resolve_ref(&property["items"], schemas)))
                .unwrap_or_default();
            let mut kind = kind(property, schemas);
            let required = list(&whole["required"]).contains(&Value::from(name.as_str()));
            // In a request, `null` means the same as leaving the field out.
            if !required {
                kind = kind.trim_end_matches(" or null").to_owned();
            }
            Field { name: name.clone(), kind, about, required }
        })
        .collect();
    fields.sort_by_key(|field| field.name != "id");
    fields
}

/// Collects the objects in a response, each once, without wrappers (`…Reply`) and `Done`.
fn collect(schema: &Value, schemas: &Value, found: &mut Vec<Object>) {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let whole = resolve_ref(schema, schemas);
    if let Some(name) = name
        && kind_name(whole) == "object"
        && !name.ends_with("Reply")
        && name != "Done"
    {
        if found.iter().any(|object| object.name == name) {
            return;
        }
        found.push(Object {
            name: name.to_owned(),
            about: text(&whole["description"]),
            fields: fields(schema, schemas),
        });
    }
    collect_all(whole, schemas, found);
}

fn collect_all(schema: &Value, schemas: &Value, found: &mut Vec<Object>) {
    let parts = object(&schema["properties"]).map(|(_, part)| part);
    for part in parts.chain(list(&schema["oneOf"])).chain([&schema["items"]]) {
        if part.is_object() {
            collect(part, schemas, found);
        }
    }
}

fn rank(method: &str) -> usize {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().position(|other| *other == method).unwrap_or(9)
}

fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn paragraphs(value: &Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    text.split("\n\n").filter(|paragraph| !paragraph.is_empty()).map(str::to_owned).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::openapi::document, web::samples};

    fn everything() -> ApiReference {
        let links = Links::new(&"https://sso.example.com".parse().unwrap()).unwrap();
        reference(&links, &document(&links))
    }

    #[test]
    fn every_operation_stands_on_a_page_with_a_call_that_can_be_copied() {
        let reference = everything();
        let operations: Vec<_> = reference.sections.iter().flat_map(|section| &section.operations).collect();
        let routes = crate::http::ssoready::ROUTES.iter().chain(crate::http::secureauth::ROUTES);
        let routes: usize = routes.map(|(_, methods)| methods.len()).sum();
        assert!(operations.len() >= routes, "{} of {routes}", operations.len());
        for operation in operations {
            let line = operation.curl.split(" -d ").next().unwrap_or_default();
            assert!(line.starts_with("curl ") && !line.contains('{'), "{}", operation.curl);
            assert!(!operation.curl.contains("{id}"), "{}", operation.curl);
            let answers_nothing = [
                "issuerRevoke",
                "wso2AuthorizeApi",
                "wso2PatchAuthorizedApi",
                "wso2Share",
                "wso2ShareOfOwner",
            ];
            let has_answer = operation.responses.iter().all(|(status, _)| status != "204")
                && !answers_nothing.contains(&&*operation.id);
            assert_eq!(has_answer, !operation.example.is_empty(), "{}", operation.id);
            assert!(operation.example != "null", "{}", operation.id);
        }
        let samples = || reference.sections.iter().flat_map(|section| &section.operations);
        for operation in samples() {
            // What is to be filled in is a variable; nothing that is needed is empty.
            let sent = operation.curl.split_once(" -d ").map_or("", |(_, sent)| sent);
            let is_ours = operation.path.starts_with("/v1");
            assert!(is_ours || !sent.contains("\"\""), "an example is empty: {}", operation.curl);
            let ids = operation.curl.matches("$(uuidgen)").count();
            assert_eq!(
                ids,
                operation.curl.matches("Idempotency-Key: $(uuidgen)").count(),
                "{}",
                operation.curl
            );
        }
        for section in &reference.sections {
            assert!(!section.operations.is_empty(), "{} has nothing in it", section.name);
        }
    }

    #[test]
    fn pages_of_the_reference() {
        let mut reference = everything();
        reference.version = "1.2.3".to_owned();
        samples::page("api-reference", reference.overview());
        let organizations =
            reference.sections.iter().find(|section| section.slug == "organizations").unwrap();
        samples::page("api-reference-organizations", reference.section(organizations));
        let webhooks = reference.sections.iter().find(|section| section.slug == "webhooks").unwrap();
        samples::page("api-reference-webhooks", reference.section(webhooks));
    }
}
