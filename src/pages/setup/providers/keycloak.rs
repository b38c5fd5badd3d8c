//! Keycloak, in the words of its admin console.

use super::*;

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Keycloak,
    screen: "Keycloak admin console",
    saml: &[
        Step {
            slug: "create-client",
            title: "Create the client",
            parts: &[
                Part::Do(
                    "In the Keycloak admin console, choose your realm, go to **Clients** and select **Create client**.",
                ),
                Part::Choose("Client type", "SAML"),
                Part::Enter("Client ID", Value::EntityId),
                Part::Enter("Name", Value::ApplicationName),
                Part::Do("Select **Next**."),
                Part::Enter("Valid redirect URIs", Value::AcsUrl),
                Part::Enter("Master SAML Processing URL", Value::AcsUrl),
                Part::Do("Select **Save**."),
                Part::Note("Or select **Import client** instead, with this file:"),
                Part::Download,
            ],
        },
        Step {
            slug: "settings",
            title: "Set what Keycloak sends",
            parts: &[
                Part::Do(
                    "On the client’s **Settings** tab, under **SAML capabilities** and **Signature and Encryption**, set:",
                ),
                Part::Choose("Name ID format", "email"),
                Part::Choose("Force name ID format", "On"),
                Part::Choose("Sign documents", "On"),
                Part::Choose("Signature algorithm", "RSA_SHA256"),
                Part::Do("Select **Save**. On the **Keys** tab, switch **Client signature required** off."),
            ],
        },
        Step {
            slug: "metadata",
            title: "Tell the application about Keycloak",
            parts: &[
                Part::Do(
                    "Go to **Realm settings → General** and under **Endpoints** copy the address of **SAML 2.0 Identity Provider Metadata**.",
                ),
                Part::Metadata(&[Way::Url, Way::File, Way::Values]),
            ],
        },
        Step {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[Part::Do(
                "Everybody of the realm may sign in, unless an authentication flow of yours says otherwise. Under **Users**, see that each person has an **Email**.",
            )],
        },
        Step { slug: "test", title: "Test the sign-in", parts: &[Part::Test] },
    ],
    scim: Scim::Unavailable(
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
