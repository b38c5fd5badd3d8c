//! Which certificates to trust after metadata was fetched.

use base::time::Timestamp;

use crate::app::connections::saml::certificates::{CertificateView, MAX_CERTIFICATES};

/// The certificates to trust when the metadata lists `listed` and earlier listed the fingerprints
/// `listed_before`.
///
/// - Listed certificates are trusted at once: a new one works before the old one is withdrawn.
/// - A certificate that is no longer listed is dropped, but only if a listed one is valid now. Metadata with only
///   a future or an expired certificate drops nothing.
/// - A certificate that was never listed was added by hand, and stays until it is removed by hand.
///
/// The result is never empty, because metadata without certificates is an error. If there are too many, listed
/// ones take precedence.
pub(super) fn merge(
    trusted: &[CertificateView],
    listed: &[CertificateView],
    listed_before: &[String],
    now: Timestamp,
) -> Vec<CertificateView> {
    let covered = listed.iter().any(|one| one.not_before <= now && now < one.not_after);
    let withdrawn = |one: &CertificateView| covered && listed_before.contains(&one.fingerprint);
    let mut merged = listed.to_vec();
    for one in trusted {
        let there = merged.iter().any(|other| other.fingerprint == one.fingerprint);
        if !there && !withdrawn(one) && merged.len() < MAX_CERTIFICATES {
            merged.push(one.clone());
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1000;

    fn known(name: &str, from: i64, to: i64) -> CertificateView {
        CertificateView {
            subject: String::new(),
            issuer: String::new(),
            pem: name.to_owned(),
            fingerprint: name.to_owned(),
            not_before: Timestamp::from_seconds(from),
            not_after: Timestamp::from_seconds(to),
        }
    }

    #[test]
    fn certificates_come_at_once_and_go_when_others_stand_in() {
        // Lower case: valid now; `N…`: valid later; `X…`: expired.
        let certificate = |name: &str| match &name[..1] {
            "N" => known(name, NOW + 100, NOW + 1000),
            "X" => known(name, 0, NOW - 100),
            _ => known(name, 0, NOW + 500),
        };
        let list = |names: &str| names.split_whitespace().map(certificate).collect::<Vec<_>>();
        for (case, trusted, listed_before, listed, expected) in [
            ("nothing new", "a", "a", "a", "a"),
            ("the next one is listed beside the present one", "a", "a", "a b", "a b"),
            ("the old one is listed no more", "a b", "a b", "b", "b"),
            ("the provider switches from one to the other (Okta)", "a", "a", "b", "b"),
            ("only the one to come is listed: the present one stays", "a", "a", "Nb", "Nb a"),
            ("it came to be valid", "b a", "b a", "b", "b"),
            ("the next one is listed early beside the present one (Entra)", "a", "a", "a Nb", "a Nb"),
            ("only an expired one is listed, and signs on", "Xa", "Xa", "Xa", "Xa"),
            ("an expired one instead of a good one drops nothing", "a", "a", "Xb", "Xb a"),
            ("one added by hand stays", "a h", "a", "a", "a h"),
            ("one added by hand stays when all others change", "a h", "a", "b", "b h"),
            ("one added by hand that the metadata lists is the metadata's", "a h", "a h", "a", "a"),
            ("one removed by hand comes back while it is listed", "h", "a", "a", "a h"),
            ("the order is the metadata's", "a b", "a b", "b a", "b a"),
            ("everything is new", "", "", "a b", "a b"),
        ] {
            let before: Vec<String> = listed_before.split_whitespace().map(str::to_owned).collect();
            let merged = merge(&list(trusted), &list(listed), &before, Timestamp::from_seconds(NOW));
            assert_eq!(merged, list(expected), "{case}");
        }
    }

    #[test]
    fn there_are_never_too_many() {
        let many = |prefix: &str| -> Vec<CertificateView> {
            (0..MAX_CERTIFICATES).map(|at| known(&format!("{prefix}{at}"), 0, 9999)).collect()
        };
        let merged = merge(&many("hand"), &many("listed"), &[], Timestamp::from_seconds(NOW));
        assert_eq!(merged, many("listed"));
    }
}
