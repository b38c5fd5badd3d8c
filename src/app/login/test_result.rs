//! The page with the result of a test login, and the proof that opens it on another host.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::login_flow::{FlowOrigin, LoginFlow};
use url::Url;

use super::protocol::Protocol;
use crate::{app::State, store::login_connections::LoginConnection};

/// The query parameter of the test result page with the proof of `url_with_proof`.
pub const TEST_PROOF: &str = "seen";

/// The MAC purpose of that proof.
const TEST_PROOF_PURPOSE: &str = "test result";

/// The URL of the result page, if the login is a test, for the browser that posted the response. The browser's cookie
/// is limited to the host of the ACS URL (RFC 6265 §5.3), so on another origin the URL carries a proof instead. The
/// proof is bound to the request's ID, which changes if another browser opens the login's link.
pub(super) fn url_with_proof<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    flow: &LoginFlow,
) -> Option<String> {
    let page = page_url(state, target, flow)?;
    let response_url = target.connection.response_url().and_then(|url| Url::parse(url).ok());
    let here = response_url.is_some_and(|url| url.origin() == page.origin());
    Some(match flow.request.as_ref().filter(|_| flow.origin == FlowOrigin::Setup && !here) {
        Some(request) => {
            let proof = BASE64.encode(state.master_key.compute_tag(TEST_PROOF_PURPOSE, &request.id));
            let mut page = page;
            page.query_pairs_mut().append_pair(TEST_PROOF, &proof);
            page.into()
        }
        None => page.into(),
    })
}

/// Whether `proof` is the one that `url_with_proof` issued for the flow's current request.
pub(super) fn is_test_proof(state: &State, flow: &LoginFlow, proof: &str) -> bool {
    let (Some(request), Ok(tag)) = (&flow.request, BASE64.decode(proof)) else { return false };
    state.master_key.verify_tag(TEST_PROOF_PURPOSE, &request.id, &tag)
}

/// The URL of the result page, if the login is a test.
pub(super) fn url<C: Protocol>(
    state: &State,
    target: &LoginConnection<C>,
    flow: &LoginFlow,
) -> Option<String> {
    page_url(state, target, flow).map(Into::into)
}

fn page_url<C: Protocol>(state: &State, target: &LoginConnection<C>, flow: &LoginFlow) -> Option<Url> {
    let page = match flow.origin {
        FlowOrigin::Setup => {
            target.connection.setup_test_url(&state.links_of(&target.environment), flow.id)?
        }
        FlowOrigin::Console => state.links.console_flow(flow.environment_id, flow.id),
        _ => return None,
    };
    Some(page)
}
