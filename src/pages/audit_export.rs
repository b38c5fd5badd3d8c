//! The audit log as a file of JSON lines: for the console and for the API, which answer alike.

use actix_web::{HttpResponse, http::header};

use super::streamed::streamed;
use crate::app::{State, audit::Export};

/// An export as a download called `name`, made while it is sent.
pub fn download(state: &State, export: Export, name: &str) -> HttpResponse {
    let state = state.clone();
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(streamed(export, move |mut export| {
            let state = state.clone();
            async move {
                let piece = export.next(&state).await;
                (export, piece)
            }
        }))
}
