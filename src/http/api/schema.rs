//! How the model's types look in the OpenAPI document: what stands in many objects is described once.

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
    id::{Id, Kind},
    idp_kind::IdpKind,
    oauth_client::IdTokenAlg,
    saml_connection::IdpBinding,
    time::Timestamp,
};

/// Which page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct PageParams {
    /// `nextPageToken` of the page before; without it, the first page.
    pub page_token: Option<String>,
    /// How many things a page has.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub page_size: Option<u32>,
}

/// It was done, and there is nothing to say about it.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Done {}

/// What went wrong.
#[derive(Debug, ToSchema)]
pub struct Error {
    /// The gRPC number of the kind of error: 3 a bad field, 5 not there, 8 too many attempts, 9 something
    /// must be set up first, 10 the same request is still running, 13 our fault, 16 no good key.
    #[schema(example = 3)]
    pub code: u8,
    /// What is wrong, in a sentence that names the field.
    #[schema(example = "bad organization_id: is required")]
    pub message: String,
    /// The field again, when it is a page token; otherwise empty.
    pub details: Vec<ErrorDetail>,
}

/// Which field is bad, for programs.
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

impl<K: Kind> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        text()
            .pattern(Some(format!("^{}[0-9a-z]{{25}}$", K::PREFIX)))
            .description(Some(format!("The id of one {}.", K::NOUN)))
            .examples([format!("{}12vqjrnxk9xeov6o4f05pan0g", K::PREFIX)])
            .into()
    }
}

impl<K: Kind> ToSchema for Id<K> {
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
            .description(Some("A moment: RFC 3339, in UTC, with milliseconds."))
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

/// One of a few names.
fn one_of(names: impl IntoIterator<Item = &'static str>, meaning: &'static str) -> RefOr<Schema> {
    text().enum_values(Some(names)).description(Some(meaning)).into()
}

impl PartialSchema for IdpInitiated {
    fn schema() -> RefOr<Schema> {
        one_of(
            [Self::Allow, Self::Restart, Self::Refuse].map(Self::as_str),
            "What happens to a response that no request asked for: `ALLOW` signs the person in, `RESTART` \
             throws it away and begins a login of our own, `REFUSE` ends with an error page.",
        )
    }
}

impl ToSchema for IdpInitiated {}

impl PartialSchema for IdpBinding {
    fn schema() -> RefOr<Schema> {
        one_of(
            [Self::Post, Self::Redirect].map(Self::as_str),
            "How requests travel to the identity provider: in a form or in the query.",
        )
    }
}

impl ToSchema for IdpBinding {}

impl PartialSchema for IdpKind {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.iter().map(|kind| kind.as_str()), "Whose product an identity provider is.")
    }
}

impl ToSchema for IdpKind {}

impl PartialSchema for IdTokenAlg {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.map(Self::as_str), "How ID tokens are signed.")
    }
}

impl ToSchema for IdTokenAlg {}
