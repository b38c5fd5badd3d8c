//! How lists, objects and certificates are stored in TEXT columns. Ids, times and digests: `base`, feature `sqlx`.

use std::str::FromStr;

use base::id::{Id, IdKind};
use model::http_url::HttpUrl;
use serde::Serialize;

use super::Result;

/// The columns of a table in a statement, each with the prefix `"r."` or none: `column_list!("r.", id, name)`.
macro_rules! column_list {
    ($table:literal, $first:ident $(, $name:ident)*) => {
        concat!($table, stringify!($first) $(, ", ", $table, stringify!($name))*)
    };
}
pub(super) use column_list;

/// Serialises lists, and maps with text keys.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))?)
}

/// Serialises a list of strings as a JSON array.
pub(super) fn list_to_json(list: &[String]) -> String {
    serde_json::Value::from(list.to_vec()).to_string()
}

/// Parses what [`list_to_json`] wrote.
pub(super) fn list_from_json(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

/// Serialises a JSON object.
pub(super) fn object_to_json(object: &serde_json::Map<String, serde_json::Value>) -> String {
    // Maps with text keys always serialise.
    serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned())
}

/// Parses what [`object_to_json`] wrote.
pub(super) fn object_from_json(json: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(json).ok()
}

/// Serialises a list of URLs as a JSON array.
pub(super) fn urls_to_json(urls: &[HttpUrl]) -> String {
    serde_json::Value::from(urls.iter().map(HttpUrl::as_str).collect::<Vec<_>>()).to_string()
}

/// Parses what [`urls_to_json`] wrote.
pub(super) fn urls_from_json(json: &str) -> Option<Vec<HttpUrl>> {
    list_from_json(json)?.iter().map(|url| HttpUrl::parse(url)).collect()
}

/// Splits a column of concatenated PEM certificates; each block keeps its line end.
pub(super) fn pem_blocks(text: &str) -> Vec<String> {
    text.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned).collect()
}

/// Parses a name, as of an enum.
pub(super) fn by_name<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// The first id of a page: `from`, or the smallest id.
pub(super) fn page_start<K: IdKind>(from: Option<Id<K>>) -> Id<K> {
    from.unwrap_or(Id::from_bits(0))
}

/// The LIKE pattern of texts that have this part. `!` escapes.
pub(super) fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_is_taken_as_it_is() {
        assert_eq!(like_pattern("50%_off!"), "%50!%!_off!!%");
    }

    #[test]
    fn certificates_in_one_column_are_split_again() {
        let block = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        let blocks = vec![block("AA=="), block("BB==")];
        assert_eq!(pem_blocks(&blocks.concat()), blocks);
        assert_eq!(pem_blocks(""), Vec::<String>::new());
    }
}
