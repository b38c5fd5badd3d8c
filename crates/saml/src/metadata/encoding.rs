//! The character encoding of a metadata document (XML 1.0 §4.3.3, RFC 7303 §3).

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

use super::error::{MAX_METADATA_BYTES, MetadataError};

/// The maximum length of an XML declaration, in bytes.
const MAX_DECLARATION_BYTES: usize = 256;

/// Decodes a document. Its encoding is that of the byte order mark, else `charset` (the parameter of its
/// `Content-Type`), else what the XML declaration names, else UTF-8. UTF-16 is recognised without a mark too (XML 1.0
/// appendix F), and a UTF-8 document whose declaration names UTF-16 is what it is.
pub fn decode(bytes: &[u8], charset: Option<&str>) -> Result<String, MetadataError> {
    if bytes.len() > MAX_METADATA_BYTES {
        return Err(MetadataError::TooLarge);
    }
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => named_encoding(bytes, charset)?,
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or_else(|| match encoding == UTF_8 {
        true => MetadataError::NotUtf8,
        false => MetadataError::BadEncoding(encoding.name().to_owned()),
    })?;
    match text.len() > MAX_METADATA_BYTES {
        true => Err(MetadataError::TooLarge),
        false => Ok(text.into_owned()),
    }
}

fn named_encoding(bytes: &[u8], charset: Option<&str>) -> Result<&'static Encoding, MetadataError> {
    if bytes.starts_with(b"<\0") {
        return Ok(UTF_16LE);
    }
    if bytes.starts_with(b"\0<") {
        return Ok(UTF_16BE);
    }
    let declared = declared_encoding(bytes);
    let Some(name) = charset.or(declared.as_deref()) else { return Ok(UTF_8) };
    let unknown = || MetadataError::BadEncoding(name.chars().take(40).collect());
    let encoding = Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(unknown)?;
    match encoding {
        // The declaration could be read byte by byte.
        _ if encoding == UTF_16LE || encoding == UTF_16BE => Ok(UTF_8),
        // Escape sequences and private characters: bytes that look like markup may not be.
        _ if encoding == ISO_2022_JP || encoding == X_USER_DEFINED => Err(unknown()),
        _ => Ok(encoding),
    }
}

/// The encoding that the XML declaration names.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let start = &bytes[start..bytes.len().min(start + MAX_DECLARATION_BYTES)];
    let declaration = start.strip_prefix(b"<?xml")?.split(|byte| *byte == b'>').next()?;
    let declaration = std::str::from_utf8(declaration).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote).map(|(name, _)| name.to_owned())
}

/// The document without byte order mark, XML declaration and white space before them: pasted text often begins with
/// some.
pub(super) fn content(text: &str) -> &str {
    let blank = |c: char| c.is_ascii_whitespace() || c == '\u{feff}';
    let text = text.trim_start_matches(blank);
    let declaration =
        text.strip_prefix("<?xml").filter(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace()));
    match declaration.and_then(|rest| rest.split_once("?>")) {
        Some((_, content)) => content,
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_in_the_encoding_that_they_or_their_header_name() {
        let utf16 =
            |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let declared = |name: &str| format!("<?xml version=\"1.0\" encoding='{name}'?><a>").into_bytes();
        let (le, be) = (|unit: u16| unit.to_le_bytes(), |unit: u16| unit.to_be_bytes());
        for (bytes, charset, expected) in [
            ("<a>ü".as_bytes().to_vec(), None, "<a>ü"),
            ("\u{feff}<a>ü".as_bytes().to_vec(), Some("iso-8859-1"), "\u{feff}<a>ü"),
            ("<a>ü".as_bytes().to_vec(), Some("utf-8"), "<a>ü"),
            (b"<a>\xfc".to_vec(), Some("ISO-8859-1"), "<a>ü"),
            (b"<a>\x80".to_vec(), Some("windows-1252"), "<a>€"),
            (
                [declared("ISO-8859-1"), b"\xfc".to_vec()].concat(),
                None,
                "<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>ü",
            ),
            (
                [declared("ISO-8859-15"), b"\xa4".to_vec()].concat(),
                None,
                "<?xml version=\"1.0\" encoding='ISO-8859-15'?><a>€",
            ),
            // The header counts more (RFC 7303 §3.2).
            (
                [declared("ISO-8859-1"), "ü".as_bytes().to_vec()].concat(),
                Some("utf-8"),
                "<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>ü",
            ),
            (utf16("\u{feff}<a>ü", le), None, "\u{feff}<a>ü"),
            (utf16("\u{feff}<a>ü", be), None, "\u{feff}<a>ü"),
            (utf16("<a>ü", le), None, "<a>ü"),
            (utf16("<a>ü", be), Some("utf-8"), "<a>ü"),
            (
                [declared("utf-16"), "ü".as_bytes().to_vec()].concat(),
                None,
                "<?xml version=\"1.0\" encoding='utf-16'?><a>ü",
            ),
        ] {
            assert_eq!(decode(&bytes, charset).as_deref(), Ok(expected), "{bytes:?} {charset:?}");
        }
        let bad = |name: &str| Err(MetadataError::BadEncoding(name.to_owned()));
        assert_eq!(decode(b"<a>\xfc", None), Err(MetadataError::NotUtf8));
        assert_eq!(decode(b"<a>", Some("utf-7")), bad("utf-7"));
        assert_eq!(decode(b"<a>", Some("iso-2022-jp")), bad("iso-2022-jp"));
        assert_eq!(decode(b"\xff\xfe<\0\0\xd8", None), bad("UTF-16LE"));
        assert_eq!(decode(&vec![0xfc; MAX_METADATA_BYTES], Some("latin1")), Err(MetadataError::TooLarge));
    }

    #[test]
    fn what_stands_before_the_document_is_skipped() {
        for text in [
            "<a/>",
            "\u{feff} \r\n<?xml version='1.0' encoding='latin1'?><a/>",
            "\n<a/>",
            "<?xml version='1.0'?><a/>",
        ] {
            assert_eq!(content(text), "<a/>", "{text}");
        }
        for text in ["<?xmlish?><a/>", "x<?xml version='1.0'?><a/>", "<?xml version='1.0'"] {
            assert_eq!(content(text), text, "no declaration");
        }
    }
}
