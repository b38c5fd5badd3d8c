//! The pages of the branding.

pub mod form;
pub mod preview;
