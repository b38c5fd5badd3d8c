//! The bearer tokens of a directory: authenticated, rotated and ended.

use std::time::Duration;

use base::{
    id::{IdKind as _, ScimDirectoryId, ScimDirectoryKind},
    secret::{Digest, ScimBearerToken},
};
use model::{
    audit::audit_fields, domain::Domain, entity_tag::EntityTags, organization::Organization,
    scim_directory::ScimDirectory,
};

use super::{MAX_TOKENS, ScimDirectoryView, quota::Allowance, usage, view};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        principal::Principal,
        resource::{Edit, Resource},
    },
    store::{self, scim_directories::Disabled},
};

/// The default overlap of a rotation: how long replaced tokens keep working while the customer's admin enters the
/// new one.
pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// The maximum overlap.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// The resolution of a token's last use: each update is a write.
const LAST_USED_RESOLUTION: Duration = Duration::from_secs(60);

/// The directory of an authenticated SCIM request, with what bounds its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningTarget {
    /// The directory.
    pub directory: ScimDirectory,
    /// Its organization, whose domains bound the addresses of users.
    pub organization: Organization,
    /// Its quota.
    pub allowance: Allowance,
}

impl ProvisioningTarget {
    /// Refuses requests to what is switched off. It is asked after the token was authenticated, so that only those who may
    /// know are told, and after the request can be logged.
    pub fn require_enabled(&self) -> Result<()> {
        require_enabled(Disabled {
            directory: self.directory.disabled,
            organization: self.organization.is_disabled(),
            template: self.organization.template,
        })
    }

    /// Whether users may have addresses of `domain` (whitelisted and verified domains only).
    pub fn accepts_domain(&self, domain: &Domain) -> bool {
        self.organization.accepts_domain(domain)
    }
}

/// Refuses requests to a directory that is switched off, or whose organization is or is a template.
pub(super) fn require_enabled(disabled: Disabled) -> Result<()> {
    let (code, what) = match disabled {
        Disabled { template: true, .. } => {
            return Err(Error::Forbidden(
                "organization_is_template: this directory belongs to a template, into which nothing is pushed; ask the \
                 application's team for the directory of your organization"
                    .into(),
            ));
        }
        Disabled { directory: true, .. } => ("directory_disabled", "directory"),
        Disabled { organization: true, .. } => ("organization_disabled", "organization"),
        _ => return Ok(()),
    };
    Err(Error::Forbidden(
        format!(
            "{code}: the application's team has switched this {what} off; ask them to switch it on. What was pushed is \
             kept"
        )
        .into(),
    ))
}

/// Authenticates a SCIM request by its bearer token. A token is valid for one directory; an unknown directory is
/// not found.
pub async fn authenticate(state: &State, id: ScimDirectoryId, bearer: &str) -> Result<ProvisioningTarget> {
    let refused = || Error::Unauthenticated("this bearer token is not valid for this directory".into());
    let now = state.now();
    // A malformed token is looked up too, so that the answer for an unknown directory is the same.
    let digest = match bearer.parse::<ScimBearerToken>() {
        Ok(token) => token.digest(),
        Err(_) => Digest::of(bearer),
    };
    let presented = {
        let mut conn = state.db.read().await?;
        store::scim_directories::find_presented(&mut conn, id, digest, now).await?
    };
    let presented = presented.ok_or_else(|| Error::not_found(ScimDirectoryKind::NOUN, id))?;
    let token = presented.token.ok_or_else(refused)?;
    let noted = now - LAST_USED_RESOLUTION;
    if token.last_used_at.is_none_or(|at| at <= noted) {
        let mut tx = state.db.write().await?;
        store::scim_directories::update_last_used(&mut tx, digest, now, noted).await?;
        let directory = &presented.directory;
        store::scim_directories::upsert_use(&mut tx, directory.environment_id, directory.id, now).await?;
        tx.commit().await?;
    }
    let allowance = usage::allowance(state, presented.directory.environment_id).await?;
    Ok(ProvisioningTarget { directory: presented.directory, organization: presented.organization, allowance })
}

/// Creates a new token, which is returned only here. Existing tokens keep working for `overlap`. [`Error::Outdated`]: the
/// directory has none of the `expected` versions any more.
pub async fn rotate(
    state: &State,
    principal: &Principal,
    id: ScimDirectoryId,
    expected: Option<&EntityTags>,
    overlap: Duration,
) -> Result<ScimBearerToken> {
    if overlap > MAX_OVERLAP {
        return Err(Error::invalid(
            "overlapSeconds",
            format!("must be a number from 0 to {}", MAX_OVERLAP.as_secs()),
        ));
    }
    ScimDirectory::check_change(state, principal, id).await?;
    let now = state.now();
    let token = ScimBearerToken::new(&*state.random);
    let mut edit = Edit::<ScimDirectory>::begin_as(state.db.write().await?, principal, id, expected).await?;
    store::scim_directories::expire_tokens(&mut edit.tx, id, now + overlap, true).await?;
    let valid = store::scim_directories::list_tokens(&mut edit.tx, id, now, MAX_TOKENS).await?;
    if valid.len() >= MAX_TOKENS as usize {
        return Err(Error::FailedPrecondition(
            format!(
                "this directory already has {MAX_TOKENS} valid bearer tokens; end the overlap of the replaced \
                 ones first, or rotate with overlapSeconds 0"
            )
            .into(),
        ));
    }
    store::scim_directories::insert_token(&mut edit.tx, id, token.digest(), now).await?;
    edit.raise_version().await?;
    let facts = audit_fields! { "overlapSeconds": overlap.as_secs() };
    let entry = Entry::of(&edit.row, "bearer_token_rotated").with_values(facts);
    record(&mut edit, state, principal, entry).await?;
    edit.commit().await?;
    Ok(token)
}

/// Ends all tokens but the newest, now.
pub async fn end_overlap(
    state: &State,
    principal: &Principal,
    id: ScimDirectoryId,
    expected: Option<&EntityTags>,
) -> Result<ScimDirectoryView> {
    let mut edit = Edit::<ScimDirectory>::begin_as(state.db.write().await?, principal, id, expected).await?;
    store::scim_directories::expire_tokens(&mut edit.tx, id, state.now(), false).await?;
    edit.raise_version().await?;
    let entry = Entry::of(&edit.row, "bearer_token_overlap_ended");
    record(&mut edit, state, principal, entry).await?;
    let view = view(state, &mut edit.tx, edit.row.clone()).await?;
    edit.commit().await?;
    Ok(view)
}

async fn record(
    edit: &mut Edit<ScimDirectory>,
    state: &State,
    principal: &Principal,
    entry: Entry,
) -> Result<()> {
    let environment_id = Some(edit.row.environment_id);
    audit::record(&mut edit.tx, state, environment_id, principal, entry).await
}
