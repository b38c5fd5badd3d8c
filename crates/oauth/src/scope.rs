//! Scopes (RFC 6749 §3.3, OpenID Connect Core §5.4).

/// The supported scopes. Every response holds all of their claims, whichever are requested.
pub const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// The granted scope: the supported ones of those requested, or all when none was requested. Unknown scopes
/// are ignored (OpenID Connect Core §3.1.2.1). `openid` is always granted, because SSOReady's clients get an
/// ID token whatever they request.
pub(super) fn granted_scope(asked: Option<&str>) -> String {
    let asked: Option<Vec<_>> = asked.map(|text| text.split(' ').collect());
    let wanted =
        |scope: &&&str| **scope == "openid" || asked.as_ref().is_none_or(|asked| asked.contains(*scope));
    SCOPES.iter().filter(wanted).copied().collect::<Vec<_>>().join(" ")
}
/// Of the scopes that are asked for (without any, of `all`) those that are permitted, each once and in the order of the request.
/// Others are left out: the response says what was granted (RFC 6749 §3.3).
pub(super) fn narrowed(asked: Option<&[String]>, all: &[String], permitted: impl Fn(&str) -> bool) -> String {
    let mut granted: Vec<&str> = Vec::new();
    for scope in asked.unwrap_or(all).iter().filter(|scope| permitted(scope)) {
        if !granted.contains(&scope.as_str()) {
            granted.push(scope);
        }
    }
    granted.join(" ")
}
