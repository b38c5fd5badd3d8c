//! Pretty-printed XML: indented, with names, attributes and texts highlighted, and the signed part marked.
//!
//! The document is untrusted and may not be XML at all. Every character is output, escaped, and only white
//! space between tags is changed: where it cannot be read further, the rest is shown as it is. No decision
//! depends on it.

use std::ops::Range;

use maud::{Markup, html};
use quick_xml::{Reader, events::Event};

use super::components::{Icon, shape};

/// The maximum depth of indentation; deeper elements are not indented further.
const MAX_INDENT_DEPTH: usize = 24;

/// A tag of more bytes than this has each attribute on a line of its own.
const MAX_INLINE_TAG_BYTES: usize = 90;

/// Which elements a verified signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignedParts {
    /// The whole document: the root element with everything in it.
    pub root: bool,
    /// The `Assertion` directly below the root element.
    pub assertion: bool,
}

/// Pretty-prints a document.
pub fn pretty_print(xml: &str, signed: SignedParts) -> Markup {
    items(&Printer::new(signed).run(xml))
}

/// A tag, or the text up to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// `<name …>` or `<name …/>`.
    Open { text: &'a str, name: &'a str, empty: bool },
    /// `</name>`.
    Close(&'a str),
    /// `<!…>`, `<?…?>`, and from the place where the document cannot be read as XML, all that is left.
    Other(&'a str),
    /// Anything else.
    Text(&'a str),
}

/// The document in pieces, which together are the whole document.
fn tokens(xml: &str) -> Vec<Token<'_>> {
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let slice = |range: Range<usize>| xml.get(range).unwrap_or_default();
    let mut tokens = Vec::new();
    // What lies between the last tag and here is text; references in it are events of their own.
    let (mut text, mut begin) = (0, 0);
    loop {
        let event = reader.read_event();
        let end = match event {
            Ok(Event::Eof) | Err(_) => xml.len(),
            Ok(_) => usize::try_from(reader.buffer_position()).unwrap_or(xml.len()),
        };
        let piece = slice(begin..end);
        let name = || piece[1..].split(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).next();
        let token = match event {
            Ok(Event::Text(_) | Event::GeneralRef(_)) => {
                begin = end;
                continue;
            }
            Ok(Event::Start(_)) => {
                Token::Open { text: piece, name: name().unwrap_or_default(), empty: false }
            }
            Ok(Event::Empty(_)) => Token::Open { text: piece, name: name().unwrap_or_default(), empty: true },
            Ok(Event::End(_)) => Token::Close(piece),
            Ok(_) | Err(_) => Token::Other(piece),
        };
        if text < begin {
            tokens.push(Token::Text(slice(text..begin)));
        }
        if !piece.is_empty() {
            tokens.push(token);
        }
        if end == xml.len() {
            return tokens;
        }
        (text, begin) = (end, end);
    }
}

/// A line, or lines that a signature covers.
enum Item<'a> {
    Line { depth: usize, pieces: Vec<Span<'a>> },
    Signed { what: &'static str, items: Vec<Item<'a>> },
}

/// A part of a line.
#[derive(Clone, Copy)]
enum Span<'a> {
    /// Brackets and names of elements.
    Tag(&'a str),
    /// A line end within a tag, before an attribute.
    LineBreak,
    /// ` name=`.
    Attribute(&'a str),
    /// `"value"`.
    Value(&'a str),
    Text(&'a str),
    /// Comments and the like.
    Comment(&'a str),
}

struct Printer<'a> {
    signed: SignedParts,
    depth: usize,
    /// Items so far: of the document, and of each open element that is signed, with its depth and label.
    open: Vec<(usize, &'static str, Vec<Item<'a>>)>,
}

impl<'a> Printer<'a> {
    fn new(signed: SignedParts) -> Self {
        Self { signed, depth: 0, open: vec![(0, "", Vec::new())] }
    }

    fn run(mut self, xml: &'a str) -> Vec<Item<'a>> {
        let tokens = tokens(xml);
        let mut at = 0;
        while let Some(&token) = tokens.get(at) {
            at += 1;
            match token {
                Token::Open { text, name, empty } => {
                    self.enter(name);
                    let mut pieces = tag(text);
                    // An element's only text stays on the element's line.
                    if let (false, Some(&Token::Text(inner)), Some(&Token::Close(close))) =
                        (empty, tokens.get(at), tokens.get(at + 1))
                    {
                        pieces.extend([Span::Text(inner), Span::Tag(close)]);
                        at += 2;
                        self.line(pieces);
                        self.leave();
                    } else if let (false, Some(&Token::Close(close))) = (empty, tokens.get(at)) {
                        pieces.push(Span::Tag(close));
                        at += 1;
                        self.line(pieces);
                        self.leave();
                    } else {
                        self.line(pieces);
                        if empty { self.leave() } else { self.depth += 1 }
                    }
                }
                Token::Close(text) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.line(vec![Span::Tag(text)]);
                    self.leave();
                }
                Token::Other(text) => self.line(vec![Span::Comment(text)]),
                Token::Text(text) => {
                    let text = text.trim();
                    if !text.is_empty() {
                        self.line(vec![Span::Text(text)]);
                    }
                }
            }
        }
        while self.open.len() > 1 {
            self.close();
        }
        self.open.pop().map(|(_, _, items)| items).unwrap_or_default()
    }

    fn line(&mut self, pieces: Vec<Span<'a>>) {
        let depth = self.depth;
        if let Some((_, _, items)) = self.open.last_mut() {
            items.push(Item::Line { depth, pieces });
        }
    }

    /// An element begins at this depth.
    fn enter(&mut self, name: &str) {
        let local = name.rsplit(':').next().unwrap_or(name);
        let what = match self.depth {
            0 if self.signed.root => "Signed",
            1 if self.signed.assertion && local == "Assertion" => "Signed assertion",
            _ => return,
        };
        self.open.push((self.depth, what, Vec::new()));
    }

    /// The element at this depth ended.
    fn leave(&mut self) {
        if self.open.len() > 1 && self.open.last().is_some_and(|(depth, _, _)| *depth == self.depth) {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some((_, what, items)) = self.open.pop()
            && let Some((_, _, outer)) = self.open.last_mut()
        {
            outer.push(Item::Signed { what, items });
        }
    }
}

/// A start tag in pieces.
fn tag(text: &str) -> Vec<Span<'_>> {
    let folded = text.len() > MAX_INLINE_TAG_BYTES;
    let mut pieces = Vec::new();
    let mut rest = text;
    let name = rest.find(char::is_whitespace).unwrap_or(rest.len());
    pieces.push(Span::Tag(&rest[..name]));
    rest = rest[name..].trim_start();
    let mut first = true;
    while let Some(equals) = rest.find('=') {
        let value = rest[equals + 1..].trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { break };
        let Some(end) = value[1..].find(quote) else { break };
        if folded && !first {
            pieces.push(Span::LineBreak);
        }
        first = false;
        let begin = rest.len() - value.len();
        pieces.push(Span::Attribute(&rest[..begin]));
        pieces.push(Span::Value(&value[..end + 2]));
        rest = value[end + 2..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(Span::Tag(rest));
    }
    pieces
}

fn items(all: &[Item<'_>]) -> Markup {
    html! {
        @for item in all {
            @match item {
                Item::Line { depth, pieces } => (line(*depth, pieces)),
                Item::Signed { what, items: inner } => {
                    mark.signed { span.label { (shape(Icon::Good)) (what) } "\n" (items(inner)) }
                }
            }
        }
    }
}

fn line(depth: usize, pieces: &[Span<'_>]) -> Markup {
    let indent = "  ".repeat(depth.min(MAX_INDENT_DEPTH));
    html! {
        (indent)
        @for piece in pieces {
            @match piece {
                Span::Tag(text) => span.t { (text) },
                Span::LineBreak => { "\n" (indent) "   " },
                Span::Attribute(text) => { " " span.a { (text) } },
                Span::Value(text) => span.v { (text) },
                Span::Text(text) => (text),
                Span::Comment(text) => span.c { (text) },
            }
        }
        "\n"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RESPONSE: &str = "<?xml version=\"1.0\"?><p:Response ID=\"r\" xmlns:p='urn:p'><a:Issuer>https://idp</a:Issuer>\
        <a:Assertion ID=\"a\"><a:Empty/><a:None></a:None><a:Value>x &amp; y</a:Value></a:Assertion></p:Response>";

    /// The text of markup, as a browser has it.
    fn text(markup: &str) -> String {
        let mut out = String::new();
        let mut rest = markup;
        while let Some(at) = rest.find('<') {
            out.push_str(&rest[..at]);
            let end = rest[at..].find('>').expect("a tag of ours ends");
            let tag = &rest[at..=at + end];
            assert!(
                [
                    "<span", "</span", "<mark", "</mark", "<svg", "</svg", "<circle", "</circle", "<path",
                    "</path"
                ]
                .iter()
                .any(|own| tag.starts_with(own)),
                "a tag that is not ours: {tag}"
            );
            rest = &rest[at + end + 1..];
        }
        out.push_str(rest);
        for (entity, character) in
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        {
            out = out.replace(entity, character);
        }
        out
    }

    fn bare(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn elements_stand_below_each_other_and_texts_beside_their_names() {
        let printed = text(&pretty_print(RESPONSE, SignedParts::default()).into_string());
        let expected = "<?xml version=\"1.0\"?>\n<p:Response ID=\"r\" xmlns:p='urn:p'>\n  <a:Issuer>https://idp</a:Issuer>\n  \
            <a:Assertion ID=\"a\">\n    <a:Empty/>\n    <a:None></a:None>\n    <a:Value>x &amp; y</a:Value>\n  \
            </a:Assertion>\n</p:Response>\n";
        assert_eq!(printed, expected);
    }

    #[test]
    fn the_signed_part_is_marked_with_a_word_and_a_shape() {
        let signed = |root, assertion| pretty_print(RESPONSE, SignedParts { root, assertion }).into_string();
        let assertion = signed(false, true);
        let (before, within) = assertion.split_once("<mark class=\"signed\">").unwrap();
        let (within, after) = within.split_once("</mark>").unwrap();
        assert!(before.contains("Issuer") && !before.contains("Assertion"));
        assert!(within.contains("Signed assertion") && within.contains("<svg") && within.contains("a:Value"));
        assert!(after.contains("p:Response"));
        let both = signed(true, true);
        assert_eq!((both.matches("<mark").count(), both.matches("</mark>").count()), (2, 2));
        assert!(!signed(false, false).contains("<mark"));
    }

    #[test]
    fn long_tags_fold_at_their_attributes() {
        let long = format!("<a b=\"{}\" c=\"{}\"/>", "x".repeat(50), "y > z".repeat(12));
        let printed = text(&pretty_print(&long, SignedParts::default()).into_string());
        assert_eq!(printed.lines().count(), 2);
        assert_eq!(bare(&printed), bare(&long));
    }

    #[test]
    fn hostile_documents_come_out_as_text() {
        for hostile in [
            "<a x=\"</span></pre><script>alert(1)</script>\">",
            "<script>alert(1)</script>",
            "<!-- --><img src=x onerror=alert(1)>",
            "<![CDATA[<script>]]>",
            "<",
            "</",
            "<>",
            "</a></b></c>",
            "<a><a><a>",
            "\"><svg onload=alert(1)>",
            "<a b='\"' c=\"'>",
            "<?x",
            "<!DOCTYPE a [<!ENTITY x \"y\">]>",
            "<ä ö='ü'>€</ä>",
        ] {
            for signed in [SignedParts::default(), SignedParts { root: true, assertion: true }] {
                let printed = pretty_print(hostile, signed).into_string();
                let printed = bare(&text(&printed)).replace("Signedassertion", "").replace("Signed", "");
                assert_eq!(printed, bare(&text(&maud::html! { (hostile) }.into_string())), "{hostile}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_character_but_white_space_comes_out(xml in "(<[a-c:/]{0,3}( [ab]=[\"'][<>x&]{0,3}[\"'])?/?>|[<>&\"'= \na-cäü€-]|<!--|-->|]]>|<\\?){0,40}") {
            let printed = pretty_print(&xml, SignedParts::default()).into_string();
            let whole = maud::html! { (xml) }.into_string();
            prop_assert_eq!(bare(&text(&printed)), bare(&text(&whole)));
        }

        #[test]
        fn marks_are_balanced(xml in "(<[a-cA/]{0,9}>|<a:Assertion>|</a:Assertion>|x){0,20}") {
            let printed = pretty_print(&xml, SignedParts { root: true, assertion: true }).into_string();
            prop_assert_eq!(printed.matches("<mark").count(), printed.matches("</mark>").count());
        }
    }
}
