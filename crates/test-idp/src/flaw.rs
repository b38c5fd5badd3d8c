//! The "break it" menu: the deliberate flaws of a response, and the expected result of each.

/// A deliberate flaw of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Shifted one hour into the past.
    Expired,
    /// Without any signature.
    Unsigned,
    /// Meant for another service.
    WrongAudience,
    /// From another identity provider.
    WrongIssuer,
    /// Confirmed for another address.
    WrongRecipient,
    /// Sent twice.
    Replayed,
    /// Changed after it was signed.
    Tampered,
    /// Signed with an untrusted key.
    OtherKey,
    /// Signed with SHA-1.
    Sha1,
    /// For a person of another company.
    ForeignDomain,
    /// Encrypted. This is no flaw, but needs an encryption certificate on the connection.
    Encrypted,
}

/// The expected result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// The login is accepted.
    Accepted,
    /// The login is refused with this code.
    Refused(&'static str),
    /// The first one is accepted, the second refused.
    SecondRefused,
}

impl Flaw {
    /// All of them, in the menu's order.
    pub const ALL: [Self; 11] = [
        Self::Expired,
        Self::Unsigned,
        Self::Tampered,
        Self::OtherKey,
        Self::Sha1,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::WrongRecipient,
        Self::Replayed,
        Self::ForeignDomain,
        Self::Encrypted,
    ];

    /// Its name in the form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unsigned => "unsigned",
            Self::WrongAudience => "wrong-audience",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongRecipient => "wrong-recipient",
            Self::Replayed => "replayed",
            Self::Tampered => "tampered",
            Self::OtherKey => "other-key",
            Self::Sha1 => "sha1",
            Self::ForeignDomain => "foreign-domain",
            Self::Encrypted => "encrypted",
        }
    }

    /// The flaw of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.name() == name)
    }

    /// What the menu calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Expired => "Expired",
            Self::Unsigned => "Unsigned",
            Self::WrongAudience => "Wrong audience",
            Self::WrongIssuer => "Wrong issuer",
            Self::WrongRecipient => "Wrong recipient",
            Self::Replayed => "Replayed",
            Self::Tampered => "Tampered with",
            Self::OtherKey => "Signed with another key",
            Self::Sha1 => "Signed with SHA-1",
            Self::ForeignDomain => "Another company’s person",
            Self::Encrypted => "Encrypted",
        }
    }

    /// What is sent, as the menu describes it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Expired => "A response that was good for five minutes, an hour ago.",
            Self::Unsigned => "The same response with no signature: anybody could have written it.",
            Self::WrongAudience => "A signed response that was made for another service.",
            Self::WrongIssuer => "A response with our signature and another identity provider’s name.",
            Self::WrongRecipient => {
                "A response whose subject confirmation names another service’s address: a stolen one looks like this."
            }
            Self::Replayed => "One good response, twice: what somebody does who copied it on its way.",
            Self::Tampered => "A signed response in which the address was changed to “admin” afterwards.",
            Self::OtherKey => "A response signed with a fresh key that is not in our metadata.",
            Self::Sha1 => "A response signed with RSA-SHA1, which is no longer safe.",
            Self::ForeignDomain => {
                "A perfectly signed response for a person whose address is not in this company’s domains."
            }
            Self::Encrypted => {
                "A good assertion, signed, then encrypted with AES-256-GCM for the connection’s key."
            }
        }
    }

    /// The expected result.
    pub fn expected_outcome(self) -> ExpectedOutcome {
        match self {
            Self::Expired => ExpectedOutcome::Refused("assertion_expired"),
            Self::Unsigned => ExpectedOutcome::Refused("signature_missing"),
            Self::WrongAudience => ExpectedOutcome::Refused("assertion_audience"),
            Self::WrongIssuer => ExpectedOutcome::Refused("response_issuer"),
            Self::WrongRecipient => ExpectedOutcome::Refused("subject_confirmation_recipient"),
            Self::Replayed => ExpectedOutcome::SecondRefused,
            Self::Tampered => ExpectedOutcome::Refused("digest_mismatch"),
            Self::OtherKey => ExpectedOutcome::Refused("signature_mismatch"),
            Self::Sha1 => ExpectedOutcome::Refused("sha1_refused"),
            Self::ForeignDomain => ExpectedOutcome::Refused("email_outside_organization_domains"),
            Self::Encrypted => ExpectedOutcome::Accepted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for flaw in Flaw::ALL {
            assert_eq!(Flaw::from_name(flaw.name()), Some(flaw));
        }
        assert_eq!(Flaw::from_name(""), None);
    }
}
