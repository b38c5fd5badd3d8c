//! The bodies of the fuzz targets over the corpus and mutations of it, on a stable toolchain.

use ostiary::{
    model::random::{Random, SeededRandom},
    saml::fuzz,
};

use crate::saml_world::{make, names};

fn corpus() -> Vec<Vec<u8>> {
    let of = |kind: &'static str| names(kind).into_iter().map(move |name| make(kind, &name).xml.into_bytes());
    of("accepted").chain(of("rejected")).collect()
}

/// Cuts, copies, flips and splices, as a fuzzer does without looking.
struct Mutator<'a> {
    random: SeededRandom,
    corpus: &'a [Vec<u8>],
}

impl Mutator<'_> {
    fn below(&self, end: usize) -> usize {
        usize::try_from(self.random.bits() % (end.max(1) as u128)).unwrap()
    }

    fn piece<'p>(&self, bytes: &'p [u8]) -> &'p [u8] {
        let start = self.below(bytes.len());
        &bytes[start..(start + self.below(80)).min(bytes.len())]
    }

    fn mutated(&self) -> Vec<u8> {
        let mut bytes = self.corpus[self.below(self.corpus.len())].clone();
        for _ in 0..=self.below(5) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..(at + self.below(200)).min(bytes.len()))),
                2 => {
                    let piece = self.piece(&self.corpus[self.below(self.corpus.len())]).to_vec();
                    bytes.splice(at..at, piece);
                }
                3 => bytes.truncate(at),
                _ => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    bytes.splice(at..at, token.bytes());
                }
            }
        }
        bytes
    }
}

const TOKENS: &[&str] = &[
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
    let mutator = Mutator { random: SeededRandom::new(11), corpus: &corpus };
    for _ in 0..4000 {
        let bytes = mutator.mutated();
        fuzz::saml_response(&bytes);
        fuzz::idp_metadata(&bytes);
    }
}

#[test]
fn any_content_that_is_signed_is_read_alike() {
    let content: Vec<Vec<u8>> = [
        "text",
        "<e xmlns='urn:e:e' a='1'><f/></e>",
        "&lt;&amp;\r\n\t&#xD;",
        "<![CDATA[<x>]]>",
        "ü漢😀\u{85}\u{2028}",
        "<p:e xmlns:p='https://p.example' p:b='2' a='1' xml:lang='en'><p:f xmlns:p='urn:q:q'/></p:e>",
        "</saml:AttributeValue><saml:AttributeValue>two",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let mutator = Mutator { random: SeededRandom::new(12), corpus: &content };
    for bytes in &content {
        fuzz::signed_content(bytes);
    }
    for _ in 0..4000 {
        fuzz::signed_content(&mutator.mutated());
    }
}
