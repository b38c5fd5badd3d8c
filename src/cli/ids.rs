//! Ids and names as they are given to commands.

use base::id::{Id, IdKind};

/// Parses an id. The error tells what one of this kind looks like.
pub(super) fn parse<K: IdKind>(text: &str) -> Result<Id<K>, NoId> {
    text.parse().map_err(|_| NoId { noun: K::NOUN, prefix: K::PREFIX, reads_uuids: K::READS_UUIDS })
}

/// Parses a name for people.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("it is empty: give a name for people"),
        name => Ok(name.to_owned()),
    }
}

/// A text that is no id of the kind that a command needs.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "that is no id of {}: one is {prefix} and 25 letters and digits{}, as the command `list` and the console show it",
    with_article(noun),
    if *reads_uuids { ", or a UUID" } else { "" }
)]
pub(super) struct NoId {
    noun: &'static str,
    prefix: &'static str,
    reads_uuids: bool,
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'A', 'e', 'i', 'o', 'O']) { "an" } else { "a" };
    format!("{article} {noun}")
}

#[cfg(test)]
mod tests {
    use base::id::{OrganizationKind, ScimDirectoryKind};

    use super::*;

    #[test]
    fn a_name_is_not_empty() {
        assert_eq!(name(" Dana Doe "), Ok("Dana Doe".to_owned()));
        assert!(name("").is_err() && name(" \t").is_err());
    }

    #[test]
    fn what_is_no_id_is_told_what_one_looks_like() {
        let id: Id<ScimDirectoryKind> = Id::from_bits(7);
        assert_eq!(parse(&id.to_string()).unwrap(), id);
        for text in ["", "scim_directory_1", "dana@acme.com", "org_0000000000000000000000007"] {
            assert_eq!(
                parse::<ScimDirectoryKind>(text).unwrap_err().to_string(),
                "that is no id of a SCIM directory: one is scim_directory_ and 25 letters and digits, as the command \
                 `list` and the console show it"
            );
        }
        let refused = parse::<OrganizationKind>("acme").unwrap_err().to_string();
        assert!(refused.starts_with("that is no id of an organization: one is org_"), "{refused}");
        assert!(refused.contains("or a UUID"), "{refused}");
    }
}
