//! The gate: what bytes may become a document at all. Everything here happens before any signature
//! is looked at, costs time and memory in proportion to the input, and leaves a document whose
//! structure can be read in one way only.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use uppsala::{Document, Parser};

use super::rejection::{Refusal, Rejection};

/// The most bytes of XML.
pub const MAX_BYTES: usize = 384 * 1024;
/// The deepest nesting of elements.
pub const MAX_DEPTH: usize = 64;
/// The most attributes on one element, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 64;
/// The most namespace declarations that may be in scope at once, repeated ones counted.
pub const MAX_NAMESPACES: usize = 128;
/// The most elements and texts.
pub const MAX_NODES: usize = 20_000;

/// Base64 to text: SAML 2.0 Bindings §3.5.4. White space is allowed (RFC 2045 wraps lines), anything
/// else outside the alphabet is not.
pub(super) fn decode(base64: &str) -> Result<String, Refusal> {
    let mut compact = Vec::with_capacity(base64.len());
    compact.extend(base64.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    // Decoded, four bytes are three; a few bytes more or less do not matter here.
    if compact.len() / 4 * 3 > MAX_BYTES + 3 {
        return Err(too_large(compact.len() / 4 * 3));
    }
    let bytes = STANDARD
        .decode(&compact)
        .map_err(|error| Refusal::found(Rejection::Base64Malformed, error.to_string()))?;
    text(bytes)
}

/// Bytes to text: UTF-8 only, with or without its mark, and not too much of it.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(bytes.len()));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        Refusal::found(Rejection::EncodingNotUtf8, format!("byte {}", error.utf8_error().valid_up_to()))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

fn too_large(bytes: usize) -> Refusal {
    Refusal::found(Rejection::DocumentTooLarge, format!("{bytes} bytes"))
        .expected(format!("at most {MAX_BYTES} bytes"))
}

/// Text to document: the limits first, on the text, then the parser.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Refusal> {
    scan(text)?;
    parse_scanned(text)
}

/// The parser itself, for text that passed [`scan`] or was written by our own canonicalization from
/// such a text.
pub(super) fn parse_scanned(text: &str) -> Result<Document<'_>, Refusal> {
    let parser = Parser::new().with_forbid_dtd(true).with_max_depth(MAX_DEPTH as u32);
    parser.parse(text).map_err(|error| Refusal::found(Rejection::XmlMalformed, error.to_string()))
}

/// Runs once over the text and refuses what no response has, before a parser sees it: parsers compare
/// each attribute with each other and look a prefix up in every declaration, so these limits keep
/// their time linear. Wherever this scan reads a text otherwise than the parser does, the parser
/// refuses the text.
fn scan(text: &str) -> Result<(), Refusal> {
    let bytes = text.as_bytes();
    let find =
        |from: usize, what: &str| text.get(from..).and_then(|rest| rest.find(what)).map(|at| from + at);
    let unended = |what: &str| Refusal::found(Rejection::XmlMalformed, format!("{what} does not end"));
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(Refusal::found(Rejection::XmlMalformed, format!("a NUL character at byte {at}")));
    }

    let mut at = 0;
    if text.starts_with("<?xml") && bytes.get(5).is_some_and(|&byte| super::dom::is_space(byte as char)) {
        let end = find(0, "?>").ok_or_else(|| unended("the XML declaration"))?;
        declaration(&text[..end])?;
        at = end + 2;
    }

    let mut nodes = 0_usize;
    // For every open element how many namespaces are in scope.
    let mut scopes: Vec<usize> = Vec::with_capacity(MAX_DEPTH);
    while let Some(&byte) = bytes.get(at) {
        if byte != b'<' {
            nodes += 1;
            at = find(at, "<").unwrap_or(bytes.len());
        } else {
            let rest = &text[at..];
            if rest.starts_with("</") {
                scopes.pop();
                at = find(at, ">").ok_or_else(|| unended("an end tag"))? + 1;
                continue;
            } else if rest.starts_with("<!--") {
                return Err(Refusal::found(Rejection::CommentPresent, format!("at byte {at}")));
            } else if rest.starts_with("<![CDATA[") {
                nodes += 1;
                at = find(at, "]]>").ok_or_else(|| unended("a CDATA section"))? + 3;
            } else if rest.starts_with("<!") {
                return Err(Refusal::found(Rejection::DoctypePresent, format!("at byte {at}")));
            } else if rest.starts_with("<?") {
                return Err(Refusal::found(Rejection::ProcessingInstructionPresent, format!("at byte {at}")));
            } else {
                nodes += 1;
                let tag = start_tag(bytes, at).ok_or_else(|| unended("a start tag"))?;
                if tag.attributes > MAX_ATTRIBUTES {
                    return Err(Refusal::found(
                        Rejection::TooManyAttributes,
                        format!("{} at byte {at}", tag.attributes),
                    )
                    .expected(format!("at most {MAX_ATTRIBUTES} on an element")));
                }
                let in_scope = scopes.last().copied().unwrap_or(0) + tag.namespaces;
                if in_scope > MAX_NAMESPACES {
                    return Err(Refusal::found(
                        Rejection::TooManyAttributes,
                        format!("{in_scope} namespaces at byte {at}"),
                    )
                    .expected(format!("at most {MAX_NAMESPACES} in scope")));
                }
                if scopes.len() >= MAX_DEPTH {
                    return Err(Refusal::from(Rejection::NestingTooDeep)
                        .expected(format!("at most {MAX_DEPTH} levels")));
                }
                if !tag.empty {
                    scopes.push(in_scope);
                }
                at = tag.end;
            }
        }
        if nodes > MAX_NODES {
            return Err(Refusal::from(Rejection::TooManyNodes).expected(format!("at most {MAX_NODES}")));
        }
    }
    Ok(())
}

/// A start tag as the scan sees it.
struct StartTag {
    /// The byte after it.
    end: usize,
    /// How many quoted values stand in it.
    attributes: usize,
    /// How many of them declare a namespace, at least.
    namespaces: usize,
    /// Whether it is an empty-element tag.
    empty: bool,
}

fn start_tag(bytes: &[u8], start: usize) -> Option<StartTag> {
    let mut tag = StartTag { end: 0, attributes: 0, namespaces: 0, empty: false };
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'>' => {
                tag.empty = bytes.get(at - 1) == Some(&b'/');
                tag.end = at + 1;
                return Some(tag);
            }
            quote @ (b'"' | b'\'') => {
                tag.attributes += 1;
                at += 1 + bytes.get(at + 1..)?.iter().position(|&byte| byte == quote)? + 1;
            }
            byte => {
                if super::dom::is_space(byte as char) && bytes[at + 1..].starts_with(b"xmlns") {
                    tag.namespaces += 1;
                }
                at += 1;
            }
        }
    }
}

/// The XML declaration may name no encoding but UTF-8 (XML 1.0 §4.3.3).
fn declaration(text: &str) -> Result<(), Refusal> {
    let Some((_, after)) = text.split_once("encoding") else { return Ok(()) };
    let value =
        after.trim_start_matches(|c| super::dom::is_space(c) || c == '=').trim_start_matches(['"', '\'']);
    let name: String = value.chars().take_while(|c| !matches!(c, '"' | '\'')).take(40).collect();
    if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8") {
        Ok(())
    } else {
        Err(Refusal::found(Rejection::EncodingNotUtf8, name).expected("UTF-8"))
    }
}
