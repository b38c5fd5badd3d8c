//! Users of the organization above who are invited (contract §2.6).
