//! Okta Workforce Identity, in the words of its Admin Console.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Okta,
    screen: "Okta Admin Console",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the app in Okta",
            parts: &[
                StepPart::Do(
                    "In the Okta Admin Console, go to **Applications → Applications** and select **Create App Integration**.",
                ),
                StepPart::Choose("Sign-in method", "SAML 2.0"),
                StepPart::Do("Select **Next**."),
                StepPart::Enter("App name", SetupValue::ApplicationName),
                StepPart::Do("Select **Next**."),
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell Okta about the application",
            parts: &[
                StepPart::Note("You are on the page **Configure SAML**."),
                StepPart::Enter("Single sign-on URL", SetupValue::AcsUrl),
                StepPart::Do("Leave **Use this for Recipient URL and Destination URL** ticked."),
                StepPart::Enter("Audience URI (SP Entity ID)", SetupValue::EntityId),
                StepPart::Do("Leave **Default RelayState** empty."),
                StepPart::Choose("Name ID format", "EmailAddress"),
                StepPart::Choose("Application username", "Email"),
                StepPart::Do("Select **Next**, then **Finish**."),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about Okta",
            parts: &[
                StepPart::Do(
                    "Open the app’s **Sign On** tab. Under **SAML 2.0 → Metadata details**, copy the **Metadata URL**.",
                ),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
                StepPart::Note(
                    "For single values, open **More details** below the Metadata URL: **Sign on URL**, **Issuer** and **Signing Certificate**.",
                ),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do("Open the app’s **Assignments** tab and select **Assign**."),
                StepPart::Do(
                    "Choose **Assign to People** or **Assign to Groups**, select **Assign** beside each, then **Done**.",
                ),
                StepPart::Note("Assign yourself too: the next step is a test with your own account."),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Steps(&[
        SetupStep {
            slug: "enable",
            title: "Switch on provisioning",
            parts: &[
                StepPart::Do(
                    "In the Okta Admin Console, open the app that you made for single sign-on, and its **General** tab.",
                ),
                StepPart::Do("Beside **App Settings**, select **Edit**."),
                StepPart::Choose("Provisioning", "SCIM"),
                StepPart::Do("Select **Save**. A tab **Provisioning** appears."),
            ],
        },
        SetupStep {
            slug: "connect",
            title: "Connect Okta to the application",
            parts: &[
                StepPart::Do("On the **Provisioning** tab, under **Integration**, select **Edit**."),
                StepPart::Enter("SCIM connector base URL", SetupValue::ScimBaseUrl),
                StepPart::Choose("Unique identifier field for users", "userName"),
                StepPart::Choose(
                    "Supported provisioning actions",
                    "Push New Users, Push Profile Updates, Push Groups",
                ),
                StepPart::Choose("Authentication Mode", "HTTP Header"),
                StepPart::Do("Under **HTTP Header**, paste this into **Authorization**, behind **Bearer**:"),
                StepPart::Token,
                StepPart::Do("Select **Test Connector Configuration**, then **Save**."),
            ],
        },
        SetupStep {
            slug: "actions",
            title: "Choose what Okta sends",
            parts: &[
                StepPart::Do("On the **Provisioning** tab, under **To App**, select **Edit**."),
                StepPart::Do(
                    "Tick **Create Users**, **Update User Attributes** and **Deactivate Users**, then select **Save**.",
                ),
                StepPart::Do("To send groups too, open the **Push Groups** tab and select **Push Groups**."),
            ],
        },
        SetupStep {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                StepPart::Do("On the **Assignments** tab, assign a person or a group."),
                StepPart::Note(
                    "People who were assigned before provisioning was on have a warning beside their name: select **Provision User**.",
                ),
                StepPart::Live,
            ],
        },
    ]),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "In the app’s **General** tab, under **SAML Settings**, select **Edit** and correct **Audience URI (SP Entity ID)**.",
        },
        Remedy {
            codes: ADDRESS,
            text: "In the app’s **General** tab, under **SAML Settings**, select **Edit**, correct **Single sign-on URL**, and tick **Use this for Recipient URL and Destination URL**.",
        },
        Remedy {
            codes: TRUST,
            text: "Another app or certificate answered than the one you gave us. Copy the **Metadata URL** of this app’s **Sign On** tab once more and save it in the step “Tell the application about Okta”.",
        },
        Remedy {
            codes: EMAIL,
            text: "In the app’s **General** tab, under **SAML Settings**, select **Edit** and set **Name ID format** to EmailAddress and **Application username** to Email.",
        },
        Remedy {
            codes: &["email_outside_organization_domains"],
            text: "On the **Sign On** tab, set **Application username format** to Email, so that Okta sends the work address.",
        },
        Remedy {
            codes: STATUS,
            text: "Okta did not let this account in. On the app’s **Assignments** tab, assign the person who tests.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "In the app’s **General** tab, under **SAML Settings → Show Advanced Settings**, set **Response** and **Assertion Signature** to Signed, **Signature Algorithm** to RSA-SHA256, **Digest Algorithm** to SHA256 and **Assertion Encryption** to Unencrypted.",
        },
    ],
};
