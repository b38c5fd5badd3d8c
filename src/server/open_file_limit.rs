//! The limit of open files, which includes connections (`RLIMIT_NOFILE`, setrlimit(2)).
//!
//! A login shell's limit is 1,024 on most systems. That many idle connections exhaust it; then no other client
//! is served and the database cannot be reached. A process may raise its soft limit to the hard limit.

/// The limit that the server tries to reach.
const TARGET_LIMIT: u64 = 65_536;

/// A lower limit causes a warning.
pub const RECOMMENDED_LIMIT: u64 = 8192;

/// How many connections a process accepts however many files it may open: each may hold 8 KiB of a head that is not
/// counted as request memory, and its buffers.
const MAX_CONNECTIONS: usize = 16_384;

/// How many descriptors are reserved for the database, for our own requests and for listeners.
const RESERVED: u64 = 256;

/// Raises the limit as far as the hard limit permits, and warns if it stays low.
pub fn raise() {
    match rlimit::increase_nofile_limit(TARGET_LIMIT) {
        Ok(limit) if limit >= RECOMMENDED_LIMIT => {}
        Ok(limit) => tracing::warn!(
            limit,
            "few connections may be open at once: raise the hard limit of open files (LimitNOFILE=, ulimit -Hn, --ulimit nofile=)"
        ),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}

/// The limit in force.
pub fn limit() -> u64 {
    rlimit::Resource::NOFILE.get_soft().unwrap_or(1024)
}

/// The limit that the server would have after a start.
pub fn limit_of_server() -> u64 {
    rlimit::Resource::NOFILE.get().map_or(1024, |(soft, hard)| soft.max(hard.min(TARGET_LIMIT)))
}

/// How many connections all clients together may have open, when `limit` files may be open. Further ones wait in the
/// system's queue.
pub fn max_connections(limit: u64) -> usize {
    let files = limit.saturating_sub(RESERVED).max(limit / 2);
    usize::try_from(files).unwrap_or(usize::MAX).clamp(16, MAX_CONNECTIONS)
}

/// How many connections one client address may have open: the configured number, but at most a quarter of all,
/// so that no client uses them up.
pub fn max_connections_per_client(configured: u32, limit: u64) -> usize {
    usize::try_from(configured).unwrap_or(usize::MAX).min(max_connections(limit) / 4).max(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_uses_up_the_descriptors_and_clients_do_not_use_up_those_of_the_database() {
        for (limit, most, one) in
            [(65_536, 16_384, 1024), (4096, 3840, 960), (1024, 768, 192), (256, 128, 32), (0, 16, 4)]
        {
            assert_eq!(
                (max_connections(limit), max_connections_per_client(1024, limit)),
                (most, one),
                "{limit}"
            );
        }
        assert_eq!(max_connections_per_client(20, 65_536), 20);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_be() {
        raise();
        assert_eq!(limit(), limit_of_server());
    }
}
