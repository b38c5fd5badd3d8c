//! What applications are told of a user (OpenID Connect Core §5.1, §5.4).

use model::user::{AddressKind, AddressStatus, IdentifierKind, User};
use oauth::account_claims::PROFILE_CLAIMS;
use serde_json::{Map, Value, json};

use crate::{
    app::Result,
    store::{Conn, user_addresses, user_identifiers},
};

/// Whether a list of scopes has this one.
pub(super) fn has_scope(scopes: &str, wanted: &str) -> bool {
    scopes.split(' ').any(|scope| scope == wanted)
}

/// The claims of a user for these scopes, without `sub`.
pub(super) async fn person(conn: &mut Conn, user: &User, scopes: &str) -> Result<Map<String, Value>> {
    let mut claims = Map::new();
    if has_scope(scopes, "profile") {
        for name in PROFILE_CLAIMS {
            if let Some(Value::String(text)) = user.payload.get(name)
                && !text.is_empty()
            {
                claims.insert(name.to_owned(), json!(text));
            }
        }
        let name = user.display_name();
        if !name.is_empty() {
            claims.insert("name".to_owned(), json!(name));
        }
        claims.insert("updated_at".to_owned(), json!(user.updated_at.seconds()));
    }
    if has_scope(scopes, "email")
        && let Some((email, verified)) = email(conn, user).await?
    {
        claims.insert("email".to_owned(), json!(email));
        claims.insert("email_verified".to_owned(), json!(verified));
    }
    Ok(claims)
}

/// The address of a user: a proven one first, else one that they sign in with; and whether it is proven.
async fn email(conn: &mut Conn, user: &User) -> Result<Option<(String, bool)>> {
    let addresses = user_addresses::list(conn, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let mails = || {
        addresses
            .iter()
            .filter(|address| address.kind == AddressKind::Email && address.status == AddressStatus::Active)
    };
    if let Some(proven) = mails().find(|address| address.is_verified()) {
        return Ok(Some((proven.address.clone(), true)));
    }
    if let Some(first) = mails().next() {
        return Ok(Some((first.address.clone(), false)));
    }
    let identifiers = user_identifiers::list(conn, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let email = identifiers.into_iter().find(|identifier| identifier.text.kind() == IdentifierKind::Email);
    Ok(email.map(|identifier| (identifier.text.as_str().to_owned(), false)))
}
