//! Calls: the access token is authenticated for the environment and the organization of the path, and what it was given for is
//! asked, before the body is read.

use std::{future::Future, sync::Arc};

use actix_web::{
    FromRequest, Handler, HttpMessage as _, HttpRequest, HttpResponse, ResponseError, dev::Payload,
    http::StatusCode, web,
};
use base::{
    bounded_json::{self, Limits},
    id::{EnvironmentId, Id, IdKind, OrganizationId},
};
use model::{client_address::ClientAddress, organization::root_id};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    access::{At, Needs},
    error::Wso2Error,
};
use crate::{
    app::{
        Error, State,
        authorization_server::{
            access_tokens::{self, Authenticated, TokenSubject},
            issuers::{self, Tenant},
            organization_switch::{FIXED_ROOT, find_organization},
            user_scopes,
        },
        principal::Principal,
    },
    http::{
        access_token::bearer,
        middleware::RequestId,
        request_body::{Body, NoBody},
    },
    web::kit::posted::allow_large_body,
};

/// The limits of a body.
const LIMITS: Limits = Limits { depth: 20, values: 20_000, names: 1000, name_bytes: 256, refuse_nul: true };

/// A call that was let through: at the root, or in an organization.
pub struct Call<B = NoBody> {
    /// The state.
    pub state: web::Data<State>,
    /// The caller, with what the token permits on this route. In an organization it can reach nothing else.
    pub principal: Principal,
    /// The environment, as issuers name it.
    pub tenant: Tenant,
    /// Whether that is the default environment, whose root has WSO2's fixed id.
    pub is_default: bool,
    /// The organization in which the caller acts: the root, or the one that the token was switched to.
    pub organization_id: OrganizationId,
    /// What else the token says.
    pub token: Authenticated,
    /// What was called.
    pub request: HttpRequest,
    /// The body.
    pub body: B,
}

/// JSON within bounds.
pub struct Json(pub Value);

impl Body for Json {
    async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Self, actix_web::Error> {
        let bytes = web::Bytes::from_request(request, &mut payload).await?;
        let parsed = bounded_json::parse(&bytes, &LIMITS);
        Ok(Self(parsed.map_err(|error| invalid_body(error.to_string()))?))
    }
}

impl Json {
    /// It as `T`. What does not fit is an invalid request, with its path; the value itself is not repeated.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Wso2Error> {
        serde_path_to_error::deserialize(self.0)
            .map_err(|error| invalid_body(format!("{} is missing or of a wrong type", error.path())))
    }

    /// It as an object.
    pub fn object(self) -> Result<Map<String, Value>, Wso2Error> {
        match self.0 {
            Value::Object(fields) => Ok(fields),
            _ => Err(invalid_body("the body must be a JSON object".to_owned())),
        }
    }
}

/// A body that cannot be read.
fn invalid_body(description: String) -> Wso2Error {
    Wso2Error::new(StatusCode::BAD_REQUEST, "ORG-60001", "Invalid request body.", description)
}

impl<B> Call<B> {
    /// The environment.
    pub fn environment_id(&self) -> EnvironmentId {
        self.tenant.environment_id
    }

    /// The call without its body, and the body.
    pub fn take_body(self) -> (Call, B) {
        let Self { state, principal, tenant, is_default, organization_id, token, request, body } = self;
        (Call { state, principal, tenant, is_default, organization_id, token, request, body: NoBody }, body)
    }

    /// Whether it is called at the root.
    pub fn is_at_root(&self) -> bool {
        self.organization_id == root_id(self.environment_id())
    }

    /// A parameter of the path.
    pub fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// A parameter of the query; an empty one counts as absent. A `+` is a space.
    pub fn query(&self, name: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.request.query_string().as_bytes());
        let found = pairs.into_iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.into_owned())
    }

    /// What stands before the path of an API where the caller calls it: empty, `/t/{tenant}`, `/o` and so on.
    pub fn prefix(&self) -> String {
        let path = self.request.path();
        let api = ["/api/server/", "/scim2/"].iter().find_map(|api| path.find(api));
        api.map_or_else(String::new, |at| path[..at].to_owned())
    }

    /// The id of an organization as this caller knows it.
    pub fn organization_text(&self, id: OrganizationId) -> String {
        organization_text(self.environment_id(), self.is_default, id)
    }

    /// The organization that a text names, the root too, if there is such a one in the environment.
    pub async fn find_organization(&self, text: &str) -> Result<Option<OrganizationId>, Error> {
        let mut conn = self.state.db.read().await?;
        find_organization(&mut conn, &self.tenant, self.is_default, text).await
    }
}

/// An id as these APIs write it.
pub fn uuid<K: IdKind>(id: Id<K>) -> String {
    Uuid::from_u128(id.bits()).hyphenated().to_string()
}

/// The id of an organization as these APIs write it.
pub fn organization_text(environment_id: EnvironmentId, is_default: bool, id: OrganizationId) -> String {
    if is_default && id == root_id(environment_id) {
        return FIXED_ROOT.hyphenated().to_string();
    }
    uuid(id)
}

/// A handler of calls that were let through, for a route.
pub fn handler<B, F, E>(
    needs: Needs,
    handle: impl Fn(Call<B>) -> F + Copy + 'static,
) -> impl Handler<(HttpRequest, web::Payload), Output = Result<HttpResponse, actix_web::Error>>
where
    B: Body,
    F: Future<Output = Result<HttpResponse, E>> + 'static,
    E: ResponseError + 'static,
{
    move |request: HttpRequest, payload: web::Payload| async move {
        let trace_id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0));
        let answered = async {
            let call = admit(needs, request, payload.into_inner()).await?;
            Ok(handle(call).await?)
        };
        answered.await.map_err(|error: actix_web::Error| match error.as_error::<Wso2Error>() {
            Some(_) => with_trace(error, trace_id),
            None => error,
        })
    }
}

/// The error with the id of its request.
fn with_trace(error: actix_web::Error, trace_id: Option<Arc<str>>) -> actix_web::Error {
    match (error.as_error::<Wso2Error>(), trace_id) {
        (Some(known), Some(trace_id)) => known.traced(trace_id).into(),
        _ => error,
    }
}

/// Authenticates and authorises the caller, then reads the body.
async fn admit<B: Body>(
    needs: Needs,
    request: HttpRequest,
    payload: Payload,
) -> Result<Call<B>, actix_web::Error> {
    let state = request.app_data::<web::Data<State>>().cloned();
    let state =
        state.ok_or_else(|| Wso2Error::from(Error::internal("the server was built without its state")))?;
    let called = authenticate(&state, &request, needs).await?;
    let Called { principal, tenant, is_default, organization_id, token } = called;
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let principal = principal.at(address);
    // For the record of a refusal.
    request.extensions_mut().insert(principal);
    allow_large_body(&request);
    let body = B::read(&request, payload).await?;
    Ok(Call { state, principal, tenant, is_default, organization_id, token, request, body })
}

struct Called {
    principal: Principal,
    tenant: Tenant,
    is_default: bool,
    organization_id: OrganizationId,
    token: Authenticated,
}

/// The environment and the organization of the path, and the token, which is good there and was given for this.
async fn authenticate(state: &State, request: &HttpRequest, needs: Needs) -> Result<Called, Wso2Error> {
    let refused = || Wso2Error::bare(StatusCode::FORBIDDEN);
    let text = bearer(request)?;
    let named = request.match_info().get("tenant");
    let (tenant, is_default) = {
        let mut conn = state.db.read().await.map_err(Error::from)?;
        match named {
            None => (issuers::default_tenant(state, &mut conn).await, true),
            Some(named) => match issuers::find_tenant(&mut conn, named).await {
                Ok(tenant) => {
                    let is_default = issuers::is_default(state, &mut conn, &tenant).await?;
                    (Ok(tenant), is_default)
                }
                Err(error) => (Err(error), false),
            },
        }
    };
    let tenant = match tenant {
        Err(error @ Error::NotFound { .. }) => Err(error),
        found => Ok(found?),
    };
    let token = access_tokens::authenticate(state, text, tenant.as_ref().ok()).await?;
    // Whether there is such an environment is told to callers only.
    let tenant = tenant?;
    // Tokens of the system workspace are SecureAuth's, for its own APIs.
    if token.tenant != tenant || token.is_of_system() {
        return Err(refused());
    }
    let environment_id = tenant.environment_id;
    let root = root_id(environment_id);
    let organization_id = token.organization_id.unwrap_or(root);
    let in_organization = organization_id != root;
    let form = form_of(request);
    if in_organization != form.in_organization || needs.at == At::Root && in_organization {
        return Err(refused());
    }
    if needs.at == At::Organization && !in_organization {
        return Err(refused());
    }
    if let Some(named) = request.match_info().get("organization") {
        let mut conn = state.db.read().await.map_err(Error::from)?;
        let found = find_organization(&mut conn, &tenant, is_default, named).await?;
        if found != Some(organization_id) {
            return Err(refused());
        }
    }
    let given = match token.subject {
        TokenSubject::Client(_) => token.claims.scope.clone(),
        TokenSubject::User(user) => {
            let place = (environment_id, organization_id);
            user_scopes::current(state, place, user, token.client_id, &token.claims.scope).await?
        }
    };
    let scopes = needs.permitted(&given, in_organization).ok_or_else(refused)?;
    let principal = match token.subject {
        TokenSubject::Client(client) => Principal::application(client, environment_id, scopes),
        TokenSubject::User(user) => Principal::user(user, environment_id),
    };
    let principal = principal.with_token(scopes, in_organization.then_some(organization_id));
    Ok(Called { principal, tenant, is_default, organization_id, token })
}

/// In which form a path was called.
struct Form {
    in_organization: bool,
}

fn form_of(request: &HttpRequest) -> Form {
    let path = request.path();
    let rest = match request.match_info().get("tenant") {
        Some(_) => path.trim_start_matches("/t/").split_once('/').map_or("", |(_, rest)| rest),
        None => path.trim_start_matches('/'),
    };
    Form { in_organization: rest.split('/').next() == Some("o") }
}
