//! Single domains of an organization: requested, approved by the vendor, removed.
//!
//! A requested domain has no effect until it is approved or verified.

pub(in crate::app) mod list;
pub mod sharing;
mod verification;

use base::{
    id::{EnvironmentId, OrganizationId},
    secret::Digest,
};
use list::MAX_DOMAINS;
use model::{
    audit::audit_fields,
    domain::{Domain, DomainError, DomainState},
    domain_verification::DomainVerification,
    organization::Organization,
};
use sharing::SharedDomainError;

use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, Credential, OrganizationPart},
        audit::{self, Entry},
        input, resource,
    },
    store,
};

pub use verification::check;

/// The field name of a domain in errors.
const FIELD: &str = "domain";

/// How many domains of an organization may be pending.
const MAX_PENDING: usize = 20;

/// All domains of an organization, by name; their number is bounded.
pub async fn list(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
) -> Result<Vec<DomainVerification>> {
    let environment_id = actor.authorize_view_part(OrganizationPart::Domains, organization_id)?;
    let mut conn = state.db.read().await?;
    resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
    let most = i64::try_from(MAX_DOMAINS + MAX_PENDING).unwrap_or(i64::MAX);
    Ok(store::organization_domains::list(&mut conn, environment_id, organization_id, most).await?)
}

/// Requests a domain: it is pending until the vendor approves it or DNS verifies it, and has a TXT record to
/// publish. A domain that exists keeps its state and gets a record if it had none. Only the vendor may add
/// free-mail providers, with `allow_free_mail`.
pub async fn add(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    text: &str,
    allow_free_mail: bool,
) -> Result<DomainVerification> {
    let environment_id = actor.authorize_manage_part(OrganizationPart::Domains, organization_id)?;
    let domain = parse(actor, text, allow_free_mail)?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    resource::lock::<Organization>(&mut tx, environment_id, organization_id).await?;
    let token = new_token(state);
    let known = store::organization_domains::find(&mut tx, environment_id, organization_id, &domain).await?;
    let listed = match known {
        Some(mut listed) => {
            if listed.verification_token.is_none() {
                listed.verification_token = Some(token);
                store::organization_domains::update(&mut tx, &listed).await?;
            }
            listed
        }
        None => {
            let organization =
                resource::load::<Organization>(&mut tx, environment_id, organization_id).await?;
            let waiting = organization.waiting_domains().count();
            if waiting >= MAX_PENDING || organization.domains.len() >= MAX_DOMAINS {
                let why = match waiting >= MAX_PENDING {
                    true => format!(
                        "{MAX_PENDING} domains wait for approval or proof already; finish or remove some"
                    ),
                    false => {
                        format!("there are {} domains already; remove some", MAX_DOMAINS)
                    }
                };
                return Err(Error::invalid(FIELD, why));
            }
            let listed = DomainVerification {
                environment_id,
                organization_id,
                domain,
                state: DomainState::Pending,
                verification_token: Some(token),
                verified_at: None,
                checked_at: None,
                check_error: None,
                created_at: now,
            };
            store::organization_domains::insert(&mut tx, &listed).await?;
            audit::created(&mut tx, state, actor, &listed).await?;
            listed
        }
    };
    tx.commit().await?;
    Ok(listed)
}

/// Parses a requested domain; accepts an e-mail address or a URL too.
fn parse(actor: &Actor, text: &str, allow_free_mail: bool) -> Result<Domain> {
    let typed = text.trim();
    let bare = typed.rsplit('@').next().unwrap_or(typed);
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest).split(['/', '?', '#']).next();
    let is_customer = matches!(actor.credential(), Credential::SetupLink(_));
    Domain::parse(bare.unwrap_or(typed))
        .and_then(|domain| domain.ensure_claimable(allow_free_mail && !is_customer))
        .map_err(|error| match error {
            DomainError::FreeMail if is_customer => Error::invalid(
                FIELD,
                format!("{} is a free-mail provider, where anybody can get an address", input::quoted(typed)),
            ),
            error => Error::invalid(FIELD, format!("{} {error}", input::quoted(typed))),
        })
}

/// A random verification token for the TXT record.
fn new_token(state: &State) -> String {
    Digest::of(format!("{:032x}{:032x}", state.random.bits(), state.random.bits())).to_hex()[..40].to_owned()
}

/// Approves a domain for the vendor. If another organization has it already, this needs the explicit
/// confirmation `share_domain`.
pub async fn approve(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    domain: &str,
    share_domain: bool,
) -> Result<DomainVerification> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    sharing::lock(&mut tx, environment_id).await?;
    let before = lock(&mut tx, environment_id, organization_id, domain).await?;
    let mut listed = before.clone();
    if !listed.state.is_accepted() {
        let new = [listed.domain.clone()];
        let elsewhere =
            sharing::find_other_organizations(&mut tx, environment_id, organization_id, &new).await?;
        sharing::check(actor, &elsewhere, share_domain).map_err(SharedDomainError::into_error)?;
        listed.state = DomainState::Whitelisted;
        listed.check_error = None;
        store::organization_domains::update(&mut tx, &listed).await?;
        let entry =
            Entry::of(&listed, "approved").with_values(audit_fields! { "state": listed.state.as_str() });
        audit::record(&mut tx, state, Some(environment_id), &actor.principal(), entry).await?;
        sharing::record(&mut tx, state, actor, organization_id, &elsewhere).await?;
        tx.commit().await?;
    }
    Ok(listed)
}

/// Removes a domain. The holder of a setup link can remove only a domain that is not in effect: users sign in
/// with the others.
pub async fn remove(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    domain: &str,
) -> Result<()> {
    let environment_id = actor.authorize_manage_part(OrganizationPart::Domains, organization_id)?;
    let mut tx = state.db.write().await?;
    let listed = lock(&mut tx, environment_id, organization_id, domain).await?;
    if listed.state.is_accepted() && matches!(actor.credential(), Credential::SetupLink(_)) {
        return Err(Error::FailedPrecondition(
            format!(
                "people sign in with addresses of {}; only the application's team can remove it",
                listed.domain
            )
            .into(),
        ));
    }
    store::organization_domains::remove(&mut tx, &listed).await?;
    audit::deleted(&mut tx, state, actor, &listed).await?;
    tx.commit().await?;
    Ok(())
}

/// Locks the organization's domains until the transaction ends, and loads one of them.
async fn lock(
    tx: &mut store::Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domain: &str,
) -> Result<DomainVerification> {
    resource::lock::<Organization>(tx, environment_id, organization_id).await?;
    let parsed = Domain::parse(domain).map_err(|_| not_found(domain))?;
    store::organization_domains::find(tx, environment_id, organization_id, &parsed)
        .await?
        .ok_or_else(|| not_found(domain))
}

fn not_found(domain: &str) -> Error {
    Error::not_found("domain", domain.chars().take(80).collect::<String>())
}
