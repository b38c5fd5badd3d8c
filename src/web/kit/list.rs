//! Paginated lists: a search field, 25 items a page, newest first, cards on a phone, and a text for an
//! empty list.
//!
//! Page tokens of `app::page` only go forward. For the links back, the URL carries the tokens of the previous
//! pages, up to `MAX_PREVIOUS_TOKENS`.

use maud::{Markup, html};
use url::form_urlencoded;

use super::components::{Column, table};
use crate::app::pagination::PageQuery;

/// The number of items on a page.
pub const PAGE_SIZE: usize = 25;

/// How many pages back the URL remembers; the first page is always linked.
const MAX_PREVIOUS_TOKENS: usize = 20;

const TOKEN: &str = "page_token";
const BEFORE: &str = "before";

/// A list's URL: its path, filters and page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUrl {
    path: String,
    /// Search text and filters, in the order of their fields; empty ones are left out.
    filters: Vec<(String, String)>,
    token: String,
    before: Vec<String>,
}

impl ListUrl {
    /// Parses a URL. `filters` are the names of the list's own parameters.
    pub fn read(path: &str, query: &str, filters: &[&str]) -> Self {
        let given: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let text = |name: &str| {
            let found = given.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.trim().replace('\0', "")).unwrap_or_default()
        };
        let before = text(BEFORE);
        Self {
            path: path.to_owned(),
            filters: filters
                .iter()
                .map(|name| ((*name).to_owned(), text(name)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            token: text(TOKEN),
            before: if before.is_empty() {
                Vec::new()
            } else {
                before.split('.').map(str::to_owned).collect()
            },
        }
    }

    /// The value of a filter; empty when there is none.
    pub fn filter(&self, name: &str) -> &str {
        self.filters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether any filter is set.
    pub fn is_filtered(&self) -> bool {
        !self.filters.is_empty()
    }

    /// The page to request from `app`.
    pub fn query(&self) -> PageQuery {
        PageQuery {
            token: Some(self.token.clone()).filter(|token| !token.is_empty()),
            size: Some(PAGE_SIZE.to_string()),
        }
    }

    fn href(&self, token: &str, before: &[String]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.filters {
            query.append_pair(name, value);
        }
        if !token.is_empty() {
            query.append_pair(TOKEN, token);
        }
        if !before.is_empty() {
            query.append_pair(BEFORE, &before.join("."));
        }
        let query = query.finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    fn next(&self, token: &str) -> String {
        let mut before = self.before.clone();
        // The first page has no token.
        if !self.token.is_empty() {
            before.push(self.token.clone());
        }
        let excess = before.len().saturating_sub(MAX_PREVIOUS_TOKENS);
        self.href(token, &before[excess..])
    }

    fn previous(&self) -> Option<String> {
        (!self.token.is_empty()).then(|| match self.before.split_last() {
            Some((last, rest)) => self.href(last, rest),
            None => self.href("", &[]),
        })
    }

    /// Links to the first, previous and next page; nothing when there is only one.
    pub fn pagination(&self, next_token: &str) -> Markup {
        let previous = self.previous();
        html! {
            @if previous.is_some() || !next_token.is_empty() {
                nav.pages aria-label="Pages" {
                    @if let Some(previous) = &previous {
                        @if !self.before.is_empty() { a.button href=(self.href("", &[])) { "First" } }
                        a.button rel="prev" href=(previous) { "Previous" }
                    }
                    @if !next_token.is_empty() { a.button rel="next" href=(self.next(next_token)) { "Next" } }
                }
            }
        }
    }

    /// A search field that keeps the other filters.
    pub fn search_form(&self, name: &str, label: &str, hint: &str) -> Markup {
        let value = self.filter(name);
        html! {
            form.search role="search" method="get" action=(self.path) {
                @for (key, kept) in self.filters.iter().filter(|(key, _)| key != name) {
                    input type="hidden" name=(key) value=(kept);
                }
                label.visually-hidden for=(name) { (label) }
                input #(name) name=(name) type="search" value=(value) placeholder=(hint) autocomplete="off" spellcheck="false";
                button.button type="submit" { "Search" }
                @if !value.is_empty() { a.quiet href=(self.without(name)) { "Clear" } }
            }
        }
    }

    /// The form of the filters; its fields are made by [`filter_select`](Self::filter_select) and
    /// [`filter_input`](Self::filter_input). The filters named in `apart`, which have a form of their own, are
    /// kept as hidden fields.
    pub fn filter_form(&self, fields: &Markup, apart: &[&str]) -> Markup {
        html! {
            form.filters.narrowing role="search" method="get" action=(self.path) {
                @for (key, kept) in self.filters.iter().filter(|(key, _)| apart.contains(&key.as_str())) {
                    input type="hidden" name=(key) value=(kept);
                }
                (fields)
                div.actions {
                    button.button type="submit" { "Filter" }
                    @if self.is_filtered() { a.quiet href=(self.path) { "Show all" } }
                }
            }
        }
    }

    /// A select menu for a filter: values and labels; `all` is the label of the empty value.
    pub fn filter_select(&self, name: &str, label: &str, all: &str, choices: &[(&str, &str)]) -> Markup {
        let chosen = self.filter(name);
        html! {
            div.field {
                label for=(name) { (label) }
                select #(name) name=(name) {
                    option value="" { (all) }
                    @for (value, label) in choices {
                        option value=(value) selected[*value == chosen] { (label) }
                    }
                }
            }
        }
    }

    /// An input for a filter; `kind` is the HTML input type (`text`, `date`).
    pub fn filter_input(&self, name: &str, label: &str, kind: &str, hint: &str) -> Markup {
        html! {
            div.field {
                label for=(name) { (label) }
                input #(name) name=(name) type=(kind) value=(self.filter(name))
                    placeholder=[(!hint.is_empty()).then_some(hint)] autocomplete="off" spellcheck="false";
            }
        }
    }

    /// The URL of the list without one of its filters.
    pub fn without(&self, name: &str) -> String {
        let filters = self.filters.iter().filter(|(key, _)| key != name).cloned().collect();
        Self { path: self.path.clone(), filters, ..Self::default() }.href("", &[])
    }

    /// The URL of the list without filters.
    pub fn unfiltered(&self) -> &str {
        &self.path
    }
}

/// One page of a list.
pub struct List<'a> {
    /// What it is, for a screen reader.
    pub caption: &'a str,
    /// Its columns.
    pub columns: &'a [Column<'a>],
    /// Its rows.
    pub rows: Vec<Vec<Markup>>,
    /// The token of the next page; empty on the last one.
    pub next_token: &'a str,
    /// The text of an empty list: what belongs here, and the next action.
    pub empty: Markup,
}

impl List<'_> {
    /// The table or the text in its place, and the links to other pages.
    pub fn view(&self, place: &ListUrl) -> Markup {
        html! {
            @if !self.rows.is_empty() {
                (table(self.caption, self.columns, &self.rows))
            } @else if place.is_filtered() {
                div.card.empty {
                    p { "Nothing here matches." }
                    p { a href=(place.unfiltered()) { "Show all" } }
                }
            } @else {
                div.card.empty { (self.empty) }
            }
            (place.pagination(self.next_token))
        }
    }
}

/// A column of text.
pub const fn column(name: &str) -> Column<'_> {
    Column { name, number: false }
}

/// A column of numbers.
pub const fn number(name: &str) -> Column<'_> {
    Column { name, number: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(query: &str) -> ListUrl {
        ListUrl::read("/console/x", query, &["q", "state"])
    }

    #[test]
    fn pages_lead_on_and_back_and_keep_what_was_searched() {
        let first = place("q=a%26b&other=1");
        assert_eq!(first.filter("q"), "a&b");
        assert_eq!(first.previous(), None);
        assert_eq!(first.query().token, None);
        assert_eq!(first.next("T2"), "/console/x?q=a%26b&page_token=T2");
        let second = place("q=a%26b&page_token=T2");
        assert_eq!(second.previous().unwrap(), "/console/x?q=a%26b");
        assert_eq!(second.next("T3"), "/console/x?q=a%26b&page_token=T3&before=T2");
        let third = place("q=a%26b&page_token=T3&before=T2");
        assert_eq!(third.previous().unwrap(), "/console/x?q=a%26b&page_token=T2");
        assert_eq!(third.query().token.as_deref(), Some("T3"));
        assert_eq!(third.without("q"), "/console/x");
    }

    #[test]
    fn the_previous_tokens_are_bounded() {
        let mut here = place("");
        for number in 0..50 {
            let address = here.next(&format!("T{number}"));
            here = place(address.split_once('?').unwrap().1);
        }
        assert_eq!(here.before.len(), MAX_PREVIOUS_TOKENS);
        assert_eq!(here.before.last().map(String::as_str), Some("T48"));
    }

    #[test]
    fn hostile_words_are_escaped() {
        let html = place("q=\"><script>&page_token=\"><b>").search_form("q", "Search", "x").into_string();
        assert!(!html.contains("<script>"), "{html}");
        let html = place("page_token=\"><b>").pagination("\"><i>").into_string();
        assert!(!html.contains("<b>") && !html.contains("<i>"), "{html}");
    }
}
