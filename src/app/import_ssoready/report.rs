//! What an import did, kind by kind, and what it could not do.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::id::EnvironmentId;

/// How many remarks a report keeps; the rest is counted.
const MOST_REMARKS: usize = 10_000;

/// What there is to import, in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// An environment.
    Environment,
    /// An API key.
    ApiKey,
    /// An OAuth client.
    OauthClient,
    /// An organization.
    Organization,
    /// A domain of an organization.
    Domain,
    /// A SAML connection.
    SamlConnection,
    /// A SCIM directory.
    ScimDirectory,
    /// A SCIM group.
    ScimGroup,
    /// A SCIM user.
    ScimUser,
    /// A membership of a user in a group.
    ScimMembership,
}

impl ResourceKind {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Environment,
        Self::ApiKey,
        Self::OauthClient,
        Self::Organization,
        Self::Domain,
        Self::SamlConnection,
        Self::ScimDirectory,
        Self::ScimGroup,
        Self::ScimUser,
        Self::ScimMembership,
    ];

    /// What a person calls several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Environment => "environments",
            Self::ApiKey => "API keys",
            Self::OauthClient => "OAuth clients",
            Self::Organization => "organizations",
            Self::Domain => "domains",
            Self::SamlConnection => "SAML connections",
            Self::ScimDirectory => "SCIM directories",
            Self::ScimGroup => "SCIM groups",
            Self::ScimUser => "SCIM users",
            Self::ScimMembership => "memberships",
        }
    }
}

/// What became of the things of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Came new.
    pub imported: u64,
    /// Were changed there since the import before, and now here.
    pub updated: u64,
    /// Are as they were.
    pub unchanged: u64,
    /// Were changed there and here: they stay as they are here.
    pub kept: u64,
    /// Could not come.
    pub skipped: u64,
}

impl Counts {
    /// How many there were in all.
    pub fn total(&self) -> u64 {
        self.imported + self.updated + self.unchanged + self.kept + self.skipped
    }
}

/// Something about one thing that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// What it is.
    pub kind: ResourceKind,
    /// Which one.
    pub id: String,
    /// What became of it, and why.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether it was a trial: then nothing was written.
    #[serde(rename = "dryRun")]
    pub dry_run: bool,
    /// The environments that were looked at.
    pub environments: Vec<EnvironmentId>,
    /// Kind by kind.
    pub counts: BTreeMap<ResourceKind, Counts>,
    /// What should be looked at.
    pub remarks: Vec<Remark>,
    /// How many remarks there were besides.
    #[serde(rename = "remarksLeftOut")]
    pub remarks_left_out: u64,
}

impl Report {
    pub(super) fn of(&mut self, thing: ResourceKind) -> &mut Counts {
        self.counts.entry(thing).or_default()
    }

    pub(super) fn remark(&mut self, kind: ResourceKind, id: impl ToString, reason: impl Into<String>) {
        match self.remarks.len() < MOST_REMARKS {
            true => self.remarks.push(Remark { kind, id: id.to_string(), reason: reason.into() }),
            false => self.remarks_left_out += 1,
        }
    }

    pub(super) fn skip(&mut self, kind: ResourceKind, id: impl ToString, reason: impl Into<String>) {
        self.of(kind).skipped += 1;
        self.remark(kind, id, format!("skipped: {}", reason.into()));
    }

    pub(super) fn keep(&mut self, kind: ResourceKind, id: impl ToString, reason: impl Into<String>) {
        self.of(kind).kept += 1;
        self.remark(kind, id, format!("kept as it is here: {}", reason.into()));
    }

    /// What was written since `before`, kind by kind.
    pub(super) fn written_since(&self, before: &Self) -> BTreeMap<ResourceKind, Counts> {
        let written = |thing: &ResourceKind, now: &Counts| {
            let then = before.counts.get(thing).copied().unwrap_or_default();
            let imported = now.imported - then.imported;
            let updated = now.updated - then.updated;
            (imported + updated > 0).then_some((*thing, Counts { imported, updated, ..Counts::default() }))
        };
        self.counts.iter().filter_map(|(thing, now)| written(thing, now)).collect()
    }
}
