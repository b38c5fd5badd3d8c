//! Renders JSON for people: as a list of facts, and as a collapsed code block.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::web::kit::components::code_block;

/// How many facts are listed.
const MAX_FACTS: usize = 60;

/// The longest value of a fact, in characters; longer ones are truncated.
const MAX_FACT_LENGTH: usize = 400;

/// The whole value, pretty-printed, in a collapsed `details`.
pub fn collapsed(name: &str, value: &Value) -> Markup {
    html! { details { summary { (name) } (code_block(name, &pretty(value))) } }
}

/// Pretty-printed with two spaces a level.
pub fn pretty(value: &Value) -> String {
    // Serializing a `Value` cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A stored body: pretty-printed if it is JSON, else unchanged.
pub fn pretty_text(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |value| pretty(&value))
}

/// An object as facts. Nested names are joined by dots (`name.givenName`); the URN of a SCIM schema is shortened
/// to its name.
pub fn facts(object: &Map<String, Value>) -> Markup {
    let mut found = Vec::new();
    for (name, value) in object {
        collect(&short_name(name), value, &mut found);
    }
    let more = found.len().saturating_sub(MAX_FACTS);
    html! {
        dl.facts {
            @for (name, text) in found.iter().take(MAX_FACTS) {
                dt { code { (name) } }
                dd { (truncated(text)) }
            }
        }
        @if more > 0 { p.soft { "And " (more) " more, below." } }
    }
}

/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User` is `enterprise`.
fn short_name(name: &str) -> String {
    let Some(urn) = name.strip_prefix("urn:") else { return name.to_owned() };
    let parts: Vec<&str> = urn.split(':').collect();
    match parts.as_slice() {
        [.., word, version, _] if version.starts_with(|c: char| c.is_ascii_digit()) => (*word).to_owned(),
        _ => name.to_owned(),
    }
}

fn collect(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            for (inner, value) in object {
                collect(&format!("{name}.{inner}"), value, found);
            }
        }
        Value::Array(items) => {
            let lines: Vec<String> = items.iter().map(item).collect();
            found.push((name.to_owned(), lines.join(", ")));
        }
        scalar => found.push((name.to_owned(), text(scalar))),
    }
}

/// One value of a multi-valued attribute: `dana@acme.com (work, primary)`.
fn item(value: &Value) -> String {
    let Value::Object(object) = value else { return text(value) };
    let Some(main) = object.get("value") else {
        let parts = object.iter().map(|(name, value)| format!("{name}: {}", text(value)));
        return parts.collect::<Vec<_>>().join("; ");
    };
    let mut words: Vec<String> = Vec::new();
    words.extend(object.get("type").map(text));
    if object.get("primary") == Some(&Value::Bool(true)) {
        words.push("primary".to_owned());
    }
    let main = text(main);
    if words.is_empty() { main } else { format!("{main} ({})", words.join(", ")) }
}

/// A scalar value in one line; strings without quotation marks.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

fn truncated(text: &str) -> String {
    match text.char_indices().nth(MAX_FACT_LENGTH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_read_as_facts() {
        let object = json!({
            "userName": "dana",
            "active": true,
            "name": { "givenName": "Dana", "familyName": "O’Neill <x>" },
            "emails": [{ "value": "d@acme.com", "type": "work", "primary": true }, { "value": "d@x.org" }],
            "addresses": [{ "locality": "Bonn", "country": "DE" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "R&D" },
            "nickName": null,
        });
        let html = facts(object.as_object().unwrap()).into_string();
        for expected in [
            "<code>userName</code></dt><dd>dana</dd>",
            "<code>active</code></dt><dd>yes</dd>",
            "<code>name.familyName</code></dt><dd>O’Neill &lt;x&gt;</dd>",
            "<code>emails</code></dt><dd>d@acme.com (work, primary), d@x.org</dd>",
            "<code>enterprise.department</code></dt><dd>R&amp;D</dd>",
            "country: DE; locality: Bonn",
        ] {
            assert!(html.contains(expected), "{expected} in {html}");
        }
        assert!(!html.contains("nickName"));
    }

    #[test]
    fn much_is_cut() {
        let object: Map<String, Value> =
            (0..100).map(|n| (format!("a{n:03}"), json!("x".repeat(1000)))).collect();
        let html = facts(&object).into_string();
        assert!(html.contains("And 40 more, below.") && html.contains("a059") && !html.contains("a060"));
        assert!(html.contains(&format!("{}…", "x".repeat(MAX_FACT_LENGTH))) && html.len() < 40_000);
    }

    #[test]
    fn only_json_is_made_pretty() {
        assert_eq!(pretty_text(r#"{"a":[1]}"#), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(pretty_text("{\"a\":1 … cut"), "{\"a\":1 … cut");
    }
}
