//! From bytes to a parsed document: decoding, limits, parsing. All of it happens before any signature is
//! verified, takes time and memory in proportion to the input, and leaves a document whose structure can be
//! read in only one way.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use uppsala::{Document, Parser};

use crate::{error::Error, failed_check::FailedCheck};

/// The maximum size of the XML in bytes.
pub const MAX_BYTES: usize = 384 * 1024;
/// The maximum nesting depth of elements.
pub const MAX_DEPTH: usize = 64;
/// The maximum number of attributes on one element, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 64;
/// The maximum number of namespace declarations in scope at once, repeated ones counted.
pub const MAX_NAMESPACES: usize = 128;
/// The maximum number of elements and texts.
pub const MAX_NODES: usize = 20_000;
/// The maximum number of steps (see [`DocumentLimits::steps`]) for one document. Two thousand attribute values that
/// each redeclare their namespaces take about 200,000.
pub const MAX_STEPS: usize = 500_000;

/// The limits on a document's markup. Each one bounds a factor in the cost of parsing or canonicalization.
pub(super) struct DocumentLimits {
    /// Elements and texts.
    pub nodes: usize,
    /// Nested elements.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Namespace declarations in scope at once, repeated ones counted.
    pub namespaces: usize,
    /// Steps in all: for each element, each of its names is looked up in every scope and declaration around
    /// it, and each of its attributes is compared with the others.
    pub steps: usize,
    /// Whether comments and processing instructions are allowed.
    pub comments: bool,
}

impl DocumentLimits {
    /// The limits for a response and for a decrypted assertion.
    pub const RESPONSE: Self = Self {
        nodes: MAX_NODES,
        depth: MAX_DEPTH,
        attributes: MAX_ATTRIBUTES,
        namespaces: MAX_NAMESPACES,
        steps: MAX_STEPS,
        comments: false,
    };
}

/// The result of scanning a document's markup.
#[derive(Debug, Default)]
pub(super) struct ScanResult {
    /// The offsets of the tabs and line feeds in attribute values.
    spaces: Vec<usize>,
    /// The steps that parsing it takes (see [`DocumentLimits::steps`]).
    pub steps: usize,
}

/// Decodes base64 to text (SAML 2.0 Bindings §3.5.4). White space is allowed (RFC 2045 wraps lines); other
/// characters outside the alphabet are not.
pub(super) fn decode_base64(base64: &str) -> Result<String, FailedCheck> {
    // Four characters decode to three bytes; a few bytes more or less do not matter here.
    let decode = |base64: &[u8]| {
        if base64.len() / 4 * 3 > MAX_BYTES + 3 {
            return Err(too_large(base64.len() / 4 * 3));
        }
        STANDARD.decode(base64).map_err(|error| FailedCheck::found(Error::Base64Malformed, error.to_string()))
    };
    let bytes = if base64.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let compact: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        decode(&compact)?
    } else {
        decode(base64.as_bytes())?
    };
    decode_utf8(bytes)
}

/// Decodes UTF-8 up to the maximum size, and removes a byte order mark.
pub(super) fn decode_utf8(bytes: Vec<u8>) -> Result<String, FailedCheck> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(bytes.len()));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        FailedCheck::found(Error::EncodingNotUtf8, format!("byte {}", error.utf8_error().valid_up_to()))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    // XML 1.0 §2.11: line ends are normalised to line feeds before parsing. Parsers omit this in CDATA.
    if text.contains('\r') {
        text = text.replace("\r\n", "\n").replace('\r', "\n");
    }
    Ok(text)
}

fn too_large(bytes: usize) -> FailedCheck {
    FailedCheck::found(Error::DocumentTooLarge, format!("{bytes} bytes"))
        .expected(format!("at most {MAX_BYTES} bytes"))
}

/// Checks the limits, and replaces line feeds and tabs in attribute values by spaces (XML 1.0 §3.3.3). The
/// parser does not do that; signers and xmlsec do.
pub(super) fn check_and_normalize(text: &mut String) -> Result<(), FailedCheck> {
    let markup = scan(text, &DocumentLimits::RESPONSE)?;
    if !markup.spaces.is_empty() {
        let mut bytes = std::mem::take(text).into_bytes();
        for at in markup.spaces {
            bytes[at] = b' ';
        }
        *text = String::from_utf8(bytes).map_err(|_| Error::EncodingNotUtf8)?;
    }
    Ok(())
}

/// Parses text that passed `check_and_normalize`, or that our canonicalization wrote from such a document.
pub(super) fn parse(text: &str) -> Result<Document<'_>, FailedCheck> {
    let parser = Parser::new().with_forbid_dtd(true).with_max_depth(MAX_DEPTH as u32);
    parser.parse(text).map_err(|error| FailedCheck::found(Error::XmlMalformed, error.to_string()))
}

/// Scans the text once and checks the limits before it is parsed: parsers compare each attribute with the
/// others and look a prefix up in every declaration, so these limits keep their time linear. Wherever this
/// scan reads a text differently from the parser, the parser refuses the text.
pub(super) fn scan(text: &str, limits: &DocumentLimits) -> Result<ScanResult, FailedCheck> {
    let bytes = text.as_bytes();
    let find =
        |from: usize, what: char| text.get(from..).and_then(|rest| rest.find(what)).map(|at| from + at);
    let unended = |what: &str| FailedCheck::found(Error::XmlMalformed, format!("{what} does not end"));
    let too_many = |found: String, most: usize, what: &str| {
        FailedCheck::found(Error::TooManyAttributes, found).expected(format!("at most {most} {what}"))
    };
    // The characters of XML 1.0 §2.2. The parser checks most texts, not all of them.
    let control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let nothing = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    if bytes.iter().any(|&byte| control(byte)) || bytes.contains(&0xef) && text.contains(nothing) {
        return Err(FailedCheck::found(Error::XmlMalformed, "a character that XML does not allow"));
    }

    let mut at = 0;
    if text.starts_with("<?xml") && bytes.get(5).is_some_and(|&byte| crate::dom::is_space(byte as char)) {
        let end = text.find("?>").ok_or_else(|| unended("the XML declaration"))?;
        check_declaration(&text[..end])?;
        at = end + 2;
    }

    let mut markup = ScanResult::default();
    let mut nodes = 0_usize;
    // The number of namespaces in scope for each open element.
    let mut scopes: Vec<usize> = Vec::with_capacity(limits.depth);
    while let Some(&byte) = bytes.get(at) {
        if byte != b'<' {
            nodes += 1;
            at = find(at, '<').unwrap_or(bytes.len());
        } else {
            let rest = &text[at..];
            if rest.starts_with("</") {
                scopes.pop();
                at = find(at, '>').ok_or_else(|| unended("an end tag"))? + 1;
                continue;
            } else if let Some(comment) = rest.strip_prefix("<!--") {
                if !limits.comments {
                    return Err(FailedCheck::found(Error::CommentPresent, format!("at byte {at}")));
                }
                nodes += 1;
                at += 4 + comment.find("-->").ok_or_else(|| unended("a comment"))? + 3;
            } else if rest.starts_with("<![CDATA[") {
                nodes += 1;
                at += rest.find("]]>").ok_or_else(|| unended("a CDATA section"))? + 3;
            } else if rest.starts_with("<!") {
                return Err(FailedCheck::found(Error::DoctypePresent, format!("at byte {at}")));
            } else if rest.starts_with("<?") {
                if !limits.comments {
                    let found = format!("at byte {at}");
                    return Err(FailedCheck::found(Error::ProcessingInstructionPresent, found));
                }
                nodes += 1;
                at += rest.find("?>").ok_or_else(|| unended("a processing instruction"))? + 2;
            } else {
                nodes += 1;
                let tag = start_tag(text, at, &mut markup.spaces).ok_or_else(|| unended("a start tag"))?;
                if tag.attributes > limits.attributes {
                    let found = format!("{} at byte {at}", tag.attributes);
                    return Err(too_many(found, limits.attributes, "on an element"));
                }
                let in_scope = scopes.last().copied().unwrap_or(0) + tag.namespaces;
                if in_scope > limits.namespaces {
                    let found = format!("{in_scope} namespaces at byte {at}");
                    return Err(too_many(found, limits.namespaces, "in scope"));
                }
                if scopes.len() >= limits.depth {
                    return Err(FailedCheck::from(Error::NestingTooDeep)
                        .expected(format!("at most {} levels", limits.depth)));
                }
                let names = 1 + tag.attributes;
                markup.steps += names * (1 + in_scope + scopes.len()) + tag.attributes * tag.attributes;
                if markup.steps > limits.steps {
                    let found = format!("{in_scope} namespaces in scope of the element at byte {at}");
                    return Err(FailedCheck::found(Error::TooManyNodes, found).expected(format!(
                        "elements, attributes and namespaces that are read in at most {} steps",
                        limits.steps
                    )));
                }
                if !tag.empty {
                    scopes.push(in_scope);
                }
                at = tag.end;
            }
        }
        if nodes > limits.nodes {
            return Err(FailedCheck::from(Error::TooManyNodes).expected(format!("at most {}", limits.nodes)));
        }
    }
    Ok(markup)
}

/// A start tag as the scan sees it.
struct StartTag {
    /// The offset of the byte after it.
    end: usize,
    /// The number of quoted values in it.
    attributes: usize,
    /// An upper bound on the namespace declarations among them.
    namespaces: usize,
    /// Whether it is an empty-element tag.
    empty: bool,
}

fn start_tag(text: &str, start: usize, spaces: &mut Vec<usize>) -> Option<StartTag> {
    let bytes = text.as_bytes();
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
                at += 1;
                let rest = &text[at..];
                let value = &rest[..rest.find(char::from(quote))?];
                if value.bytes().any(|byte| matches!(byte, b'\t' | b'\n')) {
                    spaces.extend(value.match_indices(['\t', '\n']).map(|(offset, _)| at + offset));
                }
                let length = value.len();
                at += length + 1;
            }
            byte => {
                if crate::dom::is_space(byte as char) && bytes[at + 1..].starts_with(b"xmlns") {
                    tag.namespaces += 1;
                }
                at += 1;
            }
        }
    }
}

/// The XML declaration may name no encoding but UTF-8 (XML 1.0 §4.3.3).
fn check_declaration(text: &str) -> Result<(), FailedCheck> {
    let Some((_, after)) = text.split_once("encoding") else { return Ok(()) };
    let value =
        after.trim_start_matches(|c| crate::dom::is_space(c) || c == '=').trim_start_matches(['"', '\'']);
    let name: String = value.chars().take_while(|c| !matches!(c, '"' | '\'')).take(40).collect();
    if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8") {
        Ok(())
    } else {
        Err(FailedCheck::found(Error::EncodingNotUtf8, name).expected("UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(text: &str) -> Result<String, Error> {
        let mut text = super::decode_utf8(text.as_bytes().to_vec()).map_err(|failure| failure.error)?;
        check_and_normalize(&mut text).map_err(|failure| failure.error)?;
        Ok(text)
    }

    #[test]
    fn lines_end_in_one_way_and_attributes_have_only_spaces() {
        let text = "<r a='1\r\n2\t3\r' b=\"'\n\">\r\n\t<![CDATA[<x y='\t\r'>]]></r>";
        let expected = "<r a='1 2 3 ' b=\"' \">\n\t<![CDATA[<x y='\t\n'>]]></r>";
        assert_eq!(normalized(text).as_deref(), Ok(expected));
        // A character reference is kept.
        let text = "<r a='&#10;&#9;'>&#13;</r>";
        assert_eq!(normalized(text).as_deref(), Ok(text));
    }

    #[test]
    fn the_mark_and_a_fitting_declaration_are_no_part_of_the_document() {
        assert_eq!(normalized("\u{feff}<r/>").as_deref(), Ok("<r/>"));
        for declaration in
            ["<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='no' ?>"]
        {
            assert!(normalized(&format!("{declaration}<r/>")).is_ok(), "{declaration}");
        }
        for encoding in ["utf-16", "latin1", "", "UTF-8 "] {
            let text = format!("<?xml version='1.0' encoding='{encoding}'?><r/>");
            assert_eq!(normalized(&text), Err(Error::EncodingNotUtf8), "{encoding}");
        }
    }

    #[test]
    fn only_characters_of_xml_get_in() {
        for c in ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            for text in [format!("<r>{c}</r>"), format!("<r a='{c}&lt;'/>"), format!("<r/>{c}")] {
                assert_eq!(normalized(&text), Err(Error::XmlMalformed), "{text:?}");
            }
        }
        for c in ['\u{7f}', '\u{85}', '\u{e000}', '\u{fffd}', '\u{feff}', '\u{10ffff}', '語'] {
            assert!(normalized(&format!("<r a='{c}'>{c}</r>")).is_ok(), "{c:?}");
        }
    }

    #[test]
    fn the_limits_are_where_they_say() {
        let deep = |levels: usize| format!("{}{}", "<r>".repeat(levels), "</r>".repeat(levels));
        assert!(normalized(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(normalized(&deep(MAX_DEPTH + 1)), Err(Error::NestingTooDeep));
        let wide = |count: usize| {
            let attributes: String = (0..count).map(|n| format!(" a{n}='>'")).collect();
            format!("<r{attributes}/>")
        };
        assert!(normalized(&wide(MAX_ATTRIBUTES)).is_ok());
        assert_eq!(normalized(&wide(MAX_ATTRIBUTES + 1)), Err(Error::TooManyAttributes));
        let many = |count: usize| format!("<r>{}</r>", "<e/>".repeat(count - 1));
        assert!(normalized(&many(MAX_NODES)).is_ok());
        assert_eq!(normalized(&many(MAX_NODES + 1)), Err(Error::TooManyNodes));
        let large = |bytes: usize| format!("<r>{}</r>", "x".repeat(bytes - 7));
        assert!(normalized(&large(MAX_BYTES)).is_ok());
        assert_eq!(normalized(&large(MAX_BYTES + 1)), Err(Error::DocumentTooLarge));
    }

    /// Elements under many namespaces, each with its own attributes: every document within the limits takes a
    /// bounded number of steps.
    #[test]
    fn no_document_that_is_admitted_takes_more_steps_than_are_allowed() {
        let namespaces =
            |count: usize| (0..count).map(|n| format!(" xmlns:p{n}='urn:x'")).collect::<String>();
        let nested = |levels: usize, inner: &str| {
            let open: String = (0..levels).map(|_| format!("<r{}>", namespaces(2))).collect();
            format!("{open}{inner}{}", "</r>".repeat(levels))
        };
        let attributes = |count: usize| (0..count).map(|n| format!(" p0:a{n}=''")).collect::<String>();
        let under = |count: usize, inner: &str| format!("<r{}>{inner}</r>", namespaces(count));
        for (what, text) in [
            ("19,000 elements under 60 namespaces", under(60, &"<p0:x/>".repeat(19_000))),
            ("elements with many attributes", under(20, &format!("<x{}/>", attributes(40)).repeat(700))),
            ("elements that redeclare", under(4, &format!("<x{}/>", namespaces(60)).repeat(250))),
            ("deep and wide", nested(60, &"<p0:x p1:a=''/>".repeat(4000))),
            ("as many nodes as there may be, deep", nested(60, &"<x/>".repeat(19_000))),
        ] {
            assert!(text.len() <= MAX_BYTES, "{what}: {}", text.len());
            assert_eq!(normalized(&text), Err(Error::TooManyNodes), "{what}");
        }
        // What a large company's provider sends: two thousand groups, each value with its own declarations.
        let value =
            "<a:v xmlns:xs='http://x.example' xmlns:xsi='http://y.example' xsi:type='xs:string'>g</a:v>";
        let text = format!("<r{}><a><b><c><d>{}</d></c></b></a></r>", namespaces(8), value.repeat(2000));
        let steps = scan(&text, &DocumentLimits::RESPONSE).map(|markup| markup.steps);
        assert!(steps.is_ok_and(|steps| steps < MAX_STEPS / 2), "room for what is real");
    }

    proptest::proptest! {
        /// What the scan accepts is within the limits by the parser's own count.
        #[test]
        fn the_scan_counts_no_less_than_the_parser(text in "(<[a-c]( [a-d]{1,3}(:x)?='[^<&']{0,3}')*/?>|</[a-c]>|[a-z'\" \n]{0,4}|<!\\[CDATA\\[[<>'a]{0,4}\\]\\]>){0,40}") {
            let Ok(text) = normalized(&text) else { return Ok(()) };
            let Ok(document) = parse(&text) else { return Ok(()) };
            let nodes = document.descendants(document.root());
            proptest::prop_assert!(nodes.len() <= MAX_NODES);
            for node in nodes {
                if let Some(element) = document.element(node) {
                    let count = element.attributes.len() + element.namespace_declarations.len();
                    proptest::prop_assert!(count <= MAX_ATTRIBUTES);
                    for attribute in &element.attributes {
                        proptest::prop_assert!(!attribute.value.contains(['\n', '\t', '\r']));
                    }
                }
            }
        }
    }
}
