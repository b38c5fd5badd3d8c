//! Questions of ours to the domain name system: the TXT records by which a domain proves itself.
//!
//! Nothing is remembered between two questions: whoever published a record a moment ago and presses the
//! button again must be told what is there now (resolvers on the way may still remember). Time and size of
//! an answer are bounded.

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

/// The most time for one question, all name servers and attempts together.
const TIME: Duration = Duration::from_secs(5);
/// The most time that one attempt waits for one name server.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How many records of an answer are read.
const MOST_RECORDS: usize = 100;
/// How long a record may be; longer ones prove nothing and are passed over.
const MOST_BYTES: usize = 2048;

/// Why there is no answer. That a name has no records is one: an empty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// It is none that could be asked for.
    #[error("{0} is not a domain name")]
    NotAName(String),
    /// No name server is known.
    #[error("no name server is known: {0}")]
    NoServers(String),
    /// None answered in time.
    #[error("no name server answered within {} s", TIME.as_secs())]
    TimedOut,
    /// They answered with a failure.
    #[error("the name servers could not answer: {0}")]
    Failed(String),
}

/// The answer to a question, once it is here.
pub type TxtAnswer<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, DnsError>> + Send + 'a>>;

/// Who looks up TXT records.
pub trait TxtResolver: Send + Sync {
    /// The TXT records of `name`, each with its strings joined (RFC 7208 §3.3 reads them so too); none when
    /// the name does not exist.
    fn txt<'a>(&'a self, name: &'a str) -> TxtAnswer<'a>;
}

/// Asks name servers: those given, or else those that the system asks.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    servers: Vec<SocketAddr>,
}

impl Dns {
    /// A resolver that asks these servers; without any, the system's.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers }
    }

    /// A resolver for one question: its tasks then belong to the thread that asks, and a changed
    /// `resolv.conf` counts at once.
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
        options.timeout = ATTEMPT;
        options.attempts = 1;
        options.edns0 = true;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build()
    }

    async fn ask(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let mut wanted = Name::from_ascii(name).map_err(|_| DnsError::NotAName(name.to_owned()))?;
        // Complete: no search list of the host's is tried.
        wanted.set_fqdn(true);
        let resolver = self.resolver().map_err(|error| DnsError::NoServers(error.to_string()))?;
        let answer = match tokio::time::timeout(TIME, resolver.txt_lookup(wanted)).await {
            Err(_) | Ok(Err(NetError::Timeout)) => return Err(DnsError::TimedOut),
            Ok(Err(error)) if is_nothing(&error) => return Ok(Vec::new()),
            Ok(Err(error)) => return Err(DnsError::Failed(error.to_string())),
            Ok(Ok(answer)) => answer,
        };
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => {
                let bytes = txt.txt_data.concat();
                (bytes.len() <= MOST_BYTES).then(|| String::from_utf8(bytes).ok()).flatten()
            }
            _ => None,
        });
        Ok(texts.take(MOST_RECORDS).collect())
    }
}

/// Whether a failure says only that nothing is there. A server that refuses or fails says something else.
fn is_nothing(error: &NetError) -> bool {
    use hickory_resolver::{net::DnsError as Answered, proto::op::ResponseCode};
    match error {
        NetError::Dns(Answered::NoRecordsFound(none)) => {
            matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
        }
        _ => false,
    }
}

/// A name server that is asked over UDP and, for what does not fit, over TCP.
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
        Box::pin(self.ask(name))
    }
}
