//! JumpCloud, in the words of its Admin Portal.

use super::*;

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Jumpcloud,
    screen: "JumpCloud Admin Portal",
    saml: &[
        Step {
            slug: "create-app",
            title: "Create the application in JumpCloud",
            parts: &[
                Part::Do(
                    "In the JumpCloud Admin Portal, go to **Access → SSO Applications** and select **Add New Application**.",
                ),
                Part::Do("Choose **Custom Application** and select **Next**."),
                Part::Do(
                    "Tick **Manage Single Sign-On (SSO)**, choose **Configure SSO with SAML**, and select **Next**.",
                ),
                Part::Note(
                    "If JumpCloud shall also send who joins and leaves, tick **Export users to this app (Identity Management)** on the same page.",
                ),
                Part::Enter("Display Label", Value::ApplicationName),
                Part::Do("Select **Save Application**, then **Configure Application**."),
            ],
        },
        Step {
            slug: "configure",
            title: "Tell JumpCloud about the application",
            parts: &[
                Part::Do(
                    "Open the **SSO** tab. Leave **IdP Entity ID** as it is, or enter any name of your own.",
                ),
                Part::Enter("SP Entity ID", Value::EntityId),
                Part::Enter("ACS URLs → Default URL", Value::AcsUrl),
                Part::Choose("SAMLSubject NameID", "email"),
                Part::Choose(
                    "SAMLSubject NameID Format",
                    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                ),
                Part::Choose("Signature Algorithm", "RSA-SHA256"),
                Part::Do("Select **save**."),
                Part::Note(
                    "Or select **Upload Metadata** under **Service Provider Metadata**, with this file:",
                ),
                Part::Download,
            ],
        },
        Step {
            slug: "metadata",
            title: "Tell the application about JumpCloud",
            parts: &[
                Part::Do("On the **SSO** tab, under **JumpCloud Metadata**, select **Copy Metadata URL**."),
                Part::Metadata(&[Way::Url, Way::File, Way::Values]),
                Part::Note("The file is **Export Metadata**."),
            ],
        },
        Step {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                Part::Do(
                    "Open the **User Groups** tab, tick the groups whose people may sign in, and select **save**.",
                ),
                Part::Note("Be in one of them yourself: the next step is a test with your own account."),
            ],
        },
        Step { slug: "test", title: "Test the sign-in", parts: &[Part::Test] },
    ],
    scim: Scim::Steps(&[
        Step {
            slug: "connect",
            title: "Connect JumpCloud to the application",
            parts: &[
                Part::Do(
                    "In the JumpCloud Admin Portal, go to **Access → SSO Applications**, open the application, and its **Identity Management** tab.",
                ),
                Part::Note(
                    "If there is no such tab, the application was made for single sign-on only: add another **Custom Application** and tick **Export users to this app (Identity Management)**.",
                ),
                Part::Choose("API Type", "SCIM API"),
                Part::Choose("SCIM Version", "SCIM 2.0"),
                Part::Enter("Base URL", Value::ScimBaseUrl),
                Part::Do("Paste this into **Token Key**:"),
                Part::Token,
                Part::Do(
                    "Enter your own work address into **Test User Email**, select **Test Connection**, then **Activate**.",
                ),
            ],
        },
        Step {
            slug: "actions",
            title: "Choose what JumpCloud sends",
            parts: &[
                Part::Do("To send groups too, switch on **Group Management** on the same tab."),
                Part::Do("Select **save**."),
            ],
        },
        Step {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                Part::Do("Open the **User Groups** tab, tick a group, and select **save**."),
                Part::Live,
            ],
        },
    ]),
    remedies: &[
        Remedy { codes: AUDIENCE, text: "On the **SSO** tab, correct **SP Entity ID**." },
        Remedy { codes: ADDRESS, text: "On the **SSO** tab, under **ACS URLs**, correct **Default URL**." },
        Remedy {
            codes: TRUST,
            text: "Another application or certificate answered than the one you gave us. On the **SSO** tab, select **Copy Metadata URL** once more for the step “Tell the application about JumpCloud”.",
        },
        Remedy {
            codes: EMAIL,
            text: "On the **SSO** tab, set **SAMLSubject NameID** to email and **SAMLSubject NameID Format** to …emailAddress.",
        },
        Remedy {
            codes: STATUS,
            text: "JumpCloud did not let this account in. On the **User Groups** tab, tick a group of the person who tests.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "On the **SSO** tab, tick **Sign Assertion**, and set **Signature Algorithm** to RSA-SHA256.",
        },
    ],
};
