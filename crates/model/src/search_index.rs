//! The word index of organizations: which words are stored, and how a search query is split into words.
//!
//! A search matches an organization when each word of the query is a prefix of one of its indexed words.

use std::collections::BTreeSet;

use crate::{domain::Domain, organization::Organization, organization_reference::PublicAlias};

/// Maximum number of words of a query that are used.
const MAX_QUERY_WORDS: usize = 6;
/// Maximum number of indexed words of one organization, besides its domains.
const MAX_INDEXED_WORDS: usize = 64;
/// Maximum number of words of a person's name, and of a query for one.
const MAX_NAME_WORDS: usize = 8;
/// Maximum length of a word in characters; the rest is ignored.
const MAX_WORD_LENGTH: usize = 64;

/// A word in its stored form: lower case, as the hexadecimal digits of its bytes. The characters 0-9 and a-f
/// sort the same under every collation, so every word that begins with another one sorts after it and before
/// the upper bound of that one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchWord(String);

impl SearchWord {
    fn of(text: &str) -> Option<Self> {
        let short: String = text.chars().flat_map(char::to_lowercase).take(MAX_WORD_LENGTH).collect();
        let hex: String = short.bytes().map(|byte| format!("{byte:02x}")).collect();
        (!hex.is_empty()).then_some(Self(hex))
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The exclusive upper bound of all words that begin with this one.
    pub fn upper_bound(&self) -> String {
        format!("{}g", self.0)
    }
}

/// The words of a text: runs of letters and digits.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The words under which an organization is indexed.
pub fn index_words(organization: &Organization) -> BTreeSet<SearchWord> {
    let external = organization.external_id.as_deref().unwrap_or_default();
    let name = organization.name.as_deref().unwrap_or_default();
    let alias = organization.public_alias.as_ref().map(PublicAlias::as_str).unwrap_or_default();
    let mut words: BTreeSet<SearchWord> = split(&organization.display_name)
        .chain([external.trim(), name.trim(), alias])
        .chain(split(external))
        .chain(split(name))
        .take(MAX_INDEXED_WORDS)
        .filter_map(SearchWord::of)
        .collect();
    for domain in organization.domains.keys() {
        words.extend(SearchWord::of(domain.as_str()));
        words.extend(SearchWord::of(&domain.to_unicode()));
    }
    words
}

/// The words of a person's name: under which a user is indexed, and of a query for one. The longest comes first.
pub fn name_words(name: &str) -> Vec<SearchWord> {
    let words: BTreeSet<SearchWord> = split(name).filter_map(SearchWord::of).collect();
    let mut words: Vec<SearchWord> = words.into_iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.0.len()));
    words.truncate(MAX_NAME_WORDS);
    words
}

/// Splits a query into the words to look up. A whitespace-separated piece that looks like a domain or an id
/// is one word, any other is split into its words. Of an e-mail address only the domain is used.
pub fn parse_query(text: &str) -> Vec<SearchWord> {
    let mut words = Vec::new();
    for piece in text.split_whitespace() {
        let piece = piece.rsplit_once('@').map_or(piece, |(_, domain)| domain);
        let whole = Domain::parse(piece).ok().filter(|_| piece.contains('.'));
        match whole {
            Some(domain) => words.extend(SearchWord::of(domain.as_str())),
            None if piece.contains(['.', '-', '_', ':']) => words.extend(SearchWord::of(piece)),
            None => words.extend(split(piece).filter_map(SearchWord::of)),
        }
    }
    words.sort_by_key(|word| std::cmp::Reverse(word.0.len()));
    words.dedup();
    words.truncate(MAX_QUERY_WORDS);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DomainState;
    use base::{id::Id, time::Timestamp};

    fn organization(name: &str, external_id: Option<&str>, domains: &[&str]) -> Organization {
        Organization {
            display_name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
            domains: domains
                .iter()
                .map(|text| (Domain::parse(text).unwrap(), DomainState::Whitelisted))
                .collect(),
            ..Organization::new(Id::from_bits(1), Id::from_bits(2), Timestamp::from_millis(0))
        }
    }

    /// Whether the search matches the organization, by the same range comparison as in the store.
    fn finds(organization: &Organization, text: &str) -> bool {
        let words = index_words(organization);
        parse_query(text).iter().all(|word| {
            words.iter().any(|w| w.as_str() >= word.as_str() && w.as_str() < word.upper_bound().as_str())
        })
    }

    #[test]
    fn an_organization_is_found_by_what_people_remember() {
        let acme =
            organization("Acme Ltd. (Österreich)", Some("cust-0042_x"), &["acme.co.uk", "bücher.example"]);
        for text in [
            "acme",
            "ACME",
            "ltd acme",
            "öster",
            "ÖSTER",
            "cust-0042_x",
            "cust-00",
            "0042",
            "acme.co.uk",
            "acme.co",
            "dana@acme.co.uk",
            "bücher.example",
            "xn--bcher-kva.example",
            "bücher",
            "",
            "  ",
        ] {
            assert!(finds(&acme, text), "{text:?}");
        }
        for text in ["cme", "acme gmbh", "other", "dana@other.example", "acme.com"] {
            assert!(!finds(&acme, text), "{text:?}");
        }
    }

    #[test]
    fn nothing_typed_is_too_much() {
        assert_eq!(parse_query(&"a b c d e f g h ".repeat(1000)).len(), MAX_QUERY_WORDS);
        let long = organization(&"word ".repeat(1000), Some(&"x".repeat(500)), &[]);
        assert!(index_words(&long).len() <= MAX_INDEXED_WORDS);
        assert!(index_words(&long).iter().all(|word| word.as_str().len() <= MAX_WORD_LENGTH * 4 * 2));
        for text in ["%", "\0", "'; --", "🦀", "@", "."] {
            let _ = parse_query(text);
        }
    }
}
