//! Calls: the access token is authenticated, and the tenant is that of the token, before the body is read. What the caller may do in
//! an organization is asked when it is entered ([`Call::enter`]).

use std::{future::Future, sync::Arc};

use actix_web::{
    FromRequest, Handler, HttpMessage as _, HttpRequest, HttpResponse, dev::Payload, http::header, web,
};
use base::{
    bounded_json::{self, Limits},
    id::EnvironmentId,
};
use model::{client_address::ClientAddress, entity_tag::EntityTags};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{error::SigidError, reply::SigidResult};
use crate::{
    app::{
        Error, State,
        authorization_server::{
            access_tokens::{self, Authenticated},
            issuers::{self, Tenant},
        },
        members::{Caller, Standing},
    },
    http::{
        access_token::bearer,
        conditions::valid_if_match,
        middleware::RequestId,
        request_body::{Body, BufferedBody, NoBody},
    },
    web::kit::posted::allow_large_body,
};

/// The limits of a body.
const LIMITS: Limits = Limits { depth: 40, values: 20_000, names: 1000, name_bytes: 256, refuse_nul: true };

/// How many items a list has where the caller does not say.
const DEFAULT_LIMIT: i64 = 20;

/// How many items a list has at most; who asks for more gets these.
const MAX_LIMIT: i64 = 100;

/// The header that names the tenant whom the caller means.
const TENANT: &str = "X-Tenant-Id";

/// A call of somebody who is authenticated. The body is read only after that.
pub struct Call<B = NoBody> {
    /// The state.
    pub state: web::Data<State>,
    /// Who calls.
    pub caller: Caller,
    /// The token.
    pub token: Authenticated,
    /// The environment, as issuers name it.
    pub tenant: Tenant,
    /// The versions in `If-Match`: a change of any other one is refused.
    pub if_match: Option<EntityTags>,
    /// What was called.
    pub request: HttpRequest,
    /// The body.
    pub body: B,
}

/// A call of anybody, who need not be authenticated.
pub struct OpenCall<B = NoBody> {
    /// The state.
    pub state: web::Data<State>,
    /// What was called.
    pub request: HttpRequest,
    /// The body.
    pub body: B,
}

/// A JSON object within bounds. An empty body is an empty object.
pub struct JsonObject(pub Map<String, Value>);

impl Body for JsonObject {
    async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Self, actix_web::Error> {
        // A separate statement, so that the extensions are not borrowed while the body is awaited.
        let read = request.extensions_mut().remove::<BufferedBody>();
        let bytes = match read {
            Some(BufferedBody(bytes)) => bytes,
            None => web::Bytes::from_request(request, &mut payload).await?,
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        if !is_json(request) {
            return Err(SigidError::of_status(
                actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send application/json",
            )
            .into());
        }
        match bounded_json::parse(&bytes, &LIMITS) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(SigidError::malformed("the body must be a JSON object").into()),
            Err(error) => Err(SigidError::malformed(error.to_string()).into()),
        }
    }
}

impl JsonObject {
    /// The object as `T`. What does not fit is 422 `validation_failed` with its place; the value itself is not repeated.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, SigidError> {
        serde_path_to_error::deserialize(self.0).map_err(|error| {
            let place = error.path().to_string();
            let text = error.inner().to_string();
            // Serde names a missing member in the text, and its place is that of the object.
            let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
            match missing {
                Some(member) if place == "." => {
                    SigidError::violations([(member.to_owned(), "is required".to_owned())])
                }
                Some(member) => {
                    SigidError::violations([(format!("{place}.{member}"), "is required".to_owned())])
                }
                None => SigidError::violations([(place, "is of a wrong type".to_owned())]),
            }
        })
    }
}

/// For a member of a body where `null` is another thing than its absence: `Some(None)`.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

impl<B> Call<B> {
    /// The environment.
    pub fn environment_id(&self) -> EnvironmentId {
        self.tenant.environment_id
    }

    /// What the caller is to the organization in the path. 404 where that is nothing.
    pub async fn enter(&self) -> Result<Standing, SigidError> {
        Ok(self.caller.enter(&self.state, self.path("organization")).await?)
    }

    /// A parameter of the path.
    pub fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The parameters of the query.
    pub fn query(&self) -> Query {
        Query::parse(self.request.query_string())
    }

    /// The call without its body, and the body.
    pub fn take_body(self) -> (Call, B) {
        let Self { state, caller, token, tenant, if_match, request, body } = self;
        (Call { state, caller, token, tenant, if_match, request, body: NoBody }, body)
    }
}

/// The parameters of a query string; empty ones count as absent, unknown ones are ignored.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The parameter `name`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone())
    }

    /// A parameter that is `true` or `false`.
    pub fn flag(&self, name: &'static str) -> Result<bool, Error> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// Where a list goes on.
    pub fn cursor(&self) -> Option<String> {
        self.text("cursor")
    }

    /// How many items are wanted: 20 unless said, and 100 at most.
    pub fn limit(&self) -> Result<i64, Error> {
        let wanted = match self.text("limit") {
            None => return Ok(DEFAULT_LIMIT),
            Some(text) => text.parse::<i64>().ok().filter(|limit| *limit >= 1),
        };
        let wanted = wanted.ok_or_else(|| Error::invalid("limit", "must be a number from 1 on"))?;
        Ok(wanted.min(MAX_LIMIT))
    }
}

/// A call that was let through. Only [`handler`] makes one.
pub trait Admitted: Sized + 'static {
    /// Authenticates the caller where the route takes one, then reads the body.
    #[doc(hidden)]
    fn admit(request: HttpRequest, payload: Payload) -> impl Future<Output = Result<Self, actix_web::Error>>;
}

/// A handler of calls that were let through, for a route. Its errors carry the id of the request.
pub fn handler<C: Admitted, F: Future<Output = SigidResult> + 'static>(
    handle: impl Fn(C) -> F + Copy + 'static,
) -> impl Handler<(HttpRequest, web::Payload), Output = Result<HttpResponse, actix_web::Error>> {
    move |request: HttpRequest, payload: web::Payload| async move {
        let request_id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0));
        let answered = async {
            let call = C::admit(request, payload.into_inner()).await?;
            Ok(handle(call).await?)
        };
        answered.await.map_err(|error: actix_web::Error| match (error.as_error::<SigidError>(), request_id) {
            (Some(known), Some(id)) => known.traced(&id).into(),
            _ => error,
        })
    }
}

impl<B: Body> Admitted for Call<B> {
    async fn admit(request: HttpRequest, payload: Payload) -> Result<Self, actix_web::Error> {
        let state = state(&request)?;
        let (token, caller) = authenticate(&state, &request).await?;
        // For the record of a refusal.
        request.extensions_mut().insert(caller.principal);
        allow_large_body(&request);
        let if_match = valid_if_match(&request).map_err(SigidError::from)?;
        let tenant = token.tenant.clone();
        let body = B::read(&request, payload).await?;
        Ok(Self { state, caller, token, tenant, if_match, request, body })
    }
}

impl<B: Body> Admitted for OpenCall<B> {
    async fn admit(request: HttpRequest, payload: Payload) -> Result<Self, actix_web::Error> {
        let state = state(&request)?;
        let body = B::read(&request, payload).await?;
        Ok(Self { state, request, body })
    }
}

fn state(request: &HttpRequest) -> Result<web::Data<State>, SigidError> {
    let state = request.app_data::<web::Data<State>>().cloned();
    state.ok_or_else(|| Error::internal("the server was built without its state").into())
}

/// The token and who calls with it. The tenant is that of the token; one that the caller names must be the same, and whether there is
/// another one is not told.
pub(super) async fn authenticate(
    state: &State,
    request: &HttpRequest,
) -> Result<(Authenticated, Caller), SigidError> {
    let token = access_tokens::authenticate(state, bearer(request)?, None).await?;
    let mut named = request.headers().get_all(TENANT);
    if let Some(value) = named.next() {
        let text = value.to_str().unwrap_or_default();
        let mut conn = state.db.read().await.map_err(Error::from)?;
        let found = issuers::find_tenant(&mut conn, text).await;
        let is_same = match found {
            Ok(tenant) => tenant.environment_id == token.tenant.environment_id,
            Err(Error::NotFound { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        if !is_same || named.next().is_some() {
            return Err(SigidError::tenant_mismatch());
        }
    }
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let caller = Caller::of_token(state, &token, address).await?;
    Ok((token, caller))
}

/// Whether the content type is `application/json`, with or without parameters.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return false };
    let essence = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_and_bounded() {
        let limit = |text: &str| Query::parse(text).limit().ok();
        assert_eq!((limit(""), limit("limit="), limit("limit=7")), (Some(20), Some(20), Some(7)));
        assert_eq!(limit("limit=1000000"), Some(100));
        for bad in ["limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999"] {
            assert_eq!(limit(bad), None, "{bad}");
        }
    }
}
