//! Organizations below the caller's.

pub(super) mod errors;
mod filter;
pub(super) mod objects;
mod requests;

use actix_web::{HttpResponse, http::header};
use base::id::OrganizationId;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::organization_reference::Handle;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    call::{Call, Json},
    discovery::attributes,
    error::Wso2Error,
};
use crate::{
    app::{
        Error,
        authorization_server::scopes::ManagementScope,
        organizations::{
            domains::discovery,
            error::OrganizationError,
            subtree::{self, Change, ListQuery, Node, ROOT_NAME},
        },
    },
    links::wso2,
};
use errors::{
    CREATOR_INVALID, CURSOR_INVALID, ELSEWHERE, FILTER_ATTRIBUTE, FILTER_OPERATOR, NEW_PARENT_DISABLED,
    NOT_BELOW, ROOT_NAMED, UNKNOWN, of, refuse,
};
pub(super) use filter::comparisons;
use filter::cursor;
use objects::BasicObject;
use requests::{NewBody, ReplacementBody, operations, parse_handle};

type Answer = Result<HttpResponse, Wso2Error>;

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// Whether no organization has a name.
pub(super) async fn check_name(call: Call<Json>) -> Answer {
    let Call { state, principal, organization_id, body, .. } = call;
    let Name { name } = body.read()?;
    let available = subtree::is_name_free(&state, &principal, organization_id, &name).await?;
    Ok(HttpResponse::Ok().json(json!({ "available": available })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrgHandle {
    org_handle: String,
}

/// Whether no organization has a handle.
pub(super) async fn check_handle(call: Call<Json>) -> Answer {
    let Call { state, principal, organization_id, body, .. } = call;
    let OrgHandle { org_handle } = body.read()?;
    let handle = match parse_handle(&org_handle) {
        Ok(handle) => handle,
        // What stands for something else is nobody's to have.
        Err(_) if Handle::parse_stored(org_handle.trim()).is_ok() => {
            return Ok(HttpResponse::Ok().json(json!({ "available": false })));
        }
        Err(refused) => return Err(refused),
    };
    let available = subtree::is_handle_free(&state, &principal, organization_id, &handle).await?;
    Ok(HttpResponse::Ok().json(json!({ "available": available })))
}

/// Makes an organization right below the caller's.
pub(super) async fn create(call: Call<Json>) -> Answer {
    let (call, body) = call.take_body();
    let body: NewBody = body.read()?;
    let new = body.parse()?;
    let own = call.organization_id;
    if let Some(parent) = body.parent_id.as_deref().map(str::trim).filter(|parent| !parent.is_empty()) {
        let is_own = match parent == ROOT_NAME {
            true => call.is_at_root(),
            false => call.find_organization(parent).await? == Some(own),
        };
        if !is_own {
            return Err(refuse(&ELSEWHERE, parent));
        }
    }
    let made = subtree::create(&call.state, &call.principal, own, &new).await;
    let made = made.map_err(|error| match error {
        Error::Invalid { ref field, .. } if field == subtree::CREATOR => {
            let named = new.creator.map(super::call::uuid).unwrap_or_default();
            refuse(&CREATOR_INVALID, named)
        }
        Error::Organization(OrganizationError::ParentDisabled) => {
            refuse(&NEW_PARENT_DISABLED, call.organization_text(own))
        }
        error => of(error, "", &new.name, body.handle()),
    })?;
    let path = call.reference(&call.organization_text(made.id));
    let location = format!("{}{path}", call.state.links.origin());
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(call.object(made)))
}

#[derive(Serialize)]
struct Link {
    href: String,
    rel: &'static str,
}

#[derive(Serialize)]
struct Organizations {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    organizations: Vec<BasicObject>,
}

/// Organizations below the caller's, the newest first.
pub(super) async fn list(call: Call) -> Answer {
    let conditions = match call.query("filter") {
        Some(filter) => call.conditions(&filter).await?,
        None => Vec::new(),
    };
    let query = ListQuery {
        conditions,
        recursive: call.flag("recursive"),
        place: call.place()?,
        limit: call.limit()?,
    };
    let page = subtree::list(&call.state, &call.principal, call.organization_id, &query).await?;
    let path = wso2::ORGANIZATIONS[0];
    let link = |node: Option<&Node>, place: &str, rel: &'static str| {
        node.map(|node| Link { href: call.page_link(path, place, &cursor(node.created_at, node.id)), rel })
    };
    let next = page.has_after.then(|| link(page.items.last(), "after", "next")).flatten();
    let previous = page.has_before.then(|| link(page.items.first(), "before", "previous")).flatten();
    let links = next.into_iter().chain(previous).collect();
    let organizations = page.items.into_iter().map(|node| call.basic(node)).collect();
    Ok(HttpResponse::Ok().json(Organizations { links, organizations }))
}

impl<B> Call<B> {
    /// The organization that the path names, as it is written there, if there is such a one.
    async fn named(&self) -> Result<OrganizationId, Wso2Error> {
        let text = self.path("id");
        let found = self.find_organization(text).await?;
        found.ok_or_else(|| match self.is_at_root() {
            true => refuse(&UNKNOWN, text),
            // In an organization, what is elsewhere and what is nowhere is told apart by nothing.
            false => refuse(&NOT_BELOW, text),
        })
    }

    /// [`Call::named`], of an organization that the caller may read. It comes before the body is judged: what is elsewhere is answered as
    /// what is nowhere, whatever was sent.
    async fn reachable(&self) -> Result<OrganizationId, Wso2Error> {
        let id = self.named().await?;
        let found = subtree::find(&self.state, &self.principal, self.organization_id, id).await;
        found.map_err(|error| of(error, self.path("id"), "", ""))?;
        Ok(id)
    }

    /// What the token permits where the caller acts.
    fn permissions(&self) -> Vec<String> {
        let in_organization = !self.is_at_root();
        let counts = |scope: &&str| {
            ManagementScope::parse(scope).is_some_and(|known| known.in_organization == in_organization)
        };
        self.token.scopes().filter(counts).map(str::to_owned).collect()
    }
}

/// The caller's organization or one below it.
pub(super) async fn get(call: Call) -> Answer {
    let id = call.named().await?;
    let (state, principal, own) = (&call.state, &call.principal, call.organization_id);
    let refused = |error| of(error, call.path("id"), "", "");
    let found = subtree::find(state, principal, own, id).await.map_err(refused)?;
    let ancestors = subtree::ancestors(state, principal, own, id).await?;
    let object = call.object(found).with_ancestors(&call, ancestors);
    Ok(HttpResponse::Ok().json(match call.flag("includePermissions") {
        true => object.with_permissions(call.permissions()),
        false => object,
    }))
}

/// The name that changes give, if any.
fn new_name(changes: &[Change]) -> &str {
    let named = changes.iter().find_map(|change| match change {
        Change::Name(name) => Some(name.as_str()),
        _ => None,
    });
    named.unwrap_or_default()
}

async fn apply(call: &Call, id: OrganizationId, changes: &[Change]) -> Answer {
    let (own, text) = (call.organization_id, call.path("id"));
    let changed = subtree::change(&call.state, &call.principal, own, id, changes).await;
    let name = new_name(changes);
    let changed = changed.map_err(|error| match error {
        Error::Organization(OrganizationError::IsRoot) if !name.is_empty() => refuse(&ROOT_NAMED, text),
        error => of(error, text, name, ""),
    })?;
    Ok(HttpResponse::Ok().json(call.object(changed)))
}

/// Changes parts of an organization below the caller's.
pub(super) async fn patch(call: Call<Json>) -> Answer {
    let (call, body) = call.take_body();
    let id = call.reachable().await?;
    let changes = operations(body, call.path("id"), false)?;
    apply(&call, id, &changes).await
}

/// Replaces an organization below the caller's.
pub(super) async fn replace(call: Call<Json>) -> Answer {
    let (call, body) = call.take_body();
    let id = call.reachable().await?;
    let body: ReplacementBody = body.read()?;
    apply(&call, id, &body.parse()?).await
}

/// Removes an organization below the caller's.
pub(super) async fn delete(call: Call) -> Answer {
    let id = call.named().await?;
    let removed = subtree::remove(&call.state, &call.principal, call.organization_id, id).await;
    removed.map_err(|error| of(error, call.path("id"), "", ""))?;
    Ok(HttpResponse::NoContent().finish())
}

/// The organization in which the caller acts.
pub(super) async fn get_own(call: Call) -> Answer {
    let own = call.organization_id;
    let found = subtree::find(&call.state, &call.principal, own, own).await?;
    Ok(HttpResponse::Ok().json(call.object(found)))
}

/// Changes the name or the version of the organization in which the caller acts.
pub(super) async fn patch_own(call: Call<Json>) -> Answer {
    let (call, body) = call.take_body();
    let own = call.organization_id;
    let text = call.organization_text(own);
    let changes = operations(body, &text, true)?;
    let changed = subtree::change_own(&call.state, &call.principal, own, &changes).await;
    let changed = changed.map_err(|error| match error {
        Error::Organization(OrganizationError::IsRoot) => refuse(&ROOT_NAMED, &text),
        error => of(error, &text, new_name(&changes), ""),
    })?;
    Ok(HttpResponse::Ok().json(call.object(changed)))
}

/// The organization in which the caller acts, with what it may do there.
pub(super) async fn metadata(call: Call) -> Answer {
    let own = call.organization_id;
    let found = subtree::find(&call.state, &call.principal, own, own).await?;
    let domains = match call.is_at_root() {
        true => Vec::new(),
        false => discovery::shown(&call.state, &call.principal, own).await?,
    };
    let object = call.object(found).with_permissions(call.permissions());
    Ok(HttpResponse::Ok().json(object.with_discovery(attributes(&domains))))
}

/// The keys of the attributes that organizations below the caller's have.
pub(super) async fn meta_attributes(call: Call) -> Answer {
    let compared = match call.query("filter").map(|filter| comparisons(&filter)).transpose()?.as_deref() {
        None => None,
        Some([one]) => {
            if one.attribute != "attributes" {
                return Err(refuse(&FILTER_ATTRIBUTE, &one.attribute));
            }
            let operator = one.text_operator().ok_or_else(|| refuse(&FILTER_OPERATOR, &one.attribute))?;
            Some((operator, one.value.clone()))
        }
        Some(_) => return Err(refuse(&errors::FILTER_COMPLEX, "")),
    };
    let condition = compared.as_ref().map(|(operator, value)| (*operator, value.as_str()));
    let after = call.query("after").map(|text| read_key(&text)).transpose()?;
    let limit = usize::try_from(call.limit()?).unwrap_or_default();
    let (own, recursive) = (call.organization_id, call.flag("recursive"));
    let (state, principal) = (&call.state, &call.principal);
    let page =
        subtree::attribute_keys(state, principal, own, recursive, condition, after.as_deref(), limit).await?;
    let next = page.has_after.then(|| page.items.last()).flatten().map(|last| Link {
        href: call.page_link(wso2::ORGANIZATION_META_ATTRIBUTES[0], "after", &BASE64_STANDARD.encode(last)),
        rel: "next",
    });
    let links: Vec<Link> = next.into_iter().collect();
    Ok(HttpResponse::Ok().json(json!({ "links": links, "attributes": page.items })))
}

/// A key, as it is written in cursors.
fn read_key(text: &str) -> Result<String, Wso2Error> {
    let bytes = BASE64_STANDARD.decode(text.trim().replace(' ', "+")).ok();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|key| !key.contains('\0'));
    key.ok_or_else(|| refuse(&CURSOR_INVALID, ""))
}
