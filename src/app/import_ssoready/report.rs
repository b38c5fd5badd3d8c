//! The report of an import: counts by kind of resource, and remarks.

use std::collections::BTreeMap;

use base::id::EnvironmentId;
use serde::Serialize;
use strum::VariantArray;

/// The maximum number of remarks in a report; the rest is counted.
const MAX_REMARKS: usize = 10_000;

/// The kinds of imported resources, in the order of their import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, VariantArray)]
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
    /// The plural of its name.
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

/// What was done with the resources of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Imported for the first time.
    pub imported: u64,
    /// Changed in SSOReady since the previous import, and updated here.
    pub updated: u64,
    /// Unchanged.
    pub unchanged: u64,
    /// Changed in SSOReady and here: kept as they are here.
    pub kept: u64,
    /// Could not be imported.
    pub skipped: u64,
}

impl Counts {
    /// The sum of the counts.
    pub fn total(&self) -> u64 {
        self.imported + self.updated + self.unchanged + self.kept + self.skipped
    }
}

/// Something about one resource that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The kind of the resource.
    pub kind: ResourceKind,
    /// Its id.
    pub id: String,
    /// What was done with it, and why.
    pub reason: String,
}

/// The report of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether it was a dry run: then nothing was written.
    #[serde(rename = "dryRun")]
    pub dry_run: bool,
    /// The environments that were processed.
    pub environments: Vec<EnvironmentId>,
    /// The counts by kind.
    pub counts: BTreeMap<ResourceKind, Counts>,
    /// The remarks, at most ten thousand.
    pub remarks: Vec<Remark>,
    /// How many more remarks there were.
    #[serde(rename = "remarksLeftOut")]
    pub remarks_left_out: u64,
}

impl Report {
    pub(super) fn counts_of(&mut self, kind: ResourceKind) -> &mut Counts {
        self.counts.entry(kind).or_default()
    }

    pub(super) fn remark(&mut self, kind: ResourceKind, id: impl ToString, reason: impl Into<String>) {
        match self.remarks.len() < MAX_REMARKS {
            true => self.remarks.push(Remark { kind, id: id.to_string(), reason: reason.into() }),
            false => self.remarks_left_out += 1,
        }
    }

    pub(super) fn skip(&mut self, kind: ResourceKind, id: impl ToString, reason: impl Into<String>) {
        self.counts_of(kind).skipped += 1;
        self.remark(kind, id, format!("skipped: {}", reason.into()));
    }

    pub(super) fn keep(&mut self, kind: ResourceKind, id: impl ToString, reason: impl Into<String>) {
        self.counts_of(kind).kept += 1;
        self.remark(kind, id, format!("kept as it is here: {}", reason.into()));
    }

    /// What was written since `before`, by kind.
    pub(super) fn written_since(&self, before: &Self) -> BTreeMap<ResourceKind, Counts> {
        let written = |kind: &ResourceKind, now: &Counts| {
            let then = before.counts.get(kind).copied().unwrap_or_default();
            let imported = now.imported - then.imported;
            let updated = now.updated - then.updated;
            (imported + updated > 0).then_some((*kind, Counts { imported, updated, ..Counts::default() }))
        };
        self.counts.iter().filter_map(|(kind, now)| written(kind, now)).collect()
    }
}
