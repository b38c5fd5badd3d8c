//! The two parties of a response besides the identity provider: the user it is about, and the service provider it
//! goes to.

use openssl::x509::X509;

/// A user to sign in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestUser {
    /// The e-mail address.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// A service provider of the test identity provider: a connection that is configured with it.
#[derive(Debug, Clone)]
pub struct ServiceProvider {
    /// Its display name: the organization's.
    pub name: String,
    /// Its entity id, the audience of what is sent to it.
    pub sp_entity_id: String,
    /// Its Assertion Consumer Service URL.
    pub acs_url: String,
    /// The certificate to encrypt for, when it accepts encrypted assertions.
    pub encryption_certificate: Option<X509>,
    /// The organization's domains: users with addresses in them may sign in.
    pub domains: Vec<String>,
}

impl ServiceProvider {
    /// Whether the address is in one of its domains. True for every address when it has no domains.
    pub fn has_domain_of(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        self.domains.is_empty() || self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
}
