//! Text of SSOReady, without what ours may not have.

/// Removes control characters and cuts the text to `max` characters. Also returns whether it is unchanged.
pub(super) fn sanitize(text: &str, max: usize) -> (String, bool) {
    let sanitized: String = text.chars().filter(|c| !c.is_control()).take(max).collect();
    let unchanged = sanitized == text;
    (sanitized, unchanged)
}
