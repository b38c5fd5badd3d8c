//! What a PUT or a PATCH makes of a stored resource.
//!
//! A small change is worked out under the lock of what it changes. One that takes longer is worked out
//! before the transaction, off the async threads, and written if the resource is then still the one that
//! it was worked out for: a transaction holds nobody up by computing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Directory, Error, Result, check_size};
use crate::{
    app::{self, State, directory_limits::UNITS_PER_REQUEST},
    scim::{
        self, Member, MembershipChange, PatchRequest, Resource, WorkBudget,
        work::{MAX_WORK_UNITS, weight},
    },
    store::scim_members::MAX_EXCEPT,
};

/// How many operations are applied within the transaction. More of them are applied before it.
const LIGHT_OPERATIONS: usize = 50;

/// How much the values of a change weigh together that is worked out within the transaction.
const LIGHT_VALUES: u64 = 2_000;

/// How many units of work are done within the transaction: a few milliseconds at the most.
const LIGHT_WORK: u64 = 10_000;

/// How often a change is worked out anew because the resource was changed meanwhile.
pub(super) const TRIES: u32 = 5;

/// When one who gave up after [`TRIES`] may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The units of work that a request may take, its operations together where it is Bulk.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU64::new(MAX_WORK_UNITS))
    }
}

impl Budget {
    pub(super) fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes what was computed, whatever came of it. It counts among the directory's requests too.
    pub(super) fn charge(&self, state: &State, directory: &Directory, units: u64) {
        self.0.store(self.left().saturating_sub(units), Ordering::Relaxed);
        let more = units / UNITS_PER_REQUEST;
        state.directory_limits.take_requests(directory.directory.id, state.now(), more);
    }
}

/// What a client wants of a resource that is there. Cheap to clone.
#[derive(Clone)]
pub struct Change {
    wanted: Request,
    light: bool,
}

#[derive(Clone)]
enum Request {
    /// Another one in its place (RFC 7644 §3.5.1).
    Replace(Arc<(Resource, Vec<Member>)>),
    /// All operations, or none (RFC 7644 §3.5.2).
    Patch(Arc<PatchRequest>),
}

/// What is to become of a resource.
pub(super) struct Wanted {
    /// Its attributes, without a group's members.
    pub(super) resource: Resource,
    /// A group's members.
    pub(super) members: Vec<MembershipChange>,
}

impl Change {
    /// The body of a PUT. [`scim::Error::TooLarge`]: no resource is as large.
    pub fn replace(mut resource: Resource) -> Result<Self, scim::Error> {
        let members = resource.take_members();
        // Before a lock is held over something large.
        check_size(&resource.attributes)?;
        let light = members.len() <= MAX_EXCEPT;
        Ok(Self { wanted: Request::Replace(Arc::new((resource, members))), light })
    }

    /// The body of a PATCH.
    pub fn patch(request: PatchRequest) -> Self {
        let operations = request.operations();
        let light = operations.len() <= LIGHT_OPERATIONS
            && operations.iter().filter_map(|it| it.value.as_ref()).map(weight).sum::<u64>() <= LIGHT_VALUES;
        Self { wanted: Request::Patch(Arc::new(request)), light }
    }

    /// Whether it may be worked out within the transaction.
    pub(super) fn is_light(&self) -> bool {
        self.light
    }

    /// Works out what is to become of a resource, within so much work.
    pub(super) fn apply(&self, stored: &Resource, work: &mut WorkBudget) -> Result<Wanted, scim::Error> {
        let wanted = match &self.wanted {
            Request::Replace(replacement) => {
                let (mut resource, members) = (**replacement).clone();
                resource.keep_active(stored);
                Wanted { resource, members: vec![MembershipChange::Replace(members)] }
            }
            Request::Patch(request) => {
                let patched = request.apply_within(stored, work)?;
                Wanted { resource: patched.resource, members: patched.members }
            }
        };
        check_size(&wanted.resource.attributes)?;
        Ok(wanted)
    }

    /// The same under a lock: `None` when it takes longer than one may hold it.
    pub(super) fn apply_quickly(&self, stored: &Resource) -> Result<Option<Wanted>, scim::Error> {
        let mut work = WorkBudget::new(LIGHT_WORK);
        match self.apply(stored, &mut work) {
            Err(_) if work.is_exhausted() => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

/// The resource was changed by others each time that the change was worked out.
pub(super) fn contended() -> Error {
    app::Error::Limited { retry_after: RETRY_AFTER }.into()
}
