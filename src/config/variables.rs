//! Environment variables that are no setting's own: files with secrets, misspelt ones, and those that mean nothing here.

use super::{
    error::SettingError,
    settings::{SETTINGS, Setting},
};

/// Variables that others define: an app's API key, and what Kubernetes and Docker set for a service called `ostiary`.
const FOREIGN: [&str; 7] = [
    "OSTIARY_API_KEY",
    "OSTIARY_SERVICE_HOST",
    "OSTIARY_SERVICE_PORT",
    "OSTIARY_PORT",
    "OSTIARY_NAME",
    "OSTIARY_ENV",
    "OSTIARY_CONFIG",
];

/// The secret that `name` names a file of: `OSTIARY_DATABASE_URL_FILE` holds what `OSTIARY_DATABASE_URL` would. The master
/// key has a setting for its file.
pub(super) fn secret_in_file(name: &str) -> Option<&'static Setting> {
    let variable = name.strip_suffix("_FILE")?;
    let is_setting = SETTINGS.iter().any(|setting| setting.variable() == name);
    let secret = SETTINGS.iter().find(|setting| setting.secret && setting.variable() == variable);
    secret.filter(|_| !is_setting)
}

/// Reads the secret in a file, without the line break at its end.
pub(super) fn read_secret(name: &str, file: &str) -> Result<String, SettingError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(SettingError::new(name, format!("the file {file} cannot be read: {error}"))),
    }
}

/// Other variables may begin with `OSTIARY_` too, so only near misses are rejected: a misspelt
/// `OSTIARY_TRUSTED_PROXIES` must not go unnoticed.
pub(super) fn misspelt(name: &str) -> Option<SettingError> {
    if !name.starts_with("OSTIARY_") {
        return None;
    }
    let meant = SETTINGS.iter().map(Setting::variable).find(|variable| distance(variable, name) <= 2)?;
    Some(SettingError::new(name, format!("there is no such setting; did you mean {meant}?")))
}

/// Whether a variable looks like a setting and is none.
pub(super) fn is_ignored(name: &str) -> bool {
    let is_foreign = FOREIGN.iter().any(|foreign| {
        name.strip_prefix(foreign).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    name.starts_with("OSTIARY_")
        && !is_foreign
        && secret_in_file(name).is_none()
        && SETTINGS.iter().all(|setting| setting.variable() != name)
}

/// Levenshtein's edit distance.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(distance(a, b), expected);
        }
    }

    #[test]
    fn what_is_no_setting_is_known_from_what_others_define() {
        for name in ["OSTIARY_DB_URL", "OSTIARY_SERVE_PORT", "OSTIARY_LISTEN_FILE", "OSTIARY_BIN"] {
            assert!(is_ignored(name), "{name}");
        }
        for name in [
            "OSTIARY_DATABASE_URL",
            "OSTIARY_DATABASE_URL_FILE",
            "OSTIARY_MASTER_KEY_FILE",
            "OSTIARY_CONFIG",
            "OSTIARY_API_KEY",
            "OSTIARY_SERVICE_HOST",
            "OSTIARY_SERVICE_PORT_HTTP",
            "OSTIARY_PORT_8080_TCP_ADDR",
            "PATH",
        ] {
            assert!(!is_ignored(name), "{name}");
        }
    }

    #[test]
    fn every_secret_can_stand_in_a_file() {
        let secrets: Vec<_> = SETTINGS.iter().filter(|setting| setting.secret).collect();
        assert!(!secrets.is_empty());
        for secret in secrets {
            let name = format!("{}_FILE", secret.variable());
            let is_setting = SETTINGS.iter().any(|setting| setting.variable() == name);
            assert!(is_setting || secret_in_file(&name).is_some(), "{name}");
        }
        assert!(secret_in_file("OSTIARY_LISTEN_FILE").is_none());
        assert!(secret_in_file("OSTIARY_MASTER_KEY_FILE").is_none(), "a setting of its own");
    }
}
