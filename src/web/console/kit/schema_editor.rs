//! A JSON Schema in a form: a text area, and beside it the fields that people will fill in by it.
//!
//! The button "Preview" posts the form, which is shown again with the fields of what the text area holds then; a script does the
//! same whenever it is edited ([`assets::PREVIEW`](crate::web::kit::assets::PREVIEW)). A form with an editor takes four steps:
//!
//! 1. Its page is [`Shell::previews`](super::shell::Shell::previews).
//! 2. Whatever shows the form calls [`SchemaEditor::preview`] with the values of the form, and puts [`SchemaEditor::view`] among
//!    its fields.
//! 3. The handler of the POST shows the form again, without errors, where [`SchemaEditor::is_preview`] says so.
//! 4. Otherwise it takes the schema from [`SchemaEditor::read`]. What a use case refuses becomes the errors of the form by
//!    [`SchemaEditor::errors`].
//!
//! Values that were typed into the preview are checked against the schema, and are no part of what is saved. An object that is
//! edited by its schema is a [`SchemaForm`].

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::{
    app::{
        Error, Result,
        json_schema::{CompiledSchema, SchemaError},
    },
    web::kit::{
        components::{Icon, mark},
        error::PageError,
        forms::{FormErrors, FormValues, FormView, sentence},
        json,
        posted::PostedForm,
        schema_fields::{SchemaForm, unreadable},
    },
};

/// The field that is sent by the button and by the script.
const PREVIEW: &str = "preview";

/// What the names of the fields of a preview begin with.
const EXAMPLE: &str = "example";

/// The longest schema that is looked at, in bytes: with spaces and line breaks it may be longer than what is stored.
const MAX_TEXT: usize = 256 * 1024;

/// How many lines the text area shows.
const ROWS: u8 = 20;

/// The text area of a schema.
#[derive(Debug, Clone, Copy)]
pub(in crate::web::console) struct SchemaEditor {
    /// The name of its field.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What the schema is for.
    pub hint: &'static str,
    /// Whether there can be none.
    pub optional: bool,
}

/// The fields of a schema with what was typed into them, or why it is none.
pub(in crate::web::console) struct SchemaPreview(Outcome);

enum Outcome {
    /// There is no schema.
    None,
    /// It is none, for this reason.
    Bad(String),
    Form {
        form: SchemaForm,
        values: FormValues,
        errors: FormErrors,
    },
}

impl SchemaEditor {
    /// Whether a form was sent to be shown again.
    pub fn is_preview(form: &PostedForm) -> bool {
        form.has(PREVIEW)
    }

    /// A schema as the text area shows it.
    pub fn text(schema: &Map<String, Value>) -> String {
        json::pretty(&Value::Object(schema.clone()))
    }

    /// The object that was typed; `None` where there is none. Whether it is a schema is for the use case to say.
    pub fn read(&self, typed: &FormValues) -> Result<Option<Map<String, Value>>> {
        let text = typed.text(self.name).trim();
        let read = match text {
            "" if self.optional => return Ok(None),
            "" => Err("is required".to_owned()),
            text if text.len() > MAX_TEXT => Err(format!("must be at most {} KiB", MAX_TEXT / 1024)),
            text => serde_json::from_str(text).map_err(|error| unreadable("a JSON object", &error)),
        };
        read.map(Some).map_err(|reason| Error::invalid(self.name, reason))
    }

    /// The errors of a form with this editor. `field` is what the use case calls the schema in them; the place within the schema
    /// may follow it, as a JSON pointer.
    pub fn errors(&self, error: Error, field: &str) -> Result<FormErrors, PageError> {
        match error {
            Error::Invalid { field: at, reason } => match at.strip_prefix(field) {
                Some(path) if path.is_empty() || path.starts_with('/') => {
                    Ok(FormErrors::one(self.name, &placed(path, &reason)))
                }
                _ => Ok(FormErrors::one(&at, &reason)),
            },
            error => FormErrors::from_error(error),
        }
    }

    /// The preview of what the text area holds. The schema is compiled elsewhere, because a large one takes a while.
    pub async fn preview(&self, typed: &FormValues) -> Result<SchemaPreview> {
        let schema = match self.read(typed) {
            Ok(Some(schema)) => schema,
            Ok(None) => return Ok(SchemaPreview(Outcome::None)),
            Err(_) if typed.text(self.name).trim().is_empty() => return Ok(SchemaPreview(Outcome::None)),
            Err(Error::Invalid { reason, .. }) => return Ok(SchemaPreview(Outcome::Bad(sentence(&reason)))),
            Err(error) => return Err(error),
        };
        let form = SchemaForm::new(EXAMPLE, "Form", &schema, &Map::new());
        let (example, errors) = form.read(typed, &Map::new());
        let checked = tokio::task::spawn_blocking(move || check(schema, example)).await;
        Ok(SchemaPreview(match checked.map_err(Error::internal)? {
            Err(error) => Outcome::Bad(sentence(&placed(error.path(), &error.reason()))),
            Ok(violations) => {
                let errors = violations.iter().fold(errors, |errors, (path, message)| {
                    let (field, reason) = form.locate(&format!("{EXAMPLE}{path}"), message);
                    if errors.of(&field).is_some() { errors } else { errors.and(&field, &reason) }
                });
                Outcome::Form { form, values: typed.clone(), errors }
            }
        }))
    }

    /// The text area, and the preview beside it.
    pub fn view(&self, view: &FormView<'_>, preview: &SchemaPreview) -> Markup {
        let area = view.textarea(self.name, self.label, ROWS);
        let area = if self.hint.is_empty() { area } else { area.hint(self.hint) };
        html! {
            div.preview data-preview=(self.name) {
                div.stack {
                    (if self.optional { area.optional() } else { area })
                    button.button type="submit" name=(PREVIEW) value=(self.name) { "Preview" }
                }
                (preview.view(self.name))
            }
        }
    }
}

/// Where a value does not fit the schema, if there is one: places and reasons. No value at all is not checked.
fn check(
    schema: Map<String, Value>,
    example: Map<String, Value>,
) -> Result<Vec<(String, String)>, SchemaError> {
    let compiled = CompiledSchema::compile(&Value::Object(schema))?;
    if example.is_empty() {
        return Ok(Vec::new());
    }
    let violations = compiled.validate(&Value::Object(example));
    Ok(violations.into_iter().map(|violation| (violation.path, violation.message)).collect())
}

/// A reason with the place in the schema that it is about.
fn placed(path: &str, reason: &str) -> String {
    match path.trim_end_matches('/') {
        "" => reason.to_owned(),
        path => format!("{path}: {reason}"),
    }
}

impl SchemaPreview {
    /// The preview beside a schema; `name` makes the ids of its parts.
    pub fn view(&self, name: &str) -> Markup {
        html! {
            section.shown aria-labelledby={ (name) "-preview" } {
                h2 id={ (name) "-preview" } { "The form that it makes" }
                p.small role="status" data-part="status" { (self.status()) }
                div.stack data-part="fields" { (self.fields()) }
            }
        }
    }

    /// What became of the schema, in a line.
    fn status(&self) -> Markup {
        match &self.0 {
            Outcome::None => html! { span.soft { "Its fields appear here." } },
            Outcome::Bad(reason) => html! { (mark(Icon::Bad, "Not a schema yet")) " " (reason) },
            Outcome::Form { form, errors, .. } => {
                let (fields, required) = form.count();
                let fields = super::labels::count(fields, "field", "fields");
                html! {
                    @if errors.is_empty() { (mark(Icon::Good, "A schema")) } @else { (mark(Icon::Attention, "These values do not fit it")) }
                    " " (fields)
                    @if required > 0 { ", " (required) " required" }
                }
            }
        }
    }

    fn fields(&self) -> Markup {
        match &self.0 {
            Outcome::Form { form, values, errors } => form.view(&FormView::new(values, errors)),
            Outcome::None | Outcome::Bad(_) => html! {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITOR: SchemaEditor =
        SchemaEditor { name: "schema", label: "Schema", hint: "What is asked.", optional: false };

    async fn shown(text: &str, values: &[(&str, &str)]) -> String {
        let typed = FormValues::new().with("schema", text);
        let typed = values.iter().fold(typed, |typed, (name, value)| typed.with(name, value));
        let preview = EDITOR.preview(&typed).await.unwrap();
        EDITOR.view(&FormView::new(&typed, &FormErrors::none()), &preview).into_string()
    }

    #[tokio::test]
    async fn a_schema_becomes_fields() {
        let schema = r#"{ "type": "object", "required": ["crm"], "properties": {
            "crm": { "type": "string", "title": "CRM <id>", "description": "From the CRM", "maxLength": 18 },
            "plan": { "enum": ["free", "pro"] },
            "tags": { "type": "array", "items": { "type": "string" } },
            "billing": { "type": "object", "title": "Billing", "properties": { "country": { "type": "string" } } }
        }, "additionalProperties": false }"#;
        let html = shown(schema, &[]).await;
        for part in [
            "4 fields, 1 required",
            "CRM &lt;id&gt;",
            "From the CRM. At most 18 characters.",
            "<option value=\"pro\">",
            "<textarea id=\"example/tags\"",
            "<legend>Billing</legend>",
            "name=\"example/billing/country\"",
            "data-preview=\"schema\"",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("name=\"example\""), "nothing else may be given: {html}");
        // What is typed is checked.
        let html = shown(schema, &[("example/crm", "0123456789012345678")]).await;
        assert!(
            html.contains("Must be at most 18 characters long.") && html.contains("do not fit"),
            "{html}"
        );
        let html = shown(schema, &[("example/crm", "x"), ("example/plan", "pro")]).await;
        assert!(html.contains("value=\"x\"") && html.contains("A schema"), "{html}");
    }

    #[tokio::test]
    async fn what_is_no_schema_says_why_and_where() {
        for (text, said) in [
            ("", "Its fields appear here."),
            ("[]", "Must be a JSON object."),
            ("{ \"a\": ", "this breaks off in line 1"),
            ("{\n\"a\" 1 }", "this is none at line 2"),
            (r#"{ "properties": { "a": { "type": "text" } } }"#, "/properties/a/type: "),
            (r#"{ "properties": { "a": { "pattern": "(" } } }"#, "/properties/a/pattern: "),
            (r#"{ "$ref": "https://x.example/" }"#, "/$ref: "),
        ] {
            let html = shown(text, &[]).await;
            assert!(html.contains(said), "{said} is not in {html}");
            assert!(!html.contains("name=\"example"), "{html}");
        }
    }

    #[test]
    fn errors_stand_at_the_text_area() {
        let at = |field: &str, reason: &str| {
            let errors = EDITOR
                .errors(Error::invalid(field.to_owned(), reason.to_owned()), "metadata.schema")
                .unwrap();
            errors.all().map(|(field, reason)| (field.to_owned(), reason.to_owned())).next().unwrap()
        };
        let own = |reason: &str| ("schema".to_owned(), reason.to_owned());
        assert_eq!(at("metadata.schema", "is too large"), own("Is too large."));
        assert_eq!(at("metadata.schema/properties/a/", "must be x"), own("/properties/a: must be x."));
        assert_eq!(
            at("metadata.schemas", "must be y"),
            ("metadata.schemas".to_owned(), "Must be y.".to_owned())
        );
        let typed = FormValues::new().with("schema", " { \"type\": \"object\" } ");
        assert_eq!(EDITOR.read(&typed).unwrap().unwrap().len(), 1);
        assert!(EDITOR.read(&FormValues::new()).is_err());
        let optional = SchemaEditor { optional: true, ..EDITOR };
        assert_eq!(optional.read(&FormValues::new()).unwrap(), None);
        assert!(EDITOR.read(&FormValues::new().with("schema", "x".repeat(MAX_TEXT + 1))).is_err());
    }
}
