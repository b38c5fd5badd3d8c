//! The password: changed, or set where there is none.

use maud::{Markup, html};
use model::account::{PasswordPolicy, RequiredCharacters};

use super::frame::{AccountFrame, Section, wrong};
use crate::{
    links::path,
    web::kit::{
        components::join_with_and,
        forms::{Form, FormErrors, FormValues, FormView},
    },
};

/// The field with the present password.
pub const CURRENT: &str = "current";
/// The field with the new one.
pub const NEW: &str = "password";
/// The field with the new one once more.
pub const REPEATED: &str = "repeated";

/// What is asked of a new password, in a sentence or two.
pub fn rules(policy: PasswordPolicy) -> String {
    let RequiredCharacters { capital_letters, lowercase_letters, digits, special_characters } =
        policy.characters();
    let wanted: Vec<String> = [
        (capital_letters, "capital letter", "capital letters"),
        (lowercase_letters, "small letter", "small letters"),
        (digits, "digit", "digits"),
        (special_characters, "other character", "other characters"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect();
    let mut text = format!("At least {} characters", policy.min_length());
    if !wanted.is_empty() {
        text += &format!(", with at least {}", join_with_and(&wanted));
    }
    text += ". A few words in a row that belong together only for you are a good one.";
    match policy.former_passwords() {
        0 | 1 => text,
        count => format!("{text} None of your last {count}."),
    }
}

/// The page of a password.
pub struct PasswordPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// Whether people sign in by password here.
    pub allowed: bool,
    /// Whether there is one.
    pub has_one: bool,
    /// What is asked of a new one.
    pub policy: PasswordPolicy,
    /// What is wrong with what was typed.
    pub errors: &'a FormErrors,
}

impl PasswordPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = if self.has_one { "Change your password" } else { "Set a password" };
        let typed = FormValues::new();
        let view = FormView::new(&typed, self.errors);
        let hint = rules(self.policy);
        let action = self.frame.path(path::WORKSPACE_ACCOUNT_PASSWORD);
        let back = self.frame.path(path::WORKSPACE_ACCOUNT);
        let fields = html! {
            @if self.has_one { (view.password(CURRENT, "Present password").autocomplete("current-password")) }
            (view.password(NEW, "New password").hint(&hint).autocomplete("new-password"))
            (view.password(REPEATED, "New password once more").autocomplete("new-password"))
        };
        let form = Form::new(&action, "Save the password", html! {}).cancel(&back);
        let is_open = self.allowed && (self.has_one || self.frame.recent);
        self.frame.page(
            title,
            self.errors,
            &[],
            html! {
                @if !is_open { (wrong(self.errors, &[])) }
                section.card {
                    @if !self.allowed {
                        p { "Nobody signs in by password here. If there is one, it is good for nothing." }
                    } @else if is_open {
                        p.soft { "A new password signs you out everywhere else." }
                        (view.render(&form, fields))
                    } @else {
                        (self.frame.confirm_first(Section::Password, "set a password"))
                    }
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use model::account::PasswordStrength;

    use super::*;

    #[test]
    fn rules_are_told_in_words() {
        let begin = |text: String| text.split(". A few").next().unwrap().to_owned();
        assert_eq!(begin(rules(PasswordPolicy::DEFAULT)), "At least 12 characters");
        let characters =
            RequiredCharacters { capital_letters: 1, digits: 2, ..RequiredCharacters::default() };
        let policy = PasswordPolicy::new(8, PasswordStrength::Any).unwrap();
        let policy = policy.with_characters(characters).unwrap().with_former_passwords(5).unwrap();
        assert_eq!(
            begin(rules(policy)),
            "At least 8 characters, with at least 1 capital letter and 2 digits"
        );
        assert!(rules(policy).ends_with("None of your last 5."));
    }
}
