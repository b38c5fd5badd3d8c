//! Applies a PUT or a PATCH to a stored resource.
//!
//! A light change is computed inside the transaction, under the lock of the resource. A heavier one is computed before
//! the transaction, off the async threads, and written only if the resource is still the version that it was computed
//! for. So no transaction holds its locks during a long computation.

use std::{sync::Arc, time::Duration};

use scim::{Member, MembershipChange, PatchRequest, Resource, WorkBudget, work_budget::weight};

use super::{error::Error, resource::check_size};
use crate::{app, store::scim_members::MAX_EXCEPT};

/// The most operations that are applied inside the transaction.
const LIGHT_OPERATIONS: usize = 50;

/// The maximum total weight of the values of a change that is applied inside the transaction.
const LIGHT_VALUES: u64 = 2_000;

/// The most units of work that are spent inside the transaction: a few milliseconds.
const LIGHT_WORK: u64 = 10_000;

/// How often a change is computed again because the resource changed meanwhile.
pub(super) const MAX_ATTEMPTS: u32 = 5;

/// The `Retry-After` after [`MAX_ATTEMPTS`] attempts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A requested change of an existing resource. Cheap to clone.
#[derive(Clone)]
pub struct Change {
    request: ChangeRequest,
    light: bool,
}

#[derive(Clone)]
enum ChangeRequest {
    /// Replaces the resource (RFC 7644 §3.5.1).
    Replace(Arc<(Resource, Vec<Member>)>),
    /// Applies all operations, or none (RFC 7644 §3.5.2).
    Patch(Arc<PatchRequest>),
}

/// The result of applying a change.
pub(super) struct AppliedChange {
    /// The new attributes, without a group's members.
    pub(super) resource: Resource,
    /// The changes of a group's members.
    pub(super) members: Vec<MembershipChange>,
}

impl Change {
    /// The body of a PUT. [`scim::Error::TooLarge`] if the resource is too large.
    pub fn replace(mut resource: Resource) -> Result<Self, scim::Error> {
        let members = resource.take_members();
        // Checked before a lock is taken.
        check_size(&resource.attributes)?;
        let light = members.len() <= MAX_EXCEPT;
        Ok(Self { request: ChangeRequest::Replace(Arc::new((resource, members))), light })
    }

    /// The body of a PATCH.
    pub fn patch(request: PatchRequest) -> Self {
        let operations = request.operations();
        let light = operations.len() <= LIGHT_OPERATIONS
            && operations.iter().filter_map(|it| it.value.as_ref()).map(weight).sum::<u64>() <= LIGHT_VALUES;
        Self { request: ChangeRequest::Patch(Arc::new(request)), light }
    }

    /// Whether it may be applied inside the transaction.
    pub(super) fn is_light(&self) -> bool {
        self.light
    }

    /// Applies the change to a stored resource, within the given work.
    pub(super) fn apply(
        &self,
        stored: &Resource,
        work: &mut WorkBudget,
    ) -> Result<AppliedChange, scim::Error> {
        let wanted = match &self.request {
            ChangeRequest::Replace(replacement) => {
                let (mut resource, members) = (**replacement).clone();
                resource.keep_active(stored);
                AppliedChange { resource, members: vec![MembershipChange::Replace(members)] }
            }
            ChangeRequest::Patch(request) => {
                let patched = request.apply_within(stored, work)?;
                AppliedChange { resource: patched.resource, members: patched.members }
            }
        };
        check_size(&wanted.resource.attributes)?;
        Ok(wanted)
    }

    /// The same inside a transaction; `None` if it takes more than `LIGHT_WORK`.
    pub(super) fn apply_if_light(&self, stored: &Resource) -> Result<Option<AppliedChange>, scim::Error> {
        let mut work = WorkBudget::new(LIGHT_WORK);
        match self.apply(stored, &mut work) {
            Err(_) if work.is_exhausted() => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

/// The error after [`MAX_ATTEMPTS`] attempts: the resource was changed concurrently each time.
pub(super) fn contention_error() -> Error {
    app::Error::Limited { retry_after: RETRY_AFTER }.into()
}
