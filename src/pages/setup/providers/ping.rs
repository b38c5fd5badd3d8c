//! PingOne, and where PingFederate differs.

use super::*;

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Ping,
    screen: "PingOne, or PingFederate’s administrative console",
    saml: &[
        Step {
            slug: "create-app",
            title: "Create the application",
            parts: &[
                Part::Do("In PingOne, go to **Applications → Applications** and select **+**."),
                Part::Enter("Application Name", Value::ApplicationName),
                Part::Choose("Application Type", "SAML Application"),
                Part::Do("Select **Configure**."),
                Part::Note(
                    "In PingFederate, go to **Applications → Integration → SP Connections**, select **Create Connection**, choose **Browser SSO Profiles** with SAML 2.0, and on **Import Metadata** give this file:",
                ),
                Part::Download,
            ],
        },
        Step {
            slug: "configure",
            title: "Tell Ping about the application",
            parts: &[
                Part::Choose("SAML configuration", "Manually enter"),
                Part::Enter("ACS URLs", Value::AcsUrl),
                Part::Enter("Entity ID", Value::EntityId),
                Part::Do("Select **Save**."),
                Part::Do(
                    "On the **Attribute Mappings** tab, select **Edit** and set **saml_subject** to **Email Address**, then **Save**.",
                ),
                Part::Note(
                    "In PingFederate: **Partner’s Entity ID (Connection ID)** is the Entity ID, **Assertion Consumer Service URL** is the ACS URL with the binding POST, and **SAML_SUBJECT** is the e-mail address.",
                ),
            ],
        },
        Step {
            slug: "metadata",
            title: "Tell the application about Ping",
            parts: &[
                Part::Do("On the application’s **Overview** tab, copy the **IDP Metadata URL**."),
                Part::Metadata(&[Way::Url, Way::File, Way::Values]),
                Part::Note(
                    "In PingFederate, export a file at **System → Protocol Metadata → Metadata Export**.",
                ),
            ],
        },
        Step {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                Part::Do(
                    "On the **Access** tab, choose the groups whose people may sign in; with none, everybody may.",
                ),
                Part::Do("Switch the application on at the top right."),
                Part::Note("In PingFederate, set the connection’s status to **Active**."),
            ],
        },
        Step { slug: "test", title: "Test the sign-in", parts: &[Part::Test] },
    ],
    scim: Scim::Steps(&[
        Step {
            slug: "connect",
            title: "Connect PingOne to the application",
            parts: &[
                Part::Do(
                    "In PingOne, go to **Integrations → Provisioning**, select **+** and **New connection**.",
                ),
                Part::Do(
                    "In the row **Identity Store**, choose **Select**; then choose **SCIM Outbound**, **Select** and **Next**.",
                ),
                Part::Enter("Name", Value::ApplicationName),
                Part::Do("Select **Next**. You are on the page **Configure authentication**."),
                Part::Enter("SCIM base URL", Value::ScimBaseUrl),
                Part::Choose("Users resource", "/Users"),
                Part::Choose("Groups resource", "/Groups"),
                Part::Choose("SCIM version", "2.0"),
                Part::Choose("Authentication method", "OAuth 2 Bearer Token"),
                Part::Do("Paste this into **OAuth Access Token**:"),
                Part::Token,
                Part::Choose("Auth Type Header", "Bearer"),
                Part::Do(
                    "Select **Test Connection**, then **Next** and **Save**, and switch the connection on.",
                ),
                Part::Note(
                    "In PingFederate, use the **SCIM provisioner** of the SP connection’s **Outbound Provisioning**, with the same two values.",
                ),
            ],
        },
        Step {
            slug: "actions",
            title: "Choose whom PingOne sends",
            parts: &[
                Part::Do(
                    "On the **Rules** tab, select **+** and **New Rule**, and choose this connection as the target.",
                ),
                Part::Do(
                    "Set a **User Filter**, and under **Attribute Mapping** map **Email Address → userName**. Select **Save** and switch the rule on.",
                ),
            ],
        },
        Step {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                Part::Do("PingOne sends the people of the filter as soon as the rule is on."),
                Part::Live,
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
