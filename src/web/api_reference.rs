//! The API reference as HTML: parameters and responses, resource by resource, from the same description as
//! `/openapi.json`. The pages load nothing from other hosts.

use maud::{Markup, html};

use super::kit::{
    assets,
    components::{Column, code_block, table},
    layout::Layout,
};
use crate::links::{self, path};

/// The whole reference.
#[derive(Debug)]
pub struct ApiReference {
    /// The version of the program.
    pub version: String,
    /// General rules for every call, one paragraph each.
    pub about: Vec<String>,
    /// The resources, in the order in which a new user needs them.
    pub sections: Vec<ApiSection>,
}

/// One resource.
#[derive(Debug)]
pub struct ApiSection {
    /// Its name in the URL.
    pub slug: String,
    /// Its display name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Its operations.
    pub operations: Vec<Operation>,
    /// The objects in its responses.
    pub objects: Vec<Object>,
}

/// Which credential a call takes.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// Any API key.
    AnyKey,
    /// An API key with management access.
    ManagementKey,
    /// An access token of a service client.
    AccessToken,
    /// The id and the secret of a client.
    ClientSecret,
    /// None.
    Nobodys,
}

impl Access {
    fn in_words(self) -> &'static str {
        match self {
            Self::AnyKey => "Any key will do.",
            Self::ManagementKey => "Takes a key with management access.",
            Self::AccessToken => "Takes an access token of a service client.",
            Self::ClientSecret => "Takes the id and the secret of a client.",
            Self::Nobodys => "Takes no credential.",
        }
    }
}

/// One API call.
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
    /// Its description, one paragraph each.
    pub about: Vec<String>,
    /// Which credential it takes.
    pub access: Access,
    /// Path, query and header parameters: the location, then the field.
    pub parameters: Vec<(&'static str, Field)>,
    /// The fields of the request body.
    pub body: Vec<Field>,
    /// Its responses: status and meaning.
    pub responses: Vec<(String, String)>,
    /// The call as a curl command.
    pub curl: String,
    /// An example of a successful response.
    pub example: String,
}

/// An object in responses.
#[derive(Debug)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Its fields.
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
    /// Whether it is required.
    pub required: bool,
}

impl ApiReference {
    /// The first page: the general rules, and links to every resource.
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
                        h2 { a href=(section_href(section)) { (section.name) } }
                        p { (prose(&section.about)) }
                        ul.operations {
                            @for operation in &section.operations {
                                li {
                                    a href={ (section_href(section)) "#" (operation.id) } { (operation.title) }
                                    span.call { (method(&operation.method)) code { (operation.path) } }
                                }
                            }
                        }
                    }
                }
            },
        )
    }

    /// The page of one resource.
    pub fn section(&self, section: &ApiSection) -> Markup {
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
                @for operation in &section.operations { (operation_section(operation)) }
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
                            li { a.tag href=(section_href(other)) { (other.name) } }
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

fn section_href(section: &ApiSection) -> String {
    links::api_reference(&section.slug)
}

fn operation_section(operation: &Operation) -> Markup {
    html! {
        section.card.operation id=(operation.id) {
            h2 { (operation.title) }
            p.call { (method(&operation.method)) code { (operation.path) } }
            @for paragraph in &operation.about { p { (prose(paragraph)) } }
            p.soft { (operation.access.in_words()) }
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
                @if !operation.example.is_empty() {
                    (code_block(&format!("Answer: {}", operation.title), &operation.example))
                }
            }
            details {
                summary { "Every status that it answers" }
                dl.facts {
                    @for (status, meaning) in &operation.responses { dt { code { (status) } } dd { (prose(meaning)) } }
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

/// A table of fields. Only the fields of a request (`sent`) are marked as required.
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

/// An HTTP method. The text identifies it; the colour is only an aid.
fn method(name: &str) -> Markup {
    html! { span class={ "method " (name.to_lowercase()) } { (name) } }
}

/// Text whose parts in backticks are code.
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
