//! The HTTP client for URLs given by third parties, such as a customer's metadata URL, guarded against SSRF.
//!
//! It connects to public addresses only, unless the configuration allows others. A literal address is checked
//! before the request, a host name in the resolver whose answer is also connected to, and each redirect again.
//! Size and time are bounded; no proxy is used.

mod content_encoding;
pub mod dns;
mod error;
mod targets;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{
        ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
        IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
    },
    redirect::Policy,
};
use targets::{TargetPolicy, TargetRefusal};
use url::Url;

pub use error::HttpClientError;
pub use targets::check;

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
        /// The `charset` of its `Content-Type` (RFC 9110 §8.3.2).
        charset: Option<String>,
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
        // Without it a server may pack the response as it likes (RFC 9110 §12.5.3).
        let unpacked = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        let client = Client::builder()
            .default_headers(unpacked)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(GuardedResolver(Arc::clone(&targets)))
            // Who is connected and gets no answer is told apart from who cannot connect.
            .connect_timeout(limits.time / 2)
            .pool_max_idle_per_host(usize::from(limits.keep_connections))
            .user_agent(concat!("Ostiary/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, targets, limits })
    }

    /// The same client within other limits; the time to connect stays.
    #[must_use]
    pub fn within(&self, limits: HttpClientLimits) -> Self {
        Self { limits, ..self.clone() }
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
            let response = sent(url, request.send().await).await?;
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
            let request = reqwest::Request::try_from(request).map_err(|_| HttpClientError::InvalidUrl)?;
            let response = sent(&url, self.client.execute(request).await).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = HttpResponse::new(self.read(&url, response).await?);
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            answer.headers_mut().remove(CONTENT_ENCODING);
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
            let response = sent(&url, request.send().await).await?;
            let status = response.status();
            if status == StatusCode::OK {
                let (charset, validators) = (charset(response.headers()), Validators::of(&response));
                let bytes = self.read(&url, response).await?;
                return Ok(ConditionalResponse::Document { bytes, charset, validators });
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

    /// The body of a response, unpacked.
    async fn read(&self, url: &Url, mut response: Response) -> Result<Vec<u8>, HttpClientError> {
        let limit = self.limits.bytes;
        let coding =
            response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").to_owned());
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(HttpClientError::TooLarge(limit));
        }
        let mut body = Vec::new();
        while let Some(chunk) = sent(url, response.chunk().await).await? {
            if body.len() + chunk.len() > limit {
                return Err(HttpClientError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        match coding {
            Some(coding) => content_encoding::unpack(body, &coding, limit),
            None => Ok(body),
        }
    }
}

/// The `charset` parameter of the `Content-Type`.
fn charset(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The outcome of a step of a request to `url`. The cause of a failure is logged, and told only where the host is
/// public.
async fn sent<T>(url: &Url, outcome: Result<T, reqwest::Error>) -> Result<T, HttpClientError> {
    let error = match outcome {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let ((refused, reason), host) = (cause(&error), host_of(url));
    tracing::warn!(host, cause = reason, "a request to another server failed");
    // It is looked up in each case, so that the time tells nothing either.
    Err(match targets::is_public_host(url).await && !refused {
        true => HttpClientError::Unreachable { host, reason },
        false => HttpClientError::NotReached(host),
    })
}

/// Whether the resolver refused the host; and the cause of a client error, in one line: that refusal, or else the innermost
/// source.
fn cause(error: &reqwest::Error) -> (bool, String) {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut reason = String::new();
    while let Some(error) = source {
        if let Some(RefusedAnswer { name, refusal }) = error.downcast_ref() {
            return (true, refusal.error(name.clone()).to_string());
        }
        reason = error.to_string();
        source = error.source();
    }
    (false, reason)
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

#[cfg(test)]
mod tests;
