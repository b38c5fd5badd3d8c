//! Google Workspace, in the words of the Google Admin console.

use super::*;

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Google,
    screen: "Google Admin console",
    saml: &[
        Step {
            slug: "create-app",
            title: "Create the app in Google",
            parts: &[
                Part::Do("In the Google Admin console, go to **Apps → Web and mobile apps**."),
                Part::Do("Select **Add app → Add custom SAML app**."),
                Part::Enter("App name", Value::ApplicationName),
                Part::Do("Select **Continue**."),
            ],
        },
        Step {
            slug: "metadata",
            title: "Tell the application about Google",
            parts: &[
                Part::Note("You are on the page **Google Identity Provider details**."),
                Part::Do(
                    "Under **Option 1: Download IdP metadata**, select **Download metadata**, and upload that file here.",
                ),
                Part::Metadata(&[Way::File, Way::Values, Way::Url]),
                Part::Do("Then select **Continue** in the Google Admin console."),
                Part::Note(
                    "Single values stand under **Option 2**: **SSO URL**, **Entity ID** and **Certificate**.",
                ),
            ],
        },
        Step {
            slug: "configure",
            title: "Tell Google about the application",
            parts: &[
                Part::Note("You are on the page **Service provider details**."),
                Part::Enter("ACS URL", Value::AcsUrl),
                Part::Enter("Entity ID", Value::EntityId),
                Part::Do("Leave **Start URL** empty."),
                Part::Choose("Name ID format", "EMAIL"),
                Part::Choose("Name ID", "Basic Information > Primary email"),
                Part::Do(
                    "Select **Continue**. On **Attribute mapping**, nothing is needed: select **Finish**.",
                ),
            ],
        },
        Step {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                Part::Do("On the app’s page, open **User access**."),
                Part::Do(
                    "Choose **ON for everyone**, or an organizational unit or group at the left and **ON**, and select **Save**.",
                ),
                Part::Note(
                    "Google says that this can take up to 24 hours; usually it takes some minutes. Switch it on for yourself too: the next step is a test with your own account.",
                ),
            ],
        },
        Step { slug: "test", title: "Test the sign-in", parts: &[Part::Test] },
    ],
    scim: Scim::Unavailable(
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
