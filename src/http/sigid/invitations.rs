//! Invitations: made, listed, sent again and taken back by those who say who the members are; looked at and accepted by those who are
//! invited.

use actix_web::{HttpMessage as _, HttpResponse, http::StatusCode};
use model::{client_address::ClientAddress, organization_invitation::OrganizationInvitation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    call::{Call, JsonObject, OpenCall, authenticate},
    error::SigidError,
    members::MemberObject,
    reply::{self, SigidResult},
};
use crate::app::{
    Error,
    invitations::{self, Asked, How, InvitationObject, InvitationsQuery, Invited, NewAccount},
};

/// An invitation with its link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvitationWithLink)]
pub struct InvitationWithLink {
    #[serde(flatten)]
    invitation: InvitationObject,
    /// Where it is accepted. It is shown here only.
    accept_url: String,
}

/// Who is invited.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InvitationBody)]
pub struct InvitationBody {
    /// Their address.
    pub email: String,
    /// What they become: `admin` or `member`, which it is without this.
    pub role: Option<String>,
    /// For how many hours the link is good: 1 to 720; 168 without this.
    pub expires_in_hours: Option<i64>,
    /// Whether a letter goes there; it does without this, where letters are sent.
    pub send_email: Option<bool>,
    /// Whether a pending invitation for the same address gets another link; without this it is a conflict.
    pub resend: Option<bool>,
}

/// Several people who are invited.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InvitationsBody)]
pub struct BulkBody {
    /// 1 to 50 of them.
    #[schema(value_type = Vec<InvitationBody>)]
    pub invitations: Vec<Value>,
    /// Whether letters go to them; they do without this, where letters are sent.
    pub send_email: Option<bool>,
}

/// What became of several invitations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvitationResults)]
pub struct BulkReply {
    /// What became of each, in the order of the request.
    results: Vec<BulkResult>,
    /// How many were made.
    created: usize,
    /// How many were not.
    failed: usize,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvitationResult)]
pub struct BulkResult {
    /// The address, as it was given.
    email: String,
    /// `created` or `failed`.
    status: &'static str,
    /// The invitation, if it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<InvitationWithLink>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<BulkError>,
}

/// Why one was not made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvitationError)]
pub struct BulkError {
    /// The code.
    code: String,
    /// The same in words.
    message: String,
    /// What is wrong with which member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    details: Vec<Value>,
}

/// One of several. What is of a wrong type is not valid: it is told of this one, and the others are invited all the same.
fn asked_of(item: &Value) -> Asked {
    let member = |name: &str| item.get(name).filter(|value| !value.is_null());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Asked {
        email: member("email").and_then(Value::as_str).unwrap_or_default().to_owned(),
        role: member("role").map(text),
        expires_in_hours: member("expires_in_hours").map(|value| value.as_i64().unwrap_or_default()),
    }
}

fn with_link(call: &Call, invited: Invited) -> InvitationWithLink {
    InvitationWithLink {
        invitation: InvitationObject::at(call.state.now(), &invited.invitation),
        accept_url: invited.accept_url.into(),
    }
}

/// List invitations
///
/// Those of the organization, in the order in which they were made. What has expired is shown as such at once.
pub async fn list(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let query = call.query();
    let wanted =
        InvitationsQuery { status: query.text("status"), cursor: query.cursor(), limit: query.limit()? };
    let (_, id) = standing.place();
    let page = invitations::list(&call.state, &standing.principal, id, &wanted).await?;
    let now = call.state.now();
    Ok(reply::list(page, |invitation: OrganizationInvitation| InvitationObject::at(now, &invitation)))
}

/// Invite somebody
///
/// They get a letter, where letters are sent; the answer has the link in any case. A pending invitation for the same address is a
/// conflict, unless `resend` says that it gets another link: 200 then.
pub async fn create(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let body: InvitationBody = body.read()?;
    let asked = Asked { email: body.email, role: body.role, expires_in_hours: body.expires_in_hours };
    let how = How { send_email: body.send_email.unwrap_or(true), resend: body.resend.unwrap_or_default() };
    let (_, id) = standing.place();
    let invited = invitations::create(&call.state, &standing.principal, id, &asked, how).await?;
    let status = if invited.renewed { StatusCode::OK } else { StatusCode::CREATED };
    Ok(HttpResponse::build(status).json(with_link(&call, invited)))
}

/// Invite several people
///
/// 1 to 50, in one transaction. Who is not invited does not keep the others from being so.
pub async fn create_many(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let body: BulkBody = body.read()?;
    let (_, id) = standing.place();
    let asked: Vec<Asked> = body.invitations.iter().map(asked_of).collect();
    let how = How { send_email: body.send_email.unwrap_or(true), resend: false };
    let done = invitations::create_many(&call.state, &standing.principal, id, &asked, how).await?;
    let results: Vec<BulkResult> = done
        .into_iter()
        .map(|(email, done)| match done {
            Ok(invited) => BulkResult {
                email,
                status: "created",
                invitation: Some(with_link(&call, invited)),
                error: None,
            },
            Err(error) => {
                let error = SigidError::from(error);
                let told = error.told();
                let error = Some(BulkError {
                    code: told.code.to_owned(),
                    message: told.message.to_owned(),
                    details: told.details.to_vec(),
                });
                BulkResult { email, status: "failed", invitation: None, error }
            }
        })
        .collect();
    let created = results.iter().filter(|result| result.invitation.is_some()).count();
    let failed = results.len() - created;
    Ok(HttpResponse::Ok().json(BulkReply { results, created, failed }))
}

/// Take an invitation back
pub async fn revoke(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let id = invitation_id(&call)?;
    let (_, organization) = standing.place();
    invitations::revoke(&call.state, &standing.principal, organization, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How an invitation is sent again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ResendInvitationBody)]
pub struct ResendBody {
    /// Whether a letter goes there; it does without this, where letters are sent.
    pub send_email: Option<bool>,
}

/// Send an invitation again
///
/// It gets another link, which ends the one before, and as much time as it had. Three times a day at most.
pub async fn resend(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let id = invitation_id(&call)?;
    let body: ResendBody = body.read()?;
    let (_, organization) = standing.place();
    let send_email = body.send_email.unwrap_or(true);
    let invited = invitations::renew(&call.state, &standing.principal, organization, id, send_email).await?;
    Ok(HttpResponse::Ok().json(with_link(&call, invited)))
}

fn invitation_id(call: &Call) -> Result<base::id::OrganizationInvitationId, SigidError> {
    let text = call.path("invitation");
    text.parse().map_err(|_| Error::not_found("invitation", text).into())
}

/// Look at an invitation
///
/// What may be told to whoever has its link. No access token. 410 where it was accepted or taken back, or has expired.
pub async fn preview(call: OpenCall) -> SigidResult {
    let token = call.request.match_info().get("token").unwrap_or_default();
    let preview = invitations::preview(&call.state, token).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(preview))
}

/// How an invitation is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AcceptInvitationBody)]
pub struct AcceptBody {
    /// What stands in its link.
    pub token: String,
    /// The password of an account to be made; only without an access token.
    pub password: Option<String>,
    /// The name of whoever gets it.
    pub display_name: Option<String>,
}

/// Accept an invitation
///
/// With an access token: as that user, who has proven the address that is invited. Without one: as somebody who gets an account by it.
pub async fn accept(call: OpenCall<JsonObject>) -> SigidResult {
    let OpenCall { state, request, body } = call;
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let is_signed_in = request.headers().contains_key("Authorization");
    let accepted = match is_signed_in {
        true => {
            let (_, caller) = authenticate(&state, &request).await?;
            let body: AcceptBody = body.read()?;
            let user = caller.require_user()?.id;
            invitations::accept(&state, caller.environment_id()?, user, address, &body.token).await?
        }
        false => {
            let body: AcceptBody = body.read()?;
            let password = body.password.ok_or_else(|| {
                Error::Unauthenticated("send an access token, or a password for a new account".into())
            })?;
            let new = NewAccount { password, display_name: body.display_name.unwrap_or_default() };
            invitations::accept_as_new(&state, address, &body.token, &new).await?
        }
    };
    let joined = invitations::joined(&state, &accepted.membership).await?;
    Ok(HttpResponse::Ok().json(MemberObject::new(joined)))
}
