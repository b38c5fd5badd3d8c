//! Invalid settings.

use std::fmt;

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// The setting, as its source names it: `OSTIARY_LISTEN`, `--listen`, a TOML key.
    pub name: String,
    /// What is wrong and what is valid.
    pub reason: String,
}

impl SettingError {
    pub(super) fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), reason: reason.into() }
    }
}

/// All invalid settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<SettingError>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "setting {}: {}", problem.name, problem.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
