//! Okta Workforce Identity, in the words of its Admin Console.

use super::*;

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Okta,
    screen: "Okta Admin Console",
    saml: &[
        Step {
            slug: "create-app",
            title: "Create the app in Okta",
            parts: &[
                Part::Do(
                    "In the Okta Admin Console, go to **Applications → Applications** and select **Create App Integration**.",
                ),
                Part::Choose("Sign-in method", "SAML 2.0"),
                Part::Do("Select **Next**."),
                Part::Enter("App name", Value::ApplicationName),
                Part::Do("Select **Next**."),
            ],
        },
        Step {
            slug: "configure",
            title: "Tell Okta about the application",
            parts: &[
                Part::Note("You are on the page **Configure SAML**."),
                Part::Enter("Single sign-on URL", Value::AcsUrl),
                Part::Do("Leave **Use this for Recipient URL and Destination URL** ticked."),
                Part::Enter("Audience URI (SP Entity ID)", Value::EntityId),
                Part::Do("Leave **Default RelayState** empty."),
                Part::Choose("Name ID format", "EmailAddress"),
                Part::Choose("Application username", "Email"),
                Part::Do("Select **Next**, then **Finish**."),
            ],
        },
        Step {
            slug: "metadata",
            title: "Tell the application about Okta",
            parts: &[
                Part::Do(
                    "Open the app’s **Sign On** tab. Under **SAML 2.0 → Metadata details**, copy the **Metadata URL**.",
                ),
                Part::Metadata(&[Way::Url, Way::File, Way::Values]),
                Part::Note(
                    "For single values, open **More details** below the Metadata URL: **Sign on URL**, **Issuer** and **Signing Certificate**.",
                ),
            ],
        },
        Step {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                Part::Do("Open the app’s **Assignments** tab and select **Assign**."),
                Part::Do(
                    "Choose **Assign to People** or **Assign to Groups**, select **Assign** beside each, then **Done**.",
                ),
                Part::Note("Assign yourself too: the next step is a test with your own account."),
            ],
        },
        Step { slug: "test", title: "Test the sign-in", parts: &[Part::Test] },
    ],
    scim: Scim::Steps(&[
        Step {
            slug: "enable",
            title: "Switch on provisioning",
            parts: &[
                Part::Do(
                    "In the Okta Admin Console, open the app that you made for single sign-on, and its **General** tab.",
                ),
                Part::Do("Beside **App Settings**, select **Edit**."),
                Part::Choose("Provisioning", "SCIM"),
                Part::Do("Select **Save**. A tab **Provisioning** appears."),
            ],
        },
        Step {
            slug: "connect",
            title: "Connect Okta to the application",
            parts: &[
                Part::Do("On the **Provisioning** tab, under **Integration**, select **Edit**."),
                Part::Enter("SCIM connector base URL", Value::ScimBaseUrl),
                Part::Choose("Unique identifier field for users", "userName"),
                Part::Choose(
                    "Supported provisioning actions",
                    "Push New Users, Push Profile Updates, Push Groups",
                ),
                Part::Choose("Authentication Mode", "HTTP Header"),
                Part::Do("Under **HTTP Header**, paste this into **Authorization**, behind **Bearer**:"),
                Part::Token,
                Part::Do("Select **Test Connector Configuration**, then **Save**."),
            ],
        },
        Step {
            slug: "actions",
            title: "Choose what Okta sends",
            parts: &[
                Part::Do("On the **Provisioning** tab, under **To App**, select **Edit**."),
                Part::Do(
                    "Tick **Create Users**, **Update User Attributes** and **Deactivate Users**, then select **Save**.",
                ),
                Part::Do("To send groups too, open the **Push Groups** tab and select **Push Groups**."),
            ],
        },
        Step {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                Part::Do("On the **Assignments** tab, assign a person or a group."),
                Part::Note(
                    "People who were assigned before provisioning was on have a warning beside their name: select **Provision User**.",
                ),
                Part::Live,
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
