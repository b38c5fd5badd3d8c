//! Figures of this process, from `/proc`, by the names that Prometheus' client libraries give them.

use std::fs;

use metrics::{counter, describe_counter, describe_gauge, gauge};

/// Memory that is in use, in bytes.
pub const RESIDENT_MEMORY: &str = "process_resident_memory_bytes";
/// Open file descriptors.
pub const OPEN_FDS: &str = "process_open_fds";
/// The limit of open file descriptors.
pub const MAX_FDS: &str = "process_max_fds";
/// Threads.
pub const THREADS: &str = "process_threads";
/// Processor time that was used, in seconds.
pub const CPU_SECONDS: &str = "process_cpu_seconds_total";
/// When it started, in seconds since 1970.
pub const START_TIME: &str = "process_start_time_seconds";

/// Ticks a second in `/proc/self/stat`: `USER_HZ`, 100 on every architecture that Linux has.
const TICKS_PER_SECOND: u64 = 100;

pub(super) fn describe() {
    describe_gauge!(RESIDENT_MEMORY, "Memory in use, in bytes.");
    describe_gauge!(OPEN_FDS, "Open file descriptors.");
    describe_gauge!(MAX_FDS, "The limit of open file descriptors.");
    describe_gauge!(THREADS, "Threads of the process.");
    describe_counter!(CPU_SECONDS, "Processor time used, in whole seconds.");
    describe_gauge!(START_TIME, "When the process started, in seconds since 1970.");
}

/// Sets the figures. What cannot be read is left as it was.
pub fn observe() {
    let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
    let status = read("self/status");
    if let Some(kilobytes) = field(&status, "VmRSS:") {
        gauge!(RESIDENT_MEMORY).set(kilobytes as f64 * 1024.0);
    }
    if let Some(threads) = field(&status, "Threads:") {
        gauge!(THREADS).set(threads as f64);
    }
    if let Some(limit) = field(&read("self/limits"), "Max open files") {
        gauge!(MAX_FDS).set(limit as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge!(OPEN_FDS).set(open.count() as f64);
    }
    if let Some((used, started)) = times(&read("self/stat")) {
        counter!(CPU_SECONDS).absolute(used / TICKS_PER_SECOND);
        if let Some(boot) = field(&read("stat"), "btime") {
            gauge!(START_TIME).set((boot + started / TICKS_PER_SECOND) as f64);
        }
    }
}

/// The first number after `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processor time used, in user and in kernel mode, and when it started after the boot, in ticks (proc(5)).
fn times(stat: &str) -> Option<(u64, u64)> {
    // The name of the program, in parentheses, may contain anything. The state after it is field 3.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |place: usize| fields.get(place - 3)?.parse::<u64>().ok();
    Some((number(14)? + number(15)?, number(22)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_kernels_texts() {
        assert_eq!(field("Name:\tx\nVmRSS:\t   1234 kB\nThreads:\t7\n", "VmRSS:"), Some(1234));
        assert_eq!(
            field("Max open files            1024                 4096  files\n", "Max open files"),
            Some(1024)
        );
        assert_eq!(
            field("Max open files            unlimited            unlimited  files\n", "Max open files"),
            None
        );
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 300 45 0 0 20 0 9 0 88000 1 2 3";
        assert_eq!(times(stat), Some((345, 88_000)));
        assert_eq!(times(""), None);
    }
}
