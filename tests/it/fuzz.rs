//! The bodies of the fuzz targets over their corpora and mutations of those, on a stable toolchain: a fixed number of
//! seeded ones with the other tests, and for a minute each by `make fuzz`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use base::random::{Random, SeededRandom, SystemRandom};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ostiary::http;

use crate::{
    saml_fixtures::{certificate, make, names},
    saml_fuzz,
};

/// A fuzz target: its body, its corpus, and the tokens of its mutations.
struct Target {
    name: &'static str,
    body: fn(&[u8]),
    corpus: fn() -> Vec<Vec<u8>>,
    tokens: &'static [&'static str],
}

/// Every target. A new one is one line here, and a file in `fuzz/fuzz_targets`.
#[rustfmt::skip]
const TARGETS: &[Target] = &[
    Target { name: "saml_response", body: saml::fuzz::saml_response, corpus: responses, tokens: saml_fuzz::TOKENS },
    Target { name: "signed_content", body: saml::fuzz::signed_content, corpus: saml_fuzz::signed_content, tokens: saml_fuzz::TOKENS },
    Target { name: "idp_metadata", body: saml::fuzz::idp_metadata, corpus: metadata, tokens: METADATA_TOKENS },
    Target { name: "form", body: http::fuzz::form, corpus: forms, tokens: FORM_TOKENS },
    Target { name: "scim_filter", body: scim::fuzz::filter, corpus: scim_filters, tokens: SCIM_TOKENS },
    Target { name: "scim_patch", body: scim::fuzz::patch, corpus: scim_patches, tokens: SCIM_TOKENS },
    Target { name: "scim_request", body: scim::fuzz::request, corpus: scim_requests, tokens: SCIM_TOKENS },
    Target { name: "scim_resource", body: scim::fuzz::resource, corpus: scim_resources, tokens: SCIM_TOKENS },
];

/// Cuts, copies, flips and splices bytes, like a fuzzer without coverage feedback.
pub struct Mutator<'a> {
    pub random: SeededRandom,
    pub corpus: &'a [Vec<u8>],
    pub tokens: &'a [&'a str],
}

impl Mutator<'_> {
    fn below(&self, end: usize) -> usize {
        usize::try_from(self.random.bits() % (end.max(1) as u128)).unwrap()
    }

    fn piece<'p>(&self, bytes: &'p [u8]) -> &'p [u8] {
        let start = self.below(bytes.len());
        &bytes[start..(start + self.below(80)).min(bytes.len())]
    }

    pub fn mutated(&self) -> Vec<u8> {
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
                    let token = self.tokens[self.below(self.tokens.len())];
                    bytes.splice(at..at, token.bytes());
                }
            }
        }
        bytes
    }
}

fn responses() -> Vec<Vec<u8>> {
    let of = |kind: &'static str| names(kind).into_iter().map(move |name| make(kind, &name).xml.into_bytes());
    of("accepted").chain(of("rejected")).collect()
}

/// Metadata as identity providers publish it, in the shapes that differ.
pub fn metadata() -> Vec<Vec<u8>> {
    let certificate = BASE64.encode(certificate("idp").der());
    let key = |usage: &str| {
        format!(
            "<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let service = |binding: &str| {
        format!(
            "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" \
             Location=\"https://idp.example/sso?tenant=1&amp;x=2\"/>"
        )
    };
    let entity = |attributes: &str, role: &str| {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"https://idp.example/metadata\"{attributes}>{role}</md:EntityDescriptor>"
        )
    };
    let role = |inside: &str| {
        format!(
            "<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{inside}</md:IDPSSODescriptor>"
        )
    };
    let plain = entity("", &role(&format!("{}{}", key(""), service("HTTP-POST"))));
    let full = entity(
        " validUntil=\"2027-01-01T00:00:00Z\" cacheDuration=\"PT6H\" ID=\"_1\"",
        &format!(
            "<md:Extensions><mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\"/></md:Extensions>{}\
             <md:Organization><md:OrganizationName xml:lang=\"en\">x</md:OrganizationName></md:Organization>",
            role(&format!(
                "{}{}{}{}<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>",
                key(" use=\"signing\""),
                key(" use=\"encryption\""),
                service("HTTP-Redirect"),
                service("SOAP"),
            ))
        ),
    );
    let group = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><!-- a federation --><?x y?>\
         <md:EntitiesDescriptor>{plain}</md:EntitiesDescriptor></md:EntitiesDescriptor>"
    );
    let marked = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n{full}");
    [plain, full, group, marked].map(String::into_bytes).to_vec()
}

const METADATA_TOKENS: &[&str] = &[
    "<",
    ">",
    "\"",
    "'",
    "&",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!DOCTYPE x>",
    "&#0;",
    "\0",
    "\u{feff}",
    " xmlns=\"\"",
    " xmlns:md=\"urn:x\"",
    " use=\"signing\"",
    " entityID=\"\"",
    " validUntil=\"x\"",
    " cacheDuration=\"P1Y\"",
    "javascript:",
    "http://[::1]/",
    "<md:IDPSSODescriptor>",
    "</md:EntityDescriptor>",
    "<md:EntitiesDescriptor>",
    "</md:EntitiesDescriptor>",
    "urn:oasis:names:tc:SAML:2.0:protocol",
];

fn forms() -> Vec<Vec<u8>> {
    let parts = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X\r\nContent-Disposition: form-data; \
                 name=\"f\"; filename=\"idp.xml\"\r\nContent-Type: text/xml\r\n\r\n<x/>\r\n--X--\r\n";
    [
        "SAMLResponse=PHgvPg%3D%3D&RelayState=saml_flow_1&ostiary_bounced=1",
        "grant_type=authorization_code&code=saml_access_code_1&redirect_uri=https%3A%2F%2Fa.example%2Fcb&client_id=x",
        "a=1&b=x+y&a=2&on=&state=%C3%BC&=&&%00=%ff",
        parts,
        &parts.replace("--X", "----WebKitFormBoundary7MA4YWxk"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

const FORM_TOKENS: &[&str] = &[
    "&",
    "=",
    "%",
    "+",
    "%00",
    "%ff",
    "%C3%BC",
    "%2",
    "&state=",
    "&code=1",
    "a=",
    "\r\n",
    "--X",
    "--X--",
    "\"",
    ";",
    "filename=\"\"",
    "filename*=UTF-8''%e2%82%ac",
    "Content-Disposition: form-data; name=\"a\"\r\n\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Type: x\r\n",
    "\0",
    "\u{fffd}",
    "ü",
];

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn scim_filters() -> Vec<Vec<u8>> {
    texts(&[
        r#"userName eq "a@x.com""#,
        r#"emails[type eq "work"].value eq "a@x.com" and not (active eq false)"#,
        r#"(id eq "A" and manager eq "B") or meta.created gt "2026-01-01T00:00:00Z""#,
    ])
}

fn scim_patches() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#,
        r#"{"Operations":[{"op":"add","path":"emails[type eq \"other\"].value","value":"o@x.com"},{"op":"remove","path":"own[a eq 1]"}]}"#,
        r#"{"Operations":[{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u2"}]}]}"#,
    ])
}

fn scim_resources() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"userName":"a","name":{"givenName":"A"},"emails":[{"value":"a@x","primary":"True"}],"password":"p","active":true}"#,
        r#"{"displayName":"G","members":[{"value":"u1","$ref":null},"u2"]}"#,
        r#"{"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"x":"bulkId:b"}}]}"#,
    ])
}

fn scim_requests() -> Vec<Vec<u8>> {
    [scim_patches(), scim_resources()].concat()
}

const SCIM_TOKENS: &[&str] = &[
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    ".",
    "null",
    "true",
    "1e308",
    "[]",
    "{}",
    " eq ",
    " pr",
    " and ",
    "not (",
    "urn:a:2.0:B",
    "userName",
    "members",
    "emails",
    "$ref",
    "\u{212a}",
    "\0",
];

/// Those that no library test runs, over a fixed number of mutations; by `make fuzz` every one, for
/// `OSTIARY_FUZZ_SECONDS` each, over other mutations each time.
#[test]
fn the_corpora_and_their_mutations_break_nothing() {
    let Ok(seconds) = std::env::var("OSTIARY_FUZZ_SECONDS") else {
        for target in TARGETS.iter().filter(|target| matches!(target.name, "idp_metadata" | "form")) {
            run(target, SeededRandom::new(21), |runs| runs < 4000);
        }
        return;
    };
    let seconds = Duration::from_secs(seconds.parse().expect("seconds"));
    for target in TARGETS {
        let seed = u64::try_from(SystemRandom.bits() & u128::from(u32::MAX)).unwrap();
        let begun = Instant::now();
        let runs = run(target, SeededRandom::new(seed), |_| begun.elapsed() < seconds);
        eprintln!("{}: {runs} runs from seed {seed}", target.name);
    }
}

/// Runs a body over its corpus, and over mutations of that for as long as `more` says so; gives how many. What
/// breaks it is written down, to become a fixture.
fn run(target: &Target, random: SeededRandom, more: impl Fn(u64) -> bool) -> u64 {
    let corpus = (target.corpus)();
    corpus.iter().for_each(|bytes| (target.body)(bytes));
    let mutator = Mutator { random, corpus: &corpus, tokens: target.tokens };
    let mut runs = 0;
    while more(runs) {
        let bytes = mutator.mutated();
        if catch_unwind(AssertUnwindSafe(|| (target.body)(&bytes))).is_err() {
            let file = format!("{}/fuzz-{}", env!("CARGO_TARGET_TMPDIR"), target.name);
            std::fs::write(&file, &bytes).unwrap();
            panic!("{} breaks on {file}", target.name);
        }
        runs += 1;
    }
    runs
}

#[test]
fn the_corpora_are_understood() {
    for bytes in metadata() {
        assert!(
            saml::metadata::parse_idp_metadata(&bytes, None).is_ok(),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }
    for bytes in forms() {
        assert!(
            ostiary::web::kit::posted::parse_urlencoded(&bytes, 64).is_some_and(|fields| !fields.is_empty())
        );
    }
    let here: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut listed = here.clone();
    listed.sort_unstable();
    assert_eq!(listed, files, "every file of fuzz/fuzz_targets is a target here");
}
