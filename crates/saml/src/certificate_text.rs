//! The one reader of certificates in text: PEM, bare base64, and what people and products make of them. It is used for
//! certificates that are pasted, uploaded, imported or listed in metadata, so that all of these take the same.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use openssl::x509::X509;

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const BEGIN: &str = "-----BEGIN ";
const LABELS: [&str; 2] = ["CERTIFICATE-----", "X509 CERTIFICATE-----"];

/// The certificates of a text in order; `None` stands for one that cannot be read. It is empty if there is neither a
/// `CERTIFICATE` block (RFC 7468 §5) nor bare base64 (RFC 4648 §4) in it.
///
/// Text around blocks is ignored. A line break may be the two characters `\n` (JSON and environment files that were
/// copied), padding may be missing, base64 may hold a whole PEM file, and several certificates may follow one another
/// without armour.
pub(crate) fn read(text: &str) -> Vec<Option<X509>> {
    read_level(text, true)
}

fn read_level(text: &str, may_hold_pem: bool) -> Vec<Option<X509>> {
    // No backslash is part of PEM or base64.
    let text = text.replace("\\r", "\n").replace("\\n", "\n");
    let blocks = match text.contains(BEGIN) {
        true => pem_blocks(&text),
        false => bare_base64(&text).into_iter().collect(),
    };
    blocks.into_iter().flat_map(|block| read_block(block, may_hold_pem)).collect()
}

/// The base64 between the lines of each block.
fn pem_blocks(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        rest = &rest[at + BEGIN.len()..];
        let Some(body) = LABELS.iter().find_map(|label| rest.strip_prefix(label)) else { continue };
        let end = body.find("-----").unwrap_or(body.len());
        blocks.push(&body[..end]);
        rest = &body[end..];
    }
    blocks
}

/// The text, if it is nothing but base64 and white space.
fn bare_base64(text: &str) -> Option<&str> {
    let bare = text.trim_matches(is_space);
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c) || is_space(c);
    (!bare.is_empty() && bare.chars().all(base64)).then_some(bare)
}

/// White space, and the byte order mark with which some files begin.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The certificates in one block of base64. There is at least one entry.
fn read_block(base64: &str, may_hold_pem: bool) -> Vec<Option<X509>> {
    let compact: String = base64.chars().filter(|c| !is_space(*c)).collect();
    // Padding ends a text of base64: what follows it is the next one.
    let mut bytes = Vec::with_capacity(compact.len() / 4 * 3);
    for piece in compact.split('=').filter(|piece| !piece.is_empty()) {
        match LENIENT.decode(piece) {
            Ok(decoded) => bytes.extend(decoded),
            Err(_) => return vec![None],
        }
    }
    if may_hold_pem
        && let Ok(text) = std::str::from_utf8(&bytes)
        && text.trim_start_matches(is_space).starts_with(BEGIN)
    {
        let inside = read_level(text, false);
        return if inside.is_empty() { vec![None] } else { inside };
    }
    read_der(&bytes)
}

/// The certificates in DER that follow one another. Other bytes after the first one are ignored: OpenSSL's trusted
/// certificates end with some.
fn read_der(bytes: &[u8]) -> Vec<Option<X509>> {
    let Some((first, mut rest)) = split_der(bytes) else { return vec![None] };
    let mut found = vec![X509::from_der(first).ok()];
    while let Some((next, after)) = split_der(rest)
        && let Ok(certificate) = X509::from_der(next)
    {
        found.push(Some(certificate));
        rest = after;
    }
    found
}

/// Splits after the first DER SEQUENCE (X.690 §8.1.3).
fn split_der(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    const SEQUENCE: u8 = 0x30;
    let [SEQUENCE, length, rest @ ..] = bytes else { return None };
    let (header, content) = match length {
        0..=0x7f => (2, usize::from(*length)),
        0x81..=0x84 => {
            let count = usize::from(length & 0x7f);
            let length = rest.get(..count)?.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            (2 + count, length)
        }
        _ => return None,
    };
    bytes.split_at_checked(header.checked_add(content)?)
}

#[cfg(test)]
mod tests {
    use base::{random::SeededRandom, time::Timestamp};
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::key_pair::{KeyKind, KeyPair};

    fn certificate(seed: u64) -> X509 {
        let now = Timestamp::from_seconds(1_790_000_000);
        KeyPair::generate(KeyKind::P256, "idp", now, &SeededRandom::new(seed)).unwrap().certificate
    }

    fn der(certificate: &X509) -> Vec<u8> {
        certificate.to_der().unwrap()
    }

    /// Which of `known` the text holds; `?` for what cannot be read.
    fn names(text: &str, known: &[X509]) -> String {
        let name = |found: &Option<X509>| {
            let found = der(found.as_ref()?);
            "abc".chars().zip(known).find(|(_, one)| der(one) == found).map(|(name, _)| name)
        };
        read(text).iter().map(|found| name(found).unwrap_or('?')).collect()
    }

    #[test]
    fn a_certificate_is_read_however_it_was_copied() {
        let known = [certificate(1), certificate(2), certificate(3)];
        let [a, b, _] = known.each_ref().map(|one| String::from_utf8(one.to_pem().unwrap()).unwrap());
        let [bare_a, bare_b, _] = known.each_ref().map(|one| STANDARD.encode(der(one)));
        let both = [der(&known[0]), der(&known[1])].concat();
        let wrapped: String = bare_a.chars().map(|c| format!("{c}\r\n\t\u{a0}")).collect();
        for (text, expected) in [
            (a.clone(), "a"),
            (format!("subject=CN = idp\r\n{}\nand then\n{b}trailer", a.replace('\n', "\r\n")), "ab"),
            (a.replace("CERTIFICATE", "X509 CERTIFICATE"), "a"),
            (a.replace('\n', "\\n"), "a"),
            (format!("{a}{b}").replace('\n', "\\r\\n"), "ab"),
            (a.replace('\n', " "), "a"),
            (a.replace('=', ""), "a"),
            (bare_a.clone(), "a"),
            (bare_a.trim_end_matches('=').to_owned(), "a"),
            (wrapped, "a"),
            (format!("\u{feff}{bare_a}\n{bare_b}"), "ab"),
            (format!("{bare_a}{bare_b}"), "ab"),
            (STANDARD.encode(&both), "ab"),
            (STANDARD.encode(&a), "a"),
            (STANDARD.encode(format!("\n{a}{b}")), "ab"),
            (format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", STANDARD.encode(&a)), "a"),
            (STANDARD.encode([der(&known[0]), b"trailing".to_vec()].concat()), "a"),
            // One that cannot be read does not spoil the others.
            (format!("{a}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{b}"), "a?b"),
            (format!("{}{b}", &a[..200]), "?b"),
            ("-----BEGIN CERTIFICATE-----".to_owned(), "?"),
            ("AAAA".to_owned(), "?"),
            (STANDARD.encode(&der(&known[0])[..200]), "?"),
            // Unwrapped once, not again and again.
            (STANDARD.encode(STANDARD.encode(&a)), "?"),
            (STANDARD.encode(format!("-----BEGIN CERTIFICATE-----\n{}", STANDARD.encode(&a))), "?"),
            (STANDARD.encode("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), "?"),
            // None at all.
            (String::new(), ""),
            ("https://idp.example/certificate".to_owned(), ""),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(), ""),
        ] {
            assert_eq!(names(&text, &known), expected, "{text}");
        }
    }

    #[test]
    fn lengths_are_never_trusted() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 0x82, 1],
            &[0x30, 0x84, 255, 255, 255, 255],
            &[0x30, 5, 0],
        ] {
            assert_eq!(split_der(bytes), None, "{bytes:?}");
        }
        assert_eq!(split_der(&[0x30, 1, 7, 8]), Some((&[0x30, 1, 7][..], &[8][..])));
    }
}
