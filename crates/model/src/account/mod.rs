//! Accounts: what proves who somebody is, and their sessions.

mod credential;
mod id;
mod invitation;
mod one_time_code;
mod passkey;
mod password;
mod session;

pub use credential::{CredentialState, CredentialSummary};
pub use id::AccountId;
pub use invitation::{AdminInvitation, Invitation, InvitationGrant, InvitationPurpose};
pub use one_time_code::{OneTimeCode, OneTimeCodePurpose, OneTimeCodeSettings};
pub use passkey::Passkey;
pub use password::{PasswordHash, PasswordPolicy, PasswordRules, PasswordStrength, RequiredCharacters};
pub use session::{AdminSession, AuthenticationMethod, Session, SessionContext, SessionSubject, UserSession};
