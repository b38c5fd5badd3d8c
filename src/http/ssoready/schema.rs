//! The OpenAPI schemas of types that many objects share: ids, timestamps, URLs, enums, pages and errors.

use std::borrow::Cow;

use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, Type},
    },
};

use crate::model::{
    domain::Domain,
    environment::IdpInitiated,
    http_url::HttpUrl,
    id::{Id, IdKind},
    idp_kind::IdpKind,
    oauth_client::IdTokenAlg,
    saml_connection::IdpBinding,
    time::Timestamp,
};

/// Which page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct PageParams {
    /// `nextPageToken` of the previous page; without it, the first page.
    pub page_token: Option<String>,
    /// The number of items per page.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub page_size: Option<u32>,
}

/// An empty success response.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Done {}

/// An error.
#[derive(Debug, ToSchema)]
pub struct Error {
    /// The gRPC status code: 3 invalid field, 5 not found, 8 too many attempts, 9 something must be set up first, 10
    /// the same request is still running, 13 server error, 16 no valid key.
    #[schema(example = 3)]
    pub code: u8,
    /// The message; it names the invalid field.
    #[schema(example = "bad organization_id: is required")]
    pub message: String,
    /// The invalid field, if it is the page token; otherwise empty.
    pub details: Vec<ErrorDetail>,
}

/// The invalid field, for programs.
#[derive(Debug, ToSchema)]
pub struct ErrorDetail {
    /// Always `type.googleapis.com/google.rpc.BadRequest.FieldViolation`.
    #[schema(rename = "@type")]
    pub kind: String,
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

impl<K: IdKind> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        text()
            .pattern(Some(format!("^{}[0-9a-z]{{25}}$", K::PREFIX)))
            .description(Some(format!("The id of one {}.", K::NOUN)))
            .examples([format!("{}12vqjrnxk9xeov6o4f05pan0g", K::PREFIX)])
            .into()
    }
}

impl<K: IdKind> ToSchema for Id<K> {
    /// `OrganizationId`, after the kind.
    fn name() -> Cow<'static, str> {
        let kind = std::any::type_name::<K>().rsplit("::").next().unwrap_or_default();
        format!("{}Id", kind.strip_suffix("Kind").unwrap_or(kind)).into()
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        text()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A time: RFC 3339, in UTC, with milliseconds."))
            .examples(["2026-11-21T21:41:37.000Z"])
            .into()
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for HttpUrl {
    fn schema() -> RefOr<Schema> {
        text()
            .format(Some(SchemaFormat::Custom("uri".to_owned())))
            .description(Some("An absolute http(s) URL of at most 2000 characters."))
            .examples(["https://app.example.com/callback"])
            .into()
    }
}

impl ToSchema for HttpUrl {}

impl PartialSchema for Domain {
    fn schema() -> RefOr<Schema> {
        text()
            .description(Some("A domain in lower-case A-labels."))
            .examples(["acme.com", "xn--bcher-kva.example"])
            .into()
    }
}

impl ToSchema for Domain {}

/// A string enum.
fn one_of(names: impl IntoIterator<Item = &'static str>, meaning: &'static str) -> RefOr<Schema> {
    text().enum_values(Some(names)).description(Some(meaning)).into()
}

impl PartialSchema for IdpInitiated {
    fn schema() -> RefOr<Schema> {
        one_of(
            [Self::Allow, Self::Restart, Self::Refuse].map(Self::as_str),
            "What happens to unsolicited (IdP-initiated) responses: `ALLOW` signs the person in, `RESTART` \
             discards the response and starts a new login, `REFUSE` shows an error page.",
        )
    }
}

impl ToSchema for IdpInitiated {}

impl PartialSchema for IdpBinding {
    fn schema() -> RefOr<Schema> {
        one_of(
            [Self::Post, Self::Redirect].map(Self::as_str),
            "The binding of AuthnRequests: HTTP-POST or HTTP-Redirect.",
        )
    }
}

impl ToSchema for IdpBinding {}

impl PartialSchema for IdpKind {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.iter().map(|kind| kind.as_str()), "The product of an identity provider.")
    }
}

impl ToSchema for IdpKind {}

impl PartialSchema for IdTokenAlg {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.map(Self::as_str), "The signature algorithm of ID tokens.")
    }
}

impl ToSchema for IdTokenAlg {}
