//! Google Workspace, in the words of the Google Admin console.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Google,
    screen: "Google Admin console",
    saml: &[
        SetupStep {
            slug: "create-app",
            title: "Create the app in Google",
            parts: &[
                StepPart::Do("In the Google Admin console, go to **Apps → Web and mobile apps**."),
                StepPart::Do("Select **Add app → Add custom SAML app**."),
                StepPart::Enter("App name", SetupValue::ApplicationName),
                StepPart::Do("Select **Continue**."),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about Google",
            parts: &[
                StepPart::Note("You are on the page **Google Identity Provider details**."),
                StepPart::Do(
                    "Under **Option 1: Download IdP metadata**, select **Download metadata**, and upload that file here.",
                ),
                StepPart::Metadata(&[MetadataSource::File, MetadataSource::Values, MetadataSource::Url]),
                StepPart::Do("Then select **Continue** in the Google Admin console."),
                StepPart::Note(
                    "Single values stand under **Option 2**: **SSO URL**, **Entity ID** and **Certificate**.",
                ),
            ],
        },
        SetupStep {
            slug: "configure",
            title: "Tell Google about the application",
            parts: &[
                StepPart::Note("You are on the page **Service provider details**."),
                StepPart::Enter("ACS URL", SetupValue::AcsUrl),
                StepPart::Enter("Entity ID", SetupValue::EntityId),
                StepPart::Do("Leave **Start URL** empty."),
                StepPart::Choose("Name ID format", "EMAIL"),
                StepPart::Choose("Name ID", "Basic Information > Primary email"),
                StepPart::Do(
                    "Select **Continue**. On **Attribute mapping**, nothing is needed: select **Finish**.",
                ),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do("On the app’s page, open **User access**."),
                StepPart::Do(
                    "Choose **ON for everyone**, or an organizational unit or group at the left and **ON**, and select **Save**.",
                ),
                StepPart::Note(
                    "Google says that this can take up to 24 hours; usually it takes some minutes. Switch it on for yourself too: the next step is a test with your own account.",
                ),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Unavailable(
        "Google Workspace pushes people only to the applications of its own catalogue, not to custom SAML apps. Single sign-on works without it.",
    ),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "On the app’s page, open **Service provider details** and correct **Entity ID**.",
        },
        Remedy {
            codes: ADDRESS,
            text: "On the app’s page, open **Service provider details** and correct **ACS URL**.",
        },
        Remedy {
            codes: TRUST,
            text: "Another app or certificate answered than the one you gave us. On the app’s page, select **Download metadata** and upload the file once more in the step “Tell the application about Google”.",
        },
        Remedy {
            codes: EMAIL,
            text: "On the app’s page, open **Service provider details** and set **Name ID format** to EMAIL and **Name ID** to Basic Information > Primary email.",
        },
        Remedy {
            codes: STATUS,
            text: "Google did not let this account in. On the app’s page, open **User access** and switch it **ON** for the person who tests; allow some minutes.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "On the app’s page, open **Service provider details** and tick **Signed response**.",
        },
    ],
};
