//! Any other identity provider with SAML 2.0 or SCIM 2.0, in the words that most of them use.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Other,
    screen: "Anything that speaks SAML 2.0",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the application",
            parts: &[
                StepPart::Do(
                    "In your identity provider, add a new application for **SAML 2.0**. Some call it a service provider, a relying party or a client.",
                ),
                StepPart::Enter("Name", SetupValue::ApplicationName),
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell your identity provider about the application",
            parts: &[
                StepPart::Note(
                    "If it takes metadata, give it this file or its address, and the rest is done:",
                ),
                StepPart::Download,
                StepPart::Enter("Metadata URL", SetupValue::MetadataUrl),
                StepPart::Note("Otherwise enter single values."),
                StepPart::Enter(
                    "ACS URL (also: Reply URL, Single sign-on URL, Assertion Consumer Service URL, Recipient, Destination)",
                    SetupValue::AcsUrl,
                ),
                StepPart::Enter("SP Entity ID (also: Audience, Identifier, Issuer)", SetupValue::EntityId),
                StepPart::Choose("Binding", "HTTP POST"),
                StepPart::Choose("Name ID", "the person’s work e-mail address"),
                StepPart::Choose("Signature", "response or assertion, RSA-SHA256"),
                StepPart::Choose("Encryption", "none"),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about your identity provider",
            parts: &[
                StepPart::Do("Find its metadata: an address, or a file to download."),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[StepPart::Do(
                "Give the people or groups who may sign in access to the application, and yourself too: the next step is a test with your own account.",
            )],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Steps(&[
        SetupStep {
            slug: "connect",
            title: "Connect your identity provider",
            parts: &[
                StepPart::Do(
                    "In your identity provider, switch on provisioning by **SCIM 2.0** for the application.",
                ),
                StepPart::Enter("Base URL (also: Tenant URL, SCIM endpoint)", SetupValue::ScimBaseUrl),
                StepPart::Choose("Authentication", "Bearer token"),
                StepPart::Do("Enter this as the token:"),
                StepPart::Token,
            ],
        },
        SetupStep {
            slug: "actions",
            title: "Choose what it sends",
            parts: &[StepPart::Do(
                "Switch on creating, updating and deactivating people, and groups if you want them sent. **userName** must be the work e-mail address.",
            )],
        },
        SetupStep {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                StepPart::Do("Assign a person to the application, or start the synchronisation."),
                StepPart::Live,
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
