//! The stylesheet, scripts and icon: embedded, versioned by their content, cached without limit.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use crate::links;

/// One embedded file.
pub struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    version: LazyLock<String>,
}

impl Asset {
    const fn new(
        name: &'static str,
        content_type: &'static str,
        bytes: &'static [u8],
        version: fn() -> String,
    ) -> Self {
        Self { name, content_type, bytes, version: LazyLock::new(version) }
    }

    /// Its URL. It changes with the content, so that a browser never uses an outdated copy.
    pub fn href(&self) -> String {
        links::asset(self.name, &self.version)
    }

    /// Its name and content.
    #[cfg(test)]
    pub(crate) fn file(&self) -> (&'static str, &'static [u8]) {
        (self.name, self.bytes)
    }
}

/// The first 48 bits of the content's SHA-256.
fn version_of(bytes: &[u8]) -> String {
    openssl::sha::sha256(bytes)[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! assets {
    ($($(#[$doc:meta])* $constant:ident $name:literal $content_type:literal;)*) => {
        $($(#[$doc])*
        pub static $constant: Asset = Asset::new(
            $name,
            $content_type,
            include_bytes!(concat!("../../../assets/", $name)),
            || version_of(include_bytes!(concat!("../../../assets/", $name))),
        );)*

        /// Every embedded file.
        pub static ALL: &[&Asset] = &[$(&$constant),*];
    };
}

assets! {
    /// The stylesheet of all pages.
    STYLESHEET "ostiary.css" "text/css; charset=utf-8";
    /// Shows the copy buttons and makes them work.
    COPY "copy.js" "text/javascript; charset=utf-8";
    /// Submits the form marked `data-auto-submit`.
    AUTO_POST "auto-post.js" "text/javascript; charset=utf-8";
    /// Polls the page and inserts what changed.
    LIVE "live.js" "text/javascript; charset=utf-8";
    /// Signs in with passkeys, and registers them.
    PASSKEYS "passkeys.js" "text/javascript; charset=utf-8";
    /// Keeps the preview of what a form is about up to date.
    PREVIEW "preview.js" "text/javascript; charset=utf-8";
    /// The icon in the browser's tab.
    ICON "icon.svg" "image/svg+xml";
}

/// `GET /assets/{name}`: the file, or 404. A request for another version (from a page of the previous
/// release, during a roll-out) gets the current file, but may not cache it.
pub async fn serve(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(asset) = ALL.iter().find(|asset| asset.name == name.as_str()) else {
        return HttpResponse::NotFound().finish();
    };
    let version = asset.version.as_str();
    let etag = format!("\"{version}\"");
    let current = request.query_string().strip_prefix("v=") == Some(version);
    let caching = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if known {
        return response.finish();
    }
    response.content_type(asset.content_type).body(asset.bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::{App, body::to_bytes, test, web};

    use super::*;

    async fn get(uri: &str, if_none_match: Option<&str>) -> HttpResponse {
        let app = test::init_service(App::new().route(links::path::ASSET, web::get().to(serve))).await;
        let mut request = test::TestRequest::get().uri(uri);
        if let Some(tag) = if_none_match {
            request = request.insert_header((header::IF_NONE_MATCH, tag));
        }
        test::call_service(&app, request.to_request()).await.into_parts().1.map_into_boxed_body()
    }

    #[actix_web::test]
    async fn the_current_version_may_be_kept_for_ever() {
        let response = get(&STYLESHEET.href(), None).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers().get(header::CACHE_CONTROL).unwrap(),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "text/css; charset=utf-8");
        let etag = response.headers().get(header::ETAG).unwrap().to_str().unwrap().to_owned();
        assert_eq!(to_bytes(response.into_body()).await.ok().unwrap(), STYLESHEET.bytes);

        let again = get(&STYLESHEET.href(), Some(&format!("\"x\", W/{etag}"))).await;
        assert_eq!(again.status(), 304);
        assert!(to_bytes(again.into_body()).await.ok().unwrap().is_empty());
    }

    #[actix_web::test]
    async fn another_version_is_served_but_not_kept() {
        for uri in ["/assets/copy.js", "/assets/copy.js?v=000000000000"] {
            let response = get(uri, Some("\"000000000000\"")).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), "no-cache");
        }
    }

    #[actix_web::test]
    async fn an_unknown_file_is_not_found() {
        for uri in ["/assets/other.css", "/assets/..%2fCargo.toml", "/assets/"] {
            assert_eq!(get(uri, None).await.status(), 404, "{uri}");
        }
    }
}
