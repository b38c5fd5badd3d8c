//! A SCIM directory as the API and the command line show it.

use base::{
    id::{OrganizationId, ScimDirectoryId},
    time::Timestamp,
};
use model::idp_kind::IdpKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::ScimDirectoryView;

/// Where an organization's identity provider provisions users and groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScimDirectory)]
pub struct ScimDirectoryObject {
    id: ScimDirectoryId,
    organization_id: OrganizationId,
    /// Whether calls that name only the organization use it.
    primary: bool,
    /// The base URL for the identity provider ("Tenant URL"); it never changes.
    scim_base_url: String,
    /// Whether it has a valid bearer token.
    has_client_bearer_token: bool,
    /// Whether users may have secondary e-mail addresses at other domains.
    allow_foreign_secondary_emails: bool,
    /// Whether users without any e-mail address are taken; their `email` is `null` then.
    allow_users_without_email: bool,
    /// Whether SAML logins of users who are inactive or deleted in it are refused.
    refuse_inactive_logins: bool,
    /// Whether only users who are active in a directory may sign in.
    require_provisioned_logins: bool,
    /// Whether it is switched off: SCIM requests are refused.
    disabled: bool,
    /// The identity provider's product; `null` if unknown.
    idp_kind: Option<IdpKind>,
    /// The valid ones, newest first.
    bearer_tokens: Vec<BearerTokenObject>,
    /// Its usage, which is limited by quotas (settings `scim.directory_…`).
    usage: ScimDirectoryUsage,
}

/// The usage of a directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoryUsage {
    /// Users that are not deleted.
    #[schema(example = 1204)]
    users: i64,
    /// Groups that are not deleted.
    #[schema(example = 87)]
    groups: i64,
    /// Bytes of users, groups (deleted ones too) and memberships.
    #[schema(example = 2411724)]
    stored_bytes: i64,
    /// Bytes written by changes today (UTC), including their events.
    #[schema(example = 61440)]
    day_bytes: i64,
}

/// A bearer token of a directory, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BearerToken)]
pub struct BearerTokenObject {
    created_at: Timestamp,
    /// `null` until it is replaced by a newer one.
    expires_at: Option<Timestamp>,
    /// Accurate to a minute; `null` for never.
    last_used_at: Option<Timestamp>,
}

impl From<&ScimDirectoryView> for ScimDirectoryObject {
    fn from(described: &ScimDirectoryView) -> Self {
        let directory = &described.directory;
        Self {
            id: directory.id,
            organization_id: directory.organization_id,
            primary: directory.primary,
            scim_base_url: directory.scim_base_url.clone(),
            has_client_bearer_token: !described.tokens.is_empty(),
            allow_foreign_secondary_emails: directory.allow_foreign_secondary_emails,
            allow_users_without_email: directory.allow_users_without_email,
            refuse_inactive_logins: directory.refuse_inactive_logins,
            require_provisioned_logins: directory.require_provisioned_logins,
            disabled: directory.disabled,
            idp_kind: directory.idp_kind,
            usage: ScimDirectoryUsage {
                users: described.usage.user_count,
                groups: described.usage.group_count,
                stored_bytes: described.usage.stored_bytes,
                day_bytes: described.usage.day_bytes,
            },
            bearer_tokens: described
                .tokens
                .iter()
                .map(|token| BearerTokenObject {
                    created_at: token.created_at,
                    expires_at: token.expires_at,
                    last_used_at: token.last_used_at,
                })
                .collect(),
        }
    }
}
