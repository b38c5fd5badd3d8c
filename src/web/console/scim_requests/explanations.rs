//! Explains the error codes of SCIM requests: meaning, who can fix it, and how.

use Fixer::{IdentityProvider, Vendor};
use saml::check::Fixer;

/// The explanation of an error code.
#[derive(Debug, Clone, Copy)]
pub struct ErrorExplanation {
    /// The code in the request log.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Who can fix it; `None` if nothing needs to be done.
    pub fixer: Option<Fixer>,
    /// How to fix it.
    pub remedy: &'static str,
}

const fn explanation(
    code: &'static str,
    meaning: &'static str,
    fixer: Option<Fixer>,
    remedy: &'static str,
) -> ErrorExplanation {
    ErrorExplanation { code, meaning, fixer, remedy }
}

const ALL: &[ErrorExplanation] = &[
    explanation(
        "unauthorized",
        "The bearer token is missing, mistyped, or was replaced.",
        Some(IdentityProvider),
        "Paste the directory’s current bearer token into the identity provider’s provisioning settings. Nobody has \
         it any more? Rotate it on the directory’s page.",
    ),
    explanation(
        "uniqueness",
        "Another living user or group of this directory already has this user name or display name.",
        Some(IdentityProvider),
        "Two people are mapped to the same userName, or a group was pushed twice. Change the mapping, or delete the \
         older one.",
    ),
    explanation(
        "invalidValue",
        "A value is missing or does not fit: most often an e-mail address outside the organization’s domains.",
        Some(IdentityProvider),
        "Correct the value that the detail names. If the domain belongs to the customer, add it to the organization.",
    ),
    explanation(
        "mutability",
        "It would change or remove an attribute that may not change.",
        Some(IdentityProvider),
        "Take the attribute that the detail names out of the attribute mapping, or map it on creation only.",
    ),
    explanation(
        "invalidSyntax",
        "The body is not the JSON that this kind of request needs.",
        Some(IdentityProvider),
        "Choose SCIM 2.0 in the identity provider. If it already is, send the request below to its support.",
    ),
    explanation(
        "invalidPath",
        "A PATCH names an attribute that this resource does not have.",
        Some(IdentityProvider),
        "Take the attribute that the detail names out of the attribute mapping.",
    ),
    explanation(
        "noTarget",
        "A PATCH would change a value that is not there.",
        Some(IdentityProvider),
        "Have the identity provider read the resource again: restart its provisioning, or provision this user anew.",
    ),
    explanation(
        "invalidFilter",
        "The filter of a search is not one of SCIM 2.0.",
        Some(IdentityProvider),
        "Map the matching attribute to userName or externalId.",
    ),
    explanation(
        "tooMany",
        "The search or bulk request would take more work than one request may.",
        Some(IdentityProvider),
        "Have it ask for less at once: fewer operations, a filter of fewer comparisons or by userName or externalId, \
         pages by cursor.",
    ),
    explanation(
        "invalidVers",
        "It asks for a version of SCIM that is not spoken here.",
        Some(IdentityProvider),
        "Choose SCIM 2.0 in the identity provider.",
    ),
    explanation(
        "sensitive",
        "It would put something confidential into an address.",
        Some(IdentityProvider),
        "Have it search by POST to .search, or by userName.",
    ),
    explanation(
        "invalidCursor",
        "The page cursor is not one of this search.",
        Some(IdentityProvider),
        "Begin the synchronization anew.",
    ),
    explanation(
        "expiredCursor",
        "The page cursor is too old.",
        None,
        "The identity provider begins its list anew by itself.",
    ),
    explanation(
        "invalidCount",
        "The page size changed in the middle of a list.",
        Some(IdentityProvider),
        "Begin the synchronization anew.",
    ),
    explanation(
        "forbidden",
        "It is understood, and not allowed.",
        Some(IdentityProvider),
        "The detail says why; take what it names out of the provisioning settings.",
    ),
    explanation(
        "quotaExceeded",
        "The directory, or all directories of the environment together, hold or wrote as much as they may. \
         Deactivating and deleting still work.",
        Some(Vendor),
        "The directory’s page shows what it takes up. If that is right, raise the quota in the settings (scim.…); if \
         not, find out what the identity provider pushes again and again.",
    ),
    explanation(
        "notFound",
        "There is no such user, group or endpoint in this directory. When a provider asks whether somebody is still \
         there, this is the answer it waits for.",
        None,
        "If it goes on asking for the same id: clear that user’s provisioning state in the identity provider, so that \
         it is created anew.",
    ),
    explanation(
        "methodNotAllowed",
        "This address does not take this kind of request.",
        Some(IdentityProvider),
        "Check the SCIM base URL in the provisioning settings: it ends with the directory’s id.",
    ),
    explanation(
        "conflict",
        "It meets something that cannot be resolved, such as a group inside itself.",
        Some(IdentityProvider),
        "Fix the groups that the detail names in the identity provider.",
    ),
    explanation(
        "preconditionFailed",
        "The resource was changed meanwhile.",
        None,
        "The identity provider reads it again and tries anew by itself.",
    ),
    explanation(
        "tooLarge",
        "The body is larger than this server takes.",
        Some(IdentityProvider),
        "Have it send large groups in pieces (PATCH instead of PUT).",
    ),
    explanation(
        "unsupportedMediaType",
        "The body is not sent as JSON.",
        Some(IdentityProvider),
        "It must be application/scim+json or application/json.",
    ),
    explanation(
        "limited",
        "Too many requests or bytes at once, or too many requests with a wrong token.",
        None,
        "The identity provider waits as long as the answer says. If it goes on, check the bearer token, and what it \
         pushes again and again; the settings scim.requests_per_second and scim.kilobytes_per_second are the limits.",
    ),
    explanation(
        "notImplemented",
        "SCIM knows it, and this server does not.",
        Some(Vendor),
        "Tell whoever runs this server which request it was.",
    ),
    explanation(
        "internal",
        "Something failed on our side. Nothing was changed.",
        Some(Vendor),
        "Look into the server’s log at this time; the identity provider tries again by itself.",
    ),
];

/// The explanation of a code.
pub fn explain(code: &str) -> Option<&'static ErrorExplanation> {
    ALL.iter().find(|explanation| explanation.code == code)
}

/// The codes, for a filter.
pub fn codes() -> Vec<(&'static str, &'static str)> {
    ALL.iter().map(|explanation| (explanation.code, explanation.code)).collect()
}
