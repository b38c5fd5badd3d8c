//! The tenant boundary of SCIM: a user's addresses must be of the organization's domains.
//!
//! The rule is checked on the resource as it would be stored, not on the request. So it holds for POST, PUT, every path
//! of a PATCH, and Bulk.

use model::email::Email;
use scim::{EmailEntry, Resource};

use crate::app::directories::tokens::ProvisioningTarget;

/// One entry of `emails`, as needed for the rule.
struct CheckedAddress {
    address: Email,
    primary: bool,
    work: bool,
    own_domain: bool,
}

/// Refuses a user with an address outside the organization's domains, and returns the address that is reported to
/// apps: `userName` if it is one, else the primary one, else the first of type `work`, else the first.
///
/// A directory may allow foreign addresses as secondary ones. They are never primary and never reported; if only they
/// are left, no address is reported.
///
/// For an inactive user whom Microsoft Entra ID renamed in a soft delete, the former address is reported: apps know the
/// person by that one.
pub(super) fn validate(
    directory: &ProvisioningTarget,
    user: &Resource,
) -> Result<Option<Email>, scim::Error> {
    let reported = validate_entries(directory, user)?;
    let former = || Email::parse_soft_deleted(reported.as_ref()?.as_str());
    Ok(if user.active() { reported } else { former().or(reported) })
}

fn validate_entries(directory: &ProvisioningTarget, user: &Resource) -> Result<Option<Email>, scim::Error> {
    let user_name = user.user_name().unwrap_or_default();
    let own = match Email::is_meant(user_name) {
        true => Some(parse_own_domain(directory, "userName", user_name)?),
        false => None,
    };
    let mut entries = Vec::new();
    for EmailEntry { value, primary, kind } in user.emails() {
        let address = read("emails", &value)?;
        let is_own_domain = directory.accepts_domain(address.domain());
        if !is_own_domain && (primary || !directory.directory.allow_foreign_secondary_emails) {
            return Err(foreign_domain(directory, "emails", &address, primary));
        }
        let work = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
        entries.push(CheckedAddress { address, primary, work, own_domain: is_own_domain });
    }
    if own.is_some() {
        return Ok(own);
    }
    entries.retain(|entry| entry.own_domain);
    let place = entries
        .iter()
        .position(|entry| entry.primary)
        .or_else(|| entries.iter().position(|entry| entry.work))
        .unwrap_or(0);
    Ok((place < entries.len()).then(|| entries.swap_remove(place).address))
}

/// All addresses of a user: access is revoked under each of them.
pub(super) fn all_addresses(user: &Resource) -> Vec<Email> {
    let emails = user.emails().into_iter().map(|entry| entry.value);
    let texts = user.user_name().map(str::to_owned).into_iter().chain(emails);
    let mut known: Vec<Email> = texts.filter_map(|text| Email::parse(&text)).collect();
    known.sort_by_key(Email::key);
    known.dedup_by_key(|email| email.key());
    known
}

fn parse_own_domain(
    directory: &ProvisioningTarget,
    attribute: &str,
    text: &str,
) -> Result<Email, scim::Error> {
    let address = read(attribute, text)?;
    match directory.accepts_domain(address.domain()) {
        true => Ok(address),
        false => Err(foreign_domain(directory, attribute, &address, true)),
    }
}

fn read(attribute: &str, text: &str) -> Result<Email, scim::Error> {
    // A soft delete by Microsoft Entra ID can make the local part longer than allowed.
    Email::parse(text).or_else(|| Email::parse_soft_deleted(text)).ok_or_else(|| {
        let shown: String = text.chars().take(100).flat_map(char::escape_debug).collect();
        scim::Error::InvalidValue(format!("{attribute}: \"{shown}\" is not an e-mail address"))
    })
}

/// How many of the organization's domains an error lists: a Bulk request may repeat it a thousand times.
const MAX_LISTED_DOMAINS: usize = 10;

fn foreign_domain(
    directory: &ProvisioningTarget,
    attribute: &str,
    address: &Email,
    primary: bool,
) -> scim::Error {
    let all: Vec<&str> = directory.organization.accepted_domains().map(|d| d.as_str()).collect();
    let shown = all.iter().take(MAX_LISTED_DOMAINS).copied().collect::<Vec<_>>().join(", ");
    let domains = match all.len() {
        0 => "it has none yet".to_owned(),
        1..=MAX_LISTED_DOMAINS => shown,
        count => format!("{shown} and {} more", count - MAX_LISTED_DOMAINS),
    };
    let what = match primary && directory.directory.allow_foreign_secondary_emails {
        true => "can be a secondary address only: it is not of the organization's domains",
        false => "is not of the organization's domains",
    };
    scim::Error::InvalidValue(format!("{attribute}: \"{address}\" {what} ({domains})"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use base::{id::Id, time::Timestamp};
    use model::{
        domain::{Domain, DomainState},
        organization::Organization,
        scim_directory::ScimDirectory,
    };
    use scim::ResourceType;

    fn directory(allow_foreign: bool) -> ProvisioningTarget {
        let at = Timestamp::from_millis(0);
        let domain = |text: &str, state| (Domain::parse(text).unwrap(), state);
        ProvisioningTarget {
            directory: ScimDirectory {
                id: Id::from_bits(1),
                environment_id: Id::from_bits(2),
                organization_id: Id::from_bits(3),
                version: 1,
                primary: true,
                scim_base_url: "http://x".into(),
                allow_foreign_secondary_emails: allow_foreign,
                allow_users_without_email: false,
                refuse_inactive_logins: true,
                require_provisioned_logins: false,
                disabled: false,
                idp_kind: None,
                created_at: at,
                updated_at: at,
            },
            organization: Organization {
                domains: BTreeMap::from([
                    domain("acme.example", DomainState::Whitelisted),
                    domain("pending.example", DomainState::Pending),
                ]),
                ..Organization::new(Id::from_bits(3), Id::from_bits(2), at)
            },
            allowance: crate::app::directories::quota::Allowance::unlimited(),
        }
    }

    fn validated(allow_foreign: bool, user: Value) -> Result<Option<String>, String> {
        validate(&directory(allow_foreign), &Resource::parse(ResourceType::User, user).unwrap().resource)
            .map(|email| email.map(|email| email.as_str().to_owned()))
            .map_err(|error| error.detail().to_owned())
    }

    #[test]
    fn the_reported_address_is_chosen_in_order() {
        let two =
            json!([{"value": "b@acme.example", "type": "home"}, {"value": "c@acme.example", "type": "Work"}]);
        let three = json!([{"value": "b@acme.example"}, {"value": "c@acme.example", "primary": true}]);
        for (user, reported) in [
            (json!({"userName": "A@Acme.example", "emails": two}), Some("A@Acme.example")),
            (json!({"userName": "dana", "emails": three}), Some("c@acme.example")),
            (json!({"userName": "dana", "emails": two}), Some("c@acme.example")),
            (json!({"userName": "dana", "emails": [{"value": "b@acme.example"}]}), Some("b@acme.example")),
            (json!({"userName": "dana", "emails": [{"type": "work"}]}), None),
            (json!({"userName": "dana"}), None),
        ] {
            assert_eq!(validated(false, user.clone()), Ok(reported.map(str::to_owned)), "{user}");
        }
    }

    #[test]
    fn whom_entra_soft_deleted_is_reported_by_the_former_address() {
        let id = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        let long = "a-local-part-of-more-than-thirty-two-characters@acme.example";
        for (name, active, reported) in [
            (format!("{id}Ada@acme.example"), false, "Ada@acme.example".to_owned()),
            (format!("{id}Ada@acme.example"), true, format!("{id}Ada@acme.example")),
            (format!("{id}{long}"), false, long.to_owned()),
            (format!("{id}@acme.example"), false, format!("{id}@acme.example")),
        ] {
            let user = json!({"userName": name, "active": active});
            assert_eq!(validated(false, user), Ok(Some(reported)), "{name}");
        }
        assert!(
            validated(false, json!({"userName": format!("{id}a@evil.example"), "active": false})).is_err()
        );
    }

    #[test]
    fn a_foreign_address_is_refused_by_name() {
        for (user, named) in [
            (json!({"userName": "a@evil.example"}), "a@evil.example"),
            (json!({"userName": "a@pending.example"}), "a@pending.example"),
            (json!({"userName": "a@x.acme.example"}), "a@x.acme.example"),
            (json!({"userName": "a@acme.example.evil.example"}), "a@acme.example.evil.example"),
            (json!({"userName": "a@evil.example@acme.example"}), "a@evil.example@acme.example"),
            (json!({"userName": "\"x@evil.example\"@acme.example"}), "x@evil.example"),
            (json!({"userName": "dana", "emails": [{"value": "a@evil.example"}]}), "a@evil.example"),
            (
                json!({"userName": "a@acme.example", "emails": [{"value": "a@acme.example"}, {"value": "b@evil.example"}]}),
                "b@evil.example",
            ),
            (json!({"userName": "dana", "emails": [{"value": "no address"}]}), "no address"),
        ] {
            let error = validated(false, user.clone()).unwrap_err();
            assert!(error.contains(named), "{user}: {error}");
        }
    }

    #[test]
    fn an_admitted_foreign_address_stays_secondary() {
        let foreign = json!({"value": "a@evil.example", "type": "work"});
        let both = json!([foreign, {"value": "d@acme.example"}]);
        assert_eq!(
            validated(true, json!({"userName": "dana", "emails": both})),
            Ok(Some("d@acme.example".into()))
        );
        assert_eq!(validated(true, json!({"userName": "dana", "emails": [foreign]})), Ok(None));
        let primary = json!([{"value": "a@evil.example", "primary": true}]);
        assert!(
            validated(true, json!({"userName": "dana", "emails": primary}))
                .unwrap_err()
                .contains("secondary")
        );
        assert!(validated(true, json!({"userName": "a@evil.example"})).is_err());
    }
}
