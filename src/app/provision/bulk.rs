//! Bulk (RFC 7644 §3.7): many requests in one, each judged and done as if it had come alone.

use std::collections::HashMap;

use serde_json::Value;

use super::{Directory, Error, Rendered, Result, Tags, etag, groups, render, users};
use crate::{
    app::State,
    scim::{
        self, BulkRequest, Kind, PatchRequest,
        bulk::{BulkOperation, BulkOutcome, Method, bulk_response},
    },
};

/// How many operations one request may hold.
pub const MOST_OPERATIONS: usize = 1000;

/// Carries out the operations, each in a transaction of its own, and tells what became of them.
pub async fn run(state: &State, directory: &Directory, request: BulkRequest) -> Result<Value> {
    let made = request.made();
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut outcomes: Vec<(usize, BulkOutcome)> = Vec::new();
    let mut failures = 0;
    for at in request.order() {
        let Some(operation) = request.operations.get(at) else { continue };
        let mut operation = operation.clone();
        let outcome = match operation.resolve(&made, &ids) {
            Ok(()) => one(state, directory, &operation).await,
            Err(error) => refused(&operation, None, error.into()),
        };
        if let (Method::Post, Ok(_), Some(bulk_id), Some(location)) =
            (operation.method, &outcome.result, &operation.bulk_id, &outcome.location)
        {
            let id = location.rsplit('/').next().unwrap_or_default();
            ids.insert(bulk_id.clone(), id.to_owned());
        }
        failures += u64::from(outcome.result.is_err());
        outcomes.push((at, outcome));
        if request.fail_on_errors.is_some_and(|most| failures >= most) {
            break;
        }
    }
    outcomes.sort_by_key(|(at, _)| *at);
    let outcomes: Vec<BulkOutcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    Ok(bulk_response(&outcomes))
}

fn refused(operation: &BulkOperation, location: Option<String>, error: Error) -> BulkOutcome {
    if let Error::App(crate::app::Error::Internal(source)) = &error {
        tracing::error!(cause = source.to_string(), "a Bulk operation failed on our side");
    }
    BulkOutcome {
        method: operation.method,
        bulk_id: operation.bulk_id.clone(),
        location,
        version: None,
        result: Err(error.into_scim()),
    }
}

async fn one(state: &State, directory: &Directory, operation: &BulkOperation) -> BulkOutcome {
    let target = match operation.target() {
        Ok(target) => target,
        Err(error) => return refused(operation, None, error.into()),
    };
    let location = target.id.as_ref().map(|id| render::location(directory, target.kind, id));
    let id = target.id.unwrap_or_default();
    match act(state, directory, operation, target.kind, &id).await {
        Ok((status, rendered)) => BulkOutcome {
            method: operation.method,
            bulk_id: operation.bulk_id.clone(),
            location: rendered.as_ref().map(|rendered| rendered.location.clone()).or(location),
            version: rendered.as_ref().map(|rendered| etag(rendered.version)),
            result: Ok(status),
        },
        Err(error) => refused(operation, location, error),
    }
}

async fn act(
    state: &State,
    directory: &Directory,
    operation: &BulkOperation,
    kind: Kind,
    id: &str,
) -> Result<(u16, Option<Rendered>)> {
    let if_match = operation.version.as_deref().map(Tags::parse);
    let if_match = if_match.as_ref();
    let data = || {
        operation
            .data
            .clone()
            .ok_or_else(|| Error::from(scim::Error::InvalidSyntax("the operation has no data".into())))
    };
    Ok(match (operation.method, kind) {
        (Method::Post, Kind::User) => (201, Some(users::create(state, directory, data()?).await?)),
        (Method::Post, Kind::Group) => (201, Some(groups::create(state, directory, data()?, false).await?)),
        (Method::Put, Kind::User) => {
            (200, Some(users::replace(state, directory, id, data()?, if_match).await?))
        }
        (Method::Put, Kind::Group) => {
            (200, Some(groups::replace(state, directory, id, data()?, if_match, false).await?))
        }
        (Method::Patch, Kind::User) => {
            let request = PatchRequest::parse(data()?)?;
            (200, Some(users::patch(state, directory, id, &request, if_match).await?))
        }
        (Method::Patch, Kind::Group) => {
            let request = PatchRequest::parse(data()?)?;
            (200, Some(groups::patch(state, directory, id, &request, if_match, false).await?))
        }
        (Method::Delete, Kind::User) => {
            users::remove(state, directory, id, if_match).await?;
            (204, None)
        }
        (Method::Delete, Kind::Group) => {
            groups::remove(state, directory, id, if_match).await?;
            (204, None)
        }
    })
}
