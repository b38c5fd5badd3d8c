//! What the settings of an application may be.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::application::{Application, ClientKind, GrantType, IdTokenAlg, Sharing, Workspace};
use strum::VariantArray as _;
use url::Url;

use crate::app::{Error, Result, authorization_server::scopes::SYSTEM_SCOPES};

/// How tokens are signed where nothing is said: short, and much cheaper than RSA.
pub(super) const DEFAULT_ALGORITHM: IdTokenAlg = IdTokenAlg::ES256;

/// How many scopes an application has at most.
const MAX_SCOPES: usize = 100;

/// How long a scope is at most.
const MAX_SCOPE_LENGTH: usize = 128;

/// How many origins an application has at most.
const MAX_ORIGINS: usize = 100;

/// The grants of a client of this kind.
pub(super) fn grants(kind: ClientKind, names: &[String]) -> Result<Vec<GrantType>> {
    const FIELD: &str = "grantTypes";
    let mut grants = Vec::new();
    for name in names {
        let grant: GrantType = name.parse().map_err(|_| {
            let names: Vec<&str> = GrantType::VARIANTS.iter().map(|grant| grant.as_str()).collect();
            Error::invalid(FIELD, format!("must be one of {}", names.join(", ")))
        })?;
        if !kind.permitted_grants().contains(&grant) {
            let reason = format!("a {} client cannot use {}", kind.as_str(), grant.as_str());
            return Err(Error::invalid(FIELD, reason));
        }
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    if grants.is_empty() {
        return Err(Error::invalid(FIELD, "must name at least one grant"));
    }
    Ok(grants)
}

/// The scopes of an application: each a scope-token (RFC 6749 §3.3); in the system workspace one of those that there are.
pub(super) fn scopes(workspace: Option<Workspace>, names: &[String]) -> Result<Vec<String>> {
    const FIELD: &str = "scopes";
    if names.len() > MAX_SCOPES {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_SCOPES}")));
    }
    let is_token = |name: &str| {
        (1..=MAX_SCOPE_LENGTH).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    let mut scopes: Vec<String> = Vec::new();
    for name in names {
        if !is_token(name) {
            let reason = format!(
                "each must be 1 to {MAX_SCOPE_LENGTH} printable characters without space, quote and backslash"
            );
            return Err(Error::invalid(FIELD, reason));
        }
        if workspace == Some(Workspace::System) && !SYSTEM_SCOPES.contains(&name.as_str()) {
            let reason = format!("{name} is none of the system workspace: {}", SYSTEM_SCOPES.join(", "));
            return Err(Error::invalid(FIELD, reason));
        }
        if !scopes.contains(name) {
            scopes.push(name.clone());
        }
    }
    Ok(scopes)
}

/// Origins as browsers write them (RFC 6454 §6.2).
pub(super) fn origins(texts: &[String]) -> Result<Vec<String>> {
    const FIELD: &str = "origins";
    if texts.len() > MAX_ORIGINS {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_ORIGINS}")));
    }
    let mut origins: Vec<String> = Vec::new();
    for text in texts {
        let origin = origin(text.trim())
            .ok_or_else(|| Error::invalid(FIELD, "each must be an origin: https://app.example.com"))?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && is_bare && text.len() <= 2000)
        .then(|| url.origin().ascii_serialization())
}

/// At whose issuers an application can be used. Shared are only those of the vendor that sign people in, or that switch to other
/// organizations.
pub(super) fn sharing(application: &Application, text: &str) -> Result<Sharing> {
    let wanted = match text {
        "" => Sharing::default_of(application.kind, application.organization_id),
        text => {
            let unknown = |_| Error::invalid("shared", "must be all, existing, selected or none");
            text.parse().map_err(unknown)?
        }
    };
    match wanted {
        Sharing::None => Ok(wanted),
        _ if application.can_be_shared() => Ok(wanted),
        _ => Err(Error::invalid(
            "shared",
            "must be none: only your own applications are shared, and a service client only with the grant organization_switch",
        )),
    }
}

/// How the command line names what an application can be shared with.
pub(super) fn sharing_names() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(["none", "all-existing", "all-existing-and-future"]).map(|name| {
        let stored = match name.as_str() {
            "all-existing-and-future" => Sharing::All,
            "all-existing" => Sharing::Existing,
            _ => Sharing::None,
        };
        stored.as_str().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_kind_has_its_grants() {
        use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
        for (kind, names, expected) in [
            (ClientKind::Service, &["client_credentials"][..], Some(vec![ClientCredentials])),
            (ClientKind::Service, &["authorization_code"], None),
            (ClientKind::Public, &["client_credentials"], None),
            (
                ClientKind::Public,
                &["authorization_code", "refresh_token"],
                Some(vec![AuthorizationCode, RefreshToken]),
            ),
            (ClientKind::Web, &["client_credentials", "client_credentials"], Some(vec![ClientCredentials])),
            (ClientKind::Web, &["password"], None),
            (ClientKind::Web, &[], None),
        ] {
            assert_eq!(grants(kind, &texts(names)).ok(), expected, "{kind:?} {names:?}");
        }
        for kind in [ClientKind::Web, ClientKind::Public, ClientKind::Service] {
            assert!(kind.default_grants().iter().all(|grant| kind.permitted_grants().contains(grant)));
        }
    }

    #[test]
    fn scopes_are_tokens_and_those_of_the_system_workspace_are_known() {
        let system = Some(Workspace::System);
        assert!(scopes(system, &texts(&["manage_organizations", "organizations:read"])).is_ok());
        assert!(scopes(system, &texts(&["internal_org_user_mgt_create"])).is_err());
        assert_eq!(scopes(None, &texts(&["a:b", "a:b"])).unwrap(), ["a:b"]);
        for bad in ["", "a b", "a\"b", "a\\b", "ä", "a\n", &"x".repeat(MAX_SCOPE_LENGTH + 1)] {
            assert!(scopes(None, &texts(&[bad])).is_err(), "{bad:?}");
        }
        assert!(scopes(None, &vec!["a".to_owned(); MAX_SCOPES + 1]).is_err());
    }

    #[test]
    fn origins_are_bare() {
        let one = |text: &str| origins(&texts(&[text])).ok().map(|mut origins| origins.remove(0));
        assert_eq!(one("https://App.example:443/").as_deref(), Some("https://app.example"));
        assert_eq!(one("http://localhost:3000").as_deref(), Some("http://localhost:3000"));
        for bad in ["", "*", "null", "app.example", "https://a.example/x", "https://u@a.example", "file:///x"]
        {
            assert_eq!(one(bad), None, "{bad}");
        }
    }
}
