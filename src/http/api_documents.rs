//! `GET /openapi.json` and `/docs/api`: made when one of them is first asked for, and kept for as long as the server runs.

use std::{collections::HashMap, sync::OnceLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Bytes},
};
use base::secret::Digest;

use super::{api_error::ApiError, openapi::document, reference::reference};
use crate::{
    app::Error,
    links::Links,
    web::kit::response::{PagePolicy, page_of},
};

/// What describes the API of a server.
pub struct ApiDocuments {
    links: Links,
    made: OnceLock<Made>,
}

struct Made {
    openapi: Bytes,
    /// The entity tag of `openapi`.
    etag: String,
    overview: Bytes,
    /// The page of each section, by its name in the address.
    sections: HashMap<String, Bytes>,
}

impl ApiDocuments {
    /// Those of a server with these links.
    pub fn new(links: Links) -> Self {
        Self { links, made: OnceLock::new() }
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| {
            let document = document(&self.links);
            let reference = reference(&self.links, &document);
            let openapi = Bytes::from(document.to_string());
            let page = |section| Bytes::from(reference.section(section).into_string());
            Made {
                etag: format!("\"{}\"", Digest::of(&openapi).to_hex()),
                overview: Bytes::from(reference.overview().into_string()),
                sections: reference.sections.iter().map(|one| (one.slug.clone(), page(one))).collect(),
                openapi,
            }
        })
    }
}

/// `GET /openapi.json`, readable from any origin.
pub async fn openapi(documents: web::Data<ApiDocuments>, request: HttpRequest) -> HttpResponse {
    let made = documents.made();
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|tags| {
        tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == made.etag || tag.trim() == "*")
    });
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ETAG, made.etag.as_str()));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(made.openapi.clone())
}

/// `GET /docs/api`
pub async fn overview(documents: web::Data<ApiDocuments>) -> HttpResponse {
    page_of(StatusCode::OK, PagePolicy::SameOriginForms, documents.made().overview.clone())
}

/// `GET /docs/api/{name}`
pub async fn section(
    documents: web::Data<ApiDocuments>,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let page = documents.made().sections.get(name.as_str());
    let page = page.ok_or_else(|| ApiError::page(Error::not_found("page", name), &request))?;
    Ok(page_of(StatusCode::OK, PagePolicy::SameOriginForms, page.clone()))
}

#[cfg(test)]
mod tests {
    use actix_web::{body::MessageBody as _, test::TestRequest};

    use super::*;

    #[actix_web::test]
    async fn the_documents_are_made_once() {
        let links = Links::new(&"https://sso.example.com".parse().unwrap()).unwrap();
        let documents = web::Data::new(ApiDocuments::new(links));
        let of = |response: HttpResponse| response.into_body().try_into_bytes().unwrap();
        let ask = async |tag: Option<&str>| {
            let mut request = TestRequest::get();
            if let Some(tag) = tag {
                request = request.insert_header((header::IF_NONE_MATCH, tag));
            }
            openapi(documents.clone(), request.to_http_request()).await
        };
        let first = ask(None).await;
        let etag = first.headers().get(header::ETAG).unwrap().to_str().unwrap().to_owned();
        // The same bytes in memory, for each of them.
        assert_eq!(of(first).as_ptr(), of(ask(Some("\"other\"")).await).as_ptr());
        let pages = [overview(documents.clone()).await, overview(documents.clone()).await].map(of);
        assert_eq!(pages[0].as_ptr(), pages[1].as_ptr());
        let name = || web::Path::from("organizations".to_owned());
        let section = async || section(documents.clone(), TestRequest::get().to_http_request(), name()).await;
        let pages = [section().await.unwrap(), section().await.unwrap()].map(of);
        assert_eq!(pages[0].as_ptr(), pages[1].as_ptr());
        let again = ask(Some(&format!("\"other\", W/{etag}"))).await;
        assert_eq!(again.status(), 304);
        assert_eq!(again.headers().get(header::ETAG).unwrap(), etag.as_str());
    }
}
