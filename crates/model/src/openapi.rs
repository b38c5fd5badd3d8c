//! The OpenAPI schemas of domains, URLs and enums.

use strum::VariantArray;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaFormat, Type},
    },
};

use super::{
    domain::Domain, http_url::HttpUrl, idp_initiated::IdpInitiated, idp_kind::IdpKind,
    oauth_subject::OauthSubject, saml_connection::IdpBinding,
};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

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
            Self::VARIANTS.iter().map(<&str>::from),
            "What happens to unsolicited (IdP-initiated) responses: `ALLOW` signs the person in, `RESTART` \
             discards the response and starts a new login, `REFUSE` shows an error page.",
        )
    }
}

impl ToSchema for IdpInitiated {}

impl PartialSchema for OauthSubject {
    fn schema() -> RefOr<Schema> {
        one_of(
            Self::VARIANTS.iter().map(<&str>::from),
            "What `sub` is for OAuth clients: `EMAIL` the address in its normal form (where several organizations sign one \
             address in, the first one's person has it, and others have a subject of their own), `EMAIL_AS_SENT` the address \
             as the identity provider sent it.",
        )
    }
}

impl ToSchema for OauthSubject {}

impl PartialSchema for IdpBinding {
    fn schema() -> RefOr<Schema> {
        one_of(
            Self::VARIANTS.iter().map(<&str>::from),
            "The binding of AuthnRequests: HTTP-POST or HTTP-Redirect.",
        )
    }
}

impl ToSchema for IdpBinding {}

impl PartialSchema for IdpKind {
    fn schema() -> RefOr<Schema> {
        one_of(Self::VARIANTS.iter().map(<&str>::from), "The product of an identity provider.")
    }
}

impl ToSchema for IdpKind {}
