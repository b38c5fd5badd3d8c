//! What the bodies of all requests have in common: `schemas` (RFC 7644 §3.1).

use serde_json::{Map, Value};

use crate::{Error, names::member, schema};

/// Rejects a body whose `schemas` does not hold the required URN `own` (RFC 7644 §3.1). Additional URNs are
/// accepted, and so is a body without `schemas`.
pub(super) fn check_schemas(body: &Map<String, Value>, own: &str) -> Result<(), Error> {
    let listed = match member(body, "schemas") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(one)) => return check_listed(own, std::iter::once(one.as_str())),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(Error::InvalidSyntax("schemas must be a list of URNs".into())),
    };
    if listed.is_empty() {
        return Ok(());
    }
    if listed.iter().any(|urn| !urn.is_string()) {
        return Err(Error::InvalidSyntax("schemas must be a list of URNs".into()));
    }
    check_listed(own, listed.iter().filter_map(Value::as_str))
}

fn check_listed<'a>(own: &str, mut listed: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    if listed.any(|urn| urn.eq_ignore_ascii_case(own)) {
        return Ok(());
    }
    let what = schema::by_id(own).map_or("message", |schema| schema.name);
    Err(Error::InvalidSyntax(format!("schemas must name {own} for this {what}")))
}
