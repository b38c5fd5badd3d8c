//! JSON Schema (draft 2020-12) from outside: schemas that people write, and values that must fit them.
//!
//! Whatever a schema says, it reads nothing but itself, and neither compiling nor checking takes long. `reading` bounds the
//! schema, and keeps of it the keywords that SecureAuth's organization API lists, with `$ref` within the document; all others
//! are ignored. `work` computes from the schema how often a value at each depth can be looked at, so that the work of
//! checking a value is known, and bounded, before it begins. Patterns are matched in linear time, by the crate `regex`.

mod bounds;
mod error;
mod message;
mod reading;
mod work;

use jsonschema::{PatternOptions, Validator};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use message::shortened;
use work::Work;

pub use bounds::{
    MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, MAX_VALUE_BYTES, MAX_VALUE_DEPTH, MAX_VIOLATIONS, json_fits,
};
pub use error::SchemaError;

/// What the automaton of one pattern may take, in bytes.
const MAX_PATTERN_SIZE: usize = 256 * 1024;
/// The maximum of [`Work`] for one value.
const MAX_WORK: u64 = 400_000;
/// The maximum of [`Work`] for a value whose violations are named one by one; each can take some hundred bytes.
const MAX_WORK_OF_VIOLATIONS: u64 = 100_000;

/// Where a value does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Violation {
    /// The place in the value, as a JSON pointer; empty for the value itself.
    #[schema(example = "/salesforceId")]
    pub path: String,
    /// What is wrong. Values are not repeated in it.
    #[schema(example = "must be at most 18 characters long")]
    pub message: String,
}

impl Violation {
    fn of_the_whole(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }
}

/// A schema that values can be checked against.
#[derive(Debug, Clone)]
pub struct CompiledSchema {
    validator: Validator,
    work: Work,
}

impl CompiledSchema {
    /// Reads and compiles a schema, which must be an object.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        let read = reading::read(schema)?;
        let work = Work::of(&read)?;
        let validator = jsonschema::draft202012::options()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(
                PatternOptions::regex().size_limit(MAX_PATTERN_SIZE).dfa_size_limit(MAX_PATTERN_SIZE),
            )
            .build(&read.schema)
            .map_err(|error| {
                let path = error.instance_path().to_string();
                SchemaError::invalid(&path, message::of_schema(&error))
            })?;
        Ok(Self { validator, work })
    }

    /// Where a value does not fit; nothing if it does.
    pub fn validate(&self, value: &Value) -> Vec<Violation> {
        let Some(work) = self.work.on(value) else {
            return vec![Violation::of_the_whole(format!(
                "must not be nested deeper than {MAX_VALUE_DEPTH}"
            ))];
        };
        if !json_fits(value, MAX_VALUE_BYTES) {
            return vec![Violation::of_the_whole(format!("must be at most {} KiB", MAX_VALUE_BYTES / 1024))];
        }
        if work > MAX_WORK {
            return vec![Violation::of_the_whole("holds too much to be checked against so complex a schema")];
        }
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        if work > MAX_WORK_OF_VIOLATIONS {
            return vec![Violation::of_the_whole(
                "does not fit the schema; it holds too much for each fault to be named",
            )];
        }
        let errors = self.validator.iter_errors(value).take(MAX_VIOLATIONS);
        errors
            .map(|error| Violation {
                path: shortened(&error.instance_path().to_string()),
                message: message::of_value(&error),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
