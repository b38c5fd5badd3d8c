//! The bodies of the fuzz targets over the corpus and mutations of it, on a stable toolchain.

use base::random::SeededRandom;
use saml::fuzz;

use crate::{
    fuzz::Mutator,
    saml_fixtures::{make, names},
};

fn corpus() -> Vec<Vec<u8>> {
    let of = |kind: &'static str| names(kind).into_iter().map(move |name| make(kind, &name).xml.into_bytes());
    of("accepted").chain(of("rejected")).collect()
}

pub const TOKENS: &[&str] = &[
    "<",
    ">",
    "&",
    "\"",
    "'",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!DOCTYPE x>",
    "&#0;",
    "&#xD;",
    "&lt;",
    "/>",
    " xmlns=\"\"",
    " xmlns:a=\"urn:a\"",
    " ID=\"_a\"",
    "\0",
    "\u{feff}",
    "</saml:Assertion>",
    "<saml:Assertion>",
    "<a:b xmlns:a='urn:x' a:c='d'/>",
    "xml:space='preserve'",
    "\u{85}\u{2028}",
];

#[test]
fn the_corpus_and_its_mutations_break_nothing() {
    let corpus = corpus();
    for bytes in &corpus {
        fuzz::saml_response(bytes);
        fuzz::idp_metadata(bytes);
    }
    let mutator = Mutator { random: SeededRandom::new(11), corpus: &corpus, tokens: TOKENS };
    for _ in 0..4000 {
        let bytes = mutator.mutated();
        fuzz::saml_response(&bytes);
        fuzz::idp_metadata(&bytes);
    }
}

/// Content of a signed attribute value.
pub fn signed_content() -> Vec<Vec<u8>> {
    [
        "text",
        "<e xmlns='urn:e:e' a='1'><f/></e>",
        "&lt;&amp;\r\n\t&#xD;",
        "<![CDATA[<x>]]>",
        "ü漢😀\u{85}\u{2028}",
        "<p:e xmlns:p='https://p.example' p:b='2' a='1' xml:lang='en'><p:f xmlns:p='urn:q:q'/></p:e>",
        "</saml:AttributeValue><saml:AttributeValue>two",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

#[test]
fn any_content_that_is_signed_is_read_alike() {
    let content = signed_content();
    let mutator = Mutator { random: SeededRandom::new(12), corpus: &content, tokens: TOKENS };
    for bytes in &content {
        fuzz::signed_content(bytes);
    }
    for _ in 0..4000 {
        fuzz::signed_content(&mutator.mutated());
    }
}
