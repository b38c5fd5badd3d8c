//! Opens the installation for a command, with the database, keys and settings of the server.

use std::sync::Arc;

use super::SettingsArgs;
use crate::{
    app::{Error, Settings, State},
    model::{
        id::{Id, IdKind},
        random::SystemRandom,
        time::SystemClock,
    },
    server, telemetry,
};

/// Opens the installation for a command that reads or changes it. Without a configured public URL, links use that of
/// the server that ran last.
pub(super) async fn open(settings: &SettingsArgs) -> anyhow::Result<State> {
    let mut config = settings.load(&[])?;
    telemetry::start_logs(config.log_format, "warn");
    if config.public_url.is_none() {
        config.public_url = server::last_public_url(&config).await?;
    }
    let mut state =
        server::open(&config, config.listen, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    // The operator may fetch metadata from any address. What the server itself calls later is restricted by its
    // setting.
    state.settings = Arc::new(Settings { allow_private_metadata: true, ..(*state.settings).clone() });
    Ok(state)
}

/// The next id: the first one of the next page.
pub(super) fn next_id<K: IdKind>(id: Id<K>) -> Id<K> {
    Id::from_bits(id.bits().saturating_add(1))
}

/// Converts an error to the command line's terms: the API's `redirectUrl` is `--redirect-url` here.
pub(super) fn cli_error(error: Error) -> anyhow::Error {
    match &error {
        Error::Invalid { field, reason } => {
            anyhow::anyhow!("{}: {}", flag(field), replace_field_names(reason))
        }
        Error::Conflict { kind, field } => anyhow::anyhow!("another {kind} already has this {}", flag(field)),
        Error::Internal(source) => anyhow::anyhow!(telemetry::error_chain(&**source)),
        _ => anyhow::anyhow!(error),
    }
}

/// Replaces the names of API fields in a reason by flags.
fn replace_field_names(reason: &str) -> String {
    const FIELDS_IN_REASONS: &[&str] = &["allowFreeMail", "idpCertificate", "idpMetadata"];
    reason
        .split(' ')
        .map(|word| {
            match FIELDS_IN_REASONS.iter().find(|field| word.trim_end_matches([',', ';']) == **field) {
                Some(field) => word.replace(field, &flag(field)),
                None => word.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// `idpCertificates` → `--idp-certificate`.
fn flag(field: &str) -> String {
    let mut flag = String::from("--");
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(letter.to_ascii_lowercase());
    }
    match flag.as_str() {
        "--oauth-redirect-uris" | "--idp-certificates" | "--domains" | "--event-types" => {
            flag.truncate(flag.len() - 1)
        }
        "--overlap-seconds" => flag = "--overlap".to_owned(),
        "--idp-metadata-url" => flag = "--idp-metadata".to_owned(),
        _ => {}
    }
    flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_flags() {
        for (field, expected) in [
            ("slug", "--slug"),
            ("oauthRedirectUris", "--oauth-redirect-uri"),
            ("idpMetadataUrl", "--idp-metadata"),
            ("externalId", "--external-id"),
        ] {
            assert_eq!(flag(field), expected);
        }
        let error = cli_error(Error::invalid("redirectUrl", "must be a URL"));
        assert_eq!(error.to_string(), "--redirect-url: must be a URL");
        let error =
            cli_error(Error::invalid("domains", "\"gmail.com\" is free; pass allowFreeMail to take it"));
        assert_eq!(error.to_string(), "--domain: \"gmail.com\" is free; pass --allow-free-mail to take it");
    }
}
