//! The output of commands. A closed pipe (`ostiary config | head`) is not an error.

use std::io::Write as _;

use serde::Serialize;
use serde_json::Value;

/// Prints one line of the result.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// What the line of a resource in a list ends with.
pub(super) fn switched_off(disabled: bool) -> &'static str {
    if disabled { "  (switched off)" } else { "" }
}

/// Prints the result unchanged.
pub(super) fn raw(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// Prints the progress of a command on standard error.
pub(super) fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A bar on standard error where that is a terminal, else a line now and then.
#[derive(Debug, Default)]
pub(super) struct ProgressBar {
    /// What the last line was about, and how far it had come.
    last: Option<(String, i64)>,
}

impl ProgressBar {
    /// How many cells it has.
    const WIDTH: i64 = 30;

    /// How many steps a line without a terminal stands for.
    const STEPS_OF_LINE: i64 = 10_000;

    /// Shows how far `what` has come.
    pub(super) fn show(&mut self, what: &str, done: i64, of: Option<i64>) {
        let text = match of.filter(|of| *of > 0) {
            Some(of) => format!("{what}: {done} of {of}"),
            None => format!("{what}: {done}"),
        };
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            let full = of.filter(|of| *of > 0).map_or(0, |of| done.min(of) * Self::WIDTH / of);
            let cells = |count: i64, cell: &str| cell.repeat(usize::try_from(count).unwrap_or_default());
            let bar = cells(full, "#") + &cells(Self::WIDTH - full, ".");
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K[{bar}] {text}");
        } else if self.last.as_ref().is_none_or(|(last, at)| last != what || done - at >= Self::STEPS_OF_LINE)
        {
            progress(&text);
            self.last = Some((what.to_owned(), done));
        }
    }

    /// Clears the bar.
    pub(super) fn clear(&mut self) {
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// Prints an error on standard error.
pub(super) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "ostiary: {text}");
}

/// Prints a resource that was created or changed: as one JSON object, or as `name  value` lines after `title`.
pub(super) fn resource(json: bool, resource: &impl Serialize, title: &str) -> anyhow::Result<()> {
    if json {
        line(&serde_json::to_string(resource)?);
        return Ok(());
    }
    line(title);
    raw(format_fields(&serde_json::to_value(resource)?).as_bytes());
    Ok(())
}

/// Prints that a change was made to the resource with this id: its id as a JSON object, or `text`.
pub(super) fn done(json: bool, id: impl ToString, text: &str) -> anyhow::Result<()> {
    if json {
        line(&serde_json::json!({ "id": id.to_string() }).to_string());
    } else {
        line(text);
    }
    Ok(())
}

/// The fields that are not empty, one a line, the id first.
fn format_fields(resource: &Value) -> String {
    const CONTINUATION: &str = "\n                            ";
    let fields = resource.as_object();
    // The API returns some lists as one text too (`idpCertificate`): only the list is printed.
    let is_listed_too =
        |name: &str| fields.is_some_and(|all| all.get(&format!("{name}s")).is_some_and(Value::is_array));
    let mut lines: Vec<_> = fields.into_iter().flatten().filter(|(name, _)| !is_listed_too(name)).collect();
    lines.sort_by_key(|(name, _)| *name != "id");
    let mut description = String::new();
    for (name, value) in lines {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                    .collect();
                items.join(if items.iter().any(|item| item.contains('\n')) { "" } else { ", " })
            }
            other => other.to_string(),
        };
        if !text.is_empty() {
            description += &format!("  {name:<24}  {}\n", text.trim_end().replace('\n', CONTINUATION));
        }
    }
    description
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_printed_once() {
        let resource = json!({
            "domains": ["a.example", "b.example"],
            "id": "x_1",
            "idpCertificate": "BEGIN\n1\nEND\nBEGIN\n2\nEND\n",
            "idpCertificates": ["BEGIN\n1\nEND\n", "BEGIN\n2\nEND\n"],
            "nothing": null,
            "empty": "",
            "none": [],
        });
        let beside = " ".repeat(28);
        assert_eq!(
            format_fields(&resource),
            format!(
                "  id                        x_1\n  domains                   a.example, b.example\n  \
                 idpCertificates           BEGIN\n{beside}1\n{beside}END\n{beside}BEGIN\n{beside}2\n{beside}END\n"
            )
        );
    }
}
