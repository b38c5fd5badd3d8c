//! The OpenAPI schemas of ids and times.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, Type},
    },
};

use super::{
    id::{Id, IdKind},
    time::Timestamp,
};

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
    /// `OrganizationId`, after the kind; a login flow has SSOReady's name.
    fn name() -> Cow<'static, str> {
        let kind = std::any::type_name::<K>().rsplit("::").next().unwrap_or_default();
        match kind.strip_suffix("Kind").unwrap_or(kind) {
            "LoginFlow" => "SamlFlowId".into(),
            kind => format!("{kind}Id").into(),
        }
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
