//! Keycloak, in the words of its admin console.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Keycloak,
    screen: "Keycloak admin console",
    saml: &[
        SetupStep {
            slug: "create-client",
            title: "Create the client",
            parts: &[
                StepPart::Do(
                    "In the Keycloak admin console, choose your realm, go to **Clients** and select **Create client**.",
                ),
                StepPart::Choose("Client type", "SAML"),
                StepPart::Enter("Client ID", SetupValue::EntityId),
                StepPart::Enter("Name", SetupValue::ApplicationName),
                StepPart::Do("Select **Next**."),
                StepPart::Enter("Valid redirect URIs", SetupValue::AcsUrl),
                StepPart::Enter("Master SAML Processing URL", SetupValue::AcsUrl),
                StepPart::Do("Select **Save**."),
                StepPart::Note("Or select **Import client** instead, with this file:"),
                StepPart::Download,
            ],
        },
        SetupStep {
            slug: "settings",
            title: "Set what Keycloak sends",
            parts: &[
                StepPart::Do(
                    "On the client’s **Settings** tab, under **SAML capabilities** and **Signature and Encryption**, set:",
                ),
                StepPart::Choose("Name ID format", "email"),
                StepPart::Choose("Force name ID format", "On"),
                StepPart::Choose("Sign documents", "On"),
                StepPart::Choose("Signature algorithm", "RSA_SHA256"),
                StepPart::Do(
                    "Select **Save**. On the **Keys** tab, switch **Client signature required** off.",
                ),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about Keycloak",
            parts: &[
                StepPart::Do(
                    "Go to **Realm settings → General** and under **Endpoints** copy the address of **SAML 2.0 Identity Provider Metadata**.",
                ),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[StepPart::Do(
                "Everybody of the realm may sign in, unless an authentication flow of yours says otherwise. Under **Users**, see that each person has an **Email**.",
            )],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Unavailable(
        "Keycloak pushes no people by itself; there are extensions that do. If you use one, choose “Another identity provider” for user provisioning. Single sign-on works without it.",
    ),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "On the client’s **Settings** tab, correct **Client ID**: it is the audience.",
        },
        Remedy {
            codes: ADDRESS,
            text: "On the client’s **Settings** tab, correct **Valid redirect URIs** and **Master SAML Processing URL**, and on the **Advanced** tab clear or correct **Assertion Consumer Service POST Binding URL**.",
        },
        Remedy {
            codes: TRUST,
            text: "Another realm or key answered than the one you gave us. Copy **SAML 2.0 Identity Provider Metadata** of **Realm settings** once more in the step “Tell the application about Keycloak”.",
        },
        Remedy {
            codes: EMAIL,
            text: "On the client’s **Settings** tab, set **Name ID format** to email and **Force name ID format** to On; and under **Users**, see that the person has an **Email**.",
        },
        Remedy {
            codes: STATUS,
            text: "Keycloak did not let this account in. Look under **Events → User events** of the realm for the cause; a frequent one is **Client signature required** on the client’s **Keys** tab.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "On the client’s **Settings** tab, set **Sign documents** to On and **Signature algorithm** to RSA_SHA256; on the **Keys** tab, set **Encrypt assertions** to Off.",
        },
    ],
};
