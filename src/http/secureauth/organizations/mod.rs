//! `/organizations`: organizations and templates. The admin API has them too.

pub mod objects;
pub mod of_user;
mod requests;

use actix_web::{HttpResponse, HttpResponseBuilder};
use base::id::OrganizationId;
use model::{entity_tag::EntityTags, organization::Organization};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{Call, JsonObject},
    error::SecureauthError,
    reply::{SecureauthResult, versioned},
};
use crate::{
    app::{
        Error, Result, State,
        authorization_server::issuers::Tenant,
        organizations::{
            document::{self, MetadataDocument},
            lists::{self, ListQuery, OrganizationInTree},
        },
        principal::Principal,
        resource,
    },
    links::path,
};
use objects::OrganizationObject;
use requests::{MetadataBody, OrganizationBody};

/// A page of organizations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthOrganizations)]
pub struct Organizations {
    /// The organizations.
    organizations: Vec<OrganizationObject>,
}

/// Which organizations.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrganizationParams {
    /// `true` for templates only, `false` for others only; absent for both.
    pub template: Option<bool>,
    /// Only those whose name has this part, in whatever case, or whose id it is.
    pub search_phrase: Option<String>,
    /// Only those directly below this organization.
    pub parent_id: Option<String>,
    /// `id`, `name` or `created_at`; absent is `created_at`.
    pub sort: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
    /// How many: 20 unless said, and 100 at most.
    pub limit: Option<u32>,
    /// Only those after this one.
    pub after_organization_id: Option<String>,
    /// The last ones before this one.
    pub before_organization_id: Option<String>,
}

impl<B> Call<B> {
    /// Which organizations are listed.
    fn list_query(&self) -> Result<ListQuery> {
        let query = self.query();
        let text = |name: &str| query.text(name).map(str::to_owned);
        Ok(ListQuery {
            template: query.flag("template")?,
            search_phrase: text("search_phrase"),
            parent_id: text("parent_id"),
            sort: text("sort"),
            order: text("order"),
            limit: query.limit()?,
            after: text("after_organization_id"),
            before: text("before_organization_id"),
        })
    }

    /// The id of the organization in the path, which the caller is about to change.
    async fn organization_to_change(&self) -> Result<OrganizationId> {
        lists::find_id(&self.state, &self.principal, self.path("organization")).await
    }
}

/// Create an organization
///
/// It gets a copy of the settings of its template and of that one's identity pools; later changes of the template do not reach
/// it. What the request sets goes before what the template has.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_ORGANIZATIONS,
    operation_id = "secureauthCreateOrganization",
    tag = "Organizations",
    params(("tenant" = String, Path, description = "The environment: its slug or its id.")),
    request_body = OrganizationBody,
    responses((status = 201, body = OrganizationObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    let Call { state, principal, tenant, body, .. } = call;
    let body: OrganizationBody = body.read()?;
    let (id, template) = (body.id().map(str::to_owned), body.template_id().map(str::to_owned));
    let made =
        document::create(&state, &principal, id.as_deref(), template.as_deref(), &body.document()?).await?;
    let made = lists::describe_new(&state, &principal, made).await?;
    Ok(answer(HttpResponse::Created(), &state, &tenant, made))
}

/// List organizations
#[utoipa::path(
    get,
    path = path::SECUREAUTH_ORGANIZATIONS,
    operation_id = "secureauthListOrganizations",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        OrganizationParams,
    ),
    responses((status = 200, body = Organizations))
)]
pub async fn list(call: Call) -> SecureauthResult {
    let found = lists::list(&call.state, &call.principal, &call.list_query()?).await?;
    Ok(HttpResponse::Ok().json(Organizations { organizations: shown(&call.state, &call.tenant, found) }))
}

/// Get an organization
#[utoipa::path(
    get,
    path = path::SECUREAUTH_ORGANIZATION,
    operation_id = "secureauthGetOrganization",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    responses((status = 200, body = OrganizationObject))
)]
pub async fn get(call: Call) -> SecureauthResult {
    let found = lists::find(&call.state, &call.principal, call.path("organization")).await?;
    require_version(call.if_match.as_ref(), found.organization.version)?;
    Ok(answer(HttpResponse::Ok(), &call.state, &call.tenant, found))
}

/// Replace an organization
///
/// What is absent gets its default: no description, no domains, no metadata, no organization above it, and it is no template.
/// The schema of the metadata, the display name, the e-mail address and `deactivated` stay as they are.
#[utoipa::path(
    put,
    path = path::SECUREAUTH_ORGANIZATION,
    operation_id = "secureauthUpdateOrganization",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    request_body = OrganizationBody,
    responses((status = 200, body = OrganizationObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    let id = call.organization_to_change().await?;
    let path = call.path("organization").to_owned();
    let Call { state, principal, tenant, if_match, body, .. } = call;
    let body: OrganizationBody = body.read()?;
    if let Some(text) = body.id()
        && text != path
        && !names(&state, &principal, text, id).await?
    {
        return Err(SecureauthError::id_mismatch());
    }
    let changed = document::replace(&state, &principal, id, if_match.as_ref(), &body.document()?).await?;
    written(HttpResponse::Ok(), &state, &principal, &tenant, changed).await
}

/// Delete an organization
///
/// Its identity pools, connections and directories go with it; the audit log stays. One with others below it is refused.
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_ORGANIZATION,
    operation_id = "secureauthDeleteOrganization",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    responses(
        (status = 204),
        (status = 400, body = super::error::Body<'_>, description = "There are others below it: `organization_has_children`."),
    )
)]
pub async fn delete(call: Call) -> SecureauthResult {
    let id = call.organization_to_change().await?;
    resource::remove::<Organization>(&call.state, &call.principal, id, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Replace the metadata of an organization
#[utoipa::path(
    put,
    path = path::SECUREAUTH_ORGANIZATION_METADATA,
    operation_id = "secureauthUpdateOrganizationMetadata",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    request_body = MetadataBody,
    responses((status = 200, body = OrganizationObject))
)]
pub async fn update_metadata(call: Call<JsonObject>) -> SecureauthResult {
    let id = call.organization_to_change().await?;
    let Call { state, principal, tenant, if_match, body, .. } = call;
    let given = MetadataDocument::read(body.0)?;
    let changed = document::replace_metadata(&state, &principal, id, if_match.as_ref(), &given).await?;
    written(HttpResponse::Ok(), &state, &principal, &tenant, changed).await
}

/// Whether a text names the organization with this id.
async fn names(state: &State, principal: &Principal, text: &str, id: OrganizationId) -> Result<bool> {
    match lists::find_id(state, principal, text).await {
        Ok(found) => Ok(found == id),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// RFC 9110 §13.1.1, of a call that changes nothing.
fn require_version(expected: Option<&EntityTags>, version: i64) -> Result<()> {
    match expected.is_none_or(|expected| expected.matches(version)) {
        true => Ok(()),
        false => Err(Error::Outdated { version }),
    }
}

/// Organizations as the surface shows them.
fn shown(state: &State, tenant: &Tenant, found: Vec<OrganizationInTree>) -> Vec<OrganizationObject> {
    found.into_iter().map(|found| OrganizationObject::new(state, tenant, found)).collect()
}

/// An answer with an organization that was just written.
async fn written(
    response: HttpResponseBuilder,
    state: &State,
    principal: &Principal,
    tenant: &Tenant,
    organization: Organization,
) -> SecureauthResult {
    let found = lists::describe(state, principal, organization).await?;
    Ok(answer(response, state, tenant, found))
}

/// An answer with one organization and its version.
fn answer(
    response: HttpResponseBuilder,
    state: &State,
    tenant: &Tenant,
    found: OrganizationInTree,
) -> HttpResponse {
    versioned(response, found.organization.version, &OrganizationObject::new(state, tenant, found))
}
