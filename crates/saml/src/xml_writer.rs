//! Writes XML: elements, attributes and text.
//!
//! The output is in canonical form (Canonical XML 1.1 §2.3: end tags always written, the same character
//! references), so a parser reads back exactly what was written, line breaks in attributes included.
//! Characters that XML cannot carry become U+FFFD.

/// Collects one document.
#[derive(Debug, Default)]
pub struct XmlWriter {
    text: String,
}

impl XmlWriter {
    /// An empty document, without an XML declaration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins an element; [`ElementWriter::children`], [`ElementWriter::text`] or
    /// [`ElementWriter::empty`] ends it.
    pub fn element<'w, 'n>(&'w mut self, name: &'n str) -> ElementWriter<'w, 'n> {
        self.text.push('<');
        self.text.push_str(name);
        ElementWriter { writer: self, name }
    }

    /// Writes markup that is well-formed already, such as a signed element that must keep its bytes.
    pub fn raw(&mut self, markup: &str) {
        self.text.push_str(markup);
    }

    /// The document.
    pub fn finish(self) -> String {
        self.text
    }
}

/// An element whose start tag is still open.
#[must_use = "an element must be ended by `children`, `text` or `empty`"]
#[derive(Debug)]
pub struct ElementWriter<'w, 'n> {
    writer: &'w mut XmlWriter,
    name: &'n str,
}

impl ElementWriter<'_, '_> {
    /// Adds an attribute (or a namespace declaration: they are written alike).
    pub fn attribute(self, name: &str, value: &str) -> Self {
        let text = &mut self.writer.text;
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        escape_attribute(value, text);
        text.push('"');
        self
    }

    /// Adds an attribute when there is a value.
    pub fn attribute_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// Ends the element with what `content` writes inside.
    pub fn children(self, content: impl FnOnce(&mut XmlWriter)) {
        self.writer.text.push('>');
        content(self.writer);
        self.writer.text.push_str("</");
        self.writer.text.push_str(self.name);
        self.writer.text.push('>');
    }

    /// Ends the element with text inside.
    pub fn text(self, text: &str) {
        self.children(|xml| escape_text(text, &mut xml.text));
    }

    /// Ends the element with nothing inside.
    pub fn empty(self) {
        self.children(|_| ());
    }
}

/// Appends `value` as character data.
pub fn escape_text(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(allowed(other)),
        }
    }
}

/// Appends `value` as the inside of a double-quoted attribute.
pub fn escape_attribute(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(allowed(other)),
        }
    }
}

/// The character, or U+FFFD for those outside of XML 1.0's `Char` production (§2.2).
fn allowed(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => character,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_nest_and_escape() {
        let mut xml = XmlWriter::new();
        xml.element("a").attribute("x", "<\"&\n").attribute_if("y", None).children(|xml| {
            xml.element("b").text("1 < 2 && ]]>");
            xml.element("c").empty();
        });
        assert_eq!(
            xml.finish(),
            r#"<a x="&lt;&quot;&amp;&#xA;"><b>1 &lt; 2 &amp;&amp; ]]&gt;</b><c></c></a>"#
        );
    }

    proptest! {
        #[test]
        fn a_parser_reads_back_what_was_written(attribute: String, text: String) {
            let mut xml = XmlWriter::new();
            xml.element("a").attribute("x", &attribute).text(&text);
            let written = xml.finish();
            let document = uppsala::parse(&written).unwrap();
            let root = document.document_element().unwrap();
            let kept = |value: &str| value.chars().map(allowed).collect::<String>();
            prop_assert_eq!(document.get_attribute(root, "x").unwrap(), kept(&attribute));
            prop_assert_eq!(document.text_content_deep(root), kept(&text));
        }
    }
}
