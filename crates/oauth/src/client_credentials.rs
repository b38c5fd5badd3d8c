//! The client credentials grant (RFC 6749 §4.4).

use crate::{Error, parameters::Parameters, scope::narrowed};

/// A request for a token of the client's own, once the client is authenticated.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientCredentialsGrant {
    /// The scopes that it asks for; `None`: all that it may have.
    pub scope: Option<Vec<String>>,
}

impl ClientCredentialsGrant {
    /// Reads the form.
    pub fn parse(parameters: &Parameters) -> Result<Self, Error> {
        if parameters.require("grant_type")? != "client_credentials" {
            return Err(Error::GrantNotSupported);
        }
        let scope = parameters
            .get("scope")?
            .map(|text| text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect());
        Ok(Self { scope })
    }

    /// The granted scopes where a scope that the client may not have is left out: the response says what was granted (§3.3).
    pub fn narrowed(&self, permitted: &[String]) -> String {
        narrowed(self.scope.as_deref(), permitted, |scope| permitted.iter().any(|known| known == scope))
    }

    /// The granted scopes: those that were asked for, each once; without any, all. A scope that the client may not have is
    /// refused, so that it learns of it here and not at the resource (§3.3 leaves this open).
    pub fn granted(&self, permitted: &[String]) -> Result<String, Error> {
        let Some(asked) = &self.scope else { return Ok(permitted.join(" ")) };
        let mut granted: Vec<&str> = Vec::new();
        for scope in asked {
            if !permitted.contains(scope) {
                return Err(Error::ScopeNotGranted(scope.clone()));
            }
            if !granted.contains(&scope.as_str()) {
                granted.push(scope);
            }
        }
        Ok(granted.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(form: &str) -> Result<String, &'static str> {
        let permitted = ["a".to_owned(), "b:c".to_owned()];
        let parameters = Parameters::parse(form).unwrap();
        ClientCredentialsGrant::parse(&parameters)
            .and_then(|grant| grant.granted(&permitted))
            .map_err(|error| error.code())
    }

    #[test]
    fn the_granted_scopes_are_those_asked_for() {
        const GRANT: &str = "grant_type=client_credentials";
        assert_eq!(granted(GRANT), Ok("a b:c".into()));
        assert_eq!(granted(&format!("{GRANT}&scope=")), Ok("a b:c".into()));
        assert_eq!(granted(&format!("{GRANT}&scope=b%3Ac")), Ok("b:c".into()));
        assert_eq!(granted(&format!("{GRANT}&scope=b:c+a++a")), Ok("b:c a".into()));
        assert_eq!(granted(&format!("{GRANT}&scope=a+x")), Err("invalid_scope"));
        assert_eq!(granted(&format!("{GRANT}&scope=A")), Err("invalid_scope"));
        assert_eq!(granted("scope=a"), Err("invalid_request"));
        assert_eq!(granted("grant_type=password"), Err("unsupported_grant_type"));
        assert_eq!(granted("grant_type=authorization_code&code=x"), Err("unsupported_grant_type"));
        assert_eq!(granted(&format!("{GRANT}&{GRANT}")), Err("invalid_request"));
    }
}
