//! The settings of an organization, to be changed.

use base::id::OrganizationId;
use clap::Args;
use model::{
    json_object::JsonObject,
    organization::{Organization, OrganizationStatus},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{domains::list::set_domains, error::OrganizationError, fields, metadata};
use crate::{
    app::{
        Result, State, console_connection,
        field_values::{JsonField, TextsByKey},
        input,
        permissions::Action,
        principal::Principal,
        resource::{Edit, Resource},
    },
    store::{
        self,
        authorization_grants::{self, GrantsOf},
        organization_tree,
    },
};

/// The settings of an organization.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = OrganizationInput)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationChange {
    /// Its name for people: up to 500 characters.
    #[schema(example = "Acme")]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// Your own id for it, unique in the environment; empty for none.
    #[schema(example = "customer-42")]
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Switch it off: its logins and the requests of its directories are refused, and its codes and tokens end.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
    /// The domains whose people may sign in. Public suffixes (`co.uk`) are refused, and domains that another
    /// organization proved by DNS. A domain of another organization then belongs to both: see `sharedDomains` and the
    /// event `organization.domain_shared`.
    #[schema(example = json!(["acme.com"]))]
    #[arg(long = "domain", value_name = "DOMAIN", help = "A domain whose people may sign in; repeatable")]
    pub domains: Option<Vec<String>>,
    /// The organization above it, by its id or alias; empty for none. It cannot be one below it.
    #[arg(long = "parent", value_name = "ID")]
    pub parent_id: Option<String>,
    /// Of a new organization: the template that it gets its settings from, by its id, alias or name.
    #[arg(long = "from-template", value_name = "ID")]
    pub template_id: Option<String>,
    /// Whether it is a template, from which others are made: nobody signs in to it. It has no domains, connections,
    /// directories and users.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub template: Option<bool>,
    /// What you say of it: up to 2,000 characters.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Its colour, `#rrggbb`; empty for none.
    #[schema(example = "#007fff")]
    #[arg(long, value_name = "COLOR")]
    pub color: Option<String>,
    /// Whom to write to; empty for nobody.
    #[arg(long, value_name = "EMAIL")]
    pub contact_email: Option<String>,
    /// What your programs keep with it: a JSON object that matches `metadataSchema`.
    #[schema(value_type = Object)]
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<JsonField>,
    /// The JSON Schema (draft 2020-12) that new metadata must match; `{}` for any.
    #[schema(value_type = Object)]
    #[arg(long, value_name = "JSON")]
    pub metadata_schema: Option<JsonField>,
    /// Free text by key, up to 100.
    #[schema(value_type = Object)]
    #[arg(long, value_name = "JSON")]
    pub attributes: Option<TextsByKey>,
    /// How its people may authenticate: some of `password`, `webauthn`, `totp`, `otp`, `email_otp`, `sms_otp`; empty for
    /// no restriction.
    #[arg(
        long = "authentication-mechanism",
        value_name = "NAME",
        help = "How its people may authenticate; repeatable"
    )]
    pub authentication_mechanisms: Option<Vec<String>>,
    /// Accept free-mail providers such as `gmail.com` among the domains.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_free_mail: Option<bool>,
    /// Allow a domain that already belongs to another organization. The API needs no confirmation.
    #[schema(ignore)]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help = "Allow a domain that already belongs to another organization"
    )]
    pub share_domain: Option<bool>,
}

impl OrganizationChange {
    pub(super) fn shares(&self) -> bool {
        self.share_domain.unwrap_or(false)
    }
}

impl Resource for Organization {
    type Change = OrganizationChange;

    const VIEW: Action = Action::OrganizationsView;
    const MANAGE: Action = Action::OrganizationsManage;

    const UNIQUE: &'static str = "externalId";

    async fn check_change(state: &State, principal: &Principal, id: OrganizationId) -> Result<()> {
        console_connection::ensure_may_change(state, principal, id).await
    }

    fn apply(&mut self, _: &State, change: &OrganizationChange) -> Result<()> {
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 500)?;
        }
        if let Some(id) = &change.external_id {
            self.external_id = input::optional_line("externalId", id, 500)?;
        }
        if let Some(disabled) = change.disabled {
            self.status = OrganizationStatus::disabled(disabled);
        }
        if let Some(domains) = &change.domains {
            self.domains = set_domains(&self.domains, domains, change.allow_free_mail.unwrap_or(false))?;
        }
        self.template = change.template.unwrap_or(self.template);
        if let Some(text) = &change.description {
            self.description = fields::description(text)?;
        }
        if let Some(color) = &change.color {
            self.color = fields::color(color)?;
        }
        if let Some(email) = &change.contact_email {
            self.contact_email = fields::contact_email(email)?;
        }
        if let Some(names) = &change.authentication_mechanisms {
            self.authentication_mechanisms = Some(fields::mechanisms(names)?).filter(|all| !all.is_empty());
        }
        if let Some(TextsByKey(attributes)) = &change.attributes {
            self.attributes = fields::attributes(attributes)?;
        }
        let payload = change.metadata.as_ref().map(|JsonField(map)| map);
        // A form sends all fields. What did not change need not match a schema that is newer.
        let payload = payload.filter(|map| self.metadata != JsonObject::from_map(map));
        metadata::set(self, payload, change.metadata_schema.as_ref().map(|JsonField(map)| map))
    }

    fn is_disabled(&self) -> bool {
        Organization::is_disabled(self)
    }

    async fn end_use(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let id = edit.row.id;
        authorization_grants::revoke_all(&mut edit.tx, GrantsOf::Organization(id), state.now()).await?;
        store::users::end_use_in_organization(&mut edit.tx, id, state.now()).await?;
        Ok(store::sessions::revoke_by_organization(&mut edit.tx, id, state.now()).await?)
    }

    /// What could still let somebody in goes at once, and so do the names. The rest goes when the retention time is over
    /// (`background/retention.rs`), because a directory may be large.
    async fn remove_related(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let (tx, environment_id, id) = (&mut edit.tx, edit.row.environment_id, edit.row.id);
        if organization_tree::has_children(tx, id, false).await? {
            return Err(OrganizationError::HasChildren.into());
        }
        store::saml_connections::remove_by_organization(tx, environment_id, id).await?;
        store::oidc_connections::remove_by_organization(tx, environment_id, id).await?;
        store::sessions::remove_of_setup_links(tx, id).await?;
        store::setup_links::remove_by_organization(tx, environment_id, id).await?;
        store::scim_directories::remove_by_organization(tx, environment_id, id, state.now()).await?;
        store::identity_pools::remove_by_organization(tx, environment_id, id, state.now()).await?;
        Ok(store::organization_domains::remove_all(tx, id).await?)
    }
}
