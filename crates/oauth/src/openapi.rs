//! The OpenAPI schema of signature algorithms.

use strum::VariantArray;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

use super::algorithm::IdTokenAlg;

impl PartialSchema for IdTokenAlg {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::VARIANTS.iter().map(|algorithm| algorithm.as_str())))
            .description(Some("The signature algorithm of ID tokens."))
            .into()
    }
}

impl ToSchema for IdTokenAlg {}
