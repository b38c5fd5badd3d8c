//! DNS lookups of the TXT records that verify a domain.
//!
//! Nothing is cached: a user who has just published a record and checks again must see it (recursive resolvers
//! may still cache). The time and the size of an answer are bounded.

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData},
};

/// The timeout of a lookup, over all name servers and attempts.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of one attempt at one name server.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// How many records of an answer are read.
const MAX_RECORDS: usize = 100;
/// The maximum length of a record; longer ones are ignored.
const MAX_RECORD_BYTES: usize = 2048;

/// Why a lookup failed. A name without records is no failure: the answer is empty. Customers read these; what the name
/// servers said is logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// It is not a valid domain name.
    #[error("{0} is not a domain name")]
    InvalidName(String),
    /// No name server is configured.
    #[error("no name server is known")]
    NoServers,
    /// None answered in time.
    #[error("no name server answered within {} s", LOOKUP_TIMEOUT.as_secs())]
    TimedOut,
    /// The name servers answered with a failure.
    #[error("the name servers could not answer; try again in a few minutes")]
    Failed,
}

/// The future result of a lookup.
pub type TxtAnswer<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, DnsError>> + Send + 'a>>;

/// Looks up TXT records.
pub trait TxtResolver: Send + Sync {
    /// The TXT records of `name`, the strings of each joined (as in RFC 7208 §3.3); empty if the name does not
    /// exist.
    fn txt<'a>(&'a self, name: &'a str) -> TxtAnswer<'a>;
}

/// Queries the given name servers, or else the system's.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    servers: Vec<SocketAddr>,
}

impl Dns {
    /// A resolver with these servers; if empty, the system's.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers }
    }

    /// A resolver for one lookup: its tasks belong to the calling thread, and a changed `resolv.conf` takes
    /// effect at once.
    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = if self.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = self.servers.iter().map(|address| name_server(*address)).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = ATTEMPT_TIMEOUT;
        options.attempts = 1;
        options.edns0 = true;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build()
    }

    async fn lookup_txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let mut wanted = Name::from_ascii(name).map_err(|_| DnsError::InvalidName(name.to_owned()))?;
        // Fully qualified: the host's search list is not used.
        wanted.set_fqdn(true);
        let failed = |error: &NetError, told| {
            tracing::warn!(name, cause = %error, "a DNS lookup failed");
            told
        };
        let resolver = self.resolver().map_err(|error| failed(&error, DnsError::NoServers))?;
        let answer = match tokio::time::timeout(LOOKUP_TIMEOUT, resolver.txt_lookup(wanted)).await {
            Err(_) | Ok(Err(NetError::Timeout)) => return Err(DnsError::TimedOut),
            Ok(Err(error)) if is_empty_answer(&error) => return Ok(Vec::new()),
            Ok(Err(error)) => return Err(failed(&error, DnsError::Failed)),
            Ok(Ok(answer)) => answer,
        };
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => {
                let bytes = txt.txt_data.concat();
                (bytes.len() <= MAX_RECORD_BYTES).then(|| String::from_utf8(bytes).ok()).flatten()
            }
            _ => None,
        });
        Ok(texts.take(MAX_RECORDS).collect())
    }
}

/// Whether the answer is that there are no records, as opposed to a server that refuses or fails.
fn is_empty_answer(error: &NetError) -> bool {
    use hickory_resolver::{net::DnsError as Answered, proto::op::ResponseCode};
    match error {
        NetError::Dns(Answered::NoRecordsFound(none)) => {
            matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
        }
        _ => false,
    }
}

/// A name server over UDP, and over TCP for truncated answers.
fn name_server(address: SocketAddr) -> NameServerConfig {
    let ip: IpAddr = address.ip();
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(ip, true, connections.to_vec())
}

impl TxtResolver for Dns {
    fn txt<'a>(&'a self, name: &'a str) -> TxtAnswer<'a> {
        Box::pin(self.lookup_txt(name))
    }
}
