//! The groups of a user on their page.

use maud::{Markup, html};
use model::user_group::UserGroup;

use super::show::{MAX_GROUPS, UserPage};
use crate::links::console;

impl UserPage<'_> {
    /// In which groups they are.
    pub(super) fn groups(&self) -> Markup {
        html! {
            section.card aria-labelledby="groups" {
                div.head-row {
                    h2 #groups { "Groups" }
                    @if self.may_group {
                        div.actions { a.button.small href=(self.at(console::USER_GROUPS)) { "Add to a group" } }
                    }
                }
                @if self.groups.is_empty() {
                    p.soft { "They are in no group." }
                } @else {
                    ul.entries { @for group in self.groups.iter().take(MAX_GROUPS) { (self.group(group)) } }
                    @if self.groups.len() > MAX_GROUPS {
                        p { @if self.is_delegate { "And more." } @else { a href=((self.href)(console::POOL_GROUPS, &[&self.details.user.pool_id])) { "And more: all groups of the pool" } } }
                    }
                }
            }
        }
    }

    fn group(&self, group: &UserGroup) -> Markup {
        html! {
            li.entry {
                div {
                    strong {
                        @if self.is_delegate { (group.name) } @else { a href=((self.href)(console::USER_GROUP, &[&group.id])) { (group.name) } }
                    }
                    @if !group.description.is_empty() { p.small.soft { (group.description) } }
                }
                @if self.may_group {
                    details {
                        summary { "Remove" span.visually-hidden { " from " (group.name) } }
                        p { "They are not in this group any more. The account stays." }
                        form.form method="post" action=(self.at(console::USER_GROUPS)) {
                            (self.csrf)
                            input type="hidden" name="remove" value=(group.id);
                            div.actions { button.button.danger type="submit" { "Remove from this group" } }
                        }
                    }
                }
            }
        }
    }
}
