//! What support reads: login flows, the overview, login counts.

pub mod flows;
pub mod login_counts;
pub mod overview;
