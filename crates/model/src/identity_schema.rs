//! Identity schemas: what the JSON objects of users must look like (JSON Schema, draft 2020-12).

use std::{fmt, str::FromStr, sync::LazyLock};

use base::{
    id::{EnvironmentId, IdentitySchemaId, ParseIdError},
    time::Timestamp,
};
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// A schema of an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentitySchema {
    /// Its id.
    pub id: IdentitySchemaId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The schema as it was written.
    pub schema: Map<String, Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Audited for IdentitySchema {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "identity_schema", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! { "name": self.name, "description": self.description, "schema": self.schema }
    }
}

/// A schema that every environment has and that nobody can change. It is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
pub enum SystemSchema {
    /// The profile of a user: the standard claims that a person can say of themselves (OpenID Connect Core 1.0 §5.1).
    #[strum(serialize = "user_v0")]
    User,
    /// What administrators write about a user: anything.
    #[strum(serialize = "metadata_v0")]
    Metadata,
}

impl SystemSchema {
    /// Its id.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Metadata => "Metadata",
        }
    }

    /// What it is for.
    pub fn description(self) -> &'static str {
        match self {
            Self::User => "The standard profile of a user, by OpenID Connect",
            Self::Metadata => "Anything that administrators write about a user",
        }
    }

    /// The schema.
    pub fn schema(self) -> &'static Map<String, Value> {
        static USER: LazyLock<Map<String, Value>> = LazyLock::new(user);
        static METADATA: LazyLock<Map<String, Value>> = LazyLock::new(|| object(json!({ "type": "object" })));
        match self {
            Self::User => &USER,
            Self::Metadata => &METADATA,
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The claims of OpenID Connect Core 1.0 §5.1 that are a person's own words. Addresses that are proven are kept apart.
fn user() -> Map<String, Value> {
    let text = |title: &str| json!({ "type": "string", "title": title, "maxLength": 500 });
    let url = |title: &str| json!({ "type": "string", "title": title, "maxLength": 2000 });
    object(json!({
        "type": "object",
        "properties": {
            "name": text("Full name"),
            "given_name": text("Given name"),
            "middle_name": text("Middle name"),
            "family_name": text("Family name"),
            "nickname": text("Nickname"),
            "preferred_username": text("Preferred user name"),
            "profile": url("Profile page"),
            "picture": url("Picture"),
            "website": url("Website"),
            "email": text("E-mail address"),
            "phone_number": text("Phone number"),
            "gender": text("Gender"),
            "birthdate": { "type": "string", "title": "Date of birth", "maxLength": 10 },
            "zoneinfo": text("Time zone"),
            "locale": text("Language"),
            "address": {
                "type": "object",
                "title": "Postal address",
                "properties": {
                    "formatted": { "type": "string", "title": "Address as written on an envelope", "maxLength": 2000 },
                    "street_address": text("Street"),
                    "locality": text("City"),
                    "region": text("State or region"),
                    "postal_code": text("Postal code"),
                    "country": text("Country")
                }
            }
        },
        "additionalProperties": false
    }))
}

/// Which schema a pool uses for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaRef {
    /// One that every environment has.
    System(SystemSchema),
    /// One of the environment's own.
    Own(IdentitySchemaId),
}

impl SchemaRef {
    /// The environment's own schema that it is.
    pub fn own(self) -> Option<IdentitySchemaId> {
        match self {
            Self::System(_) => None,
            Self::Own(id) => Some(id),
        }
    }
}

impl fmt::Display for SchemaRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(schema) => f.write_str(schema.as_str()),
            Self::Own(id) => id.fmt(f),
        }
    }
}

impl FromStr for SchemaRef {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text.parse() {
            Ok(schema) => Ok(Self::System(schema)),
            Err(_) => text.parse().map(Self::Own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_named_by_its_id_or_as_one_that_all_have() {
        let own: SchemaRef = "schema_12vqjrnxk9xeov6o4f05pan0g".parse().unwrap();
        assert!(own.own().is_some());
        assert_eq!("123e4567-e89b-42d3-a456-426614174000".parse(), Ok(own));
        for schema in SystemSchema::VARIANTS {
            let named: SchemaRef = schema.as_str().parse().unwrap();
            assert_eq!((named, named.to_string().as_str()), (SchemaRef::System(*schema), schema.as_str()));
        }
        assert!("user_v1".parse::<SchemaRef>().is_err());
    }
}
