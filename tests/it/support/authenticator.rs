//! An authenticator in software: it makes passkeys without attestation (WebAuthn Level 3 §6.5, §8.7).

use base::random::{Random as _, SystemRandom};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use openssl::{bn::BigNumContext, ec::EcGroup, ec::EcKey, nid::Nid, sha::sha256};
use serde_json::{Value, json};

/// The flags of authenticator data: the user is present and verified, and there is a credential.
const FLAGS: u8 = 0b0100_0101;

/// Answers the options of a registration, on a page of `origin`. Returns the response, as
/// `PublicKeyCredential.toJSON()` writes it.
pub fn register(options: &Value, origin: &str) -> Value {
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
    data.extend(public_key());
    let mut attestation = vec![0xa3];
    attestation.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
    attestation.push(data.len().try_into().expect("short data"));
    attestation.extend(data);
    json!({
        "id": BASE64.encode(id),
        "rawId": BASE64.encode(id),
        "type": "public-key",
        "response": {
            "clientDataJSON": BASE64.encode(client_data),
            "attestationObject": BASE64.encode(attestation),
        },
        "clientExtensionResults": {},
    })
}

/// A new public key of P-256 as a COSE key (RFC 9053 §7.1.1).
fn public_key() -> Vec<u8> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let key = EcKey::generate(&group).expect("a key");
    let (mut x, mut y) =
        (openssl::bn::BigNum::new().expect("a number"), openssl::bn::BigNum::new().expect("a number"));
    let mut context = BigNumContext::new().expect("a context");
    key.public_key().affine_coordinates(&group, &mut x, &mut y, &mut context).expect("a point");
    let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01];
    for (label, number) in [(0x21, x), (0x22, y)] {
        cose.extend([label, 0x58, 0x20]);
        cose.extend(number.to_vec_padded(32).expect("32 bytes"));
    }
    cose
}
