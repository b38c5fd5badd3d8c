//! Bounds of what one client, organization or directory may use: request rates, memory, CPU time, queues.

pub mod body_allowance;
pub mod fair_queue;
pub mod offload;
pub mod rate_limiter;
pub mod request_memory;
