//! The instructions for one product, as data.

use model::idp_kind::IdpKind;

/// One product.
pub struct Provider {
    /// Its kind.
    pub kind: IdpKind,
    /// The name of its admin console, by which admins recognise it.
    pub screen: &'static str,
    /// The steps for single sign-on; the test is the last.
    pub saml: &'static [SetupStep],
    /// The steps for SCIM provisioning, if it can do that.
    pub scim: ScimSupport,
    /// What its admin does about login errors.
    pub remedies: &'static [Remedy],
}

/// Whether a product can provision people and groups by SCIM.
pub enum ScimSupport {
    /// It can; the live view of the first requests is the last step.
    Steps(&'static [SetupStep]),
    /// It cannot by itself: why, and what can be done.
    Unavailable(&'static str),
}

/// One step.
pub struct SetupStep {
    /// Its name in URLs.
    pub slug: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What to read, click and enter, in order.
    pub parts: &'static [StepPart],
}

/// One part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPart {
    /// An instruction, numbered.
    Do(&'static str),
    /// A value to enter, numbered: the screen's name of the field, and the value to copy.
    Enter(&'static str, SetupValue),
    /// An option to choose, numbered: the screen's name of the field, and the option.
    Choose(&'static str, &'static str),
    /// A note, not numbered.
    Note(&'static str),
    /// The download of our SP metadata.
    Download,
    /// The forms for the identity provider's metadata, in these ways; the first one is visible.
    Metadata(&'static [MetadataSource]),
    /// The test login.
    Test,
    /// The bearer token, created and shown once.
    Token,
    /// The live view of SCIM requests.
    Live,
}

/// A way to give us the identity provider's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetadataSource {
    /// By its URL.
    Url,
    /// As a file.
    File,
    /// As single values.
    Values,
}

/// A value to enter in the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupValue {
    /// The ACS URL.
    AcsUrl,
    /// The ACS URL as a regular expression.
    AcsUrlPattern,
    /// The SP entity ID.
    EntityId,
    /// The URL of the SP metadata.
    MetadataUrl,
    /// The application's name.
    ApplicationName,
    /// The SCIM base URL.
    ScimBaseUrl,
}

/// What to do about login errors.
pub struct Remedy {
    /// The error codes.
    pub codes: &'static [&'static str],
    /// What to do, in the words of the product's screens.
    pub text: &'static str,
}

/// The errors that a wrong audience causes.
pub const AUDIENCE: &[&str] = &["assertion_audience", "audience_restriction_missing"];

/// The errors that a wrong ACS URL causes.
pub const ADDRESS: &[&str] =
    &["response_destination", "subject_confirmation_recipient", "subject_confirmation_missing"];

/// The errors that another identity provider or a renewed certificate causes.
pub const TRUST: &[&str] = &[
    "signature_mismatch",
    "signature_key_unsuitable",
    "response_issuer",
    "assertion_issuer",
    "certificate_missing",
];

/// The errors that a missing or wrong e-mail address causes.
pub const EMAIL: &[&str] =
    &["email_missing", "email_malformed", "email_ambiguous", "name_id_missing", "name_id_malformed"];

/// The error for a response in which the identity provider reports a failure.
pub const STATUS: &[&str] = &["response_status"];

/// The errors that a missing signature, an outdated algorithm or encryption causes.
pub const SIGNATURE: &[&str] = &[
    "signature_missing",
    "sha1_refused",
    "signature_algorithm_refused",
    "digest_algorithm_refused",
    "encryption_malformed",
    "encryption_algorithm_refused",
    "decryption_key_missing",
    "decryption_failed",
];

impl Provider {
    /// Its name within a sentence.
    pub fn in_text(&self) -> &'static str {
        if self.kind == IdpKind::Other { "your identity provider" } else { self.kind.name() }
    }

    /// What to do about an error, in this product's words, if there is a text for it.
    pub fn remedy(&self, code: &str) -> Option<&'static str> {
        self.remedies.iter().find(|remedy| remedy.codes.contains(&code)).map(|remedy| remedy.text)
    }

    /// The steps for SCIM provisioning; none where it cannot do that.
    pub fn scim_steps(&self) -> &'static [SetupStep] {
        match self.scim {
            ScimSupport::Steps(steps) => steps,
            ScimSupport::Unavailable(_) => &[],
        }
    }
}
