//! Letters to people: what is to be sent by mail, and what became of it.

use std::fmt;

use base::{
    id::{EnvironmentId, LetterId, OneTimeCodeId, OrganizationId},
    time::Timestamp,
};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::account::{AccountId, OneTimeCodePurpose};

/// What a letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LetterKind {
    /// A code that activates a new account.
    Activation,
    /// A code that sets another password.
    ResetPassword,
    /// A code that sets another authenticator app.
    ResetTotp,
    /// A code that adds a passkey.
    EnrollWebauthn,
    /// A code that proves an address.
    VerifyAddress,
    /// Somebody tried to register with the address of an account.
    AlreadyRegistered,
    /// An invitation to the console.
    Invitation,
    /// An invitation to the organization of a customer, for somebody who has an account above it.
    GuestInvitation,
    /// An invitation to an organization.
    OrganizationInvitation,
    /// The person has set another password.
    PasswordChanged,
    /// The person has added a passkey.
    PasskeyAdded,
    /// The person has removed a passkey.
    PasskeyRemoved,
    /// The person has set up an authenticator app.
    TotpAdded,
    /// The person has removed their authenticator app.
    TotpRemoved,
    /// The person has made new recovery codes.
    RecoveryCodesMade,
    /// The person has proven one more address.
    AddressAdded,
    /// The person has removed an address.
    AddressRemoved,
    /// A domain of an organization that they administer has lost the record that proved it.
    DomainRecordLost,
}

impl LetterKind {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What the code in it is for; `None`: there is none in it.
    pub fn purpose(self) -> Option<OneTimeCodePurpose> {
        match self {
            Self::Activation => Some(OneTimeCodePurpose::Activation),
            Self::ResetPassword => Some(OneTimeCodePurpose::ResetPassword),
            Self::ResetTotp => Some(OneTimeCodePurpose::ResetTotp),
            Self::EnrollWebauthn => Some(OneTimeCodePurpose::EnrollWebauthn),
            Self::VerifyAddress => Some(OneTimeCodePurpose::VerifyAddress),
            Self::AlreadyRegistered
            | Self::Invitation
            | Self::GuestInvitation
            | Self::OrganizationInvitation
            | Self::PasswordChanged
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::TotpAdded
            | Self::TotpRemoved
            | Self::RecoveryCodesMade
            | Self::AddressAdded
            | Self::AddressRemoved
            | Self::DomainRecordLost => None,
        }
    }

    /// Whether it invites somebody, who may have no account.
    pub fn is_invitation(self) -> bool {
        matches!(self, Self::Invitation | Self::GuestInvitation | Self::OrganizationInvitation)
    }

    /// Whether it tells the holder of an account what they did to it: nobody else can ask for it.
    pub fn is_notice(self) -> bool {
        self.purpose().is_none() && !self.is_invitation() && self != Self::AlreadyRegistered
    }
}

impl From<OneTimeCodePurpose> for LetterKind {
    fn from(purpose: OneTimeCodePurpose) -> Self {
        match purpose {
            OneTimeCodePurpose::Activation => Self::Activation,
            OneTimeCodePurpose::ResetPassword => Self::ResetPassword,
            OneTimeCodePurpose::ResetTotp => Self::ResetTotp,
            OneTimeCodePurpose::EnrollWebauthn => Self::EnrollWebauthn,
            OneTimeCodePurpose::VerifyAddress => Self::VerifyAddress,
        }
    }
}

/// Who asks for a letter. Each has a limit of their own, so that none of them uses up what another one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Asker {
    /// Whoever knows an address.
    Stranger,
    /// The person, who is signed in.
    Holder,
    /// An administrator, or a program of theirs.
    Administrator,
}

impl Asker {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The state of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LetterState {
    /// Waiting for its first or its next attempt.
    Queued,
    /// The mail server took it.
    Sent,
    /// It is not sent any more, or never was: [`Letter::last_error`] says why.
    Failed,
    /// The mail server refused it for good (RFC 5321 §4.2.1: 5yz).
    Refused,
}

impl LetterState {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a letter was not sent. A word, because what a mail server says may name people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LetterError {
    /// The mail server refused it for good.
    Refused,
    /// The mail server asked to come again later (RFC 5321 §4.2.1: 4yz).
    TryAgainLater,
    /// The mail server did not accept the user name and password, or wants some.
    NotAuthenticated,
    /// There was no connection to the mail server, or it broke off.
    Unreachable,
    /// The mail server did not answer in time.
    Timeout,
    /// The mail server offers no TLS, or its certificate is not trusted.
    Tls,
    /// The mail server answered something else than SMTP.
    Protocol,
    /// The file with the password cannot be read.
    PasswordFile,
    /// No mail server is set any more.
    NoMailServer,
    /// Its address or the sender's cannot stand in a letter.
    UnusableAddress,
    /// Its contents cannot be opened with the master key.
    Unreadable,
    /// It waited too long.
    Expired,
    /// The code in it was used, or replaced by a newer one.
    CodeEnded,
    /// Nobody has the address that was given.
    NoAccount,
    /// The account has no e-mail address to which this may be sent.
    NoAddress,
    /// The account got too many letters within an hour.
    TooMany,
    /// An earlier letter to the same address, which was asked for a short time before, is still good.
    StillGood,
    /// The address is another account's: that one was told.
    AddressTaken,
}

impl LetterError {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A letter, without its contents.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id.
    pub id: LetterId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The organization for whose people it is written.
    pub organization_id: OrganizationId,
    /// The account that it is to, if there is one.
    pub account_id: Option<AccountId>,
    /// What it is about.
    pub kind: LetterKind,
    /// The one-time code in it.
    pub code_id: Option<OneTimeCodeId>,
    /// Who asked for it; nobody asks for a notice or an invitation.
    pub asked_by: Option<Asker>,
    /// The address, sealed.
    pub sealed_recipient: Option<String>,
    /// Its state.
    pub state: LetterState,
    /// The number of attempts made.
    pub attempts: u32,
    /// When the next attempt is due, while it is queued.
    pub next_attempt_at: Option<Timestamp>,
    /// After which it is not sent.
    pub expires_at: Timestamp,
    /// Why it was not sent.
    pub last_error: Option<LetterError>,
    /// The code of the mail server's last reply.
    pub last_reply: Option<u16>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Shows no address, sealed or not.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, state, last_error, .. } = self;
        write!(f, "{id} {kind:?} {state:?} {last_error:?}")
    }
}
