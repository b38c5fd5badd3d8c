//! The discovery endpoints (RFC 7643 §5, §6, §7; RFC 7644 §4; RFC 9865 §4).
//!
//! `base` is the absolute base URL of the directory, without a trailing slash.

use serde_json::{Map, Value, json};

use crate::{
    ResourceType,
    schema::{self, Attribute, Schema},
};

const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// What a service provider serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalogue {
    /// The people whom an identity provider pushes into a directory.
    Directory,
    /// The accounts of an organization, with WSO2's extension.
    Accounts,
}

impl Catalogue {
    fn schemas(self) -> &'static [&'static Schema] {
        match self {
            Self::Directory => &schema::ALL,
            Self::Accounts => &schema::KNOWN,
        }
    }

    /// The attributes that a schema has besides: of accounts the enterprise extension has those of WSO2's too, whose clients look for
    /// them in either.
    fn more(self, schema: &Schema) -> &'static [Attribute] {
        match self {
            Self::Accounts if schema.id == schema::ENTERPRISE_USER.id => schema::WSO2_USER.attributes,
            _ => &[],
        }
    }

    fn user_extensions(self) -> &'static [&'static Schema] {
        match self {
            Self::Directory => &schema::USER_EXTENSIONS[..1],
            Self::Accounts => &schema::USER_EXTENSIONS,
        }
    }
}

/// The limits in the ServiceProviderConfig.
#[derive(Debug, Clone, Copy)]
pub struct ServiceLimits {
    /// Maximum number of operations of a Bulk request; `None` where there is no Bulk.
    pub bulk_operations: Option<usize>,
    /// Maximum size of a body in bytes.
    pub body_bytes: usize,
    /// The page size when no `count` is given.
    pub default_page: u64,
    /// Maximum page size.
    pub max_page: u64,
    /// The lifetime of a cursor in seconds; `None` where pages have no cursors.
    pub cursor_seconds: Option<u64>,
    /// Whether lists are sorted as asked for.
    pub sort: bool,
    /// Whether resources have entity tags.
    pub etag: bool,
    /// What the bearer token is.
    pub token: &'static str,
}

/// `/ServiceProviderConfig` (RFC 7643 §5).
pub fn service_provider_config(base: &str, limits: &ServiceLimits) -> Value {
    let mut bulk = json!({"supported": limits.bulk_operations.is_some()});
    // RFC 7643 §5 requires the numbers too.
    bulk["maxOperations"] = limits.bulk_operations.unwrap_or(0).into();
    bulk["maxPayloadSize"] = limits.bulk_operations.map_or(0, |_| limits.body_bytes).into();
    let mut pagination = json!({
        "cursor": limits.cursor_seconds.is_some(),
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": limits.default_page,
        "maxPageSize": limits.max_page,
    });
    if let Some(seconds) = limits.cursor_seconds {
        pagination["cursorTimeout"] = seconds.into();
    }
    json!({
        "schemas": [CONFIG_SCHEMA],
        "patch": {"supported": true},
        "bulk": bulk,
        "filter": {"supported": true, "maxResults": limits.max_page},
        "changePassword": {"supported": false},
        "sort": {"supported": limits.sort},
        "etag": {"supported": limits.etag},
        "pagination": pagination,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": format!("{}, in the Authorization header", limits.token),
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", format!("{base}/ServiceProviderConfig")),
    })
}

/// Every entry of `/ResourceTypes` (RFC 7643 §6).
pub fn resource_types(base: &str, catalogue: Catalogue) -> Vec<Value> {
    ResourceType::ALL.into_iter().map(|kind| resource_type(base, catalogue, kind)).collect()
}

/// `/ResourceTypes/{name}`. The name is case-insensitive.
pub fn resource_type_named(base: &str, catalogue: Catalogue, name: &str) -> Option<Value> {
    ResourceType::from_name(name).map(|kind| resource_type(base, catalogue, kind))
}

fn resource_type(base: &str, catalogue: Catalogue, kind: ResourceType) -> Value {
    let name = kind.name();
    let mut body = json!({
        "schemas": [RESOURCE_TYPE_SCHEMA],
        "id": name,
        "name": name,
        "endpoint": format!("/{}", kind.endpoint()),
        "description": kind.schema().description,
        "schema": kind.schema().id,
        "meta": meta("ResourceType", format!("{base}/ResourceTypes/{name}")),
    });
    if let (ResourceType::User, Some(body)) = (kind, body.as_object_mut()) {
        let extension = |schema: &&Schema| json!({"schema": schema.id, "required": false});
        let extensions: Vec<Value> = catalogue.user_extensions().iter().map(extension).collect();
        body.insert("schemaExtensions".into(), extensions.into());
    }
    body
}

/// Every entry of `/Schemas` (RFC 7643 §7).
pub fn schemas(base: &str, catalogue: Catalogue) -> Vec<Value> {
    catalogue.schemas().iter().map(|schema| schema_resource(base, catalogue, schema)).collect()
}

/// `/Schemas/{urn}`. The URN is case-insensitive.
pub fn schema_named(base: &str, catalogue: Catalogue, urn: &str) -> Option<Value> {
    let named = |schema: &&&Schema| schema.id.eq_ignore_ascii_case(urn);
    catalogue.schemas().iter().find(named).map(|schema| schema_resource(base, catalogue, schema))
}

fn schema_resource(base: &str, catalogue: Catalogue, schema: &Schema) -> Value {
    json!({
        "schemas": [SCHEMA_SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().chain(catalogue.more(schema)).map(attribute).collect::<Vec<_>>(),
        "meta": meta("Schema", format!("{base}/Schemas/{}", schema.id)),
    })
}

fn meta(resource_type: &str, location: String) -> Value {
    json!({"resourceType": resource_type, "location": location})
}

/// One attribute definition. Inapplicable characteristics are omitted: some clients fail on null.
fn attribute(attribute: &Attribute) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("name", attribute.name.into());
    put("type", attribute.kind.name().into());
    put("multiValued", attribute.multi_valued.into());
    put("description", attribute.description.into());
    put("required", attribute.required.into());
    put("caseExact", attribute.case_exact.into());
    put("mutability", attribute.mutability.name().into());
    put("returned", attribute.returned.name().into());
    put("uniqueness", if attribute.unique { "server" } else { "none" }.into());
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", json!(attribute.canonical_values));
    }
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        put("subAttributes", attribute.sub_attributes.iter().map(self::attribute).collect());
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::is_present;

    const BASE: &str = "https://sso.example.com/v1/scim/scim_directory_1";
    const LIMITS: ServiceLimits = ServiceLimits {
        bulk_operations: Some(100),
        body_bytes: 1 << 20,
        default_page: 100,
        max_page: 500,
        cursor_seconds: Some(3600),
        sort: true,
        etag: true,
        token: "The directory's bearer token",
    };

    fn each(value: &Value, visit: &mut impl FnMut(&Value)) {
        visit(value);
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| each(element, visit)),
            Value::Object(object) => object.values().for_each(|member| each(member, visit)),
            _ => {}
        }
    }

    #[test]
    fn nothing_that_is_said_is_null_or_empty() {
        let mut all = schemas(BASE, Catalogue::Directory);
        all.extend(resource_types(BASE, Catalogue::Directory));
        all.extend(schemas(BASE, Catalogue::Accounts));
        all.extend(resource_types(BASE, Catalogue::Accounts));
        all.push(service_provider_config(BASE, &LIMITS));
        let none = ServiceLimits { bulk_operations: None, cursor_seconds: None, ..LIMITS };
        all.push(service_provider_config(BASE, &none));
        for body in all {
            each(&body, &mut |value| assert!(is_present(value), "{body}"));
            assert!(body["meta"]["location"].as_str().unwrap().starts_with(BASE));
            assert_eq!(body["schemas"].as_array().unwrap().len(), 1);
        }
    }

    #[test]
    fn each_entry_is_found_by_its_name() {
        assert_eq!(
            schema_named(BASE, Catalogue::Directory, "URN:ietf:params:scim:schemas:core:2.0:group"),
            Some(schemas(BASE, Catalogue::Directory)[1].clone())
        );
        assert_eq!(schema_named(BASE, Catalogue::Directory, "urn:example"), None);
        assert_eq!(
            resource_type_named(BASE, Catalogue::Directory, "user"),
            Some(resource_types(BASE, Catalogue::Directory)[0].clone())
        );
        assert_eq!(resource_type_named(BASE, Catalogue::Directory, "Users"), None);
        // A directory does not have what is WSO2's.
        let wso2 = |catalogue| schema_named(BASE, catalogue, "urn:SCIM:wso2:schema");
        assert!(wso2(Catalogue::Directory).is_none() && wso2(Catalogue::Accounts).is_some());
    }

    #[test]
    fn a_user_schema_says_what_clients_look_for() {
        let user = schema_named(BASE, Catalogue::Directory, schema::USER.id).unwrap();
        let named = |name: &str| {
            user["attributes"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap()
        };
        assert_eq!(
            named("userName"),
            json!({
                "name": "userName", "type": "string", "multiValued": false, "required": true, "caseExact": false,
                "mutability": "readWrite", "returned": "default", "uniqueness": "server",
                "description": "The name that the user signs in with, ignoring case.",
            })
        );
        assert_eq!(named("password")["returned"], "never");
        assert_eq!(named("groups")["mutability"], "readOnly");
        assert_eq!(named("photos")["subAttributes"][0]["referenceTypes"], json!(["external"]));
    }
}
