//! Every setting: name, default, description and validation.
//!
//! [`SETTINGS`] is the single list. The TOML file, the environment, `ostiary config`, `--help` and
//! `docs/configuration.md` are derived from it. A leaf: `cli` and `server` read it.

mod checks;
mod error;
mod fields;
mod mail;
mod settings;
mod sources;
mod values;
mod variables;

pub use error::{ConfigError, SettingError};
pub use fields::Config;
pub use mail::{MailSender, SmtpSecurity, SmtpUrl};
pub use settings::{SETTINGS, Setting};
pub use sources::{SettingValue, Sources};
pub use values::{
    CrossCheck, DatabaseUrl, LogFormat, Migrate, Redacted, SqliteSynchronous, key as parse_key,
};
