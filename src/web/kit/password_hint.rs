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
    format!("At least {} characters{with}, and not easy to guess.", policy.min_length())
}
