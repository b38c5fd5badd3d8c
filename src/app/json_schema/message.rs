//! What is wrong with a value, in words. Values are not repeated: they may be personal, or long.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

/// The maximum length of a message or a path, in characters.
const MAX_CHARACTERS: usize = 300;

/// What is wrong with a value.
pub fn of_value(error: &ValidationError<'_>) -> String {
    shortened(&match error.kind() {
        Kind::Type { kind: TypeKind::Single(kind) } => format!("must be of type {kind}"),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
            format!("must be of type {}", kinds.join(" or "))
        }
        Kind::Required { property } => format!("{property} is missing"),
        Kind::AdditionalProperties { unexpected } => {
            let names: Vec<String> =
                unexpected.iter().take(10).map(|name| Value::from(name.as_str()).to_string()).collect();
            format!("must not have {}", names.join(", "))
        }
        Kind::FalseSchema => "must not be there".into(),
        Kind::MinLength { limit } => format!("must be at least {limit} characters long"),
        Kind::MaxLength { limit } => format!("must be at most {limit} characters long"),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinItems { limit } => format!("must hold at least {limit}"),
        Kind::MaxItems { limit } => format!("must hold at most {limit}"),
        Kind::UniqueItems => "must not hold the same twice".into(),
        Kind::MinProperties { limit } => format!("must have at least {limit} members"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members"),
        Kind::Constant { expected_value } => format!("must be {expected_value}"),
        Kind::Enum { options } => match &**options {
            Value::Array(options) => {
                let options: Vec<String> = options.iter().take(20).map(Value::to_string).collect();
                format!("must be one of {}", options.join(", "))
            }
            other => format!("must be one of {other}"),
        },
        Kind::Contains => "must hold what the schema asks for (contains)".into(),
        Kind::AnyOf { .. } => "must fit one of the alternatives of the schema (anyOf)".into(),
        Kind::OneOfNotValid { .. } => "must fit one of the alternatives of the schema (oneOf)".into(),
        Kind::OneOfMultipleValid { .. } => "must fit one alternative of the schema only (oneOf)".into(),
        Kind::Not { .. } => "must not fit what the schema excludes (not)".into(),
        Kind::PropertyNames { error } => format!("has a name that is not allowed: it {}", of_value(error)),
        _ => error.masked_with("this").to_string(),
    })
}

/// What is wrong with a part of a schema.
pub fn of_schema(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Format { format } if format == "regex" => {
            "must be a regular expression without look-around and back-references, and not too large".into()
        }
        _ => of_value(error),
    }
}

/// A text of at most [`MAX_CHARACTERS`], without control characters.
pub fn shortened(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    match text.char_indices().nth(MAX_CHARACTERS) {
        None => text.chars().map(clean).collect(),
        Some(_) => text.chars().take(MAX_CHARACTERS - 1).map(clean).chain(['…']).collect(),
    }
}
