//! The organizations that users see, make and administer themselves, and service clients for them.

use base::id::{OrganizationId, UserId};
use model::{
    membership::{Membership, MembershipSource, Tier},
    organization::{Organization, OrganizationStatus, root_id},
    search_index,
    user::User,
};
use serde_json::{Map, Value};

use super::caller::{Caller, Standing};
use crate::{
    app::{
        Error, Result, State, audit, input,
        organizations::own,
        pagination::{List, Page, PageRequest},
        permissions::Action,
        principal::On,
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
    let status = match query.status.as_deref() {
        None => None,
        Some("active") => Some(OrganizationStatus::Active),
        Some("disabled") => Some(OrganizationStatus::Disabled),
        Some(_) => return Err(Error::invalid("status", "must be active or disabled")),
    };
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
        let Some(owner) = owner else { return Ok(()) };
        let place = (environment_id, organization.id);
        let membership = Membership::new(place, owner, Tier::Owner, source, state.now());
        add(tx, state, caller, &membership).await
    })
    .await?;
    let summary = MemberSummary { members: i64::from(owner.is_some()), owner };
    let role = caller.user.as_ref().filter(|user| owner == Some(user.id)).map(|_| Tier::Owner);
    Ok(SeenOrganization { organization, summary, role })
}

async fn add(tx: &mut Transaction, state: &State, caller: &Caller, membership: &Membership) -> Result<()> {
    memberships::insert(tx, membership).await?;
    let entry = audit::Entry::of(membership, "added");
    let entry = entry.with_values(model::audit::Audited::audit_fields(membership));
    audit::record(tx, state, Some(membership.environment_id), &caller.principal, entry).await
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
