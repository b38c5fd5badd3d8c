//! Bulk requests (RFC 7644 §3.7): their operations, the execution order that their references require, and
//! the response.
//!
//! An operation may refer to a resource that another operation creates by `bulkId:…`: as a value, in its
//! path, and in the paths of a PATCH. [`BulkRequest::execution_order`] puts each creation before its references; for
//! circular references [`BulkOperation::resolve`] returns 409, as §3.7.1 allows.

use std::collections::{BTreeSet, HashMap, VecDeque};

use base::bounded_json::quoted;
use serde_json::{Map, Value, json};

use crate::{Error, ResourceType, message::check_schemas, names::take};

/// The schema of a Bulk request (RFC 7644 §3.7).
pub const BULK_REQUEST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The schema of a Bulk response.
pub const BULK_RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

const PREFIX: &str = "bulkId:";

/// Maximum length of a `bulkId` in bytes.
pub const MAX_BULK_ID_BYTES: usize = 256;

/// A syntactically valid Bulk request. Each operation is validated when it is executed.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// The number of errors after which to stop; `None` for never.
    pub fail_on_errors: Option<u64>,
    /// The operations, as they were sent.
    pub operations: Vec<BulkOperation>,
}

/// The HTTP method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Creates a resource.
    Post,
    /// Replaces a resource.
    Put,
    /// Modifies a resource.
    Patch,
    /// Deletes a resource.
    Delete,
}

impl Method {
    /// Its name in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The target of an operation: an endpoint or a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkTarget {
    /// The endpoint.
    pub kind: ResourceType,
    /// The resource's id; `None` for the endpoint.
    pub id: Option<String>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// Its method.
    pub method: Method,
    /// The id by which other operations refer to the created resource. Required for POST.
    pub bulk_id: Option<String>,
    /// The expected version, as in `If-Match`.
    pub version: Option<String>,
    /// The target's path, relative to the base URL.
    pub path: String,
    /// The body. Required for all but DELETE.
    pub data: Option<Value>,
}

impl BulkRequest {
    /// Parses a Bulk body of at most `max_operations` operations.
    pub fn parse(body: Value, max_operations: usize) -> Result<Self, Error> {
        let Value::Object(mut body) = body else {
            return Err(Error::InvalidSyntax("the body must be a JSON object".into()));
        };
        check_schemas(&body, BULK_REQUEST_SCHEMA)?;
        let fail_on_errors = match take(&mut body, "failOnErrors")? {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_u64() {
                Some(count) => Some(count.max(1)),
                None => return Err(Error::InvalidValue("failOnErrors must be a count".into())),
            },
        };
        let Some(Value::Array(listed)) = take(&mut body, "Operations")? else {
            return Err(Error::InvalidSyntax("Operations must be a list".into()));
        };
        if listed.len() > max_operations {
            return Err(Error::TooLarge(format!("a Bulk request may hold {max_operations} operations")));
        }
        let operations: Vec<_> = listed.into_iter().map(BulkOperation::parse).collect::<Result<_, _>>()?;
        let mut made = BTreeSet::new();
        for operation in operations.iter().filter(|operation| operation.method == Method::Post) {
            if let Some(bulk_id) = &operation.bulk_id
                && !made.insert(bulk_id)
            {
                return Err(Error::InvalidSyntax(format!("the bulkId {} appears twice", quoted(bulk_id))));
            }
        }
        Ok(Self { fail_on_errors, operations })
    }

    /// The `bulkId`s of the resources that the request creates.
    pub fn created_bulk_ids(&self) -> BTreeSet<String> {
        let posts = self.operations.iter().filter(|operation| operation.method == Method::Post);
        posts.filter_map(|operation| operation.bulk_id.clone()).collect()
    }

    /// The execution order, as indexes: as sent, except that an operation that creates a resource comes
    /// before those that refer to it. Operations with circular references come last.
    pub fn execution_order(&self) -> Vec<usize> {
        let made: HashMap<&str, usize> = self
            .operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.method == Method::Post)
            .filter_map(|(index, operation)| Some((operation.bulk_id.as_deref()?, index)))
            .collect();
        let mut waiting = vec![0_usize; self.operations.len()];
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.operations.len()];
        for (index, operation) in self.operations.iter().enumerate() {
            for bulk_id in operation.references() {
                if let Some(&maker) = made.get(bulk_id.as_str())
                    && let (Some(users), Some(waiting)) = (users.get_mut(maker), waiting.get_mut(index))
                {
                    users.push(index);
                    *waiting += 1;
                }
            }
        }
        let mut order = Vec::with_capacity(waiting.len());
        let mut placed = vec![false; waiting.len()];
        let mut free = VecDeque::new();
        for start in 0..self.operations.len() {
            if waiting.get(start) == Some(&0) && placed.get(start) == Some(&false) {
                free.push_back(start);
            }
            while let Some(index) = free.pop_front() {
                if let Some(placed) = placed.get_mut(index) {
                    *placed = true;
                }
                order.push(index);
                for &user in users.get(index).into_iter().flatten() {
                    let Some(left) = waiting.get_mut(user) else { continue };
                    *left -= 1;
                    // The outer loop reaches later ones in their own turn.
                    if *left == 0 && user < start {
                        free.push_back(user);
                    }
                }
            }
        }
        order.extend((0..placed.len()).filter(|&index| placed.get(index) == Some(&false)));
        order
    }
}

impl BulkOperation {
    fn parse(operation: Value) -> Result<Self, Error> {
        let Value::Object(mut operation) = operation else {
            return Err(Error::InvalidSyntax("an operation must be a JSON object".into()));
        };
        let mut text = |name: &str| match take(&mut operation, name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::InvalidSyntax(format!("an operation's {name} must be text"))),
        };
        let method =
            text("method")?.ok_or_else(|| Error::InvalidSyntax("an operation has no method".into()))?;
        let method = [Method::Post, Method::Put, Method::Patch, Method::Delete]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(&method))
            .ok_or_else(|| {
                Error::InvalidSyntax(format!("{} is not a method of Bulk operations", quoted(&method)))
            })?;
        let bulk_id = text("bulkId")?.filter(|bulk_id| !bulk_id.is_empty());
        let version = text("version")?.filter(|version| !version.is_empty());
        let path = text("path")?.ok_or_else(|| Error::InvalidSyntax("an operation has no path".into()))?;
        let data = take(&mut operation, "data")?.filter(|data| !data.is_null());
        if bulk_id.as_ref().is_some_and(|bulk_id| bulk_id.len() > MAX_BULK_ID_BYTES) {
            return Err(Error::InvalidSyntax(format!("a bulkId is longer than {MAX_BULK_ID_BYTES} bytes")));
        }
        if method == Method::Post && bulk_id.is_none() {
            return Err(Error::InvalidSyntax("a POST within Bulk needs a bulkId".into()));
        }
        if method != Method::Delete && data.is_none() {
            return Err(Error::InvalidSyntax(format!("a {} within Bulk needs data", method.name())));
        }
        Ok(Self { method, bulk_id, version, path, data })
    }

    /// The target that the path names: `/Users`, `/Users/{id}` and the same for groups. POST needs an
    /// endpoint, the other methods a resource.
    pub fn target(&self) -> Result<BulkTarget, Error> {
        let unknown = || Error::NotFound(format!("there is nothing at {}", quoted(&self.path)));
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        let (endpoint, id) = match path.split_once('/') {
            Some((endpoint, id)) => (endpoint, Some(id).filter(|id| !id.is_empty())),
            None => (path, None),
        };
        let kind = ResourceType::from_endpoint(endpoint).ok_or_else(unknown)?;
        if id.is_some_and(|id| id.contains(['/', '?', '#'])) {
            return Err(unknown());
        }
        match (self.method, id) {
            (Method::Post, Some(_)) => {
                Err(Error::InvalidPath("a POST names an endpoint, not a resource".into()))
            }
            (Method::Put | Method::Patch | Method::Delete, None) => {
                Err(Error::InvalidPath(format!("a {} names a resource", self.method.name())))
            }
            (_, id) => Ok(BulkTarget { kind, id: id.map(str::to_owned) }),
        }
    }

    /// The `bulkId`s that the operation refers to.
    pub fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut note = |bulk_id: &str| {
            found.insert(bulk_id.to_owned());
            None
        };
        let mut operation = self.clone();
        operation.each_reference(&mut note);
        found
    }

    /// Replaces references by the `ids` of the created resources. `made` holds the request's own `bulkId`s;
    /// if one of them has no id, its operation failed or refers back to this one, and the result is
    /// [`Error::Conflict`].
    pub fn resolve(&mut self, made: &BTreeSet<String>, ids: &HashMap<String, String>) -> Result<(), Error> {
        let mut missing = None;
        self.each_reference(&mut |bulk_id| {
            let id = ids.get(bulk_id).cloned();
            if id.is_none() && made.contains(bulk_id) {
                missing.get_or_insert_with(|| bulk_id.to_owned());
            }
            id
        });
        match missing {
            Some(bulk_id) => {
                Err(Error::Conflict(format!("{} is referenced but was not created", quoted(&bulk_id))))
            }
            None => Ok(()),
        }
    }

    fn each_reference(&mut self, id_of: &mut dyn FnMut(&str) -> Option<String>) {
        if let Some((before, bulk_id)) = self.path.rsplit_once('/')
            && let Some(id) = bulk_id.strip_prefix(PREFIX).and_then(&mut *id_of)
        {
            self.path = format!("{before}/{id}");
        }
        if let Some(data) = &mut self.data {
            replace_references(data, id_of);
        }
    }
}

fn replace_references(value: &mut Value, id_of: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = text.strip_prefix(PREFIX).and_then(&mut *id_of) {
                *text = id;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| replace_references(element, id_of)),
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(path) if name.eq_ignore_ascii_case("path") => {
                        *path = path_with_ids(path, id_of)
                    }
                    value => replace_references(value, id_of),
                }
            }
        }
        _ => {}
    }
}

/// A PATCH path with the references in its string literals replaced by ids: `members[value eq "bulkId:x"]`.
fn path_with_ids(path: &str, id_of: &mut dyn FnMut(&str) -> Option<String>) -> String {
    const OPEN: &str = "\"bulkId:";
    let mut result = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once(OPEN) {
        result.push_str(before);
        let Some((bulk_id, behind)) = after.split_once('"') else {
            rest = &rest[before.len()..];
            break;
        };
        match id_of(bulk_id) {
            Some(id) => result.push_str(&Value::from(id).to_string()),
            None => {
                result.push_str(OPEN);
                result.push_str(bulk_id);
                result.push('"');
            }
        }
        rest = behind;
    }
    result.push_str(rest);
    result
}

/// The outcome of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOutcome {
    /// Its method.
    pub method: Method,
    /// Its `bulkId`, if it had one.
    pub bulk_id: Option<String>,
    /// The absolute URL of the resource; `None` when it was not created.
    pub location: Option<String>,
    /// The resource's version.
    pub version: Option<String>,
    /// The status that the same single request would have had, or the error.
    pub result: Result<u16, Error>,
}

impl BulkOutcome {
    fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("method".into(), self.method.name().into());
        for (name, value) in
            [("bulkId", &self.bulk_id), ("location", &self.location), ("version", &self.version)]
        {
            if let Some(value) = value {
                body.insert(name.into(), value.as_str().into());
            }
        }
        let status = match &self.result {
            Ok(status) => *status,
            Err(error) => {
                body.insert("response".into(), error.to_json());
                error.status()
            }
        };
        body.insert("status".into(), status.to_string().into());
        Value::Object(body)
    }
}

/// The response to a Bulk request: the outcomes of the executed operations, in the request's order.
pub fn bulk_response(outcomes: &[BulkOutcome]) -> Value {
    json!({
        "schemas": [BULK_RESPONSE_SCHEMA],
        "Operations": outcomes.iter().map(BulkOutcome::to_json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(operations: Value) -> Result<BulkRequest, Error> {
        BulkRequest::parse(json!({"schemas": [BULK_REQUEST_SCHEMA], "Operations": operations}), 10)
    }

    fn post(bulk_id: &str, data: Value) -> Value {
        json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
    }

    #[test]
    fn what_refers_comes_after_what_it_refers_to() {
        let request = request(json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"members": [{"value": "bulkId:b"}, {"value": "bulkId:a"}]}},
            post("a", json!({})),
            post("b", json!({"manager": "bulkId:a"})),
            {"method": "PUT", "path": "/Users/bulkId:a", "data": {}},
            {"method": "PATCH", "path": "/Groups/1", "data": {"Operations": [{"path": "members[value eq \"bulkId:z\"]"}]}},
        ]))
        .unwrap();
        assert_eq!(request.execution_order(), [1, 2, 0, 3, 4]);
        assert_eq!(request.operations[0].references(), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(request.operations[4].references(), BTreeSet::from(["z".to_owned()]));
    }

    #[test]
    fn a_circle_ends_in_a_conflict_and_not_in_a_loop() {
        let request = request(json!([
            post("a", json!({"x": "bulkId:b"})),
            post("b", json!({"x": "bulkId:a"})),
            post("c", json!({"x": "bulkId:c"})),
            post("d", json!({})),
        ]))
        .unwrap();
        assert_eq!(request.execution_order(), [3, 0, 1, 2]);
        let mut operation = request.operations[0].clone();
        assert!(matches!(
            operation.resolve(&request.created_bulk_ids(), &HashMap::new()),
            Err(Error::Conflict(_))
        ));
    }

    #[test]
    fn references_become_ids() {
        let ids = HashMap::from([("a".to_owned(), "id\"1".to_owned())]);
        let mut operation = BulkOperation::parse(json!({
            "method": "patch",
            "path": "/Users/bulkId:a",
            "data": {"value": ["bulkId:a", "bulkId:unknown", "xbulkId:a"], "Path": "members[value eq \"bulkId:a\" or value eq \"bulkId:u\"]", "path2": 1},
        }))
        .unwrap();
        operation.resolve(&BTreeSet::new(), &ids).unwrap();
        assert_eq!(operation.path, "/Users/id\"1");
        assert_eq!(
            operation.data.unwrap(),
            json!({
                "value": ["id\"1", "bulkId:unknown", "xbulkId:a"],
                "Path": "members[value eq \"id\\\"1\" or value eq \"bulkId:u\"]",
                "path2": 1,
            })
        );
    }

    #[test]
    fn targets_are_endpoints_or_resources() {
        let target = |method: &str, path: &str| {
            BulkOperation::parse(json!({"method": method, "path": path, "bulkId": "x", "data": {}}))
                .unwrap()
                .target()
        };
        assert_eq!(target("POST", "/users").unwrap(), BulkTarget { kind: ResourceType::User, id: None });
        assert_eq!(target("POST", "Groups/").unwrap(), BulkTarget { kind: ResourceType::Group, id: None });
        assert_eq!(
            target("DELETE", "/Groups/g1").unwrap(),
            BulkTarget { kind: ResourceType::Group, id: Some("g1".into()) }
        );
        for (method, path, status) in [
            ("POST", "/Users/1", 400),
            ("PUT", "/Users", 400),
            ("PUT", "/Things/1", 404),
            ("PUT", "/Users/1/2", 404),
            ("PUT", "/Users/1?attributes=id", 404),
            ("PUT", "/Users/../Groups/1", 404),
            ("PUT", "", 404),
        ] {
            assert_eq!(target(method, path).map_err(|error| error.status()), Err(status), "{method} {path}");
        }
    }

    #[test]
    fn what_has_no_form_is_refused_as_a_whole() {
        for operations in [
            json!(null),
            json!({}),
            json!([1]),
            json!([{"path": "/Users"}]),
            json!([{"method": "GET", "path": "/Users"}]),
            json!([{"method": "POST", "path": "/Users", "data": {}}]),
            json!([{"method": "POST", "path": "/Users", "bulkId": "a"}]),
            json!([{"method": "POST", "path": 1, "bulkId": "a", "data": {}}]),
            json!([post("a", json!({})), post("a", json!({}))]),
            json!([post(&"a".repeat(MAX_BULK_ID_BYTES + 1), json!({}))]),
        ] {
            assert!(matches!(request(operations.clone()), Err(Error::InvalidSyntax(_))), "{operations}");
        }
        let many: Vec<_> = (0..11).map(|index| post(&index.to_string(), json!({}))).collect();
        assert!(matches!(request(json!(many)), Err(Error::TooLarge(_))));
        let body = json!({"failOnErrors": -1, "Operations": []});
        assert!(matches!(BulkRequest::parse(body, 1), Err(Error::InvalidValue(_))));
    }

    #[test]
    fn an_answer_repeats_statuses_as_text() {
        let outcomes = [
            BulkOutcome {
                method: Method::Post,
                bulk_id: Some("a".into()),
                location: Some("https://x/Users/1".into()),
                version: Some("W/\"1\"".into()),
                result: Ok(201),
            },
            BulkOutcome {
                method: Method::Delete,
                bulk_id: None,
                location: None,
                version: None,
                result: Err(Error::NotFound("no such user".into())),
            },
        ];
        assert_eq!(
            bulk_response(&outcomes),
            json!({
                "schemas": [BULK_RESPONSE_SCHEMA],
                "Operations": [
                    {"method": "POST", "bulkId": "a", "location": "https://x/Users/1", "version": "W/\"1\"", "status": "201"},
                    {"method": "DELETE", "status": "404", "response": Error::NotFound("no such user".into()).to_json()},
                ],
            })
        );
    }
}
