//! Members as they are listed and found.

use std::collections::{BTreeMap, BTreeSet};

use base::id::{EnvironmentId, UserId};
use model::{
    membership::{Membership, MembershipSource, MembershipStatus, Tier},
    user::{AddressKind, IdentifierKind},
};
use strum::VariantNames as _;

use super::caller::Standing;
use crate::{
    app::{
        Error, Result, State,
        pagination::{List, Page, PageRequest},
        permissions::Action,
        principal::On,
    },
    store::{Conn, member_search, memberships, user_addresses, user_identifiers, users},
};

/// A member with what is shown of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The membership.
    pub membership: Membership,
    /// The address with which they sign in, else the first that they have proven; empty without one.
    pub email: String,
    /// Their name; may be empty.
    pub display_name: String,
    /// Whether they have a second factor: an authenticator app or a passkey.
    pub has_second_factor: bool,
}

/// Which members are listed, as the caller says it.
#[derive(Debug, Clone, Default)]
pub struct MembersQuery {
    /// `owner`, `admin` or `member`.
    pub role: Option<String>,
    /// `active` or `suspended`.
    pub status: Option<String>,
    /// How they became one.
    pub source: Option<String>,
    /// Words of the name, or the whole e-mail address.
    pub search: Option<String>,
    /// Where the list goes on.
    pub cursor: Option<String>,
    /// How many at most.
    pub limit: i64,
}

/// One page of the members of an organization, in the order in which the users were made.
pub async fn list(state: &State, standing: &Standing, query: &MembersQuery) -> Result<Page<Member>> {
    let place = standing.place();
    standing.principal.authorize(Action::MembersView, On::Organization(place.1))?;
    let filter = memberships::MemberFilter {
        tier: one_of("role", query.role.as_deref(), Tier::VARIANTS)?,
        status: one_of("status", query.status.as_deref(), MembershipStatus::VARIANTS)?,
        source: one_of("source", query.source.as_deref(), MembershipSource::VARIANTS)?,
    };
    let list = List::of(place.0, format_args!("members/{}", place.1));
    let wanted = PageRequest::sized(state, &list, ("cursor", query.cursor.as_deref()), query.limit)?;
    let mut conn = state.db.read().await?;
    let search = match query.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Some(member_search::condition(&mut conn, place, text).await?),
        None => None,
    };
    let found = memberships::list(&mut conn, place, filter, search, wanted.from, wanted.limit()).await?;
    let page = wanted.page_of(state, &list, found, |membership| membership.user_id);
    Ok(Page { items: describe(&mut conn, place.0, page.items).await?, next_token: page.next_token })
}

/// A value of a filter, by its name.
fn one_of<T: std::str::FromStr>(
    field: &'static str,
    text: Option<&str>,
    names: &[&str],
) -> Result<Option<T>> {
    let parse = |text: &str| {
        text.parse().map_err(|_| Error::invalid(field, format!("must be one of {}", names.join(", "))))
    };
    text.map(parse).transpose()
}

/// A member of an organization. [`Error::NotFound`]: the user is none.
pub async fn find(state: &State, standing: &Standing, user_id: UserId) -> Result<Member> {
    let (environment_id, organization_id) = standing.place();
    standing.principal.authorize(Action::MembersView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    let found = memberships::find(&mut conn, environment_id, organization_id, user_id).await?;
    one(&mut conn, found.ok_or_else(no_member)?).await
}

/// The refusal of somebody who is no member.
pub(super) fn no_member() -> Error {
    Error::not_found("member", "")
}

/// A member with what is shown of the user.
pub(in crate::app) async fn one(conn: &mut Conn, membership: Membership) -> Result<Member> {
    let environment_id = membership.environment_id;
    let mut described = describe(conn, environment_id, vec![membership]).await?;
    described.pop().ok_or_else(no_member)
}

async fn describe(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    found: Vec<Membership>,
) -> Result<Vec<Member>> {
    let ids: Vec<UserId> = found.iter().map(|membership| membership.user_id).collect();
    let names: BTreeMap<UserId, String> =
        users::list_names(conn, environment_id, &ids).await?.into_iter().collect();
    let identifiers = user_identifiers::list(conn, &ids).await?;
    let addresses = user_addresses::list(conn, &ids).await?;
    let with_factor: BTreeSet<UserId> = member_search::with_second_factor(conn, &ids).await?;
    let email = |id: &UserId| {
        let typed = identifiers.get(id).into_iter().flatten();
        let typed = typed
            .filter(|identifier| identifier.text.kind() == IdentifierKind::Email)
            .map(|identifier| identifier.text.as_str().to_owned());
        let proven = addresses.get(id).into_iter().flatten();
        let proven = proven
            .filter(|address| address.kind == AddressKind::Email && address.is_verified())
            .map(|address| address.address.clone());
        typed.chain(proven).next().unwrap_or_default()
    };
    let member = |membership: Membership| Member {
        email: email(&membership.user_id),
        display_name: names.get(&membership.user_id).cloned().unwrap_or_default(),
        has_second_factor: with_factor.contains(&membership.user_id),
        membership,
    };
    Ok(found.into_iter().map(member).collect())
}
