//! What stands in the link of an invitation: its token, and in a letter the proof that it was sent to the address.

use base::{id::OrganizationInvitationId, secret::OrganizationInvitationToken};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use crate::app::State;

const PURPOSE: &str = "invitation letter";

/// The maximum length of what stands in a link, in bytes.
const MAX_BYTES: usize = 200;

/// A token that somebody brings, with what they bring beside it.
pub struct GivenToken {
    /// The token.
    pub token: OrganizationInvitationToken,
    /// What may prove that it comes from a letter.
    proof: Option<Vec<u8>>,
}

impl GivenToken {
    /// Reads it; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return None;
        }
        let (token, proof) = match text.split_once('.') {
            Some((token, proof)) => (token, Some(proof)),
            None => (text, None),
        };
        Some(Self { token: token.parse().ok()?, proof: proof.and_then(|proof| BASE64.decode(proof).ok()) })
    }

    /// Whether it was sent to the address of this invitation.
    pub fn is_of_letter(&self, state: &State, id: OrganizationInvitationId) -> bool {
        let proof = self.proof.as_deref();
        proof.is_some_and(|proof| state.master_key.verify_tag(PURPOSE, &input(id, &self.token), proof))
    }
}

/// What stands in the letter: the token with the proof.
pub(super) fn for_letter(
    state: &State,
    id: OrganizationInvitationId,
    token: &OrganizationInvitationToken,
) -> String {
    let proof = state.master_key.compute_tag(PURPOSE, &input(id, token));
    format!("{}.{}", token.reveal(), BASE64.encode(proof))
}

fn input(id: OrganizationInvitationId, token: &OrganizationInvitationToken) -> String {
    format!("{id}/{}", token.digest().to_hex())
}

#[cfg(test)]
mod tests {
    use base::random::SeededRandom;

    use super::*;

    #[test]
    fn only_tokens_are_read() {
        let token = OrganizationInvitationToken::new(&SeededRandom::new(3)).reveal();
        assert!(GivenToken::parse(&token).is_some_and(|given| given.proof.is_none()));
        assert!(GivenToken::parse(&format!(" {token}.AAAA ")).is_some_and(|given| given.proof.is_some()));
        let odd = ["", ".", "invitation_", "ostiary_invite_0000000000000000000000000", "\u{0}"];
        assert!(odd.iter().all(|text| GivenToken::parse(text).is_none()));
        assert!(GivenToken::parse(&format!("{token}.{}", "A".repeat(300))).is_none());
    }
}
