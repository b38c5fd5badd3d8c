//! Settings and the limit of open files.

use crate::{cli::doctor::findings::Findings, config::Config, server::open_file_limit};

pub(super) fn settings(config: &Config, findings: &mut Findings) {
    findings.ok("settings", "all valid");
    for warning in config.warnings() {
        findings.attention("settings", warning, "change it, unless this is a trial or intended");
    }
}

/// The limit of open files: every connection takes a file descriptor.
pub(super) fn check_open_files(config: &Config, findings: &mut Findings) {
    let limit = open_file_limit::limit_of_server();
    let all = open_file_limit::max_connections(limit);
    let one = open_file_limit::max_connections_per_client(config.connections_per_client, limit);
    let seen = format!("the limit here is {limit}: {all} connections, {one} of one client address");
    if limit >= open_file_limit::RECOMMENDED_LIMIT {
        findings.ok("open files", seen);
    } else {
        findings.attention(
            "open files",
            seen,
            "raise the hard limit for the server (LimitNOFILE=65536 in systemd, --ulimit nofile=65536 in Docker)",
        );
    }
}
