//! What a command says. A reader that went away (`ostiary config | head`) is no failure.

use std::io::Write as _;

use serde::Serialize;

/// One line of what was asked for.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// What was asked for, as it is.
pub(super) fn raw(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// What went wrong, to whoever started the command.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "ostiary: {text}");
}

/// A thing that was made: one JSON object for programs, or `name  value` lines for people.
pub(super) fn created(json: bool, thing: &impl Serialize, title: &str) -> anyhow::Result<()> {
    if json {
        line(&serde_json::to_string(thing)?);
        return Ok(());
    }
    line(title);
    let value = serde_json::to_value(thing)?;
    let mut fields: Vec<_> = value.as_object().into_iter().flatten().collect();
    fields.sort_by_key(|(name, _)| *name != "id");
    for (name, value) in fields {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) if text.is_empty() => continue,
            serde_json::Value::String(text) => {
                text.trim_end().replace('\n', "\n                            ")
            }
            serde_json::Value::Array(items) if items.is_empty() => continue,
            serde_json::Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(", "),
            other => other.to_string(),
        };
        line(&format!("  {name:<24}  {text}"));
    }
    Ok(())
}
