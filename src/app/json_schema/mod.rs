//! JSON Schema (draft 2020-12) from outside: schemas that people write, and values that must fit them.
//!
//! Whatever a schema says, it reads nothing but itself, and neither compiling nor checking takes long. [`reading`] bounds the
//! schema, and keeps of it the keywords that SecureAuth's organization API lists, with `$ref` within the document; all others
//! are ignored. [`work`] computes from the schema how often a value at each depth can be looked at, so that the work of
//! checking a value is known, and bounded, before it begins. Patterns are matched in linear time, by the crate `regex`.

mod message;
mod reading;
mod work;

use std::io;

use jsonschema::{PatternOptions, Validator};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use message::shortened;
use work::Work;

/// The maximum size of a schema, as JSON.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;
/// The maximum depth of a schema's objects and lists.
pub const MAX_SCHEMA_DEPTH: usize = 20;
/// The maximum size of a value, as JSON.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// The maximum depth of a value's objects and lists.
pub const MAX_VALUE_DEPTH: usize = 20;
/// The maximum number of violations that are named.
pub const MAX_VIOLATIONS: usize = 20;

/// What the automaton of one pattern may take, in bytes.
const MAX_PATTERN_SIZE: usize = 256 * 1024;
/// The maximum of [`Work`] for one value.
const MAX_WORK: u64 = 400_000;
/// The maximum of [`Work`] for a value whose violations are named one by one; each can take some hundred bytes.
const MAX_WORK_OF_VIOLATIONS: u64 = 100_000;

/// Why a schema is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is larger than [`MAX_SCHEMA_BYTES`].
    #[error("the schema must be at most {} KiB", MAX_SCHEMA_BYTES / 1024)]
    TooLarge,
    /// It is nested deeper than [`MAX_SCHEMA_DEPTH`].
    #[error("the schema must not be nested deeper than {MAX_SCHEMA_DEPTH}")]
    TooDeep,
    /// It has too much of something that costs time.
    #[error("{0}")]
    TooComplex(String),
    /// A part of it is not valid.
    #[error("{path}: {reason}")]
    Invalid {
        /// Where, as a JSON pointer.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl SchemaError {
    fn invalid(path: &str, reason: impl Into<String>) -> Self {
        let path = if path.is_empty() { "/" } else { path };
        Self::Invalid { path: shortened(path), reason: reason.into() }
    }

    /// Where in the schema, as a JSON pointer; empty for the whole.
    pub fn path(&self) -> &str {
        match self {
            Self::Invalid { path, .. } => path,
            _ => "",
        }
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> String {
        match self {
            Self::Invalid { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

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

/// Whether a value takes at most so many bytes as JSON.
fn json_fits(value: &Value, bytes: usize) -> bool {
    struct Counter {
        left: usize,
    }
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Counter { left: bytes }, value).is_ok()
}

#[cfg(test)]
mod tests;
