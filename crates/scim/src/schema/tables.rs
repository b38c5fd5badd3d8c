//! The attribute definitions of RFC 7643 (§2.2): common attributes (§3.1), User (§4.1), Group
//! (§4.2) and the enterprise extension (§4.3).
//!
//! These tables decide how a value is normalised, how a filter compares it, whether it may be written and is
//! returned, and what `/Schemas` returns.
//!
//! Differences from RFC 7643 §8.7.1: `userName` of a User and `displayName` of a Group are required, as in
//! §4; ids (`members.value`, `groups.value`, `manager.value`) are `caseExact`, as `id` is; a member has
//! `display`, a default sub-attribute (§2.4) that Okta sends; `manager.displayName` is kept as it was sent, where the RFC
//! has the server look it up.

use super::definition::{Attribute, Mutability, Returned, Schema, Type, find};

const DISPLAY: Attribute = Attribute::text("display", "A name for this value, for people.");
const PRIMARY: Attribute =
    Attribute::new("primary", Type::Boolean, "Whether this is the preferred value. At most one is.");

macro_rules! values {
    ($value:expr, [$($kind:literal),*]) => {
        &[$value, DISPLAY, Attribute::kind_of(&[$($kind),*]), PRIMARY]
    };
}

/// The common attributes of every resource (RFC 7643 §3, §3.1). They belong to no schema.
pub static COMMON: &[Attribute] = &[
    Attribute {
        multi_valued: true,
        required: true,
        case_exact: false,
        ..Attribute::reference("schemas", &["uri"], "The URNs of the schemas whose attributes are present.")
            .returned(Returned::Always)
    },
    Attribute::text("id", "The identifier assigned by the server. Never reused.")
        .exact()
        .with(Mutability::ReadOnly)
        .returned(Returned::Always)
        .unique(),
    Attribute::text("externalId", "The client's identifier of the resource.").exact(),
    Attribute::complex(
        "meta",
        &[
            Attribute::text("resourceType", "Its resource type.").exact().with(Mutability::ReadOnly),
            Attribute::new("created", Type::DateTime, "When it was created.").with(Mutability::ReadOnly),
            Attribute::new("lastModified", Type::DateTime, "When it was last changed.")
                .with(Mutability::ReadOnly),
            Attribute::reference("location", &["uri"], "Its address.").with(Mutability::ReadOnly),
            Attribute::text("version", "Its version: the ETag.").exact().with(Mutability::ReadOnly),
        ],
        "Metadata maintained by the server.",
    )
    .with(Mutability::ReadOnly),
];

/// The User schema (RFC 7643 §4.1).
pub static USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "A person's account",
    attributes: &[
        Attribute::text("userName", "The name that the user signs in with, ignoring case.")
            .required()
            .unique(),
        Attribute::complex(
            "name",
            &[
                Attribute::text("formatted", "The whole name, as it is shown."),
                Attribute::text("familyName", "The family name."),
                Attribute::text("givenName", "The given name."),
                Attribute::text("middleName", "The middle names."),
                Attribute::text("honorificPrefix", "The prefix of the name, such as Dr."),
                Attribute::text("honorificSuffix", "The suffix of the name, such as III."),
            ],
            "The parts of the person's name.",
        ),
        Attribute::text("displayName", "The name that is shown to others."),
        Attribute::text("nickName", "What the person is called casually."),
        Attribute::reference("profileUrl", &["external"], "A page about the person."),
        Attribute::text("title", "The person's title, such as Vice President."),
        Attribute::text("userType", "What the person is to the organization, such as Contractor."),
        Attribute::text("preferredLanguage", "The languages the person reads, as in Accept-Language."),
        Attribute::text("locale", "How dates, numbers and currencies are written, such as en-US."),
        Attribute::text("timezone", "The person's time zone, such as America/Los_Angeles."),
        Attribute::new("active", Type::Boolean, "Whether the person may sign in."),
        Attribute::text("password", "A password. Accepted, but neither stored nor returned.")
            .exact()
            .with(Mutability::WriteOnly)
            .returned(Returned::Never),
        Attribute::several(
            "emails",
            values!(Attribute::text("value", "The address."), ["work", "home", "other"]),
            "E-mail addresses.",
        ),
        Attribute::several(
            "phoneNumbers",
            values!(
                Attribute::text("value", "The number."),
                ["work", "home", "mobile", "fax", "pager", "other"]
            ),
            "Telephone numbers.",
        ),
        Attribute::several(
            "ims",
            values!(
                Attribute::text("value", "The address."),
                ["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]
            ),
            "Addresses for instant messages.",
        ),
        Attribute::several(
            "photos",
            values!(
                Attribute::reference("value", &["external"], "Where the picture is."),
                ["photo", "thumbnail"]
            ),
            "Pictures of the person.",
        ),
        Attribute::several(
            "addresses",
            &[
                Attribute::text("formatted", "The whole address, as it is shown."),
                Attribute::text("streetAddress", "Street, house, post office box."),
                Attribute::text("locality", "The city."),
                Attribute::text("region", "The state or region."),
                Attribute::text("postalCode", "The postal code."),
                Attribute::text("country", "The country, two letters of ISO 3166-1."),
                Attribute::kind_of(&["work", "home", "other"]),
                PRIMARY,
            ],
            "Postal addresses.",
        ),
        Attribute::several(
            "groups",
            &[
                Attribute::text("value", "The group's id.").exact().with(Mutability::ReadOnly),
                Attribute::reference("$ref", &["Group"], "The group's address.").with(Mutability::ReadOnly),
                Attribute::text("display", "The group's name.").with(Mutability::ReadOnly),
                Attribute { mutability: Mutability::ReadOnly, ..Attribute::kind_of(&["direct", "indirect"]) },
            ],
            "The groups that the person is a member of. Written through the groups.",
        )
        .with(Mutability::ReadOnly),
        Attribute::several(
            "entitlements",
            values!(Attribute::text("value", "The entitlement."), []),
            "Things that the person is entitled to.",
        ),
        Attribute::several(
            "roles",
            values!(Attribute::text("value", "The role."), []),
            "The person's roles.",
        ),
        Attribute::several(
            "x509Certificates",
            values!(Attribute::new("value", Type::Binary, "The certificate, DER in base64."), []),
            "Certificates issued to the person.",
        ),
    ],
};

/// The Group schema (RFC 7643 §4.2).
pub static GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "A group of people",
    attributes: &[
        Attribute::text("displayName", "The group's name, ignoring case.").required().unique(),
        Attribute::several(
            "members",
            &[
                Attribute::text("value", "The member's id.").exact().with(Mutability::Immutable),
                Attribute::reference("$ref", &["User", "Group"], "The member's address.")
                    .with(Mutability::Immutable),
                Attribute { mutability: Mutability::Immutable, ..Attribute::kind_of(&["User", "Group"]) },
                Attribute::text("display", "The member's name, as it was sent.").with(Mutability::Immutable),
            ],
            "Who is in the group.",
        ),
    ],
};

/// The enterprise extension of User (RFC 7643 §4.3).
pub static ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "A person's place in an organization",
    attributes: &[
        Attribute::text("employeeNumber", "The person's employee number."),
        Attribute::text("costCenter", "The name of a cost center."),
        Attribute::text("organization", "The name of an organization."),
        Attribute::text("division", "The name of a division."),
        Attribute::text("department", "The name of a department."),
        Attribute::complex(
            "manager",
            &[
                Attribute::text("value", "The manager's id.").exact(),
                Attribute::reference("$ref", &["User"], "The manager's address."),
                Attribute::text("displayName", "The manager's name, as it was sent."),
            ],
            "The person's manager.",
        ),
    ],
};

/// WSO2's extension of User: the state of the account.
pub static WSO2_USER: Schema = Schema {
    id: "urn:scim:wso2:schema",
    name: "WSO2User",
    description: "The state of an account",
    attributes: &[
        Attribute::new(
            "askPassword",
            Type::Boolean,
            "Whether the person is asked for a password by a letter; only at the creation.",
        )
        .with(Mutability::WriteOnly)
        .returned(Returned::Never),
        Attribute::new(
            "accountLocked",
            Type::Boolean,
            "Whether the account is locked: nobody signs in with it.",
        ),
        Attribute::text("accountState", "Why the account can be used or not.").with(Mutability::ReadOnly),
        Attribute::text(
            "managedOrg",
            "The organization in which the person is at home, where that is another one.",
        )
        .exact()
        .with(Mutability::ReadOnly),
        Attribute::text("sharedType", "How the person of another organization came here.")
            .with(Mutability::ReadOnly),
    ],
};

/// Every schema of RFC 7643 for people: what names without a URN are looked up in.
pub static ALL: [&Schema; 3] = [&USER, &GROUP, &ENTERPRISE_USER];

/// Every schema that is known by its URN.
pub static KNOWN: [&Schema; 4] = [&USER, &GROUP, &ENTERPRISE_USER, &WSO2_USER];

/// The extensions of User.
pub static USER_EXTENSIONS: [&Schema; 2] = [&ENTERPRISE_USER, &WSO2_USER];

/// The schema with this URN, ignoring case.
pub fn by_id(id: &str) -> Option<&'static Schema> {
    KNOWN.into_iter().find(|schema| schema.id.eq_ignore_ascii_case(id))
}

/// Whether a URN, as its schema spells it, is that of an extension of User.
pub fn extends_user(id: &str) -> bool {
    USER_EXTENSIONS.iter().any(|schema| schema.id == id)
}

/// Finds an attribute by its name alone: common, of User, of Group, or of the enterprise extension. Schemas
/// that share a name define it alike.
pub fn by_name(name: &str) -> Option<(Option<&'static Schema>, &'static Attribute)> {
    let common = find(COMMON, name).map(|attribute| (None, attribute));
    common.or_else(|| ALL.into_iter().find_map(|schema| Some((Some(schema), schema.attribute(name)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(attributes: &'static [Attribute], visit: &mut impl FnMut(&'static Attribute)) {
        for attribute in attributes {
            visit(attribute);
            each(attribute.sub_attributes, visit);
        }
    }

    #[test]
    fn definitions_hold_together() {
        let lists = KNOWN.map(|schema| schema.attributes).into_iter().chain([COMMON]);
        for list in lists {
            each(list, &mut |attribute| {
                assert_eq!(
                    attribute.kind == Type::Complex,
                    !attribute.sub_attributes.is_empty(),
                    "{attribute:?}"
                );
                assert_eq!(
                    attribute.kind == Type::Reference,
                    !attribute.reference_types.is_empty(),
                    "{attribute:?}"
                );
                assert!(attribute.description.ends_with('.'), "{}", attribute.name);
                assert_eq!(
                    attribute.returned == Returned::Never,
                    attribute.mutability == Mutability::WriteOnly,
                    "{}",
                    attribute.name
                );
            });
        }
    }

    #[test]
    fn names_that_two_schemas_share_compare_alike() {
        for one in USER.attributes {
            if let Some(other) = GROUP.attribute(one.name) {
                assert_eq!(
                    (one.kind, one.multi_valued, one.case_exact),
                    (other.kind, other.multi_valued, other.case_exact)
                );
            }
            assert!(ENTERPRISE_USER.attribute(one.name).is_none());
        }
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        assert_eq!(by_name("USERNAME").unwrap().1.name, "userName");
        assert_eq!(by_name("Department").unwrap().0.unwrap().id, ENTERPRISE_USER.id);
        assert!(by_name("favouriteColour").is_none());
        assert_eq!(by_id("URN:IETF:params:scim:schemas:core:2.0:user").unwrap().name, "User");
    }
}
