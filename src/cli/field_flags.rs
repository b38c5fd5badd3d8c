//! The names of API fields as flags: the API's `redirectUrl` is `--redirect-url` here.

use crate::{app::Error, telemetry};

/// Converts an error to the command line's terms: the API's `redirectUrl` is `--redirect-url` here.
pub(super) fn cli_error(error: Error) -> anyhow::Error {
    match &error {
        Error::Invalid { field, reason } => {
            anyhow::anyhow!("{}: {}", flag(field), replace_field_names(reason))
        }
        Error::InvalidFields(fields) => {
            let said = fields.iter().map(|(field, reason)| format!("{}: {reason}", flag(field)));
            anyhow::anyhow!(said.collect::<Vec<_>>().join("; "))
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
        "--oauth-redirect-uris"
        | "--redirect-uris"
        | "--scopes"
        | "--origins"
        | "--idp-certificates"
        | "--domains"
        | "--event-types" => flag.truncate(flag.len() - 1),
        "--identifier" => flag = "--email".to_owned(),
        other if other.starts_with("--identifiers[") || other.starts_with("--verifiable_addresses[") => {
            flag = "--email".to_owned();
        }
        "--shared" => flag = "--share".to_owned(),
        "--role-audience" => flag = "--audience".to_owned(),
        "--display-name" => flag = "--name".to_owned(),
        "--permissions" => flag = "--role-permission".to_owned(),
        "--grant-types" => flag = "--grant".to_owned(),
        "--has-management-api-access" => flag = "--management".to_owned(),
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
