//! What all resources have in common: they are found, listed, changed and removed in one way.
//!
//! A use case that is special (a secret that is shown once, fetched metadata, a limit) is a function of its own beside
//! these, made of the same parts: [`Edit`] is a change under way.

use std::future::{Future, ready};

use base::id::{EnvironmentId, EnvironmentKind, Id, IdKind};
use model::{audit::Audited, entity_tag::EntityTags, environment::Environment};

use super::{
    Error, Result, State, audit,
    pagination::{List, Page, PageQuery, PageRequest},
    permissions::Action,
    principal::{On, Principal},
    retry::retry_deadlocks,
};
use crate::store::{
    self, Conn, Transaction,
    table::{self, Table},
};

/// A resource of an environment.
pub trait Resource: Table<Scope = EnvironmentKind> + Audited + Clone + PartialEq {
    /// A change of its settings, unvalidated; `None` leaves a setting unchanged. It is the body of the API, the target
    /// of the console's form and the arguments of the command line at once.
    type Change: Sync;

    /// The setting whose value no other one in the environment has.
    const UNIQUE: &'static str = "";

    /// What reading it takes.
    const VIEW: Action;

    /// What changing and removing it takes.
    const MANAGE: Action;

    /// What those are done on: something of the environment, or of an organization. It is asked before anything else is told
    /// about the row, and [`Error::NotFound`] of the organization becomes that of the row.
    fn on(&self) -> On {
        On::Environment
    }

    /// Validates a change and applies it. [`Error::Invalid`] names the setting as the API spells it.
    fn apply(&mut self, state: &State, change: &Self::Change) -> Result<()>;

    /// What changing and removing it takes besides [`Resource::MANAGE`].
    fn check_change(_: &State, _: &Principal, _: Id<Self::Kind>) -> impl Future<Output = Result<()>> {
        ready(Ok(()))
    }

    /// Whether it is switched off.
    fn is_disabled(&self) -> bool {
        false
    }

    /// Ends what rests on it, in the transaction that switches it off or removes it: codes, tokens, sessions.
    fn end_use(_: &mut Edit<Self>, _: &State) -> impl Future<Output = Result<()>> {
        ready(Ok(()))
    }

    /// What else is written in the transaction that changes it.
    fn after_change(_: &mut Edit<Self>, _: &State) -> impl Future<Output = Result<()>> {
        ready(Ok(()))
    }

    /// Removes what belongs to it, in the transaction that removes it: what the schema does not delete along with the row.
    fn remove_related(_: &mut Edit<Self>, _: &State) -> impl Future<Output = Result<()>> {
        ready(Ok(()))
    }
}

/// The resource with this id.
pub async fn find<R: Resource>(state: &State, principal: &Principal, id: Id<R::Kind>) -> Result<R> {
    let environment_id = principal.authorize(R::VIEW, On::AnyOrganization)?;
    let row: R = load(&mut state.db.read().await?, environment_id, id).await?;
    hide(id, principal.authorize(R::VIEW, row.on()))?;
    Ok(row)
}

/// Who may not know of a row is told the same as if there were none.
pub fn hide<K: IdKind, T>(id: Id<K>, authorized: Result<T>) -> Result<T> {
    authorized.map_err(|error| match error {
        Error::NotFound { .. } => Error::not_found(K::NOUN, id),
        error => error,
    })
}

/// One page of an environment's resources of a kind, in order of creation.
pub async fn list<R: Resource>(state: &State, principal: &Principal, query: &PageQuery) -> Result<Page<R>> {
    let environment_id = principal.authorize(R::VIEW, On::Environment)?;
    let list = List::of(environment_id, R::TABLE);
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found: Vec<R> = table::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, R::id))
}

/// Changes a resource. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update<R: Resource>(
    state: &State,
    principal: &Principal,
    id: Id<R::Kind>,
    expected: Option<&EntityTags>,
    change: &R::Change,
) -> Result<R> {
    R::check_change(state, principal, id).await?;
    retry_deadlocks(async || {
        let mut edit = Edit::<R>::begin_as(state.db.write().await?, principal, id, expected).await?;
        edit.row.apply(state, change)?;
        edit.save(state, principal).await?;
        R::after_change(&mut edit, state).await?;
        if edit.row.is_disabled() && !edit.before.is_disabled() {
            R::end_use(&mut edit, state).await?;
        }
        edit.commit().await
    })
    .await
}

/// Removes a resource, with everything that belongs to it.
pub async fn remove<R: Resource>(
    state: &State,
    principal: &Principal,
    id: Id<R::Kind>,
    expected: Option<&EntityTags>,
) -> Result<()> {
    R::check_change(state, principal, id).await?;
    retry_deadlocks(async || {
        let mut edit = Edit::<R>::begin_as(state.db.write().await?, principal, id, expected).await?;
        R::end_use(&mut edit, state).await?;
        R::remove_related(&mut edit, state).await?;
        edit.remove(state, principal).await
    })
    .await
}

/// Adds a resource and records it, within the caller's transaction.
pub async fn insert<R: Resource>(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    row: &R,
) -> Result<()> {
    table::insert(tx, row).await.map_err(|error| match error {
        store::Error::MissingReference => Error::not_found(EnvironmentKind::NOUN, row.scope()),
        error => Error::conflict_on(R::Kind::NOUN, R::UNIQUE)(error),
    })?;
    audit::created(tx, state, principal, row).await
}

/// Requires that an environment has fewer than `max` resources of a kind. Concurrent calls wait until the transaction
/// ends, so that together they do not exceed it.
pub async fn require_room<R: Resource>(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    max: i64,
) -> Result<()> {
    if !table::lock::<Environment>(tx, environment_id, environment_id).await? {
        return Err(Error::not_found(EnvironmentKind::NOUN, environment_id));
    }
    let there = table::list::<R>(tx, environment_id, None, max).await?.len();
    if i64::try_from(there).is_ok_and(|there| there < max) {
        return Ok(());
    }
    Err(Error::FailedPrecondition(
        format!("an environment has at most {max} {}s; remove one first", R::Kind::NOUN).into(),
    ))
}

/// The row, or [`Error::NotFound`].
pub async fn load<T: Table>(conn: &mut Conn, scope: Id<T::Scope>, id: Id<T::Kind>) -> Result<T> {
    table::find(conn, scope, id).await?.ok_or_else(|| Error::not_found(T::Kind::NOUN, id))
}

/// Locks a row that is not changed itself, so that changes within it are serialised until the transaction ends; or
/// [`Error::NotFound`].
pub async fn lock<T: Table>(tx: &mut Transaction, scope: Id<T::Scope>, id: Id<T::Kind>) -> Result<()> {
    match table::lock::<T>(tx, scope, id).await? {
        true => Ok(()),
        false => Err(Error::not_found(T::Kind::NOUN, id)),
    }
}

/// Refuses a change whose caller expects another version. [`Error::Outdated`]: the resource was changed since.
pub fn check_version(expected: Option<&EntityTags>, version: i64) -> Result<()> {
    match expected {
        Some(tags) if !tags.matches(version) => Err(Error::Outdated { version }),
        _ => Ok(()),
    }
}

/// Stores a row that this transaction has read and locked, with the next version.
pub async fn update_locked<T: Table>(tx: &mut Transaction, row: &mut T, state: &State) -> store::Result<()> {
    match table::update(tx, row, state.now()).await? {
        true => Ok(()),
        // Only this transaction itself can have raised its version.
        false => Err(store::Error::inconsistent(T::TABLE, "version", row.id())),
    }
}

/// A change of one row under way: the row is locked until the transaction ends.
pub struct Edit<T> {
    /// The transaction.
    pub tx: Transaction,
    /// The row as it is to be stored.
    pub row: T,
    /// The row as it was read.
    pub before: T,
}

impl<T: Table + Audited + Clone + PartialEq> Edit<T> {
    /// Locks and reads a row. [`Error::Outdated`]: it has none of the `expected` versions.
    pub async fn begin(
        mut tx: Transaction,
        scope: Id<T::Scope>,
        id: Id<T::Kind>,
        expected: Option<&EntityTags>,
    ) -> Result<Self> {
        let found = table::find_for_update::<T>(&mut tx, scope, id).await?;
        let before = found.ok_or_else(|| Error::not_found(T::Kind::NOUN, id))?;
        check_version(expected, before.version())?;
        Ok(Self { tx, row: before.clone(), before })
    }

    /// [`Edit::begin`], for a principal who may change this row.
    pub async fn begin_as(
        tx: Transaction,
        principal: &Principal,
        id: Id<T::Kind>,
        expected: Option<&EntityTags>,
    ) -> Result<Self>
    where
        T: Resource,
    {
        let environment_id = principal.authorize(T::MANAGE, On::AnyOrganization)?;
        let edit = Self::begin(tx, environment_id, id, None).await?;
        hide(id, principal.authorize(T::MANAGE, edit.before.on()))?;
        check_version(expected, edit.before.version())?;
        Ok(edit)
    }

    /// Whether the row differs from what was read.
    pub fn is_changed(&self) -> bool {
        self.row != self.before
    }

    /// Stores the row with the next version, if it changed. The caller records the change.
    /// [`store::Error::Duplicate`]: another row has a value that must be unique.
    pub async fn write(&mut self, state: &State) -> store::Result<()> {
        if self.is_changed() {
            update_locked(&mut self.tx, &mut self.row, state).await?;
        }
        Ok(())
    }

    /// Raises the version, because something that belongs to the row changed in another table. The row itself, and the
    /// time of its last change, stay as they were read.
    pub async fn raise_version(&mut self) -> Result<()> {
        table::raise_version(&mut self.tx, &self.before).await?;
        self.row = load(&mut self.tx, self.before.scope(), self.before.id()).await?;
        Ok(())
    }

    /// Stores the row, and records what changed in its settings.
    pub async fn save(&mut self, state: &State, principal: &Principal) -> Result<()>
    where
        T: Resource,
    {
        self.write(state).await.map_err(Error::conflict_on(T::Kind::NOUN, T::UNIQUE))?;
        self.record_update(state, principal).await
    }

    /// Records what changed in the row's settings; nothing if nothing did.
    pub async fn record_update(&mut self, state: &State, principal: &Principal) -> Result<()> {
        audit::updated(&mut self.tx, state, principal, &self.before, &self.row).await
    }

    /// Removes the row, records that, and commits.
    pub async fn remove(mut self, state: &State, principal: &Principal) -> Result<()> {
        let (scope, id) = (self.before.scope(), self.before.id());
        table::remove::<T>(&mut self.tx, scope, id, state.now()).await?;
        audit::deleted(&mut self.tx, state, principal, &self.before).await?;
        Ok(self.tx.commit().await?)
    }

    /// Commits, and returns the row as it is stored.
    pub async fn commit(self) -> Result<T> {
        self.tx.commit().await?;
        Ok(self.row)
    }
}
