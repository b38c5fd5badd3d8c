//! The API for people: what it takes and answers, resource by resource, made of the same description as
//! `/openapi.json`. It needs nothing from elsewhere.

use maud::{Markup, html};

use super::{
    assets,
    components::{Column, code_block, table},
    layout::Layout,
};
use crate::links::{self, path};

/// The whole reference.
#[derive(Debug)]
pub struct Reference {
    /// The version of the program.
    pub version: String,
    /// What holds for every call, a paragraph each.
    pub about: Vec<String>,
    /// The resources, in the order in which a newcomer meets them.
    pub sections: Vec<Section>,
}

/// One resource.
#[derive(Debug)]
pub struct Section {
    /// Its name in the address.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// What it is.
    pub about: String,
    /// What can be done.
    pub operations: Vec<Operation>,
    /// What is answered: the objects in it.
    pub objects: Vec<Object>,
}

/// One call.
#[derive(Debug)]
pub struct Operation {
    /// Its stable name, for links.
    pub id: String,
    /// `GET` …
    pub method: String,
    /// Its path, with `{id}`.
    pub path: String,
    /// What it does, as a title.
    pub title: String,
    /// What one must know of it, a paragraph each.
    pub about: Vec<String>,
    /// Whether any key will do.
    pub any_key: bool,
    /// What the path, the query and the headers take: the place, then the field.
    pub parameters: Vec<(&'static str, Field)>,
    /// What the body takes.
    pub body: Vec<Field>,
    /// What it answers: status and meaning.
    pub answers: Vec<(String, String)>,
    /// The same on a command line.
    pub curl: String,
    /// A good answer.
    pub example: String,
}

/// An object in answers.
#[derive(Debug)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// What is in it.
    pub fields: Vec<Field>,
}

/// One value.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What kind of value it is.
    pub kind: String,
    /// What it means.
    pub about: String,
    /// Whether it must be there.
    pub required: bool,
}

impl Reference {
    /// The first page: what holds for every call, and where to find which.
    pub fn overview(&self) -> Markup {
        page(
            "API reference",
            html! {
                div {
                    h1 { "API reference" }
                    p.soft { "Ostiary " (self.version) ". For programs: " a href=(path::OPENAPI) { code { "openapi.json" } } " (OpenAPI 3.1)." }
                }
                @for paragraph in &self.about { p { (prose(paragraph)) } }
                section.card {
                    h2 { "A first call" }
                    p { "Make a key with " code { "ostiary api-key create --management" } ", or in the console, and send it with every call." }
                    (code_block("Shell", "export OSTIARY_API_KEY=ssoready_sk_…\ncurl -H \"Authorization: Bearer $OSTIARY_API_KEY\" \\\n  \"https://sso.example.com/v1/organizations\""))
                }
                @for section in &self.sections {
                    section.card {
                        h2 { a href=(address(section)) { (section.name) } }
                        p { (prose(&section.about)) }
                        ul.operations {
                            @for operation in &section.operations {
                                li {
                                    a href={ (address(section)) "#" (operation.id) } { (operation.title) }
                                    span.call { (method(&operation.method)) code { (operation.path) } }
                                }
                            }
                        }
                    }
                }
            },
        )
    }

    /// One resource.
    pub fn section(&self, section: &Section) -> Markup {
        page(
            &format!("{} · API reference", section.name),
            html! {
                div {
                    p.eyebrow { a href=(path::API_REFERENCE) { "API reference" } }
                    h1 { (section.name) }
                    p.lead { (prose(&section.about)) }
                }
                nav.operations aria-label="On this page" {
                    ul {
                        @for operation in &section.operations {
                            li { a href={ "#" (operation.id) } { (operation.title) } span.call { (method(&operation.method)) code { (operation.path) } } }
                        }
                        @for object in &section.objects {
                            li { a href={ "#" (object.name) } { "The object " code { (object.name) } } }
                        }
                    }
                }
                @for operation in &section.operations { (one(operation)) }
                @for object in &section.objects {
                    section.card id=(object.name) {
                        h2 { "The object " code { (object.name) } }
                        p { (prose(&object.about)) }
                        (fields(&format!("Fields of {}", object.name), &object.fields, false))
                    }
                }
                nav aria-label="Resources" {
                    h2 { "Other resources" }
                    ul.tags {
                        @for other in self.sections.iter().filter(|other| other.slug != section.slug) {
                            li { a.tag href=(address(other)) { (other.name) } }
                        }
                    }
                }
            },
        )
    }
}

fn page(title: &str, content: Markup) -> Markup {
    Layout::wide(title, &[("API reference", path::API_REFERENCE), ("openapi.json", path::OPENAPI)])
        .scripts(&[&assets::COPY])
        .render(content)
}

fn address(section: &Section) -> String {
    links::api_reference(&section.slug)
}

fn one(operation: &Operation) -> Markup {
    html! {
        section.card.operation id=(operation.id) {
            h2 { (operation.title) }
            p.call { (method(&operation.method)) code { (operation.path) } }
            @for paragraph in &operation.about { p { (prose(paragraph)) } }
            @if operation.any_key { p.soft { "Any key will do." } } @else { p.soft { "Takes a key with management access." } }
            @if !operation.parameters.is_empty() {
                h3 { "Parameters" }
                (parameters(operation))
            }
            @if !operation.body.is_empty() {
                h3 { "Body" }
                (fields(&format!("Body of {}", operation.title), &operation.body, true))
            }
            div.columns.two {
                (code_block(&format!("curl: {}", operation.title), &operation.curl))
                (code_block(&format!("Answer: {}", operation.title), &operation.example))
            }
            details {
                summary { "Every status that it answers" }
                dl.facts {
                    @for (status, meaning) in &operation.answers { dt { code { (status) } } dd { (prose(meaning)) } }
                }
            }
        }
    }
}

fn parameters(operation: &Operation) -> Markup {
    let columns = ["Name", "In", "Type", "Meaning"].map(|name| Column { name, number: false });
    let rows: Vec<_> = operation
        .parameters
        .iter()
        .map(|(place, field)| {
            vec![name(field), html! { (place) }, kind(field), html! { (prose(&field.about)) }]
        })
        .collect();
    table(&format!("Parameters of {}", operation.title), &columns, &rows)
}

/// Fields; whether one is required is worth saying only of what is sent.
fn fields(caption: &str, fields: &[Field], sent: bool) -> Markup {
    let columns = ["Name", "Type", "Meaning"].map(|name| Column { name, number: false });
    let rows: Vec<_> = fields
        .iter()
        .map(|field| {
            let shown = if sent {
                name(field)
            } else {
                html! { code { (field.name) } }
            };
            vec![shown, kind(field), html! { (prose(&field.about)) }]
        })
        .collect();
    table(caption, &columns, &rows)
}

fn name(field: &Field) -> Markup {
    html! { code { (field.name) } @if field.required { " " small { "required" } } }
}

fn kind(field: &Field) -> Markup {
    html! { span.soft { (field.kind) } }
}

/// A method; it is told by its word, the colour only helps to find it.
fn method(name: &str) -> Markup {
    html! { span class={ "method " (name.to_lowercase()) } { (name) } }
}

/// Text in which what stands in backticks is code.
fn prose(text: &str) -> Markup {
    html! {
        @for (at, piece) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_backticks_is_code_and_all_of_it_is_escaped() {
        assert_eq!(prose("a `<b>` & c").into_string(), "a <code>&lt;b&gt;</code> &amp; c");
    }
}
