//! The text of each login error for the person who could not sign in.
//!
//! They do not know the protocol's terms. An entry says in plain words what happened, what to do and whom to
//! contact. The technical details (clause, remedy in the identity provider's screens) are in the check, which
//! the page shows below for their IT team.

/// Whom to contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// Nobody: signing in again fixes it.
    Nobody,
    /// The company's IT team, who run its sign-in service.
    ItTeam,
    /// The app's support team, who run or configure this gateway.
    App,
}

/// The text for login errors that look alike to a person.
#[derive(Debug)]
pub struct ErrorText {
    /// The codes they are for.
    pub codes: &'static [&'static str],
    /// What happened.
    pub happened: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Whom to contact.
    pub contact: Contact,
    /// Whether the page may show expected and found values once a signature verified. Not where they
    /// belong to another browser, another login or the vendor.
    pub show_values: bool,
}

/// The text for `code`.
pub fn find(code: &str) -> Option<&'static ErrorText> {
    ALL.iter().find(|words| words.codes.contains(&code))
}

/// The text for `code`, or a general one.
pub fn text(code: &str) -> &'static ErrorText {
    find(code).unwrap_or(&DEFAULT)
}

/// Every code that has a text of its own.
pub fn codes() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|words| words.codes.iter().copied())
}

static DEFAULT: ErrorText = ErrorText {
    codes: &[],
    happened: "The answer of your company’s sign-in service was not accepted.",
    remedy: "Go back to the app and sign in again. If you come here again, it needs somebody to look at it.",
    contact: Contact::App,
    show_values: false,
};

/// All texts: first what the person can fix, then their IT team, then the app.
pub static ALL: &[ErrorText] = &[
    // The person, by signing in again
    ErrorText {
        codes: &["link_expired"],
        happened: "This sign-in link is too old or not complete.",
        remedy: "Go back to the app and sign in again.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["request_expired"],
        happened: "This sign-in took too long, so it was closed.",
        remedy: "Go back to the app and sign in again.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["request_already_used"],
        happened: "This sign-in was finished before.",
        remedy: "If you came here with the back button, you may be signed in already: open the app again. \
                 If you are not, sign in again there.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["assertion_replayed"],
        happened: "This answer of your company’s sign-in service was used before, and each one counts once.",
        remedy: "Go back to the app and sign in again.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &[
            "in_response_to_unknown",
            "in_response_to",
            "in_response_to_conflict",
            "relay_state_mismatch",
            "invalid_state",
            "nonce_mismatch",
        ],
        happened: "This answer belongs to another sign-in than the one you began.",
        remedy: "Go back to the app and sign in again, in one window only.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["browser_mismatch"],
        happened: "This sign-in was begun in another browser than this one.",
        remedy: "Go back to the app and sign in again, and stay in the same browser until you are in. If you did, \
                 allow cookies for this address.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &[
            "assertion_expired",
            "assertion_too_old",
            "subject_confirmation_expired",
            "session_expired",
            "id_token_expired",
        ],
        happened: "The answer of your company’s sign-in service was too old when it came here.",
        remedy: "Go back to the app and sign in again. If it happens each time, the clock of your company’s \
                 sign-in service is wrong: tell your IT team.",
        contact: Contact::Nobody,
        show_values: true,
    },
    ErrorText {
        codes: &["sign_in_gone"],
        happened: "This sign-in was finished already, took too long, or was begun anew.",
        remedy: "Go back to the app and sign in again.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["idp_initiated_refused"],
        happened: "This app does not take sign-ins that begin at your company’s portal.",
        remedy: "Open the app itself and sign in there.",
        contact: Contact::Nobody,
        show_values: false,
    },
    // The company's IT team
    ErrorText {
        codes: &["response_status", "idp_error"],
        happened: "Your company’s sign-in service did not let you in to this app.",
        remedy: "Most often that means that you have not been given this app there. Ask your IT team to assign it \
                 to you (in Okta: Applications → the app → Assignments; in Entra ID: Enterprise applications → the \
                 app → Users and groups).",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["email_outside_organization_domains"],
        happened: "Your company’s sign-in service sent an address that this app does not let in for your company.",
        remedy: "Ask your IT team to send your work address (in Okta: Applications → the app → Sign On → Application \
                 username; in Entra ID: Enterprise applications → the app → Single sign-on → Attributes & Claims).",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["authentication_too_old"],
        happened: "This app asks that you enter your password again, and your company’s sign-in service did not ask you.",
        remedy: "Sign out of your company’s sign-in service, then go back to the app and sign in again. If it happens \
                 each time, tell your IT team.",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["directory_user_inactive"],
        happened: "Your company’s directory says that your account for this app is switched off.",
        remedy: "If you should still have it, ask your IT team to assign this app to you again (in Okta: Applications \
                 → the app → Assignments; in Entra ID: Enterprise applications → the app → Users and groups).",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &["directory_user_unknown"],
        happened: "Your company lets only people into this app whom its directory has announced, and you are not \
                   among them yet.",
        remedy: "Ask your IT team to assign this app to you. If they did so just now, try again in a while: some \
                 services need up to 40 minutes to pass it on.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &["email_missing", "name_id_missing"],
        happened: "Your company’s sign-in service did not say what your e-mail address is.",
        remedy: "Ask your IT team to send your e-mail address as the Name ID (in Okta: Applications → the app → Sign \
                 On → Application username; in Entra ID: Enterprise applications → the app → Single sign-on → \
                 Attributes & Claims → Unique User Identifier).",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["email_malformed", "name_id_malformed"],
        happened: "Your company’s sign-in service sent something that is not an e-mail address as your address.",
        remedy: "Ask your IT team to send your work e-mail address as the Name ID.",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["email_ambiguous"],
        happened: "Your company’s sign-in service sent more than one e-mail address for you, and we do not guess.",
        remedy: "Ask your IT team to send one, your work address. If both must stay, the app’s team can set which \
                 attribute counts (emailAttribute of the SAML connection).",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["email_unverified"],
        happened: "Your company’s sign-in service says that your e-mail address was not verified.",
        remedy: "Verify your address there, or ask your IT team to mark it as verified; then sign in again.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &["restart_loop"],
        happened: "Your company’s sign-in service answers without saying which question it answers, again and again.",
        remedy: "Ask your IT team to set this app up for sign-ins that the app begins (SP-initiated SAML), so that \
                 its responses carry InResponseTo.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &[
            "assertion_audience",
            "audience_restriction_missing",
            "conditions_missing",
            "response_destination",
            "subject_confirmation_missing",
            "subject_confirmation_recipient",
        ],
        happened: "Your company’s sign-in service sent an answer that is meant for another app.",
        remedy: "Ask your IT team to compare the app’s Entity ID (Audience) and Reply URL (Assertion Consumer Service \
                 URL) in your sign-in service with the values below or with those the app’s team gave them.",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &[
            "id_token_not_yet_valid",
            "response_issue_instant",
            "assertion_issue_instant",
            "assertion_not_yet_valid",
            "subject_confirmation_not_yet_valid",
            "authn_instant_invalid",
        ],
        happened: "By the clock of your company’s sign-in service, its answer comes from the future.",
        remedy: "Wait two minutes and sign in again. If it happens each time, ask your IT team to set that clock.",
        contact: Contact::ItTeam,
        show_values: true,
    },
    ErrorText {
        codes: &["signature_missing"],
        happened: "Your company’s sign-in service did not sign its answer, so anybody could have written it.",
        remedy: "Ask your IT team to switch on signing of the response or the assertion for this app.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &["signature_algorithm_refused", "sha1_refused", "digest_algorithm_refused"],
        happened: "Your company’s sign-in service signs its answers in a way that is no longer safe.",
        remedy: "Ask your IT team to set the signature algorithm of this app to RSA-SHA256.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &["encryption_malformed", "encryption_algorithm_refused", "decryption_failed"],
        happened: "Your company’s sign-in service encrypted its answer in a way that we cannot open.",
        remedy: "Ask your IT team to encrypt for this app with the certificate of the app’s metadata and AES-GCM, or \
                 not at all.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &["document_too_large", "too_many_nodes"],
        happened: "Your company’s sign-in service sent more about you than we take.",
        remedy: "Ask your IT team to send fewer groups to this app; a group filter usually suffices.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &[
            "authorization_response_malformed",
            "id_token_malformed",
            "id_token_algorithm",
            "access_token_hash_mismatch",
            "authorized_party_mismatch",
            "subject_missing",
            "userinfo_refused",
            "userinfo_subject_mismatch",
            "saml_response_missing",
            "base64_malformed",
            "encoding_not_utf8",
            "doctype_present",
            "processing_instruction_present",
            "comment_present",
            "nesting_too_deep",
            "too_many_attributes",
            "xml_malformed",
            "namespace_refused",
            "root_not_response",
            "response_not_single",
            "assertion_not_single",
            "assertion_missing",
            "status_not_single",
            "unexpected_content",
            "id_malformed",
            "id_duplicate",
            "response_version",
            "assertion_version",
            "condition_unknown",
        ],
        happened: "Your company’s sign-in service sent an answer that we cannot read safely.",
        remedy: "Go back to the app and sign in again. If you come here again, your IT team can see below what is \
                 wrong with the answer.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    ErrorText {
        codes: &[
            "signature_misplaced",
            "signature_malformed",
            "canonicalization_refused",
            "reference_refused",
            "transform_refused",
            "digest_mismatch",
        ],
        happened: "The signature of your company’s sign-in service does not fit its answer.",
        remedy: "Go back to the app and sign in again. If you come here again, something changes the answer on its \
                 way or signs it wrongly, and your IT team must look at it.",
        contact: Contact::ItTeam,
        show_values: false,
    },
    // The app
    ErrorText {
        codes: &["idp_unreachable", "keys_unreadable", "token_response_malformed"],
        happened: "Your company’s sign-in service did not answer this app as it should.",
        remedy: "Try again in a few minutes. If you come here again, the app’s team and your IT team must look at it \
                 together.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["code_refused"],
        happened: "Your company’s sign-in service did not accept this app.",
        remedy: "Most often the app’s client secret has expired there. Your IT team can make a new one for the app’s team.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["id_token_key_unknown", "invalid_signature"],
        happened: "The answer was not signed with a key that your company’s sign-in service publishes.",
        remedy: "Go back to the app and sign in again. If you come here again, the app’s team must compare its settings with \
                 those of your IT team.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["issuer_mismatch", "response_issuer_mismatch", "audience_mismatch"],
        happened: "The answer came from another sign-in service than the one this app knows, or is for another app.",
        remedy: "Go back to the app and sign in again. If you come here again, the app’s team must compare issuer and client \
                 ID with those that your IT team has.",
        contact: Contact::App,
        show_values: true,
    },
    ErrorText {
        codes: &["signature_mismatch", "signature_key_unsuitable"],
        happened: "The answer was not signed with the key that this app knows of your company’s sign-in service.",
        remedy: "Most often that key was renewed and the app has not been told. Your IT team can send the app’s team \
                 the new signing certificate.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["response_issuer", "assertion_issuer"],
        happened: "The answer came from another sign-in service than the one this app knows for your company.",
        remedy: "If your company changed its sign-in service, your IT team can send the app’s team its new metadata.",
        contact: Contact::App,
        show_values: true,
    },
    ErrorText {
        codes: &[
            "connection_not_configured",
            "certificate_missing",
            "decryption_key_missing",
            "organization_is_template",
        ],
        happened: "Single sign-on for your company is not fully set up in this app.",
        remedy: "Only the app’s team can finish it.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["connection_disabled", "organization_disabled", "oauth_client_disabled"],
        happened: "Single sign-on for your company is switched off in this app.",
        remedy: "Only the app’s team can switch it on again.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["user_linked_elsewhere"],
        happened: "There is an account with your address already, and your company’s sign-in service knows it as \
                   somebody else’s.",
        remedy: "Only the app’s team can clear this up: either the account is yours, or it was of somebody who had \
                 your address before you.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["second_opinion_disagrees"],
        happened: "Two checks of the same answer did not agree, so nobody was let in.",
        remedy: "Go back to the app and sign in again. If you come here again, the app’s team must look at it.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["test_connection_disabled"],
        happened: "This way to sign in is for tests only, and tests are switched off here.",
        remedy: "Only the app’s team can set up the real one.",
        contact: Contact::App,
        show_values: false,
    },
    ErrorText {
        codes: &["no_redirect_url"],
        happened: "Your company’s sign-in worked, but the app has not said where to send you now.",
        remedy: "The app’s team must set the redirect URL of its environment.",
        contact: Contact::App,
        show_values: false,
    },
    // Signing in with an account
    ErrorText {
        codes: &["account_unknown", "password_wrong", "password_missing", "password_not_allowed"],
        happened: "This address and this password do not belong together.",
        remedy: "Look at both for typing mistakes. If you have forgotten the password, reset it.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["password_expired", "password_must_be_changed"],
        happened: "Your password has expired, or somebody asked that you change it.",
        remedy: "Choose another one to go on.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["password_must_be_reset"],
        happened: "Somebody who manages the accounts of your organization asked that you reset your password. Your present password is good for nothing else.",
        remedy: "Ask them for a link with which you set another one.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["account_not_active"],
        happened: "Your account is not activated yet, or it is switched off.",
        remedy: "Use the link of the letter that you got. If you have none, ask whoever manages the accounts of your organization.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["second_factor_wrong", "second_factor_used"],
        happened: "This code is wrong, was used, or has expired.",
        remedy: "Type the code that your app shows now, or one of your recovery codes.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["another_person"],
        happened: "The application asked for somebody else to sign in.",
        remedy: "Sign out in the application first, or sign in as the person whom it knows.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["too_many_attempts"],
        happened: "There were too many attempts to sign in with this account from your network.",
        remedy: "Wait half a minute for one more attempt, or five minutes for ten.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &[
            "passkey_unknown",
            "passkey_not_allowed",
            "passkey_signature",
            "passkey_counter",
            "passkey_user_not_verified",
        ],
        happened: "This passkey is not accepted here.",
        remedy: "Take another one, or sign in with your password.",
        contact: Contact::Nobody,
        show_values: false,
    },
    ErrorText {
        codes: &["passkey_challenge", "passkey_origin"],
        happened: "The passkey was used too late, a second time, or on another page.",
        remedy: "Try again here.",
        contact: Contact::Nobody,
        show_values: false,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::app::login;

    #[test]
    fn each_code_has_one_row() {
        let mut seen = HashSet::new();
        for code in codes() {
            assert!(seen.insert(code), "{code} has two rows");
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{code}"
            );
        }
    }

    #[test]
    fn every_row_is_of_a_refusal_that_there_is() {
        let known: HashSet<_> = saml::Error::ALL
            .iter()
            .map(|rejection| rejection.code())
            .chain(login::Error::OWN.iter().map(|refusal| refusal.code()))
            .collect();
        for code in codes() {
            assert!(known.contains(code), "no refusal is called {code}");
        }
    }

    #[test]
    fn every_refusal_has_words() {
        let own = login::Error::OWN.iter().map(|refusal| refusal.code());
        for code in saml::Error::ALL.iter().map(|rejection| rejection.code()).chain(own) {
            assert!(find(code).is_some(), "{code} has no words");
        }
    }

    #[test]
    fn the_words_are_plain_sentences() {
        for words in ALL.iter().chain([&DEFAULT]) {
            for text in [words.happened, words.remedy] {
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
                for jargon in ["invalid", "went wrong", "SAML response", "Oops"] {
                    assert!(!text.contains(jargon), "{text}");
                }
            }
        }
    }
}
