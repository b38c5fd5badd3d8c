//! How large schemas and values may be.

use std::io;

use serde_json::Value;

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

/// Whether a value takes at most so many bytes as JSON.
pub fn json_fits(value: &Value, bytes: usize) -> bool {
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
