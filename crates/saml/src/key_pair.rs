//! A private key with the self-signed certificate that carries its public half into metadata.
//!
//! Identity and service providers pin each other's certificates (SAML Metadata §2.4.1.1), so the
//! issuer does not matter and self-signed certificates are usual.

use base::{random::Random, time::Timestamp};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509Name},
};

/// The type of key to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with this many bits.
    Rsa(u32),
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
}

/// A private key and its certificate.
#[derive(Clone)]
pub struct KeyPair {
    /// The private half.
    pub key: PKey<Private>,
    /// The certificate over the public half.
    pub certificate: X509,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(…)")
    }
}

impl KeyPair {
    /// Generates a key and a certificate for `common_name`, valid for ten years from a day before `now`
    /// (clocks differ). RSA keys take tens of milliseconds and more: do not call this on an async thread.
    pub fn generate(
        kind: KeyKind,
        common_name: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, ErrorStack> {
        const DAY: i64 = 86_400;
        let curve = |nid| EcKey::generate(&*EcGroup::from_curve_name(nid)?).and_then(PKey::from_ec_key);
        let key = match kind {
            KeyKind::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits)?)?,
            KeyKind::P256 => curve(Nid::X9_62_PRIME256V1)?,
            KeyKind::P384 => curve(Nid::SECP384R1)?,
            KeyKind::P521 => curve(Nid::SECP521R1)?,
        };
        let mut name = X509Name::builder()?;
        // X.520 limits common names to 64 characters.
        name.append_entry_by_nid(Nid::COMMONNAME, &common_name.chars().take(64).collect::<String>())?;
        let name = name.build();
        // A positive serial number of at most 20 octets (RFC 5280 §4.1.2.2).
        let serial = BigNum::from_slice(&(random.bits() >> 1).to_be_bytes())?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(&*serial.to_asn1_integer()?)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_not_before(&*Asn1Time::from_unix(now.seconds() - DAY)?)?;
        builder.set_not_after(&*Asn1Time::from_unix(now.seconds() + 3650 * DAY)?)?;
        builder.set_pubkey(&key)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { certificate: builder.build(), key })
    }

    /// Parses the pair from its two PEM texts.
    pub fn from_pem(private_key: &str, certificate: &str) -> Result<Self, ErrorStack> {
        Ok(Self {
            key: PKey::private_key_from_pem(private_key.as_bytes())?,
            certificate: X509::from_pem(certificate.as_bytes())?,
        })
    }

    /// The private key as PKCS #8 PEM, to be sealed before it is stored.
    pub fn private_key_pem(&self) -> Result<String, ErrorStack> {
        self.key.private_key_to_pem_pkcs8().map(|pem| String::from_utf8_lossy(&pem).into_owned())
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> Result<String, ErrorStack> {
        self.certificate.to_pem().map(|pem| String::from_utf8_lossy(&pem).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::SeededRandom;

    #[test]
    fn a_pair_survives_its_pem_and_belongs_together() {
        let now = Timestamp::from_seconds(1_790_000_000);
        let pair = KeyPair::generate(KeyKind::P256, "Test", now, &SeededRandom::new(1)).unwrap();
        let read =
            KeyPair::from_pem(&pair.private_key_pem().unwrap(), &pair.certificate_pem().unwrap()).unwrap();
        assert!(read.key.public_eq(&pair.certificate.public_key().unwrap()));
        assert!(pair.certificate.verify(&pair.key).unwrap());
    }
}
