//! Microsoft Entra ID, in the words of the Microsoft Entra admin center.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Entra,
    screen: "Microsoft Entra admin center, formerly Azure AD",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the enterprise application",
            parts: &[
                StepPart::Do(
                    "In the Microsoft Entra admin center, go to **Entra ID → Enterprise apps** (also called **Enterprise applications**) and select **New application**.",
                ),
                StepPart::Do("Select **Create your own application**."),
                StepPart::Enter("What’s the name of your app?", SetupValue::ApplicationName),
                StepPart::Do(
                    "Choose **Integrate any other application you don’t find in the gallery (Non-gallery)** and select **Create**.",
                ),
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell Entra about the application",
            parts: &[
                StepPart::Do(
                    "In the new application, go to **Manage → Single sign-on** and select **SAML**.",
                ),
                StepPart::Do("Beside **Basic SAML Configuration**, select **Edit**."),
                StepPart::Enter("Identifier (Entity ID)", SetupValue::EntityId),
                StepPart::Enter("Reply URL (Assertion Consumer Service URL)", SetupValue::AcsUrl),
                StepPart::Do(
                    "Leave **Sign on URL**, **Relay State** and **Logout Url** empty, and select **Save**.",
                ),
                StepPart::Note("Or select **Upload metadata file** at the top of the page, with this file:"),
                StepPart::Download,
            ],
        },
        SetupStep {
            slug: "claims",
            title: "Send the e-mail address",
            parts: &[
                StepPart::Do(
                    "Beside **Attributes & Claims**, select **Edit**, then the claim **Unique User Identifier (Name ID)**.",
                ),
                StepPart::Choose("Name identifier format", "Email address"),
                StepPart::Choose("Source attribute", "user.mail"),
                StepPart::Do("Select **Save**."),
                StepPart::Note(
                    "Keep **user.userprincipalname** instead if your people have no mailbox and sign in with their e-mail address.",
                ),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about Entra",
            parts: &[
                StepPart::Do(
                    "Go back to **Single sign-on**. Under **SAML Certificates**, copy the **App Federation Metadata Url**.",
                ),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
                StepPart::Note(
                    "The file is **Federation Metadata XML**. Single values: **Microsoft Entra Identifier** and **Login URL** under **Set up**, and **Certificate (Base64)**.",
                ),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do("Go to **Manage → Users and groups** and select **Add user/group**."),
                StepPart::Do(
                    "Under **Users and groups**, select **None Selected**, choose people or groups, then **Select** and **Assign**.",
                ),
                StepPart::Note("Assign yourself too: the next step is a test with your own account."),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Steps(&[
        SetupStep {
            slug: "connect",
            title: "Connect Entra to the application",
            parts: &[
                StepPart::Do(
                    "In the Microsoft Entra admin center, go to **Entra ID → Enterprise apps**, open the application that you made for single sign-on, and go to **Manage → Provisioning**.",
                ),
                StepPart::Do(
                    "Select **New configuration**. Some tenants call it **Connect your application**; in older ones it is **Get started**, then **Provisioning Mode** set to Automatic.",
                ),
                StepPart::Choose("Select authentication method", "Bearer authentication"),
                StepPart::Enter("Tenant URL", SetupValue::ScimBaseUrl),
                StepPart::Do("Paste this into **Secret token**:"),
                StepPart::Token,
                StepPart::Do("Select **Test connection**, and when it succeeded **Create** (or **Save**)."),
            ],
        },
        SetupStep {
            slug: "scope",
            title: "Choose whom Entra sends",
            parts: &[
                StepPart::Do(
                    "Under **Manage → Users and groups**, assign the people and groups who shall be sent.",
                ),
                StepPart::Choose(
                    "Scope (under Provisioning → Settings)",
                    "Sync only assigned users and groups",
                ),
                StepPart::Note(
                    "The default **Attribute mapping** fits; **userPrincipalName → userName** should be the work address, or map **mail → userName**.",
                ),
            ],
        },
        SetupStep {
            slug: "live",
            title: "See the first people arrive",
            parts: &[
                StepPart::Do(
                    "On the **Provisioning** page, select **Provision on demand**, choose a person and select **Provision**.",
                ),
                StepPart::Do(
                    "When the person arrived here, go to **Overview** and select **Start provisioning**.",
                ),
                StepPart::Note("Entra then sends changes about every 40 minutes."),
                StepPart::Live,
            ],
        },
    ]),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "In **Single sign-on → Basic SAML Configuration**, select **Edit** and correct **Identifier (Entity ID)**; it must be the default one.",
        },
        Remedy {
            codes: ADDRESS,
            text: "In **Single sign-on → Basic SAML Configuration**, select **Edit** and correct **Reply URL (Assertion Consumer Service URL)**.",
        },
        Remedy {
            codes: TRUST,
            text: "Another application or certificate answered than the one you gave us. Under **SAML Certificates**, copy the **App Federation Metadata Url** of this application once more (the one with **appid=** in it) and save it in the step “Tell the application about Entra”.",
        },
        Remedy {
            codes: EMAIL,
            text: "In **Attributes & Claims**, set the **Source attribute** of **Unique User Identifier (Name ID)** to user.mail, and see that the person has an address under **Email** in their properties.",
        },
        Remedy {
            codes: &["email_outside_organization_domains"],
            text: "In **Attributes & Claims**, set the **Source attribute** of **Unique User Identifier (Name ID)** to user.mail: a user principal name often ends in onmicrosoft.com.",
        },
        Remedy {
            codes: STATUS,
            text: "Entra did not let this account in. Under **Manage → Users and groups**, assign the person who tests.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "Under **SAML Certificates → Token signing certificate**, select **Edit** and set **Signing Option** to Sign SAML response and assertion and **Signing Algorithm** to SHA-256. Under **Security → Token encryption**, deactivate encryption.",
        },
    ],
};
