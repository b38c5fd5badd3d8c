//! Sorting (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use crate::{
    AttributePath, Error,
    comparison::{fold, parse_date_time},
    evaluate,
    names::member,
    normalise::is_primary,
    schema::{Attribute, Returned, Type},
};

/// The order of a list (RFC 7644 §3.4.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The attribute; `emails` is parsed as `emails.value`.
    pub path: AttributePath,
    /// Whether the order is descending.
    pub descending: bool,
}

/// The key that a resource is sorted by. An unassigned one is last in ascending order.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum SortKey {
    /// `false` before `true`.
    Boolean(bool),
    /// In numeric order.
    Number(f64),
    /// Milliseconds since 1970-01-01 UTC.
    DateTime(i64),
    /// In code point order, case-folded unless the attribute is `caseExact`.
    Text(String),
    /// The attribute is unassigned, or its value has no order.
    Unassigned,
}

impl Sort {
    /// Parses `sortBy` and `sortOrder`.
    pub fn parse(by: Option<&str>, order: Option<&str>) -> Result<Option<Self>, Error> {
        let descending = match order.map(str::trim) {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(Error::InvalidValue("sortOrder must be ascending or descending".into())),
        };
        let Some(by) = by.map(str::trim).filter(|by| !by.is_empty()) else { return Ok(None) };
        let invalid = |detail: &str| Error::InvalidValue(format!("sortBy: {detail}"));
        let mut path = AttributePath::parse(by).map_err(|error| invalid(error.detail()))?;
        let target = path.target();
        if path.is_schema() || target.is_some_and(|target| target.returned == Returned::Never) {
            return Err(invalid("nothing can be sorted by it"));
        }
        if let Some(complex) = target.filter(|target| target.kind == Type::Complex) {
            if complex.sub_attribute("value").is_none() {
                return Err(invalid("it is complex: name one of its sub-attributes"));
            }
            path = path.with_sub("value")?;
        }
        Ok(Some(Self { path, descending }))
    }

    /// The sort key of a resource, given in full as it would be returned. Of several values the primary one
    /// is used, else the first.
    pub fn key(&self, resource: &Value) -> SortKey {
        let value = match evaluate::attribute(resource, &self.path) {
            Some(Value::Array(elements)) => {
                elements.iter().find(|it| is_primary(it)).or_else(|| elements.first())
            }
            value => value,
        };
        let value = match (self.path.sub(), value) {
            (Some(sub), Some(Value::Object(object))) => member(object, sub),
            (_, value) => value,
        };
        let Some(value) = value else { return SortKey::Unassigned };
        sort_key(self.path.target(), value)
    }

    /// Compares two keys in this order.
    pub fn order(&self, one: &SortKey, other: &SortKey) -> Ordering {
        let ordering = one.partial_cmp(other).unwrap_or(Ordering::Equal);
        if self.descending { ordering.reverse() } else { ordering }
    }
}

fn sort_key(definition: Option<&'static Attribute>, value: &Value) -> SortKey {
    match value {
        Value::Bool(value) => SortKey::Boolean(*value),
        Value::Number(number) => number.as_f64().map_or(SortKey::Unassigned, SortKey::Number),
        Value::String(text) => match definition {
            Some(definition) if definition.kind == Type::DateTime => {
                parse_date_time(text).map_or(SortKey::Unassigned, |moment| SortKey::DateTime(moment.millis()))
            }
            Some(definition) if definition.case_exact => SortKey::Text(text.clone()),
            _ => SortKey::Text(fold(text)),
        },
        _ => SortKey::Unassigned,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sorting_follows_the_type_and_the_case_rule_of_the_attribute() {
        let people = [
            json!({"id": "b", "userName": "beta", "meta": {"created": "2026-01-01T00:00:00+02:00"}, "active": true}),
            json!({"id": "A", "userName": "Alpha", "meta": {"created": "2025-12-31T23:00:00Z"}, "active": false}),
            json!({"id": "c", "userName": "gamma", "meta": {"created": "2025-12-31T21:59:00Z"},
                "emails": [{"value": "z@x.com"}, {"value": "B@x.com", "primary": true}]}),
            json!({"id": "a", "userName": "delta", "emails": [{"value": "c@x.com"}]}),
        ];
        let cases = [
            ("userName", "ascending", "A b a c"),
            ("userName", "descending", "c a b A"),
            ("id", "ascending", "A a b c"),
            ("meta.created", "ascending", "c b A a"),
            ("meta.created", "descending", "a A b c"),
            ("emails", "ascending", "c a b A"),
            ("active", "ascending", "A b c a"),
            ("nickName", "ascending", "b A c a"),
        ];
        for (by, order, expected) in cases {
            let sort = Sort::parse(Some(by), Some(order)).unwrap().unwrap();
            let mut sorted = people.to_vec();
            sorted.sort_by(|one, other| sort.order(&sort.key(one), &sort.key(other)));
            let ids: Vec<_> = sorted.iter().map(|person| person["id"].as_str().unwrap()).collect();
            assert_eq!(ids.join(" "), expected, "{by} {order}");
        }
    }
}
