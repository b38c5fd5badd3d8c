//! Calls: the access token is authenticated for the environment in the path, and what it was given for is asked, before the body
//! is read.

use std::future::Future;

use actix_web::{
    FromRequest, Handler, HttpMessage as _, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header},
    web,
};
use base::{
    bounded_json::{self, Limits},
    id::{EnvironmentId, UserId},
};
use model::{client_address::ClientAddress, entity_tag::EntityTags};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{error::SecureauthError, reply::SecureauthResult};
use crate::{
    app::{
        self, Error, State,
        authorization_server::{
            access_tokens::{self, Authenticated, TokenSubject},
            issuers::{self, Tenant},
            scopes,
        },
        permissions::Action,
        principal::{On, Principal},
    },
    http::{
        access_token::bearer,
        conditions::valid_if_match,
        request_body::{Body, NoBody},
    },
    web::kit::posted::allow_large_body,
};

/// The limits of a body: a thousand users with their profiles do not fit, an organization with a large schema does.
const LIMITS: Limits = Limits { depth: 40, values: 20_000, names: 1000, name_bytes: 256, refuse_nul: true };

/// The limits of a parameter that is JSON.
const QUERY_LIMITS: Limits =
    Limits { depth: 20, values: 1000, names: 100, name_bytes: 256, refuse_nul: true };

/// A call of a service client of the system workspace. The body is read only after the token was verified.
pub struct Call<B = NoBody> {
    /// The state.
    pub state: web::Data<State>,
    /// The service client, with the scopes of its token.
    pub principal: Principal,
    /// The environment, as issuers name it.
    pub tenant: Tenant,
    /// The versions in `If-Match`: a change of any other one is refused.
    pub if_match: Option<EntityTags>,
    /// What was called.
    pub request: HttpRequest,
    /// The body.
    pub body: B,
}

/// A call of a user, with an access token of one of the environment's organizations.
pub struct UserCall<B = NoBody> {
    /// The state.
    pub state: web::Data<State>,
    /// The user.
    pub user_id: UserId,
    /// What else the token says.
    pub token: Authenticated,
    /// The environment, as issuers name it.
    pub tenant: Tenant,
    /// What was called.
    pub request: HttpRequest,
    /// The body.
    pub body: B,
}

/// A JSON object within bounds. An empty body is an empty object.
pub struct JsonObject(pub Map<String, Value>);

impl Body for JsonObject {
    async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Self, actix_web::Error> {
        if !is_json(request) {
            return Err(SecureauthError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send application/json",
            )
            .into());
        }
        let bytes = web::Bytes::from_request(request, &mut payload).await?;
        Ok(Self::parse(&bytes)?)
    }
}

impl JsonObject {
    fn parse(bytes: &[u8]) -> Result<Self, SecureauthError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        match bounded_json::parse(bytes, &LIMITS) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(SecureauthError::invalid_json("the body must be a JSON object")),
            Err(error) => Err(SecureauthError::invalid_json(error.to_string())),
        }
    }

    /// The object as `T`. What does not fit is 400 `invalid_json`, with its path.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, SecureauthError> {
        serde_path_to_error::deserialize(self.0).map_err(wrong_type)
    }

    /// [`Self::read`] of an object of which `Part` is a flattened part: in one of those serde knows no places.
    pub fn read_with<Part: DeserializeOwned, T: DeserializeOwned>(self) -> Result<T, SecureauthError> {
        serde_path_to_error::deserialize::<_, Part>(&self.0).map_err(wrong_type)?;
        self.read()
    }
}

/// 400 `invalid_json` for a value of the wrong type: where it is, and what belongs there. The value itself may be a password.
fn wrong_type(error: serde_path_to_error::Error<serde_json::Error>) -> SecureauthError {
    let path = error.path().to_string();
    let text = error.inner().to_string();
    let expected = text.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    let message = match expected.split([' ', ',']).next().unwrap_or_default() {
        "a" if expected.starts_with("a string") => "must be a string",
        "a" if expected.starts_with("a sequence") => "must be a list",
        "a" if expected.starts_with("a boolean") => "must be true or false",
        "a" if expected.starts_with("a map") => "must be an object",
        "struct" => "must be an object",
        "usize" | "u8" | "u16" | "u32" | "u64" => "must be a whole number from 0",
        "a" if expected.starts_with("a JSON number") => "must be a number",
        _ => "is of a wrong type",
    };
    let details = json!({ "errors": [{ "path": path, "message": message }] });
    SecureauthError::with_details(StatusCode::BAD_REQUEST, "invalid_json", details)
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

    /// A parameter of the path.
    pub fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The parameters of the query, those with a value.
    pub fn query(&self) -> Query {
        Query::parse(self.request.query_string())
    }
}

impl<B> UserCall<B> {
    /// The parameters of the query, those with a value.
    pub fn query(&self) -> Query {
        Query::parse(self.request.query_string())
    }
}

/// The parameters of a query string; empty ones count as absent, unknown ones are ignored.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

/// How many items a list has where the caller does not say.
const DEFAULT_LIMIT: i64 = 20;

/// How many items a list has at most.
const MAX_LIMIT: i64 = 100;

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The parameter `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter that is `true` or `false`.
    pub fn flag(&self, name: &'static str) -> app::Result<Option<bool>> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// A parameter that is a JSON object; empty where it is absent.
    pub fn json(&self, name: &'static str) -> app::Result<Map<String, Value>> {
        let Some(text) = self.text(name) else { return Ok(Map::new()) };
        match bounded_json::parse(text.as_bytes(), &QUERY_LIMITS) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(Error::invalid(name, "must be a JSON object")),
            // The text speaks of a body.
            Err(error) => Err(Error::invalid(name, error.to_string().replacen("the body ", "", 1))),
        }
    }

    /// `limit`: how many items are wanted; 20 unless said, and 100 at most.
    pub fn limit(&self) -> app::Result<i64> {
        let wanted = match self.text("limit") {
            None => return Ok(DEFAULT_LIMIT),
            Some(text) => text.parse::<i64>().ok().filter(|limit| *limit >= 1),
        };
        let wanted = wanted.ok_or_else(|| Error::invalid("limit", "must be a number from 1 on"))?;
        Ok(wanted.min(MAX_LIMIT))
    }
}

/// What a route takes that no service client calls: the token of a user.
#[derive(Debug, Clone, Copy)]
pub struct OfUser;

impl From<OfUser> for Option<Action> {
    fn from(_: OfUser) -> Self {
        None
    }
}

/// A call that was let through. Only [`handler`] makes one.
pub trait Admitted: Sized + 'static {
    /// What the route takes of the caller.
    type Needs: Copy + 'static;

    /// Authenticates and authorises the caller, then reads the body.
    #[doc(hidden)]
    fn admit(
        needs: Self::Needs,
        request: HttpRequest,
        payload: Payload,
    ) -> impl Future<Output = Result<Self, actix_web::Error>>;
}

/// A handler of calls that were let through, for a route.
pub fn handler<C: Admitted, F: Future<Output = SecureauthResult> + 'static>(
    needs: C::Needs,
    handle: impl Fn(C) -> F + Copy + 'static,
) -> impl Handler<(HttpRequest, web::Payload), Output = Result<HttpResponse, actix_web::Error>> {
    move |request: HttpRequest, payload: web::Payload| async move {
        let call = C::admit(needs, request, payload.into_inner()).await?;
        Ok(handle(call).await?)
    }
}

impl<B: Body> Admitted for Call<B> {
    type Needs = Action;

    async fn admit(needs: Action, request: HttpRequest, payload: Payload) -> Result<Self, actix_web::Error> {
        let state = state(&request)?;
        let (tenant, token) = authenticate(&state, &request).await?;
        let TokenSubject::Client(client) = token.subject else { return Err(wrong_issuer().into()) };
        if !token.is_of_system() {
            return Err(wrong_issuer().into());
        }
        let scopes = scopes::permissions(token.scopes());
        let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let principal = Principal::application(client, tenant.environment_id, scopes).at(address);
        // For the record of a refusal.
        request.extensions_mut().insert(principal);
        principal.authorize(needs, On::AnyOrganization).map_err(SecureauthError::from)?;
        allow_large_body(&request);
        let if_match = valid_if_match(&request).map_err(SecureauthError::from)?;
        let body = B::read(&request, payload).await?;
        Ok(Self { state, principal, tenant, if_match, request, body })
    }
}

impl<B: Body> Admitted for UserCall<B> {
    type Needs = OfUser;

    async fn admit(_: OfUser, request: HttpRequest, payload: Payload) -> Result<Self, actix_web::Error> {
        let state = state(&request)?;
        let (tenant, token) = authenticate(&state, &request).await?;
        let TokenSubject::User(user_id) = token.subject else { return Err(wrong_issuer().into()) };
        allow_large_body(&request);
        let body = B::read(&request, payload).await?;
        Ok(Self { state, user_id, token, tenant, request, body })
    }
}

fn state(request: &HttpRequest) -> Result<web::Data<State>, SecureauthError> {
    let state = request.app_data::<web::Data<State>>().cloned();
    state.ok_or_else(|| Error::internal("the server was built without its state").into())
}

/// A token that counts, and may not be used here.
fn wrong_issuer() -> SecureauthError {
    Error::Unauthenticated("the access token is of another issuer".into()).into()
}

/// The environment in the path and the token, which is of that environment.
async fn authenticate(
    state: &State,
    request: &HttpRequest,
) -> Result<(Tenant, Authenticated), SecureauthError> {
    let token = bearer(request)?;
    let named = request.match_info().get("tenant").unwrap_or_default();
    let tenant = issuers::find_tenant(&mut state.db.read().await.map_err(Error::from)?, named).await;
    let tenant = match tenant {
        Err(error @ Error::NotFound { .. }) => Err(error),
        found => Ok(found?),
    };
    let token = access_tokens::authenticate(state, token, tenant.as_ref().ok()).await?;
    // Whether there is such an environment is told to callers only.
    let tenant = tenant?;
    if token.tenant != tenant {
        return Err(SecureauthError::tenant_mismatch());
    }
    Ok((tenant, token))
}

/// Whether the content type is `application/json`, with or without parameters, or absent.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim();
    essence.is_empty() || essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_and_bounded() {
        let limit = |text: &str| Query::parse(text).limit().ok();
        assert_eq!(limit(""), Some(20));
        assert_eq!(limit("limit="), Some(20));
        assert_eq!(limit("limit=7"), Some(7));
        assert_eq!(limit("limit=1000000"), Some(100));
        for bad in ["limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999"] {
            assert_eq!(limit(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        let flag = |text: &str| Query::parse(text).flag("template").ok();
        assert_eq!(flag("other=1"), Some(None));
        assert_eq!(flag("template=true"), Some(Some(true)));
        assert_eq!(flag("template=false"), Some(Some(false)));
        assert_eq!(flag("template=1"), None);
    }

    #[test]
    fn a_value_of_a_wrong_type_is_named_by_its_place_and_not_repeated() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Inner {
            text: Option<String>,
            flag: Option<bool>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Whole {
            name: Option<String>,
            count: Option<usize>,
            number: Option<serde_json::Number>,
            list: Option<Vec<Inner>>,
            map: Option<Map<String, Value>>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Outer {
            #[serde(flatten)]
            whole: Whole,
        }
        for (body, path, message) in [
            (r#"{"name":77}"#, "name", "must be a string"),
            (r#"{"count":-77}"#, "count", "must be a whole number from 0"),
            (r#"{"count":"Secret77"}"#, "count", "must be a whole number from 0"),
            (r#"{"number":"Secret77"}"#, "number", "must be a number"),
            (r#"{"list":"Secret77"}"#, "list", "must be a list"),
            (r#"{"list":[{},"Secret, expected struct 77"]}"#, "list[1]", "must be an object"),
            (r#"{"list":[{"text":{"a":"Secret77"}}]}"#, "list[0].text", "must be a string"),
            (r#"{"list":[{"flag":"Secret77"}]}"#, "list[0].flag", "must be true or false"),
            (r#"{"map":["Secret77"]}"#, "map", "must be an object"),
        ] {
            let parse = || JsonObject::parse(body.as_bytes()).unwrap();
            let flattened = parse().read_with::<Whole, Outer>().err().unwrap();
            for refused in [parse().read::<Whole>().err().unwrap(), flattened] {
                assert_eq!((refused.status().as_u16(), refused.code()), (400, "invalid_json"));
                let expected = json!({ "errors": [{ "path": path, "message": message }] });
                assert_eq!(refused.details(), &expected);
            }
        }
    }

    #[test]
    fn null_is_another_thing_than_absence_where_it_counts() {
        #[derive(serde::Deserialize)]
        struct Whole {
            #[serde(default, deserialize_with = "present")]
            color: Option<Option<String>>,
        }
        let read = |text: &str| JsonObject::parse(text.as_bytes()).unwrap().read::<Whole>().unwrap().color;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"color":null}"#), Some(None));
        assert_eq!(read(r#"{"color":""}"#), Some(Some(String::new())));
    }

    #[test]
    fn a_body_is_one_object_within_bounds() {
        assert!(JsonObject::parse(b" \n").unwrap().0.is_empty());
        assert_eq!(JsonObject::parse(br#"{"name":"a"}"#).unwrap().0["name"], "a");
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        for bad in ["[]", "{", "null", r#"{"a":1,"a":2}"#, "{\"a\":\"\\u0000\"}", &deep] {
            let refused = JsonObject::parse(bad.as_bytes()).err().unwrap();
            assert_eq!((refused.status().as_u16(), refused.code()), (400, "invalid_json"), "{bad}");
        }
    }
}
