//! OneLogin, in the words of its Administration pages.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Onelogin,
    screen: "OneLogin Administration",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the app in OneLogin",
            parts: &[
                StepPart::Do(
                    "In OneLogin Administration, go to **Applications → Applications** and select **Add App**.",
                ),
                StepPart::Do("Search for **SAML Custom Connector (Advanced)** and select it."),
                StepPart::Enter("Display Name", SetupValue::ApplicationName),
                StepPart::Do("Select **Save**."),
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell OneLogin about the application",
            parts: &[
                StepPart::Do("Open the **Configuration** tab."),
                StepPart::Enter("Audience (EntityID)", SetupValue::EntityId),
                StepPart::Enter("Recipient", SetupValue::AcsUrl),
                StepPart::Enter("ACS (Consumer) URL Validator*", SetupValue::AcsUrlPattern),
                StepPart::Enter("ACS (Consumer) URL*", SetupValue::AcsUrl),
                StepPart::Choose("SAML initiator", "Service Provider"),
                StepPart::Choose("SAML nameID format", "Email"),
                StepPart::Choose("SAML signature element", "Both"),
                StepPart::Do("Select **Save**."),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about OneLogin",
            parts: &[
                StepPart::Do(
                    "Open the **SSO** tab and copy the **Issuer URL**: it is the address of the metadata.",
                ),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
                StepPart::Note(
                    "The file is **More Actions → SAML Metadata**. Single values are on the **SSO** tab: **Issuer URL**, **SAML 2.0 Endpoint (HTTP)** and **X.509 Certificate → View Details**. Set **SAML Signature Algorithm** there to SHA-256.",
                ),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do(
                    "Open the app’s **Access** tab and tick the roles whose people may sign in, then select **Save**.",
                ),
                StepPart::Note(
                    "Or open a person under **Users**, go to **Applications**, and add the app with **+**. Do so for yourself: the next step is a test with your own account.",
                ),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Steps(&[
        SetupStep {
            slug: "create-app",
            title: "Add the provisioning app",
            parts: &[
                StepPart::Do(
                    "In OneLogin Administration, go to **Applications → Applications** and select **Add App**.",
                ),
                StepPart::Do("Search for **SCIM Provisioner with SAML (SCIM v2 Enterprise)** and select it."),
                StepPart::Enter("Display Name", SetupValue::ApplicationName),
                StepPart::Do("Select **Save**."),
                StepPart::Note(
                    "The connector for single sign-on cannot push people, so this is a second app.",
                ),
            ],
        },
        SetupStep {
            slug: "connect",
            title: "Connect OneLogin to the application",
            parts: &[
                StepPart::Do("Open the **Configuration** tab."),
                StepPart::Enter("SCIM Base URL", SetupValue::ScimBaseUrl),
                StepPart::Do("Paste this into **SCIM Bearer Token**:"),
                StepPart::Token,
                StepPart::Do("Under **API Connection**, select **Enable**, then **Save**."),
            ],
        },
        SetupStep {
            slug: "actions",
            title: "Choose what OneLogin sends",
            parts: &[
                StepPart::Do("Open the **Provisioning** tab and tick **Enable provisioning**."),
                StepPart::Do(
                    "Untick **Create user**, **Delete user** and **Update user** under **Require admin approval before this action is performed**, unless you want to approve each, and select **Save**.",
                ),
                StepPart::Choose(
                    "When users are deleted in OneLogin, or the user’s app access is removed",
                    "Suspend or Delete",
                ),
            ],
        },
        SetupStep {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                StepPart::Do(
                    "Open the **Access** tab and tick a role, then select **Save**. On the **Users** tab each person shows **Provisioned**.",
                ),
                StepPart::Live,
            ],
        },
    ]),
    remedies: &[
        Remedy { codes: AUDIENCE, text: "On the **Configuration** tab, correct **Audience (EntityID)**." },
        Remedy {
            codes: ADDRESS,
            text: "On the **Configuration** tab, correct **Recipient** and **ACS (Consumer) URL***.",
        },
        Remedy {
            codes: TRUST,
            text: "Another app or certificate answered than the one you gave us. Copy the **Issuer URL** of this app’s **SSO** tab once more in the step “Tell the application about OneLogin”.",
        },
        Remedy {
            codes: EMAIL,
            text: "On the **Configuration** tab, set **SAML nameID format** to Email; on the **Parameters** tab, set **NameID value** to Email.",
        },
        Remedy {
            codes: STATUS,
            text: "OneLogin did not let this account in. On the app’s **Access** tab, tick a role of the person who tests.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "On the **Configuration** tab, set **SAML signature element** to Both and untick **Encrypt assertion**; on the **SSO** tab, set **SAML Signature Algorithm** to SHA-256.",
        },
    ],
};
