//! JumpCloud, in the words of its Admin Portal.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Jumpcloud,
    screen: "JumpCloud Admin Portal",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the application in JumpCloud",
            parts: &[
                StepPart::Do(
                    "In the JumpCloud Admin Portal, go to **Access → SSO Applications** and select **Add New Application**.",
                ),
                StepPart::Do("Choose **Custom Application** and select **Next**."),
                StepPart::Do(
                    "Tick **Manage Single Sign-On (SSO)**, choose **Configure SSO with SAML**, and select **Next**.",
                ),
                StepPart::Note(
                    "If JumpCloud shall also send who joins and leaves, tick **Export users to this app (Identity Management)** on the same page.",
                ),
                StepPart::Enter("Display Label", SetupValue::ApplicationName),
                StepPart::Do("Select **Save Application**, then **Configure Application**."),
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell JumpCloud about the application",
            parts: &[
                StepPart::Do(
                    "Open the **SSO** tab. Leave **IdP Entity ID** as it is, or enter any name of your own.",
                ),
                StepPart::Enter("SP Entity ID", SetupValue::EntityId),
                StepPart::Enter("ACS URLs → Default URL", SetupValue::AcsUrl),
                StepPart::Choose("SAMLSubject NameID", "email"),
                StepPart::Choose(
                    "SAMLSubject NameID Format",
                    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                ),
                StepPart::Choose("Signature Algorithm", "RSA-SHA256"),
                StepPart::Do("Select **save**."),
                StepPart::Note(
                    "Or select **Upload Metadata** under **Service Provider Metadata**, with this file:",
                ),
                StepPart::Download,
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about JumpCloud",
            parts: &[
                StepPart::Do(
                    "On the **SSO** tab, under **JumpCloud Metadata**, select **Copy Metadata URL**.",
                ),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
                StepPart::Note("The file is **Export Metadata**."),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do(
                    "Open the **User Groups** tab, tick the groups whose people may sign in, and select **save**.",
                ),
                StepPart::Note("Be in one of them yourself: the next step is a test with your own account."),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Steps(&[
        SetupStep {
            slug: "connect",
            title: "Connect JumpCloud to the application",
            parts: &[
                StepPart::Do(
                    "In the JumpCloud Admin Portal, go to **Access → SSO Applications**, open the application, and its **Identity Management** tab.",
                ),
                StepPart::Note(
                    "If there is no such tab, the application was made for single sign-on only: add another **Custom Application** and tick **Export users to this app (Identity Management)**.",
                ),
                StepPart::Choose("API Type", "SCIM API"),
                StepPart::Choose("SCIM Version", "SCIM 2.0"),
                StepPart::Enter("Base URL", SetupValue::ScimBaseUrl),
                StepPart::Do("Paste this into **Token Key**:"),
                StepPart::Token,
                StepPart::Do(
                    "Enter your own work address into **Test User Email**, select **Test Connection**, then **Activate**.",
                ),
            ],
        },
        SetupStep {
            slug: "actions",
            title: "Choose what JumpCloud sends",
            parts: &[
                StepPart::Do("To send groups too, switch on **Group Management** on the same tab."),
                StepPart::Do("Select **save**."),
            ],
        },
        SetupStep {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                StepPart::Do("Open the **User Groups** tab, tick a group, and select **save**."),
                StepPart::Live,
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
