//! Members of an organization: listed, added, changed and removed; the transfer of ownership.

mod objects;

use actix_web::HttpResponse;
use base::id::UserId;
use model::membership::Tier;
use serde::Deserialize;
use utoipa::ToSchema;

pub use objects::MemberObject;

use super::{
    call::{Call, JsonObject},
    error::SigidError,
    organizations::OrganizationObject,
    reply::{self, SigidResult, versioned},
};
use crate::app::{
    Error,
    members::{
        list::{self, MembersQuery},
        manage::{self, MemberChange, Named},
        ownership,
    },
};

/// The user that the path names; one that is none is as unknown as another.
fn user_of<B>(call: &Call<B>) -> Result<UserId, Error> {
    call.path("user").parse().map_err(|_| Error::not_found("member", ""))
}

/// List members
///
/// In the order in which the users were made. `search` has words of the name, or the whole e-mail address.
pub async fn list(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let query = call.query();
    let wanted = MembersQuery {
        role: query.text("role"),
        status: query.text("status"),
        source: query.text("source"),
        search: query.text("search"),
        cursor: query.cursor(),
        limit: query.limit()?,
    };
    let page = list::list(&call.state, &standing, &wanted).await?;
    Ok(reply::list(page, MemberObject::new))
}

/// Get a member
pub async fn get(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let found = list::find(&call.state, &standing, user_of(&call)?).await?;
    Ok(HttpResponse::Ok().json(MemberObject::new(found)))
}

/// A new member.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidNewMember)]
pub struct NewMember {
    /// The user, by the id.
    pub user_id: Option<String>,
    /// The user, by the address.
    pub email: Option<String>,
    /// `member` unless said, or `admin`.
    pub role: Option<String>,
}

/// Add a member
///
/// A user of the tenant; whoever is none is invited.
pub async fn add(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let body: NewMember = body.read()?;
    let role = body.role.as_deref().map_or(Ok(Tier::Member), manage::parse_role)?;
    let named = Named { user_id: body.user_id, email: body.email };
    let member = manage::add(&call.state, &standing, &named, role).await?;
    Ok(HttpResponse::Created().json(MemberObject::new(member)))
}

/// Remove a member, or leave
pub async fn remove(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let force = call.query().flag("force")?;
    manage::remove(&call.state, &standing, user_of(&call)?, force).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Another role of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidRole)]
pub struct RoleBody {
    /// `admin` or `member`.
    pub role: String,
}

/// Change the role of a member
pub async fn change_role(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let body: RoleBody = body.read()?;
    let role = manage::parse_role(&body.role)?;
    let member = manage::change_role(&call.state, &standing, user_of(&call)?, role).await?;
    Ok(HttpResponse::Ok().json(MemberObject::new(member)))
}

/// What is changed of a member besides the role.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidMemberChange)]
pub struct ChangeBody {
    /// `active` or `suspended`.
    pub status: Option<String>,
    /// Whether they are kept outside of an enforced single sign-on. The owner says so.
    pub break_glass: Option<bool>,
}

/// Suspend or reactivate a member, or keep them outside of an enforced single sign-on
pub async fn change(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let force = call.query().flag("force")?;
    let body: ChangeBody = body.read()?;
    let status = body.status.as_deref().map(str::parse).transpose();
    let status = status.map_err(|_| Error::invalid("status", "must be active or suspended"))?;
    let wanted = MemberChange { status, break_glass: body.break_glass };
    let member = manage::change_member(&call.state, &standing, user_of(&call)?, wanted, force).await?;
    Ok(HttpResponse::Ok().json(MemberObject::new(member)))
}

/// Another owner.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidTransfer)]
pub struct TransferBody {
    /// The new owner, an active member.
    pub new_owner_user_id: String,
    /// What the present owner becomes: `admin` unless said, or `member`.
    pub demote_to: Option<String>,
}

/// Transfer the ownership of an organization
///
/// It takes an authentication of the last ten minutes.
pub async fn transfer(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let body: TransferBody = body.read()?;
    let demote_to = match body.demote_to.as_deref() {
        None | Some("admin") => Tier::Admin,
        Some("member") => Tier::Member,
        Some(_) => return Err(Error::invalid("demote_to", "must be admin or member").into()),
    };
    let unknown = || {
        let what = "the new owner must be an active member of the organization";
        SigidError::from(Error::unprocessable("new_owner_not_member", what))
    };
    let new_owner = body.new_owner_user_id.parse().map_err(|_| unknown())?;
    let after = ownership::transfer(&call.state, &standing, new_owner, demote_to).await?;
    Ok(versioned(HttpResponse::Ok(), after.organization.version, &OrganizationObject::new(after)))
}
