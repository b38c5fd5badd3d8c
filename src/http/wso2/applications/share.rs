//! Sharing applications with organizations, and ending that.

use actix_web::{HttpResponse, http::StatusCode};
use base::id::OrganizationId;
use model::{
    application::{Application, RoleSharing, Sharing},
    organization::root_id,
};
use serde_json::json;

use super::{
    find_text,
    share_body::{
        ChangeRoles, ShareAsBefore, ShareSelected, ShareWithAll, Unshare, contradictory, empty,
        general_policy, organization_of_path, refused, role_ids, role_sharing, unsupported_policy,
    },
};
use crate::{
    app::{
        Error,
        applications::share::{self as sharing, SelectedShare},
        input,
    },
    http::wso2::{
        call::{Call, Json},
        error::Wso2Error,
    },
};

/// What the newer calls answer: they are done when they are answered, and say what WSO2's say, whose are not.
fn accepted(details: &'static str) -> HttpResponse {
    HttpResponse::Accepted().json(json!({ "status": "Processing", "details": details }))
}

const SHARED: &str = "Application sharing process triggered successfully.";
const CHANGED: &str = "Application sharing update process triggered successfully.";
const UNSHARED: &str = "Application unsharing process triggered successfully.";

/// There is no such application where the caller is.
fn unknown_application(text: &str) -> Wso2Error {
    let description = format!("The requested application {} is invalid.", input::quoted(text));
    Wso2Error::new(StatusCode::NOT_FOUND, "ORG-60035", "Invalid application.", description)
}

/// There is no such organization in the environment.
fn unknown_organization(text: &str) -> Wso2Error {
    let description = format!("Organization with ID: {} doesn't exist.", input::quoted(text));
    Wso2Error::new(StatusCode::NOT_FOUND, "ORG-60015", "Invalid organization.", description)
}

/// The application of the vendor that a text names, for a caller at the root. What is shared with an organization is not shared further.
pub(super) async fn shareable<B>(call: &Call<B>, text: &str) -> Result<Application, Wso2Error> {
    if let Some(owner) = call.request.match_info().get("owner")
        && call.find_organization(owner).await? != Some(call.organization_id)
    {
        return Err(unknown_organization(owner));
    }
    match find_text(call, text).await {
        Ok(found) if found.is_fragment => Err(refused(
            "ORG-60077",
            "Unable to share the application.",
            "A shared application cannot be shared with other organizations.",
        )),
        Ok(found) if call.organization_id == root_id(call.environment_id()) => Ok(found.application),
        Ok(_) | Err(Error::NotFound { .. }) => Err(unknown_application(text)),
        Err(error) => Err(error.into()),
    }
}

/// The organizations that a caller names.
async fn find_organizations<B>(call: &Call<B>, texts: &[String]) -> Result<Vec<OrganizationId>, Wso2Error> {
    if texts.len() > sharing::MAX_ORGANIZATIONS {
        let text = format!("At most {} organizations can be named.", sharing::MAX_ORGANIZATIONS);
        return Err(refused("ORG-60001", "Invalid request.", text));
    }
    let mut found = Vec::with_capacity(texts.len());
    for text in texts {
        found.push(find_organization(call, text).await?);
    }
    Ok(found)
}

async fn find_organization<B>(call: &Call<B>, text: &str) -> Result<OrganizationId, Wso2Error> {
    // Ids need no look: whether there is such an organization is asked with the change.
    if let Ok(id) = text.parse::<OrganizationId>()
        && call.organization_text(id) == text
    {
        return Ok(id);
    }
    call.find_organization(text).await?.ok_or_else(|| unknown_organization(text))
}

/// What a change that failed is answered.
fn share_error(error: Error) -> Wso2Error {
    match error {
        Error::NotFound { kind: "organization", id } => unknown_organization(&id),
        error => error.into(),
    }
}

/// Splits a body that was read from the call.
fn without_body(call: Call<Json>) -> (Call<()>, Json) {
    let Call { state, principal, tenant, is_default, organization_id, token, request, body } = call;
    (Call { state, principal, tenant, is_default, organization_id, token, request, body: () }, body)
}

/// `POST …/applications/{id}/share`
pub(in crate::http::wso2) async fn share_as_before(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = without_body(call);
    let application = shareable(&call, call.path("id")).await?;
    let asked: ShareAsBefore = body.read()?;
    let named = asked.shared_organizations.as_deref();
    match (asked.share_with_all_children, named) {
        (None, None) => return Err(empty()),
        (Some(true), Some([_, ..])) => return Err(contradictory()),
        (Some(true), _) => {
            let (with, roles) = (Sharing::All, &RoleSharing::ALL);
            sharing::share_with_all(&call.state, &call.principal, application.id, with, roles)
                .await
                .map_err(share_error)?;
        }
        (_, named) => {
            let shares = find_organizations(&call, named.unwrap_or_default()).await?;
            let share = |organization_id| SelectedShare {
                organization_id,
                with_children: false,
                roles: RoleSharing::ALL,
            };
            let shares: Vec<SelectedShare> = shares.into_iter().map(share).collect();
            sharing::share_with_selected(&call.state, &call.principal, application.id, &shares)
                .await
                .map_err(share_error)?;
        }
    }
    Ok(HttpResponse::Ok().finish())
}

/// `POST …/applications/share`
pub(in crate::http::wso2) async fn share(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = without_body(call);
    let asked: ShareSelected = body.read()?;
    let application = shareable(&call, &asked.application_id).await?;
    if asked.organizations.is_empty() {
        return Err(empty());
    }
    let (mut shares, mut ended) = (Vec::new(), Vec::new());
    for one in &asked.organizations {
        let organization_id = find_organization(&call, &one.org_id).await?;
        let with_children = match one.policy.as_str() {
            "SELECTED_ORG_ONLY" => false,
            "SELECTED_ORG_WITH_ALL_EXISTING_AND_FUTURE_CHILDREN" => true,
            "NO_ORG" => {
                ended.push(organization_id);
                continue;
            }
            other => return Err(unsupported_policy(other)),
        };
        let roles = role_sharing(&call.state, &application, one.role_sharing.as_ref()).await?;
        shares.push(SelectedShare { organization_id, with_children, roles });
    }
    if !shares.is_empty() {
        sharing::share_with_selected(&call.state, &call.principal, application.id, &shares)
            .await
            .map_err(share_error)?;
    }
    if !ended.is_empty() {
        sharing::unshare(&call.state, &call.principal, application.id, &ended, true)
            .await
            .map_err(share_error)?;
    }
    Ok(accepted(SHARED))
}

/// `POST …/applications/share-with-all`
pub(in crate::http::wso2) async fn share_with_all(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = without_body(call);
    let asked: ShareWithAll = body.read()?;
    let application = shareable(&call, &asked.application_id).await?;
    let with = general_policy(asked.policy.as_deref().ok_or_else(empty)?)?;
    let roles = role_sharing(&call.state, &application, asked.role_sharing.as_ref()).await?;
    sharing::share_with_all(&call.state, &call.principal, application.id, with, &roles)
        .await
        .map_err(share_error)?;
    Ok(accepted(SHARED))
}

/// `PATCH …/applications/share`
pub(in crate::http::wso2) async fn change_roles(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = without_body(call);
    let asked: ChangeRoles = body.read()?;
    let application = shareable(&call, &asked.application_id).await?;
    if asked.operations.is_empty() {
        return Err(empty());
    }
    for operation in &asked.operations {
        let add = match operation.op.to_ascii_lowercase().as_str() {
            "add" => true,
            "remove" => false,
            other => {
                let text = format!("The operation {} is neither add nor remove.", input::quoted(other));
                return Err(refused("ORG-60009", "Invalid patch operation.", text));
            }
        };
        let named = organization_of_path(&operation.path).ok_or_else(|| {
            let text = format!("The path {} is not supported.", input::quoted(&operation.path));
            refused("ORG-60011", "Invalid patch path.", text)
        })?;
        let organization_id = find_organization(&call, named).await?;
        let roles = role_ids(&call.state, &application, &operation.value).await?;
        sharing::change_roles(&call.state, &call.principal, application.id, organization_id, add, &roles)
            .await
            .map_err(share_error)?;
    }
    Ok(accepted(CHANGED))
}

/// `POST …/applications/unshare`. It ends for those below the organizations, too.
pub(in crate::http::wso2) async fn unshare(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = without_body(call);
    let asked: Unshare = body.read()?;
    let application = shareable(&call, &asked.application_id).await?;
    if asked.org_ids.is_empty() {
        return Err(empty());
    }
    let named = find_organizations(&call, &asked.org_ids).await?;
    sharing::unshare(&call.state, &call.principal, application.id, &named, true)
        .await
        .map_err(share_error)?;
    Ok(accepted(UNSHARED))
}

/// `POST …/applications/unshare-with-all`
pub(in crate::http::wso2) async fn unshare_with_all(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = without_body(call);
    let asked: Unshare = body.read()?;
    let application = shareable(&call, &asked.application_id).await?;
    end_all(&call, &application).await?;
    Ok(accepted(UNSHARED))
}

/// `DELETE …/applications/{id}/shared-apps`
pub(in crate::http::wso2) async fn unshare_all(call: Call) -> Result<HttpResponse, Wso2Error> {
    let application = shareable(&call, call.path("id")).await?;
    end_all(&call, &application).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn end_all<B>(call: &Call<B>, application: &Application) -> Result<(), Wso2Error> {
    let (with, roles) = (Sharing::None, &RoleSharing::ALL);
    sharing::share_with_all(&call.state, &call.principal, application.id, with, roles)
        .await
        .map_err(share_error)?;
    Ok(())
}

/// `DELETE …/applications/{id}/share/{organization}`
pub(in crate::http::wso2) async fn unshare_one(call: Call) -> Result<HttpResponse, Wso2Error> {
    let application = shareable(&call, call.path("id")).await?;
    let organization_id = find_organization(&call, call.path("other")).await?;
    if application.shared == Sharing::All {
        return Err(refused(
            "ORG-60069",
            "Unable to remove the sharing of the application.",
            "The application is shared with all organizations and cannot be taken from a single one.",
        ));
    }
    sharing::unshare(&call.state, &call.principal, application.id, &[organization_id], false)
        .await
        .map_err(share_error)?;
    Ok(HttpResponse::NoContent().finish())
}
