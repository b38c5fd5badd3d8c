//! What is asked of a new password, in words.

use model::account::PasswordPolicy;

use super::components::join_with_and;

/// What is asked of a password, in words.
pub fn password_hint(policy: PasswordPolicy) -> String {
    let characters = policy.characters();
    let asked: Vec<String> = [
        (characters.capital_letters, "capital letter"),
        (characters.lowercase_letters, "small letter"),
        (characters.digits, "digit"),
        (characters.special_characters, "special character"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what}{}", if number == 1 { "" } else { "s" }))
    .collect();
    let with = match asked.is_empty() {
        true => String::new(),
        false => format!(", with {}", join_with_and(&asked)),
    };
    let text = format!("At least {} characters{with}, and not easy to guess.", policy.min_length());
    match policy.former_passwords() {
        0 | 1 => text,
        count => format!("{text} None of your last {count}."),
    }
}

#[cfg(test)]
mod tests {
    use model::account::{PasswordStrength, RequiredCharacters};

    use super::*;

    #[test]
    fn rules_are_told_in_words() {
        assert_eq!(password_hint(PasswordPolicy::DEFAULT), "At least 12 characters, and not easy to guess.");
        let characters =
            RequiredCharacters { capital_letters: 1, digits: 2, ..RequiredCharacters::default() };
        let policy = PasswordPolicy::new(8, PasswordStrength::Any).unwrap();
        let policy = policy.with_characters(characters).unwrap().with_former_passwords(5).unwrap();
        assert_eq!(
            password_hint(policy),
            "At least 8 characters, with 1 capital letter and 2 digits, and not easy to guess. None of your last 5."
        );
    }
}
