//! Why a request to a third party failed.

use std::time::Duration;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// Not http or https, without a host, or with user name or password.
    #[error("the address must be http(s)://… without user and password")]
    InvalidUrl,
    /// The address is written out and in a private network. A name that resolves to one is [`Self::NotReached`].
    #[error(
        "{0} is not a public address; Ostiary fetches from private and loopback addresses only when \
         outgoing.allow_private_targets is on"
    )]
    PrivateTarget(String),
    /// The address is written out, and link-local or a cloud's metadata service.
    #[error("{0} is a link-local address or one of a cloud's own services; Ostiary never calls those")]
    ForbiddenTarget(String),
    /// A redirect from https to http.
    #[error("{0} redirects from https to http")]
    Downgrade(String),
    /// Too many redirects.
    #[error("more than {0} redirects")]
    TooManyRedirects(usize),
    /// A status other than 200.
    #[error("the server answered {0}")]
    Status(u16),
    /// The response is too large.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The response is packed in a way that is not read, though it was asked not to be.
    #[error("the answer is packed ({0}) and cannot be read; the server was asked for it unpacked")]
    Packed(String),
    /// The timeout expired.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// A failure of the connection, of TLS or of HTTP, at a public address.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// The cause, in one line.
        reason: String,
    },
    /// The host has no address, one that is refused, or one in a private network where the connection failed. Who named
    /// the host may be a stranger to that network, so these read alike; the log has the cause.
    #[error(
        "{0} cannot be reached: it has no address, none that Ostiary may call, or nothing answers there; the server's log \
         has the cause"
    )]
    NotReached(String),
}

impl HttpClientError {
    /// The error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl => "outgoing_not_web",
            Self::PrivateTarget(_) => "outgoing_private_target",
            Self::ForbiddenTarget(_) => "outgoing_forbidden_target",
            Self::Downgrade(_) => "outgoing_downgrade",
            Self::TooManyRedirects(_) => "outgoing_too_many_redirects",
            Self::Status(_) => "outgoing_status",
            Self::TooLarge(_) => "outgoing_too_large",
            Self::Packed(_) => "outgoing_packed",
            Self::TimedOut(_) => "outgoing_timed_out",
            Self::Unreachable { .. } | Self::NotReached(_) => "outgoing_unreachable",
        }
    }
}
