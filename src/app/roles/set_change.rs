//! Changes of sets: of what a role permits, and of who has it.

use std::collections::BTreeSet;

/// A change of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetChange<T> {
    /// These come; those that are there stay.
    Add(BTreeSet<T>),
    /// These go.
    Remove(BTreeSet<T>),
    /// It becomes these.
    Replace(BTreeSet<T>),
}

impl SetChange<String> {
    /// Changes a set.
    pub(super) fn apply(&self, set: &mut BTreeSet<String>) {
        match self {
            Self::Add(some) => set.extend(some.iter().cloned()),
            Self::Remove(some) => set.retain(|one| !some.contains(one)),
            Self::Replace(some) => set.clone_from(some),
        }
    }
}
