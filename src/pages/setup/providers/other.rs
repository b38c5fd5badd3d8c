//! Any other identity provider with SAML 2.0 or SCIM 2.0, in the words that most of them use.

use super::*;

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Other,
    screen: "Anything that speaks SAML 2.0",
    saml: &[
        Step {
            slug: "create-app",
            title: "Create the application",
            parts: &[
                Part::Do(
                    "In your identity provider, add a new application for **SAML 2.0**. Some call it a service provider, a relying party or a client.",
                ),
                Part::Enter("Name", Value::ApplicationName),
            ],
        },
        Step {
            slug: "configure",
            title: "Tell your identity provider about the application",
            parts: &[
                Part::Note("If it takes metadata, give it this file or its address, and the rest is done:"),
                Part::Download,
                Part::Enter("Metadata URL", Value::MetadataUrl),
                Part::Note("Otherwise enter single values."),
                Part::Enter(
                    "ACS URL (also: Reply URL, Single sign-on URL, Assertion Consumer Service URL, Recipient, Destination)",
                    Value::AcsUrl,
                ),
                Part::Enter("SP Entity ID (also: Audience, Identifier, Issuer)", Value::EntityId),
                Part::Choose("Binding", "HTTP POST"),
                Part::Choose("Name ID", "the person’s work e-mail address"),
                Part::Choose("Signature", "response or assertion, RSA-SHA256"),
                Part::Choose("Encryption", "none"),
            ],
        },
        Step {
            slug: "metadata",
            title: "Tell the application about your identity provider",
            parts: &[
                Part::Do("Find its metadata: an address, or a file to download."),
                Part::Metadata(&[Way::Url, Way::File, Way::Values]),
            ],
        },
        Step {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[Part::Do(
                "Give the people or groups who may sign in access to the application, and yourself too: the next step is a test with your own account.",
            )],
        },
        Step { slug: "test", title: "Test the sign-in", parts: &[Part::Test] },
    ],
    scim: Scim::Steps(&[
        Step {
            slug: "connect",
            title: "Connect your identity provider",
            parts: &[
                Part::Do(
                    "In your identity provider, switch on provisioning by **SCIM 2.0** for the application.",
                ),
                Part::Enter("Base URL (also: Tenant URL, SCIM endpoint)", Value::ScimBaseUrl),
                Part::Choose("Authentication", "Bearer token"),
                Part::Do("Enter this as the token:"),
                Part::Token,
            ],
        },
        Step {
            slug: "actions",
            title: "Choose what it sends",
            parts: &[Part::Do(
                "Switch on creating, updating and deactivating people, and groups if you want them sent. **userName** must be the work e-mail address.",
            )],
        },
        Step {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                Part::Do("Assign a person to the application, or start the synchronisation."),
                Part::Live,
            ],
        },
    ]),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "Correct the application’s audience, also called **SP Entity ID** or **Identifier**.",
        },
        Remedy {
            codes: ADDRESS,
            text: "Correct the application’s **ACS URL**, also called **Reply URL**, **Recipient** or **Destination**.",
        },
        Remedy {
            codes: TRUST,
            text: "Another identity provider or certificate answered than the one you gave us. Give us its metadata once more in the step “Tell the application about your identity provider”.",
        },
        Remedy {
            codes: EMAIL,
            text: "Send the person’s work e-mail address as **Name ID**, or as an attribute named **email**.",
        },
        Remedy {
            codes: STATUS,
            text: "Your identity provider did not let this account in. Give the person who tests access to the application.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "Have the response or the assertion signed with **RSA-SHA256**, and switch encryption off.",
        },
    ],
};
