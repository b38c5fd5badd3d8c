//! The audience of a role on the wire.

use base::id::{ApplicationId, OrganizationId};
use model::{organization::root_id, role::Audience};
use uuid::Uuid;

use super::super::call::{Call, uuid as written};
use crate::app::authorization_server::organization_switch::FIXED_ROOT;

/// The id of an audience, as it is shown to the caller.
pub(super) fn id_text<B>(call: &Call<B>, audience: Audience) -> String {
    match audience {
        Audience::Application(id) => written(id),
        Audience::Organization(id) => call.organization_text(id),
    }
}

/// The bits of the id of an application or an organization in any encoding, of the root in WSO2's too.
pub(super) fn bits<B>(call: &Call<B>, text: &str) -> Option<u128> {
    if call.is_default && Uuid::parse_str(text).is_ok_and(|id| id == FIXED_ROOT) {
        return Some(root_id(call.environment_id()).bits());
    }
    let application = text.parse::<ApplicationId>().map(ApplicationId::bits);
    application.or_else(|_| text.parse::<OrganizationId>().map(OrganizationId::bits)).ok()
}
