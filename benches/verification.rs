//! The time to verify a response, compared with its minimum: one RSA verification and one parse.
//!
//! `cargo bench --bench verification`

use std::{sync::Arc, time::Duration};

use base::{random::SeededRandom, time::Timestamp};
use divan::{Bencher, black_box};
use openssl::{hash::MessageDigest, sign::Verifier};
use ostiary::test_idp::{
    encrypt::Encryption,
    response::{ResponseContext, ResponseSpec, Signing},
};
use saml::{
    Certificate, CrossCheck, Trust, Verdict,
    key_pair::{KeyKind, KeyPair},
    verify,
};

const NOW: Timestamp = Timestamp::from_seconds(1_795_300_897);
const IDP: &str = "https://idp.example/metadata";
const SP: &str = "https://ostiary.example/v1/saml/saml_conn_1";
const ACS: &str = "https://ostiary.example/v1/saml/saml_conn_1/acs";

fn main() {
    divan::main();
}

/// One connection and the keys of its two sides.
struct Fixture {
    idp: KeyPair,
    sp: KeyPair,
    certificates: Vec<Arc<Certificate>>,
    acs_urls: Vec<String>,
}

impl Fixture {
    fn new(kind: KeyKind) -> Self {
        let pair = |kind| KeyPair::generate(kind, "bench", NOW, &SeededRandom::new(1)).expect("a key pair");
        let idp = pair(kind);
        let pem = String::from_utf8(idp.certificate.to_pem().expect("PEM")).expect("PEM is text");
        let certificates = Certificate::parse_pem_bundle(&pem).expect("a certificate");
        Self {
            idp,
            sp: pair(KeyKind::Rsa(2048)),
            certificates: certificates.into_iter().map(Arc::new).collect(),
            acs_urls: vec![ACS.to_owned()],
        }
    }

    /// A response of about 6 kB, the size that mainstream identity providers send.
    fn response(&self, change: impl FnOnce(&mut ResponseSpec)) -> String {
        let context = ResponseContext {
            idp_entity_id: IDP,
            sp_entity_id: SP,
            acs_url: ACS,
            in_response_to: Some("_request"),
        };
        let random = SeededRandom::new(2);
        let mut spec = ResponseSpec::valid(&context, "dana@acme.example", NOW, &random);
        spec.attributes = ["firstName", "lastName", "email", "department", "title", "phone"]
            .map(|name| (name.to_owned(), vec![format!("the value of {name}")]))
            .to_vec();
        spec.attributes.push(("groups".to_owned(), vec!["Everyone".to_owned(), "Engineering".to_owned()]));
        change(&mut spec);
        spec.build_base64(&self.idp.key, &self.idp.certificate, &random).expect("a response")
    }

    fn verify(&self, response: &str, cross_check: CrossCheck) -> Verdict {
        let keys = std::slice::from_ref(&self.sp.key);
        let trust = Trust {
            idp_entity_id: IDP,
            certificates: &self.certificates,
            sp_entity_id: SP,
            acs_urls: &self.acs_urls,
            allow_sha1: false,
            allow_cbc_encryption: false,
            decryption_keys: keys,
            name_id_optional: false,
            clock_skew: Duration::from_secs(60),
            cross_check,
        };
        let verdict = verify(response, &trust, NOW);
        assert!(verdict.outcome.is_ok(), "{:?}", verdict.checks);
        verdict
    }
}

fn bench(
    bencher: Bencher<'_, '_>,
    cross_check: CrossCheck,
    change: impl FnOnce(&mut ResponseSpec, &Fixture),
) {
    let fixture = Fixture::new(KeyKind::Rsa(2048));
    let response = fixture.response(|spec| change(spec, &fixture));
    bencher.bench_local(|| fixture.verify(black_box(&response), cross_check));
}

/// The minimum: RSA-2048 with SHA-256, with the key parsed already.
#[divan::bench]
fn rsa_verify_only(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new(KeyKind::Rsa(2048));
    let octets = [7; 700];
    let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &fixture.idp.key).expect("a signer");
    let signature = signer.sign_oneshot_to_vec(&octets).expect("a signature");
    let key = fixture.idp.certificate.public_key().expect("a key");
    bencher.bench_local(|| {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).expect("a verifier");
        assert!(verifier.verify_oneshot(black_box(&signature), black_box(&octets)).expect("an answer"));
    });
}

/// The other part of the minimum: one parse of the same response.
#[divan::bench]
fn parse_only(bencher: Bencher<'_, '_>) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let response = Fixture::new(KeyKind::Rsa(2048)).response(|_| {});
    let xml = String::from_utf8(STANDARD.decode(response).expect("base64")).expect("text");
    bencher.bench_local(|| {
        let document = uppsala::parse(black_box(&xml)).expect("a document");
        black_box(document.document_element());
    });
}

#[divan::bench]
fn verify_without_cross_check(bencher: Bencher<'_, '_>) {
    bench(bencher, CrossCheck::Off, |_, _| {});
}

#[divan::bench]
fn verify_with_cross_check(bencher: Bencher<'_, '_>) {
    bench(bencher, CrossCheck::Enforce, |_, _| {});
}

#[divan::bench]
fn both_signed_without_cross_check(bencher: Bencher<'_, '_>) {
    bench(bencher, CrossCheck::Off, |spec, _| spec.signing = Signing::Both);
}

#[divan::bench]
fn both_signed_with_cross_check(bencher: Bencher<'_, '_>) {
    bench(bencher, CrossCheck::Enforce, |spec, _| spec.signing = Signing::Both);
}

#[divan::bench]
fn encrypted_without_cross_check(bencher: Bencher<'_, '_>) {
    bench(bencher, CrossCheck::Off, |spec, fixture| {
        spec.encryption = Some(Encryption::new(fixture.sp.certificate.clone()));
    });
}

#[divan::bench]
fn encrypted_with_cross_check(bencher: Bencher<'_, '_>) {
    bench(bencher, CrossCheck::Enforce, |spec, fixture| {
        spec.encryption = Some(Encryption::new(fixture.sp.certificate.clone()));
    });
}

/// An attribute with this many values: the time must grow linearly.
#[divan::bench(args = [50, 500, 2000])]
fn groups_without_cross_check(bencher: Bencher<'_, '_>, groups: usize) {
    bench(bencher, CrossCheck::Off, |spec, _| add_groups(spec, groups));
}

#[divan::bench(args = [50, 500, 2000])]
fn groups_with_cross_check(bencher: Bencher<'_, '_>, groups: usize) {
    bench(bencher, CrossCheck::Enforce, |spec, _| add_groups(spec, groups));
}

fn add_groups(spec: &mut ResponseSpec, groups: usize) {
    spec.attributes.push(("memberOf".to_owned(), (0..groups).map(|n| format!("group number {n}")).collect()));
}

/// A forged response: the time that an unauthenticated sender can cost.
#[divan::bench]
fn forged_response(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new(KeyKind::Rsa(2048));
    let forger = Fixture::new(KeyKind::Rsa(2048));
    let response = forger.response(|_| {});
    let trust = Trust {
        idp_entity_id: IDP,
        certificates: &fixture.certificates,
        sp_entity_id: SP,
        acs_urls: &fixture.acs_urls,
        allow_sha1: false,
        allow_cbc_encryption: false,
        decryption_keys: &[],
        name_id_optional: false,
        clock_skew: Duration::from_secs(60),
        cross_check: CrossCheck::Enforce,
    };
    bencher.bench_local(|| {
        let verdict = verify(black_box(&response), &trust, NOW);
        assert!(verdict.outcome.is_err());
        verdict
    });
}
