//! An authenticator in software: it makes passkeys without attestation (WebAuthn Level 3 §6.5, §8.7).

use base::random::{Random as _, SystemRandom};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use openssl::{
    bn::BigNumContext,
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
    pkey::Private,
    sha::sha256,
};
use serde_json::{Value, json};

/// The flags of authenticator data: the user is present and verified, and there is a credential.
const FLAGS: u8 = 0b0100_0101;

/// The flags of an assertion: the user is present; the user is verified.
pub const PRESENT: u8 = 0b0000_0001;
pub const VERIFIED: u8 = 0b0000_0100;

/// A passkey that an authenticator holds.
#[derive(Clone)]
pub struct Passkey {
    id: [u8; 16],
    key: EcKey<Private>,
    user: Value,
    /// What it counts its signatures with; 0 for one that does not count.
    pub counter: u32,
}

impl Passkey {
    /// Answers the options of an authentication, on a page of `origin`, as the script sends it.
    pub fn answer(&mut self, options: &Value, origin: &str) -> String {
        self.counter += 1;
        self.answer_with(options, origin, PRESENT | VERIFIED)
    }

    /// The same with these flags, and the counter as it is.
    pub fn answer_with(&self, options: &Value, origin: &str, flags: u8) -> String {
        let options = &options["publicKey"];
        let client_data = json!({
            "type": "webauthn.get",
            "challenge": options["challenge"],
            "origin": origin,
            "crossOrigin": false,
        })
        .to_string();
        let mut data = sha256(options["rpId"].as_str().expect("an rp id").as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        let signed = [data.clone(), sha256(client_data.as_bytes()).to_vec()].concat();
        let signature = EcdsaSig::sign(&sha256(&signed), &self.key).expect("a signature");
        json!({
            "id": BASE64.encode(self.id),
            "rawId": BASE64.encode(self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": BASE64.encode(client_data),
                "authenticatorData": BASE64.encode(data),
                "signature": BASE64.encode(signature.to_der().expect("DER")),
                "userHandle": self.user,
            },
            "clientExtensionResults": {},
        })
        .to_string()
    }

    /// Another passkey with this one's id: its signatures are wrong.
    pub fn forged(&self) -> Self {
        Self { key: new_key(), ..self.clone() }
    }
}

fn new_key() -> EcKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    EcKey::generate(&group).expect("a key")
}

/// Answers the options of a registration, on a page of `origin`. Returns the response, as
/// `PublicKeyCredential.toJSON()` writes it.
pub fn register(options: &Value, origin: &str) -> Value {
    make(options, origin).1
}

/// The same, with the passkey that was made.
pub fn make(options: &Value, origin: &str) -> (Passkey, Value) {
    let options = &options["publicKey"];
    let client_data = json!({
        "type": "webauthn.create",
        "challenge": options["challenge"],
        "origin": origin,
        "crossOrigin": false,
    })
    .to_string();
    let mut id = [0; 16];
    SystemRandom.fill(&mut id);
    let mut data = sha256(options["rp"]["id"].as_str().expect("an rp id").as_bytes()).to_vec();
    data.push(FLAGS);
    data.extend([0; 4]); // the counter
    data.extend([0; 16]); // the model: none
    data.extend([0, 16]);
    data.extend(id);
    let key = new_key();
    data.extend(public_key(&key));
    let mut attestation = vec![0xa3];
    attestation.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
    attestation.push(data.len().try_into().expect("short data"));
    attestation.extend(data);
    let answer = json!({
        "id": BASE64.encode(id),
        "rawId": BASE64.encode(id),
        "type": "public-key",
        "response": {
            "clientDataJSON": BASE64.encode(client_data),
            "attestationObject": BASE64.encode(attestation),
        },
        "clientExtensionResults": {},
    });
    (Passkey { id, key, user: options["user"]["id"].clone(), counter: 0 }, answer)
}

/// The public key of a key of P-256 as a COSE key (RFC 9053 §7.1.1).
fn public_key(key: &EcKey<Private>) -> Vec<u8> {
    let (mut x, mut y) =
        (openssl::bn::BigNum::new().expect("a number"), openssl::bn::BigNum::new().expect("a number"));
    let mut context = BigNumContext::new().expect("a context");
    key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).expect("a point");
    let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01];
    for (label, number) in [(0x21, x), (0x22, y)] {
        cose.extend([label, 0x58, 0x20]);
        cose.extend(number.to_vec_padded(32).expect("32 bytes"));
    }
    cose
}
