//! The response to a query (RFC 7644 §3.4.2, RFC 9865 §2).

use serde_json::{Map, Value, json};

/// The schema of a ListResponse (RFC 7644 §3.4.2).
pub const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The response to a query (RFC 7644 §3.4.2, RFC 9865 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListResponse {
    /// The number of all matching resources; may be unknown with cursors.
    pub total: Option<u64>,
    /// The resources of this page, projected.
    pub resources: Vec<Value>,
    /// The page's position in the result.
    pub position: Position,
}

/// The position of a page in its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// The index of its first resource, from 1.
    Index(u64),
    /// The cursors of the adjacent pages.
    Cursor {
        /// The next page, if there is one.
        next: Option<String>,
        /// The previous page, if there is one and a cursor for it is known.
        previous: Option<String>,
    },
}

impl ListResponse {
    /// A result in one page, for the discovery endpoints.
    pub fn all(resources: Vec<Value>) -> Self {
        Self { total: Some(resources.len() as u64), resources, position: Position::Index(1) }
    }

    /// The response body.
    pub fn into_json(self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".into(), json!([LIST_SCHEMA]));
        if let Some(total) = self.total {
            body.insert("totalResults".into(), total.into());
        }
        body.insert("itemsPerPage".into(), self.resources.len().into());
        match self.position {
            Position::Index(start) => drop(body.insert("startIndex".into(), start.into())),
            Position::Cursor { next, previous } => {
                for (name, cursor) in [("nextCursor", next), ("previousCursor", previous)] {
                    if let Some(cursor) = cursor {
                        body.insert(name.into(), cursor.into());
                    }
                }
            }
        }
        body.insert("Resources".into(), Value::Array(self.resources));
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_where_it_stands() {
        let page = ListResponse {
            total: Some(7),
            resources: vec![json!({"id": "a"})],
            position: Position::Index(3),
        };
        assert_eq!(
            page.into_json(),
            json!({"schemas": [LIST_SCHEMA], "totalResults": 7, "itemsPerPage": 1, "startIndex": 3, "Resources": [{"id": "a"}]})
        );
        let page = ListResponse {
            total: None,
            resources: Vec::new(),
            position: Position::Cursor { next: Some("n".into()), previous: None },
        };
        assert_eq!(
            page.into_json(),
            json!({"schemas": [LIST_SCHEMA], "itemsPerPage": 0, "nextCursor": "n", "Resources": []})
        );
    }
}
