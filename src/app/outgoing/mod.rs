//! The HTTP client for URLs given by third parties, such as a customer's metadata URL, guarded against SSRF.
//!
//! It connects to public addresses only, unless the configuration allows others. A literal address is checked
//! before the request, a host name in the resolver whose answer is also connected to, and each redirect again.
//! Size and time are bounded; no proxy is used.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use ipnet::IpNet;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION},
    redirect::Policy,
};
use url::{Host, Url};

/// Limits of requests.
#[derive(Debug, Clone, Copy)]
pub struct HttpClientLimits {
    /// The maximum size of a response body, in bytes.
    pub bytes: usize,
    /// The timeout, including redirects and the body.
    pub time: Duration,
    /// The maximum number of redirects.
    pub redirects: usize,
    /// Whether connections are kept alive for the next request to the same host.
    pub keep_connections: bool,
}

impl Default for HttpClientLimits {
    fn default() -> Self {
        Self { bytes: 2 * 1024 * 1024, time: Duration::from_secs(10), redirects: 3, keep_connections: false }
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// Not http or https, without a host, or with user name or password.
    #[error("the address must be http(s)://… without user and password")]
    InvalidUrl,
    /// The target is in a private network.
    #[error(
        "{0} is not a public address; Ostiary fetches from private and loopback addresses only when \
         outgoing.allow_private_targets is on"
    )]
    PrivateTarget(String),
    /// The target is link-local or a cloud's metadata service.
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
    /// The timeout expired.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// A failure of the connection, of TLS or of HTTP.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// The cause, in one line.
        reason: String,
    },
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
            Self::TimedOut(_) => "outgoing_timed_out",
            Self::Unreachable { .. } => "outgoing_unreachable",
        }
    }
}

/// The validators of a document (RFC 9110 §8.8), for conditional requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag.
    pub etag: Option<String>,
    /// `Last-Modified`, as the server sent it.
    pub last_modified: Option<String>,
}

impl Validators {
    /// The validators of a response. Values that are too long to be sent back are left out.
    fn of(response: &Response) -> Self {
        const MAX_LENGTH: usize = 256;
        let header = |name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            (!value.is_empty() && value.len() <= MAX_LENGTH).then(|| value.to_owned())
        };
        Self { etag: header(ETAG), last_modified: header(LAST_MODIFIED) }
    }
}

/// The result of a conditional request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionalResponse {
    /// Not modified.
    NotModified,
    /// A document.
    Document {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its validators.
        validators: Validators,
    },
}

/// The guarded client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client,
    targets: Arc<TargetPolicy>,
    limits: HttpClientLimits,
}

impl HttpClient {
    /// A client for public addresses, or for any.
    pub fn new(allow_private_targets: bool, limits: HttpClientLimits) -> Result<Self, reqwest::Error> {
        Self::with_exceptions(TargetPolicy::new(allow_private_targets).exceptions, limits)
    }

    /// A client for public addresses and those in `exceptions`.
    pub fn with_exceptions(exceptions: Vec<IpNet>, limits: HttpClientLimits) -> Result<Self, reqwest::Error> {
        let targets = Arc::new(TargetPolicy { exceptions });
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(GuardedResolver(Arc::clone(&targets)))
            .connect_timeout(limits.time)
            .pool_max_idle_per_host(usize::from(limits.keep_connections))
            .user_agent(concat!("Ostiary/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, targets, limits })
    }

    /// Fetches a document with GET.
    pub async fn get(&self, url: &Url) -> Result<Vec<u8>, HttpClientError> {
        match self.get_conditional(url, &Validators::default()).await? {
            ConditionalResponse::Document { bytes, .. } => Ok(bytes),
            ConditionalResponse::NotModified => {
                Err(HttpClientError::Status(StatusCode::NOT_MODIFIED.as_u16()))
            }
        }
    }

    /// Fetches a document with a conditional GET, unless it still is the `known` one.
    pub async fn get_conditional(
        &self,
        url: &Url,
        known: &Validators,
    ) -> Result<ConditionalResponse, HttpClientError> {
        let limit = self.limits.time;
        tokio::time::timeout(limit, self.follow(url.clone(), known))
            .await
            .unwrap_or(Err(HttpClientError::TimedOut(limit)))
    }

    /// Sends a POST request and returns the status of the response, whatever it is. Follows no redirects.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<u16, HttpClientError> {
        self.targets.check(url)?;
        let limit = self.limits.time;
        let exchange = async {
            let mut request = self.client.post(url.clone()).body(body);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.send().await.map_err(|error| to_error(url, error))?;
            let status = response.status().as_u16();
            // The body is not used; reading it to its end lets the connection be reused.
            drop(self.read(url, response).await);
            Ok(status)
        };
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(HttpClientError::TimedOut(limit)))
    }

    /// Sends any request and returns the whole response, whatever its status. Follows no redirects.
    pub async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpClientError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpClientError::InvalidUrl)?;
        self.targets.check(&url)?;
        let limit = self.limits.time;
        let exchange = async {
            let request = reqwest::Request::try_from(request).map_err(|error| to_error(&url, error))?;
            let response = self.client.execute(request).await.map_err(|error| to_error(&url, error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = HttpResponse::new(self.read(&url, response).await?);
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        };
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(HttpClientError::TimedOut(limit)))
    }

    async fn follow(&self, mut url: Url, known: &Validators) -> Result<ConditionalResponse, HttpClientError> {
        let conditions = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        let conditional = *known != Validators::default();
        for _ in 0..=self.limits.redirects {
            self.targets.check(&url)?;
            let mut request =
                self.client.get(url.clone()).header(ACCEPT, "application/samlmetadata+xml, */*;q=0.5");
            for (name, value) in &conditions {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let response = request.send().await.map_err(|error| to_error(&url, error))?;
            let status = response.status();
            if status == StatusCode::OK {
                let validators = Validators::of(&response);
                return Ok(ConditionalResponse::Document {
                    bytes: self.read(&url, response).await?,
                    validators,
                });
            }
            if status == StatusCode::NOT_MODIFIED && conditional {
                return Ok(ConditionalResponse::NotModified);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = match (status.as_u16(), location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    url.join(location).map_err(|_| HttpClientError::Status(status.as_u16()))?
                }
                (code, _) => return Err(HttpClientError::Status(code)),
            };
            if url.scheme() == "https" && next.scheme() == "http" {
                return Err(HttpClientError::Downgrade(host_of(&url)));
            }
            url = next;
        }
        Err(HttpClientError::TooManyRedirects(self.limits.redirects))
    }

    async fn read(&self, url: &Url, mut response: Response) -> Result<Vec<u8>, HttpClientError> {
        let limit = self.limits.bytes;
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(HttpClientError::TooLarge(limit));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| to_error(url, error))? {
            if body.len() + chunk.len() > limit {
                return Err(HttpClientError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Checks a URL as far as possible without resolving its host name.
pub fn check(allow_private_targets: bool, url: &Url) -> Result<(), HttpClientError> {
    TargetPolicy::new(allow_private_targets).check(url)
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Maps a client error; finds the resolver's refusal among its sources.
fn to_error(url: &Url, error: reqwest::Error) -> HttpClientError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut reason = String::new();
    while let Some(error) = source {
        if let Some(RefusedAnswer { name, refusal }) = error.downcast_ref() {
            return refusal.error(name.clone());
        }
        reason = error.to_string();
        source = error.source();
    }
    HttpClientError::Unreachable { host: host_of(url), reason }
}

/// The addresses that may be connected to: public ones, and exceptions.
#[derive(Debug)]
struct TargetPolicy {
    exceptions: Vec<IpNet>,
}

impl TargetPolicy {
    /// Public addresses only, or also private ones.
    fn new(allow_private: bool) -> Self {
        let everything = [IpNet::from(ipnet::Ipv4Net::default()), IpNet::from(ipnet::Ipv6Net::default())];
        Self { exceptions: if allow_private { everything.to_vec() } else { Vec::new() } }
    }

    /// Why an address is refused, if it is.
    fn refusal(&self, address: IpAddr) -> Option<TargetRefusal> {
        if is_forbidden(address) {
            return Some(TargetRefusal::Forbidden);
        }
        let allowed = is_public(address) || self.exceptions.iter().any(|net| net.contains(&address));
        (!allowed).then_some(TargetRefusal::Private)
    }

    /// Checks a URL as far as possible without resolving its host name.
    fn check(&self, url: &Url) -> Result<(), HttpClientError> {
        let plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err(HttpClientError::InvalidUrl);
        }
        let address = match url.host() {
            None => return Err(HttpClientError::InvalidUrl),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        self.refusal(address).map_or(Ok(()), |refusal| Err(refusal.error(address.to_string())))
    }
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy)]
enum TargetRefusal {
    /// It is not a public address.
    Private,
    /// It is one that no setting allows.
    Forbidden,
}

impl TargetRefusal {
    fn error(self, target: String) -> HttpClientError {
        match self {
            Self::Private => HttpClientError::PrivateTarget(target),
            Self::Forbidden => HttpClientError::ForbiddenTarget(target),
        }
    }
}

/// A resolver with the rules of [`HttpClient`], for other clients.
pub fn resolver(allow_private_targets: bool) -> impl Resolve + 'static {
    GuardedResolver(Arc::new(TargetPolicy::new(allow_private_targets)))
}

/// The system's resolver; refuses names with any address that is refused.
struct GuardedResolver(Arc<TargetPolicy>);

#[derive(Debug, thiserror::Error)]
#[error("{name} resolves to an address that nothing is sent to")]
struct RefusedAnswer {
    name: String,
    refusal: TargetRefusal,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if let Some(refusal) = found.iter().find_map(|address| targets.refusal(address.ip())) {
                return Err(RefusedAnswer { name: name.as_str().to_owned(), refusal }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Special-purpose IPv4 networks (RFC 6890 and its registry), and Azure's 168.63.129.16, which is reachable only
/// inside of that cloud.
static NON_PUBLIC_V4: LazyLock<Vec<ipnet::Ipv4Net>> = LazyLock::new(|| {
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
    .map(|net| net.parse().expect("a literal network"))
    .to_vec()
});

/// Special-purpose networks within global unicast IPv6: protocol assignments with Teredo, documentation, 6to4.
static NON_PUBLIC_V6: LazyLock<Vec<ipnet::Ipv6Net>> = LazyLock::new(|| {
    ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]
        .map(|net| net.parse().expect("a literal network"))
        .to_vec()
});

/// Link-local IPv4 (RFC 3927) with the metadata services of most clouds, and those of Azure, Alibaba and Oracle.
static FORBIDDEN_V4: LazyLock<Vec<ipnet::Ipv4Net>> = LazyLock::new(|| {
    ["169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"]
        .map(|net| net.parse().expect("a literal network"))
        .to_vec()
});

/// Link-local IPv6 (RFC 4291 §2.5.6), and the metadata services of Amazon, Google and Scaleway.
static FORBIDDEN_V6: LazyLock<Vec<ipnet::Ipv6Net>> = LazyLock::new(|| {
    ["fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"]
        .map(|net| net.parse().expect("a literal network"))
        .to_vec()
});

/// Whether an address is refused whatever the settings: itself, or an IPv4 address embedded in it in any form.
fn is_forbidden(address: IpAddr) -> bool {
    let forbidden_v4 = |address: &Ipv4Addr| FORBIDDEN_V4.iter().any(|net| net.contains(address));
    match address {
        IpAddr::V4(address) => forbidden_v4(&address),
        IpAddr::V6(address) => {
            FORBIDDEN_V6.iter().any(|net| net.contains(&address))
                || embedded_v4_any(address).iter().flatten().any(forbidden_v4)
        }
    }
}

/// Every IPv4 address that may be embedded in an IPv6 one: mapped and compatible (RFC 4291 §2.5.5), translated
/// (RFC 6052 §2.1, RFC 8215, RFC 2765 §2.1), 6to4 (RFC 3056 §2), Teredo (RFC 4380 §4), ISATAP (RFC 5214 §6.1).
fn embedded_v4_any(address: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let segments = address.segments();
    let at = |index: usize, flip: u16| {
        let (high, low) = (segments[index] ^ flip, segments[index + 1] ^ flip);
        Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
    };
    let translated = matches!(
        segments,
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, ..]
    );
    let isatap = matches!(segments, [_, _, _, _, 0 | 0x0200, 0x5efe, ..]);
    [
        (translated || isatap).then(|| at(6, 0)),
        (segments[0] == 0x2002).then(|| at(1, 0)),
        (segments[..2] == [0x2001, 0]).then(|| at(6, 0xffff)),
        // RFC 8215's prefix has 48 bits: RFC 6052 §2.2 puts the address around bits 64 to 71.
        (segments[..3] == [0x64, 0xff9b, 1]).then(|| {
            let [.., a, b] = segments[3].to_be_bytes();
            let ([_, c], [d, _]) = (segments[4].to_be_bytes(), segments[5].to_be_bytes());
            Ipv4Addr::new(a, b, c, d)
        }),
    ]
}

/// Whether an address is known to be public.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NON_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public(IpAddr::V4(inner)),
            None => {
                (address.segments()[0] & 0xe000) == 0x2000
                    && !NON_PUBLIC_V6.iter().any(|net| net.contains(&address))
            }
        },
    }
}

/// The IPv4 address that an IPv6 one represents: mapped (RFC 4291 §2.5.5.2), or with the well-known NAT64 prefix
/// (RFC 6052 §2.1), which DNS64 returns for every IPv4 host.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [a, b, 0, 0, 0, 0, high, low] = address.segments() else { return None };
    ((a, b) == (0x64, 0xff9b)).then(|| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

pub mod dns;
#[cfg(test)]
mod tests;
