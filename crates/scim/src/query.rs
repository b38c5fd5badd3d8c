//! Queries (RFC 7644 §3.4.2, §3.4.3): filtering, sorting, pagination by index and by cursor (RFC 9865).

use serde_json::{Map, Value};

use crate::{Error, Filter, Projection, filter::Quoting, message::check_schemas, names::take, sort::Sort};

/// The schema of a SearchRequest, a query by POST (RFC 7644 §3.4.3).
pub const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A query for a list of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Which resources; all when there is none.
    pub filter: Option<Filter>,
    /// Which of their attributes.
    pub projection: Projection,
    /// In which order; the server's own when there is none.
    pub sort: Option<Sort>,
    /// Which page of the result.
    pub page: Page,
}

/// The requested page of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// RFC 7644 §3.4.2.4.
    Index {
        /// The 1-based index of the first resource.
        start: u64,
        /// The page size; 0 for `totalResults` only.
        count: Option<u64>,
    },
    /// RFC 9865 §2.
    Cursor {
        /// The end of the previous page; `None` for the first page.
        cursor: Option<String>,
        /// The page size.
        count: Option<u64>,
    },
}

impl Page {
    /// The page size that the client requested.
    pub const fn count(&self) -> Option<u64> {
        match self {
            Self::Index { count, .. } | Self::Cursor { count, .. } => *count,
        }
    }
}

/// The raw parameters of a query.
#[derive(Default)]
struct QueryParameters {
    filter: Option<String>,
    attributes: Vec<String>,
    excluded: Vec<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    cursor: Option<String>,
}

impl ListQuery {
    /// Parses the decoded parameters of a GET. Unknown parameters are ignored (Entra's administrators add
    /// flags to the URL); a repeated one is an error.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        Self::from_pairs_with(pairs, Quoting::Required)
    }

    /// The same, with this rule for quotes in the filter.
    pub fn from_pairs_with<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        quoting: Quoting,
    ) -> Result<Self, Error> {
        let mut given = QueryParameters::default();
        let mut seen = Vec::new();
        for (name, value) in pairs {
            const NAMES: [&str; 8] = [
                "filter",
                "attributes",
                "excludedAttributes",
                "sortBy",
                "sortOrder",
                "startIndex",
                "count",
                "cursor",
            ];
            let Some(name) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else {
                continue;
            };
            if seen.contains(&name) {
                return Err(Error::InvalidSyntax(format!("the parameter {name} appears twice")));
            }
            seen.push(name);
            let text = || Some(value.to_owned());
            let names = || value.split(',').map(|name| name.trim().to_owned()).collect();
            match name {
                "filter" => given.filter = text().filter(|filter| !filter.trim().is_empty()),
                "attributes" => given.attributes = names(),
                "excludedAttributes" => given.excluded = names(),
                "sortBy" => given.sort_by = text(),
                "sortOrder" => given.sort_order = text(),
                "startIndex" => given.start_index = integer(name, value)?,
                "count" => given.count = integer(name, value)?,
                _ => given.cursor = text(),
            }
        }
        given.into_query(quoting)
    }

    /// Parses a SearchRequest (RFC 7644 §3.4.3).
    pub fn from_search(body: Value) -> Result<Self, Error> {
        Self::from_search_with(body, Quoting::Required)
    }

    /// The same, with this rule for quotes in the filter.
    pub fn from_search_with(body: Value, quoting: Quoting) -> Result<Self, Error> {
        let Value::Object(mut body) = body else {
            return Err(Error::InvalidSyntax("the body must be a JSON object".into()));
        };
        check_schemas(&body, SEARCH_SCHEMA)?;
        let given = QueryParameters {
            filter: text(&mut body, "filter")?.filter(|filter| !filter.trim().is_empty()),
            attributes: names(&mut body, "attributes")?,
            excluded: names(&mut body, "excludedAttributes")?,
            sort_by: text(&mut body, "sortBy")?,
            sort_order: text(&mut body, "sortOrder")?,
            start_index: number(&mut body, "startIndex")?,
            count: number(&mut body, "count")?,
            cursor: text(&mut body, "cursor")?,
        };
        given.into_query(quoting)
    }
}

impl QueryParameters {
    fn into_query(self, quoting: Quoting) -> Result<ListQuery, Error> {
        // A negative count means zero (§3.4.2.4); the caller caps one that is too large.
        let count = self.count.map(|count| u64::try_from(count).unwrap_or(0));
        let page = match (self.cursor, self.start_index) {
            (Some(_), Some(_)) => {
                return Err(Error::InvalidValue("startIndex and cursor exclude each other".into()));
            }
            (Some(cursor), None) => {
                Page::Cursor { cursor: Some(cursor).filter(|cursor| !cursor.is_empty()), count }
            }
            (None, start) => Page::Index {
                start: start.map_or(1, |start| u64::try_from(start).unwrap_or(1).max(1)),
                count,
            },
        };
        Ok(ListQuery {
            filter: self.filter.as_deref().map(|filter| Filter::parse_with(filter, quoting)).transpose()?,
            projection: Projection::of(self.attributes, self.excluded)?,
            sort: Sort::parse(self.sort_by.as_deref(), self.sort_order.as_deref())?,
            page,
        })
    }
}

/// Parses an integer; one beyond 64 bits saturates.
fn integer(name: &str, text: &str) -> Result<Option<i64>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::InvalidValue(format!("{name} must be an integer")));
    }
    let value = digits.parse().unwrap_or(i64::MAX);
    Ok(Some(if negative { -value } else { value }))
}

fn text(body: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match take(body, name)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::InvalidValue(format!("{name} must be text"))),
    }
}

fn names(body: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, Error> {
    let refused = || Error::InvalidValue(format!("{name} must be a list of names"));
    match take(body, name)? {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.split(',').map(|name| name.trim().to_owned()).collect()),
        Some(Value::Array(listed)) => {
            listed.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(refused)).collect()
        }
        Some(_) => Err(refused()),
    }
}

fn number(body: &mut Map<String, Value>, name: &str) -> Result<Option<i64>, Error> {
    match take(body, name)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => integer(name, &text),
        Some(Value::Number(number)) => match (number.as_i64(), number.is_u64()) {
            (Some(number), _) => Ok(Some(number)),
            (None, true) => Ok(Some(i64::MAX)),
            (None, false) => Err(Error::InvalidValue(format!("{name} must be an integer"))),
        },
        Some(_) => Err(Error::InvalidValue(format!("{name} must be an integer"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(text: &str) -> Result<ListQuery, Error> {
        let pairs: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        ListQuery::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn index(start: u64, count: Option<u64>) -> Page {
        Page::Index { start, count }
    }

    #[test]
    fn paging_is_forgiving_about_numbers() {
        let cases = [
            ("", index(1, None)),
            ("startIndex=1&count=100", index(1, Some(100))),
            ("startIndex=0", index(1, None)),
            ("startIndex=-5&count=-1", index(1, Some(0))),
            ("count=0", index(1, Some(0))),
            ("STARTINDEX=3", index(3, None)),
            (
                "startIndex=99999999999999999999&count=99999999999999999999",
                index(i64::MAX as u64, Some(i64::MAX as u64)),
            ),
            ("startIndex=-99999999999999999999", index(1, None)),
            ("cursor", Page::Cursor { cursor: None, count: None }),
            ("cursor=&count=7", Page::Cursor { cursor: None, count: Some(7) }),
            ("cursor=abc", Page::Cursor { cursor: Some("abc".into()), count: None }),
            ("aadOptscim062020&foo=1", index(1, None)),
        ];
        for (text, page) in cases {
            assert_eq!(query(text).unwrap().page, page, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "startIndex=x",
            "count=1.5",
            "count=1e3",
            "count=--1",
            "startIndex=1&startIndex=2",
            "cursor=a&startIndex=1",
            "sortOrder=upwards",
            "sortBy=name",
            "sortBy=password",
            "sortBy=a b",
            "attributes=id&excludedAttributes=id",
            "filter=userName",
        ] {
            assert_eq!(query(text).map_err(|error| error.status()), Err(400), "{text}");
        }
        assert!(matches!(query("filter=userName"), Err(Error::InvalidFilter(_))));
    }

    #[test]
    fn a_blank_may_be_a_plus() {
        let one = query("filter=userName+eq+%22a%2Bb%40example.com%22").unwrap();
        let other = query("filter=userName%20eq%20%22a%2Bb%40example.com%22").unwrap();
        assert_eq!(one, other);
        assert_eq!(one.filter.unwrap().to_string(), r#"userName eq "a+b@example.com""#);
    }

    #[test]
    fn a_search_request_says_the_same_as_a_query() {
        let body = json!({
            "schemas": [SEARCH_SCHEMA],
            "attributes": ["userName", "emails.value"],
            "filter": "active eq true",
            "SortBy": "meta.created",
            "sortOrder": "Descending",
            "startIndex": 2,
            "count": 10,
        });
        let text = "attributes=userName,emails.value&filter=active+eq+true&sortBy=meta.created&sortOrder=descending&startIndex=2&count=10";
        assert_eq!(ListQuery::from_search(body).unwrap(), query(text).unwrap());
    }

    #[test]
    fn a_search_request_of_other_types_is_refused() {
        for body in [
            json!([]),
            json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}),
            json!({"filter": 1}),
            json!({"attributes": [1]}),
            json!({"attributes": {}}),
            json!({"count": 1.5}),
            json!({"count": [1]}),
            json!({"count": 1, "COUNT": 2}),
        ] {
            assert_eq!(
                ListQuery::from_search(body.clone()).map_err(|error| error.status()),
                Err(400),
                "{body}"
            );
        }
        assert_eq!(
            ListQuery::from_search(json!({"count": u64::MAX})).unwrap().page.count(),
            Some(i64::MAX as u64)
        );
    }
}
