//! The organizations that users see, make and administer themselves, and service clients for them.

use base::id::{OrganizationId, UserId};
use model::{
    entity_tag::EntityTags,
    environment::Environment,
    event::EventKind,
    membership::{Membership, MembershipSource, Tier},
    organization::{Organization, OrganizationStatus, root_id},
    search_index,
    user::User,
};
use serde_json::{Map, Value, json};

use super::{
    caller::{Caller, Standing},
    change,
    manage::still_may,
};
use crate::{
    app::{
        Error, Result, State,
        events::{self, NewEvent},
        input,
        organizations::{own, reference},
        pagination::{List, Page, PageRequest},
        permissions::Action,
        principal::On,
        resource,
    },
    store::{
        Conn, Transaction,
        memberships::{self, MemberSummary},
        table,
        visible_organizations::{self, VisibleFilter},
    },
};

/// An organization as somebody sees it who is something there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenOrganization {
    /// The organization.
    pub organization: Organization,
    /// Its members and its owner.
    pub summary: MemberSummary,
    /// The tier of the caller's own membership.
    pub role: Option<Tier>,
}

/// Which organizations are listed, as the caller says it.
#[derive(Debug, Clone, Default)]
pub struct OrganizationsQuery {
    /// Words of the name, the external id or a domain.
    pub search: Option<String>,
    /// `active` or `disabled`.
    pub status: Option<String>,
    /// The external id.
    pub external_id: Option<String>,
    /// Where the list goes on.
    pub cursor: Option<String>,
    /// How many at most.
    pub limit: i64,
}

/// One page of organizations, in order of creation: those of which a user is a member; all for who sees all.
pub async fn list(
    state: &State,
    caller: &Caller,
    query: &OrganizationsQuery,
) -> Result<Page<SeenOrganization>> {
    let environment_id = caller.environment_id()?;
    let member = match &caller.user {
        Some(user) if !caller.sees_all() => Some(user.id),
        _ => {
            caller.principal.authorize(Action::OrganizationsView, On::Environment)?;
            None
        }
    };
    let status = status_of(query.status.as_deref())?;
    let words = search_index::parse_query(query.search.as_deref().unwrap_or_default());
    let filter = VisibleFilter { member, words, status, external_id: query.external_id.clone() };
    let list = List::of(environment_id, "sigid/organizations");
    let wanted = PageRequest::sized(state, &list, ("cursor", query.cursor.as_deref()), query.limit)?;
    let mut conn = state.db.read().await?;
    let found =
        visible_organizations::list(&mut conn, environment_id, &filter, wanted.from, wanted.limit()).await?;
    let page = wanted.page_of(state, &list, found, |organization| organization.id);
    let items = see(&mut conn, caller.user.as_ref().map(|user| user.id), page.items).await?;
    Ok(Page { items, next_token: page.next_token })
}

async fn see(
    conn: &mut Conn,
    user: Option<UserId>,
    organizations: Vec<Organization>,
) -> Result<Vec<SeenOrganization>> {
    let ids: Vec<OrganizationId> = organizations.iter().map(|organization| organization.id).collect();
    let summaries = memberships::summaries(conn, &ids).await?;
    let roles = match user {
        Some(user) => memberships::list_of_user_in(conn, user, &ids).await?,
        None => Default::default(),
    };
    let seen = |organization: Organization| SeenOrganization {
        summary: summaries.get(&organization.id).copied().unwrap_or_default(),
        role: roles.get(&organization.id).filter(|it| it.is_active()).map(|it| it.tier),
        organization,
    };
    Ok(organizations.into_iter().map(seen).collect())
}

/// An organization that the caller has entered, with what is shown beside it.
pub async fn find(state: &State, standing: &Standing) -> Result<SeenOrganization> {
    let (_, id) = standing.place();
    standing.principal.authorize(Action::OrganizationsView, On::Organization(id))?;
    let mut conn = state.db.read().await?;
    let summary = memberships::summaries(&mut conn, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(SeenOrganization { organization: standing.organization.clone(), summary, role: standing.role() })
}

/// A new organization, as it is asked for.
#[derive(Debug, Clone, Default)]
pub struct NewOrganization {
    /// Its name.
    pub name: String,
    /// Its handle; `None`: one is made of the name.
    pub slug: Option<String>,
    /// What is said of it.
    pub description: Option<String>,
    /// The caller's own id for it.
    pub external_id: Option<String>,
    /// What programs keep with it.
    pub metadata: Option<Map<String, Value>>,
    /// The organization above it.
    pub parent: Option<String>,
    /// The template of which it gets the settings.
    pub template: Option<String>,
    /// Who owns it; only a service client or a tenant administrator says so.
    pub owner: Option<String>,
}

/// Makes an organization. A user owns what they make; a service client may name the owner, or leave it without one.
pub async fn create(state: &State, caller: &Caller, new: &NewOrganization) -> Result<SeenOrganization> {
    let environment_id = caller.principal.authorize(Action::OrganizationsCreate, On::Environment)?;
    if !caller.sees_all() {
        let mut conn = state.db.read().await?;
        let environment: Environment = resource::load(&mut conn, environment_id, environment_id).await?;
        if !environment.user_organizations {
            return Err(Error::Forbidden("users make no organizations in this tenant".into()));
        }
    }
    let owner = find_owner(state, caller, new).await?;
    if let Some(parent) = new.parent.as_deref().filter(|parent| !parent.is_empty() && !caller.sees_all()) {
        // As if it were not there: whoever does not administer it puts nothing below it.
        let of_parent = caller.enter(state, parent).await.ok();
        if !of_parent.is_some_and(|standing| standing.tier().administers()) {
            return Err(Error::unprocessable(
                "parent_not_found",
                format!("there is no organization {} that you administer", input::quoted(parent)),
            ));
        }
    }
    let slug = new.slug.as_deref().map(own::parse_slug).transpose()?;
    let wanted = own::OwnOrganization {
        name: &new.name,
        slug: slug.as_ref(),
        description: new.description.as_deref(),
        external_id: new.external_id.as_deref(),
        metadata: new.metadata.as_ref(),
        parent: new.parent.as_deref(),
        template: new.template.as_deref(),
    };
    let source = match &caller.user {
        Some(user) if owner == Some(user.id) => MembershipSource::Creator,
        _ => MembershipSource::Manual,
    };
    let principal = &caller.principal;
    let organization = own::create(state, principal, environment_id, &wanted, async |tx, organization| {
        let data = json!({ "ownerUserId": owner });
        record(tx, state, organization, EventKind::OrganizationCreated, data).await?;
        let Some(owner) = owner else { return Ok(()) };
        let place = (environment_id, organization.id);
        let membership = Membership::new(place, owner, Tier::Owner, source, state.now());
        change::add(tx, state, principal, &membership).await
    })
    .await?;
    let summary = MemberSummary { members: i64::from(owner.is_some()), owner };
    let role = caller.user.as_ref().filter(|user| owner == Some(user.id)).map(|_| Tier::Owner);
    Ok(SeenOrganization { organization, summary, role })
}

async fn record(
    tx: &mut Transaction,
    state: &State,
    organization: &Organization,
    kind: EventKind,
    data: Value,
) -> Result<()> {
    let event = NewEvent {
        environment: &organization.environment_id,
        organization: &organization.id,
        directory: None,
        kind,
        resource: organization.id.to_string(),
        data,
    };
    events::record(tx, state.now(), event).await?;
    Ok(())
}

/// An organization with what is shown beside it, for somebody who is nothing there.
pub(super) fn seen(organization: Organization, summary: MemberSummary) -> SeenOrganization {
    SeenOrganization { organization, summary, role: None }
}

/// The owner of a new organization.
async fn find_owner(state: &State, caller: &Caller, new: &NewOrganization) -> Result<Option<UserId>> {
    let Some(text) = new.owner.as_deref() else { return Ok(caller.user.as_ref().map(|user| user.id)) };
    if !caller.sees_all() {
        return Err(Error::Forbidden("only a service client names the owner of a new organization".into()));
    }
    let environment_id = caller.environment_id()?;
    let unknown = || Error::unprocessable("user_not_found", "owner_user_id is no user of the tenant");
    let id: UserId = text.parse().map_err(|_| unknown())?;
    let mut conn = state.db.read().await?;
    let user: Option<User> = table::find(&mut conn, environment_id, id).await?;
    let user = user.filter(|user| user.organization_id == root_id(environment_id) && user.may_sign_in());
    Ok(Some(user.ok_or_else(unknown)?.id))
}

/// An organization as it is to be: what is absent of the second half stays as it is.
#[derive(Debug, Clone, Default)]
pub struct OrganizationReplacement {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// What programs keep with it.
    pub metadata: Map<String, Value>,
    /// Whether those who administer it need a second factor for that.
    pub require_admin_mfa: bool,
    /// Its handle.
    pub slug: Option<String>,
    /// Its owner, which a transfer changes.
    pub owner: Option<Option<String>>,
    /// The organization above it; `Some(None)`: none.
    pub parent: Option<Option<String>>,
    /// `active` or `disabled`.
    pub status: Option<String>,
    /// The caller's own id for it; `Some(None)`: none.
    pub external_id: Option<Option<String>>,
}

/// Replaces an organization. Where it is in the tree, its status and its external id are the vendor's to change, its slug the owner's.
/// [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn replace(
    state: &State,
    standing: &Standing,
    expected: Option<&EntityTags>,
    wanted: &OrganizationReplacement,
) -> Result<SeenOrganization> {
    let (environment_id, id) = standing.place();
    standing.principal.authorize(Action::OrganizationsUpdate, On::Organization(id))?;
    require_same_owner(state, standing, wanted).await?;
    let may_own = standing.principal.authorize(Action::OrganizationsOwn, On::Organization(id)).is_ok();
    let slug =
        wanted.slug.as_deref().map(|slug| own::parse_new_slug(&standing.organization, slug)).transpose()?;
    let parent = match &wanted.parent {
        None => None,
        Some(None) => Some(root_id(environment_id)),
        Some(Some(text)) => match reference::resolve_existing(state, environment_id, text).await? {
            Some(parent) => Some(parent),
            None if standing.everywhere => return Err(Error::not_found("parent", input::quoted(text))),
            None => return Err(vendors_own("parent_id")),
        },
    };
    let change = own::Replacement {
        wanted_name: &wanted.name,
        description: &wanted.description,
        metadata: &wanted.metadata,
        require_admin_mfa: wanted.require_admin_mfa,
        slug,
        parent,
        status: status_of(wanted.status.as_deref())?,
        external_id: wanted.external_id.as_ref().map(|id| id.as_deref().unwrap_or_default()),
        may_own,
        everywhere: standing.everywhere,
    };
    let principal = &standing.principal;
    let place = (environment_id, id);
    let organization = own::replace(state, principal, place, expected, &change, async |tx, organization| {
        record(tx, state, organization, EventKind::OrganizationUpdated, json!({})).await
    })
    .await?;
    let mut conn = state.db.read().await?;
    let summary = memberships::summaries(&mut conn, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(SeenOrganization { role: standing.role(), ..seen(organization, summary) })
}

/// The refusal of a setting that only the vendor changes.
fn vendors_own(field: &str) -> Error {
    Error::Forbidden(format!("only a tenant administrator or a service client changes {field}").into())
}

fn status_of(text: Option<&str>) -> Result<Option<OrganizationStatus>> {
    match text {
        None => Ok(None),
        Some("active") => Ok(Some(OrganizationStatus::Active)),
        Some("disabled") => Ok(Some(OrganizationStatus::Disabled)),
        Some(_) => Err(Error::invalid("status", "must be active or disabled")),
    }
}

async fn require_same_owner(
    state: &State,
    standing: &Standing,
    wanted: &OrganizationReplacement,
) -> Result<()> {
    let Some(named) = &wanted.owner else { return Ok(()) };
    let mut conn = state.db.read().await?;
    let owner = memberships::find_owner(&mut conn, standing.organization.id).await?;
    let named = named.as_deref().map(str::parse::<UserId>).transpose().ok();
    match named == Some(owner) {
        true => Ok(()),
        false => Err(Error::unprocessable(
            "use_transfer_ownership",
            "an organization's owner changes by a transfer of ownership only",
        )),
    }
}

/// Deletes an organization with what belongs to it. Memberships end, and what was given for it; the audit log stays.
pub async fn remove(state: &State, standing: &Standing, expected: Option<&EntityTags>) -> Result<()> {
    let (environment_id, id) = standing.place();
    standing.principal.authorize(Action::OrganizationsOwn, On::Organization(id))?;
    own::remove(state, &standing.principal, (environment_id, id), expected, async |tx, organization| {
        still_may(tx, standing).await?;
        record(tx, state, organization, EventKind::OrganizationDeleted, json!({})).await
    })
    .await
}
