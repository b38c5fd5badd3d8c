//! The findings of the doctor.

use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    Attention,
    Bad,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was checked: `database`, `clock`, `saml_conn_…`.
    pub(super) subject: String,
    /// The observation.
    pub(super) seen: String,
    /// The remedy, unless the level is `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

/// The results of all checks.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, subject: &str, seen: impl Into<String>) {
        self.0.push(Finding { level: Level::Ok, subject: subject.to_owned(), seen: seen.into(), mend: None });
    }

    pub(super) fn attention(&mut self, subject: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding {
            level: Level::Attention,
            subject: subject.to_owned(),
            seen: seen.into(),
            mend: Some(mend.into()),
        });
    }

    pub(super) fn bad(&mut self, subject: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding {
            level: Level::Bad,
            subject: subject.to_owned(),
            seen: seen.into(),
            mend: Some(mend.into()),
        });
    }

    pub(super) fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
}
