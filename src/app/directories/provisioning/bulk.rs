//! Bulk (RFC 7644 §3.7): many operations in one request, each handled like a single request.
//!
//! Each operation is its own transaction. A request is either refused before its first operation, or its response has
//! an outcome for every operation up to `failOnErrors`. One that does not fit into [`MAX_DURATION`] is not started, and its
//! outcome says so.

use std::{collections::HashMap, time::Duration};

use base::{
    id::{IdKind as _, ScimDirectoryKind},
    time::Timestamp,
};
use model::entity_tag::{EntityTags, etag};
use scim::{
    BulkRequest, PatchRequest, Resource, ResourceType,
    bulk::{BulkOperation, BulkOutcome, Method, bulk_response},
    work_budget::weight,
};
use serde_json::Value;

use super::{
    change::Change,
    error::{Error, Result},
    groups,
    render::{self, RenderedResource},
    request_budget::RequestBudget,
    users,
};
use crate::{
    app::{
        self, State,
        directories::tokens::{ProvisioningTarget, require_enabled},
    },
    store,
};

/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 1000;

/// How long after its arrival a request starts operations, so that the response is sent well before the request
/// timeout.
pub const MAX_DURATION: Duration = Duration::from_secs(15);

/// A Bulk request with the execution order of its operations.
#[derive(Debug)]
pub struct OrderedBulkRequest {
    request: BulkRequest,
    order: Vec<usize>,
}

impl OrderedBulkRequest {
    /// Parses the body of a request.
    pub fn parse(body: Value) -> Result<Self, scim::Error> {
        let request = BulkRequest::parse(body, MAX_OPERATIONS)?;
        let order = request.execution_order();
        Ok(Self { request, order })
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.request.operations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.request.operations.is_empty()
    }
}

/// Runs the operations, each in its own transaction, and returns the Bulk response. None is started at `until` or
/// later.
pub async fn run(
    state: &State,
    directory: &ProvisioningTarget,
    ordered: OrderedBulkRequest,
    until: Timestamp,
) -> Value {
    let OrderedBulkRequest { request, order } = ordered;
    let (created, budget) = (request.created_bulk_ids(), RequestBudget::default());
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut outcomes: Vec<(usize, BulkOutcome)> = Vec::new();
    let mut failures = 0;
    for at in order {
        let Some(operation) = request.operations.get(at) else { continue };
        if state.now() >= until || state.bulk_executor.is_stopping() {
            outcomes.push((at, failed_outcome(operation, None, not_started())));
            continue;
        }
        let mut operation = operation.clone();
        let outcome = match operation.resolve(&created, &ids) {
            Err(error) => failed_outcome(&operation, None, error.into()),
            // A request can take long enough to be stopped in the middle.
            Ok(()) => match require_still_enabled(state, directory).await {
                Ok(()) => run_operation(state, directory, &operation, &budget).await,
                Err(error) => failed_outcome(&operation, None, error.into()),
            },
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
    bulk_response(&outcomes)
}

/// [`ProvisioningTarget::require_enabled`], as it is now.
async fn require_still_enabled(state: &State, directory: &ProvisioningTarget) -> app::Result<()> {
    let id = directory.directory.id;
    let mut conn = state.db.read().await?;
    let disabled = store::scim_directories::find_disabled(&mut conn, id).await?;
    let disabled = disabled.ok_or_else(|| app::Error::not_found(ScimDirectoryKind::NOUN, id))?;
    require_enabled(disabled)
}

fn not_started() -> Error {
    let text = format!(
        "nothing was done: the Bulk request took longer than {} seconds, or the server stops; send this operation \
         again, and fewer of them in one request",
        MAX_DURATION.as_secs()
    );
    scim::Error::Limited(text).into()
}

fn failed_outcome(operation: &BulkOperation, location: Option<String>, error: Error) -> BulkOutcome {
    if let Error::App(app::Error::Internal(source)) = &error {
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

async fn run_operation(
    state: &State,
    directory: &ProvisioningTarget,
    operation: &BulkOperation,
    budget: &RequestBudget,
) -> BulkOutcome {
    let target = match operation.target() {
        Ok(target) => target,
        Err(error) => return failed_outcome(operation, None, error.into()),
    };
    let location = target.id.as_ref().map(|id| render::location(directory, target.kind, id));
    let id = target.id.unwrap_or_default();
    match apply_operation(state, directory, operation, target.kind, &id, budget).await {
        Ok((status, rendered)) => BulkOutcome {
            method: operation.method,
            bulk_id: operation.bulk_id.clone(),
            location: rendered.as_ref().map(|rendered| rendered.location.clone()).or(location),
            version: rendered.as_ref().map(|rendered| etag(rendered.version)),
            result: Ok(status),
        },
        Err(error) => failed_outcome(operation, location, error),
    }
}

/// Parses an operation's data; large data on another thread.
async fn parse_data<T: Send + 'static>(
    state: &State,
    directory: &ProvisioningTarget,
    operation: &BulkOperation,
    parse: impl FnOnce(Value) -> Result<T, scim::Error> + Send + 'static,
) -> Result<T> {
    /// The approximate bytes of JSON per unit of weight.
    const UNIT: u64 = 64;
    let missing = || scim::Error::InvalidSyntax("the operation has no data".into());
    let data = operation.data.clone().ok_or_else(missing)?;
    let bytes = usize::try_from(weight(&data).saturating_mul(UNIT)).unwrap_or(usize::MAX);
    Ok(state.offload.run(Some(directory.directory.id), bytes, move || parse(data)).await??)
}

async fn apply_operation(
    state: &State,
    directory: &ProvisioningTarget,
    operation: &BulkOperation,
    kind: ResourceType,
    id: &str,
    budget: &RequestBudget,
) -> Result<(u16, Option<RenderedResource>)> {
    let if_match = operation.version.as_deref().map(EntityTags::parse);
    let if_match = if_match.as_ref();
    let change = match operation.method {
        Method::Post => {
            let parse = move |data| Ok(Resource::parse_create(kind, data)?.resource);
            let resource = parse_data(state, directory, operation, parse).await?;
            let created = match kind {
                ResourceType::User => users::create(state, directory, resource).await?,
                ResourceType::Group => groups::create(state, directory, resource, false).await?,
            };
            return Ok((201, Some(created)));
        }
        Method::Delete => {
            match kind {
                ResourceType::User => users::remove(state, directory, id, if_match).await?,
                ResourceType::Group => groups::remove(state, directory, id, if_match).await?,
            }
            return Ok((204, None));
        }
        Method::Put => {
            let parse = move |data| Change::replace(Resource::parse(kind, data)?.resource);
            parse_data(state, directory, operation, parse).await?
        }
        Method::Patch => {
            parse_data(state, directory, operation, |data| PatchRequest::parse(data).map(Change::patch))
                .await?
        }
    };
    let changed = match kind {
        ResourceType::User => users::change(state, directory, id, &change, if_match, budget).await?,
        ResourceType::Group => groups::change(state, directory, id, &change, if_match, false, budget).await?,
    };
    Ok((200, Some(changed)))
}
