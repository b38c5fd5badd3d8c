//! Active Directory Federation Services, in the words of AD FS Management.

use model::idp_kind::IdpKind;

use super::provider::{
    ADDRESS, AUDIENCE, EMAIL, MetadataSource, Provider, Remedy, SIGNATURE, STATUS, ScimSupport, SetupStep,
    SetupValue, StepPart, TRUST,
};

pub(super) static PROVIDER: Provider = Provider {
    kind: IdpKind::Adfs,
    screen: "AD FS Management on your own Windows Server",
    saml: &[
        SetupStep {
            slug: "create-trust",
            title: "Add the relying party trust",
            parts: &[
                StepPart::Do("In Server Manager, open **Tools → AD FS Management**."),
                StepPart::Do(
                    "Under **Actions**, select **Add Relying Party Trust…**, choose **Claims aware** and select **Start**.",
                ),
                StepPart::Do(
                    "On **Select Data Source**, choose **Import data about the relying party from a file** and this file:",
                ),
                StepPart::Download,
                StepPart::Note(
                    "Or choose **Import data about the relying party published online or on a local network**, with this address:",
                ),
                StepPart::Enter("Federation metadata address (host name or URL)", SetupValue::MetadataUrl),
                StepPart::Do("Select **Next**."),
                StepPart::Enter("Display name", SetupValue::ApplicationName),
                StepPart::Do("Select **Next** up to **Choose Access Control Policy**."),
            ],
        },
        SetupStep {
            slug: "assign",
            title: "Say who may sign in",
            parts: &[
                StepPart::Do(
                    "On **Choose Access Control Policy**, choose **Permit everyone** or the policy for your group, and select **Next**.",
                ),
                StepPart::Do("On **Ready to Add Trust**, compare what was imported:"),
                StepPart::Enter("Identifiers → Relying party identifiers", SetupValue::EntityId),
                StepPart::Enter("Endpoints → SAML Assertion Consumer Endpoints", SetupValue::AcsUrl),
                StepPart::Do(
                    "Select **Next**, leave **Configure claims issuance policy for this application** ticked, and select **Close**.",
                ),
            ],
        },
        SetupStep {
            slug: "claims",
            title: "Send the e-mail address",
            parts: &[
                StepPart::Note("You are in **Edit Claim Issuance Policy**."),
                StepPart::Do(
                    "Select **Add Rule…**, the template **Send LDAP Attributes as Claims**, and **Next**.",
                ),
                StepPart::Choose("Attribute store", "Active Directory"),
                StepPart::Choose("LDAP Attribute → Outgoing Claim Type", "E-Mail-Addresses → E-Mail Address"),
                StepPart::Do(
                    "Select **Finish**, then **Add Rule…** again, the template **Transform an Incoming Claim**, and **Next**.",
                ),
                StepPart::Choose("Incoming claim type", "E-Mail Address"),
                StepPart::Choose("Outgoing claim type", "Name ID"),
                StepPart::Choose("Outgoing name ID format", "Email"),
                StepPart::Do("Select **Finish**, then **OK**."),
            ],
        },
        SetupStep {
            slug: "metadata",
            title: "Tell the application about AD FS",
            parts: &[
                StepPart::Do(
                    "Your metadata is at **https://your-adfs-server/FederationMetadata/2007-06/FederationMetadata.xml**. If the internet reaches it, give its address; else open it in a browser, save the file and upload it.",
                ),
                StepPart::Metadata(&[MetadataSource::Url, MetadataSource::File, MetadataSource::Values]),
            ],
        },
        SetupStep { slug: "test", title: "Test the sign-in", parts: &[StepPart::Test] },
    ],
    scim: ScimSupport::Unavailable(
        "AD FS signs people in but pushes none. If your people are also in Microsoft Entra ID, provisioning can be set up from there. Single sign-on works without it.",
    ),
    remedies: &[
        Remedy {
            codes: AUDIENCE,
            text: "Open the relying party trust’s **Properties**, and on the **Identifiers** tab correct **Relying party identifiers**.",
        },
        Remedy {
            codes: ADDRESS,
            text: "Open the relying party trust’s **Properties**, and on the **Endpoints** tab correct **SAML Assertion Consumer Endpoints** (binding POST).",
        },
        Remedy {
            codes: TRUST,
            text: "AD FS renews its **Token-signing** certificate every year. Give us your metadata once more in the step “Tell the application about AD FS”.",
        },
        Remedy {
            codes: EMAIL,
            text: "Select the trust, then **Edit Claim Issuance Policy…**, and add both rules of the step “Send the e-mail address”; the person must have an **E-mail** in Active Directory.",
        },
        Remedy {
            codes: STATUS,
            text: "AD FS did not let this account in, or could not make an answer. Look at **Access Control Policy** of the trust, and for the cause at **Event Viewer → AD FS → Admin**.",
        },
        Remedy {
            codes: SIGNATURE,
            text: "Open the trust’s **Properties**: on the **Advanced** tab set **Secure hash algorithm** to SHA-256, on the **Encryption** tab remove the certificate; and in PowerShell run Set-AdfsRelyingPartyTrust with -SamlResponseSignature MessageAndAssertion.",
        },
    ],
};
