//! PingOne, and where PingFederate differs.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Ping,
    screen: "PingOne, or PingFederate’s administrative console",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the application",
            parts: &[
                StepPart::Do("In PingOne, go to **Applications → Applications** and select **+**."),
                StepPart::Enter("Application Name", SetupValue::ApplicationName),
                StepPart::Choose("Application Type", "SAML Application"),
                StepPart::Do("Select **Configure**."),
                StepPart::Note(
                    "In PingFederate, go to **Applications → Integration → SP Connections**, select **Create Connection**, choose **Browser SSO Profiles** with SAML 2.0, and on **Import Metadata** give this file:",
                ),
                StepPart::Download,
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell Ping about the application",
            parts: &[
                StepPart::Choose("SAML configuration", "Manually enter"),
                StepPart::Enter("ACS URLs", SetupValue::AcsUrl),
                StepPart::Enter("Entity ID", SetupValue::EntityId),
                StepPart::Do("Select **Save**."),
                StepPart::Do(
                    "On the **Attribute Mappings** tab, select **Edit** and set **saml_subject** to **Email Address**, then **Save**.",
                ),
                StepPart::Note(
                    "In PingFederate: **Partner’s Entity ID (Connection ID)** is the Entity ID, **Assertion Consumer Service URL** is the ACS URL with the binding POST, and **SAML_SUBJECT** is the e-mail address.",
                ),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about Ping",
            parts: &[
                StepPart::Do("On the application’s **Overview** tab, copy the **IDP Metadata URL**."),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
                StepPart::Note(
                    "In PingFederate, export a file at **System → Protocol Metadata → Metadata Export**.",
                ),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do(
                    "On the **Access** tab, choose the groups whose people may sign in; with none, everybody may.",
                ),
                StepPart::Do("Switch the application on at the top right."),
                StepPart::Note("In PingFederate, set the connection’s status to **Active**."),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Steps(&[
        SetupStep {
            slug: "connect",
            title: "Connect PingOne to the application",
            parts: &[
                StepPart::Do(
                    "In PingOne, go to **Integrations → Provisioning**, select **+** and **New connection**.",
                ),
                StepPart::Do(
                    "In the row **Identity Store**, choose **Select**; then choose **SCIM Outbound**, **Select** and **Next**.",
                ),
                StepPart::Enter("Name", SetupValue::ApplicationName),
                StepPart::Do("Select **Next**. You are on the page **Configure authentication**."),
                StepPart::Enter("SCIM base URL", SetupValue::ScimBaseUrl),
                StepPart::Choose("Users resource", "/Users"),
                StepPart::Choose("Groups resource", "/Groups"),
                StepPart::Choose("SCIM version", "2.0"),
                StepPart::Choose("Authentication method", "OAuth 2 Bearer Token"),
                StepPart::Do("Paste this into **OAuth Access Token**:"),
                StepPart::Token,
                StepPart::Choose("Auth Type Header", "Bearer"),
                StepPart::Do(
                    "Select **Test Connection**, then **Next** and **Save**, and switch the connection on.",
                ),
                StepPart::Note(
                    "In PingFederate, use the **SCIM provisioner** of the SP connection’s **Outbound Provisioning**, with the same two values.",
                ),
            ],
        },
        SetupStep {
            slug: "actions",
            title: "Choose whom PingOne sends",
            parts: &[
                StepPart::Do(
                    "On the **Rules** tab, select **+** and **New Rule**, and choose this connection as the target.",
                ),
                StepPart::Do(
                    "Set a **User Filter**, and under **Attribute Mapping** map **Email Address → userName**. Select **Save** and switch the rule on.",
                ),
            ],
        },
        SetupStep {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                StepPart::Do("PingOne sends the people of the filter as soon as the rule is on."),
                StepPart::Live,
            ],
        },
    ]),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "On the application’s **Configuration** tab, correct **Entity ID** (in PingFederate **Partner’s Entity ID (Connection ID)**).",
        },
        Remedy {
            codes: ADDRESS,
            text: "On the application’s **Configuration** tab, correct **ACS URLs** (in PingFederate **Assertion Consumer Service URL**).",
        },
        Remedy {
            codes: TRUST,
            text: "Another application or certificate answered than the one you gave us. Copy the **IDP Metadata URL** of this application once more in the step “Tell the application about Ping”.",
        },
        Remedy {
            codes: EMAIL,
            text: "On the **Attribute Mappings** tab, set **saml_subject** to Email Address.",
        },
        Remedy {
            codes: STATUS,
            text: "Ping did not let this account in. On the **Access** tab, choose a group of the person who tests, and see that the application is switched on.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "On the **Configuration** tab, set **Signing Key** to Sign Assertion & Response and **Signing Algorithm** to RSA_SHA256, and switch encryption off.",
        },
    ],
};
