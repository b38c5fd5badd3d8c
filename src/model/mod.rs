//! What things are, as types that cannot be wrong. No I/O; the system's clock and randomness are
//! asked here and nowhere else.

pub mod check;
pub mod id;
pub mod random;
pub mod secret;
pub mod time;
