//! A minimal browser: cookies by host, forms, and redirects that the test follows itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode, header, redirect};
use url::Url;

/// A browser with its own cookies.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    /// By host (ports do not count) and name.
    cookies: Arc<Mutex<BTreeMap<(String, String), String>>>,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub url: Url,
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: String,
}

/// A form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    pub fn new() -> Self {
        Self { client: client(), cookies: Arc::default() }
    }

    /// One that resolves `domain` to `address`, also for URLs without a port.
    pub fn resolving(domain: &str, address: std::net::SocketAddr) -> Self {
        let client = builder().resolve(domain, address).build().expect("an HTTP client");
        Self { client, cookies: Arc::default() }
    }

    pub async fn get(&self, url: &str) -> Answer {
        self.send(self.request(Method::GET, url).header(header::ACCEPT, "text/html")).await
    }

    pub async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, url).header(header::ACCEPT, "text/html");
        self.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)).await
    }

    pub async fn submit(&self, from: &Answer, form: &Form) -> Answer {
        let action = from.url.join(&form.action).expect("a form's action");
        let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.post(action.as_str(), &fields).await
    }

    /// Puts a cookie of the URL's host into the browser.
    pub fn set_cookie(&self, url: &str, name: &str, value: &str) {
        let host = host_of(&Url::parse(url).expect("a URL"));
        self.cookies.lock().expect("the cookies").insert((host, name.to_owned()), value.to_owned());
    }

    /// The value of a cookie of the URL's host.
    pub fn cookie(&self, url: &str, name: &str) -> Option<String> {
        let host = host_of(&Url::parse(url).expect("a URL"));
        self.cookies.lock().expect("the cookies").get(&(host, name.to_owned())).cloned()
    }

    /// A request with this browser's cookies, for tests that need other headers.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let cookies = self.cookies.lock().expect("the cookies");
        let host = host_of(&Url::parse(url).expect("a URL"));
        let own = cookies.iter().filter(|((of, _), _)| *of == host);
        let pairs: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, url);
        if pairs.is_empty() { request } else { request.header(header::COOKIE, pairs.join("; ")) }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
        self.keep_cookies(&url, &headers);
        Answer { url, status, headers, body: response.text().await.expect("a text body") }
    }

    fn keep_cookies(&self, url: &Url, headers: &header::HeaderMap) {
        let mut cookies = self.cookies.lock().expect("the cookies");
        for line in headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) =
                line.to_str().expect("a cookie").split_once(';').expect("a cookie with attributes");
            let (name, value) = pair.split_once('=').expect("a named cookie");
            match attributes.contains("Max-Age=0") {
                true => cookies.remove(&(host_of(url), name.to_owned())),
                false => cookies.insert((host_of(url), name.to_owned()), value.to_owned()),
            };
        }
    }
}

/// One client for all, because creating one reads every root certificate of the system. It keeps no connection,
/// because each test has a runtime of its own, and connections end with it.
fn client() -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| builder().build().expect("an HTTP client")).clone()
}

fn builder() -> ClientBuilder {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0)
}

impl Answer {
    pub fn location(&self) -> Url {
        let location =
            self.headers.get(header::LOCATION).unwrap_or_else(|| panic!("no redirect but {self:#?}"));
        self.url.join(location.to_str().expect("a text")).expect("a URL")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error code in the page.
    pub fn reason(&self) -> Option<&str> {
        between(&self.body, "data-reason=\"", "\"")
    }

    /// The page's one form.
    pub fn form(&self) -> Form {
        let html = between(&self.body, "<form", "</form>").unwrap_or_else(|| panic!("no form in {self:#?}"));
        let action = unescape(between(html, "action=\"", "\"").expect("an action"));
        let fields = html
            .split("<input")
            .skip(1)
            .map(|input| {
                let attribute = |name| unescape(between(input, name, "\"").unwrap_or_default());
                (attribute(" name=\""), attribute(" value=\""))
            })
            .collect();
        Form { action, fields }
    }
}

impl Form {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The value of a query parameter.
pub fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
