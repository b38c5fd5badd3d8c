//! The audit log as a download of JSON lines, shared by the console and the API.

use actix_web::{HttpResponse, http::header};

use super::streamed::stream_body;
use crate::app::{State, audit::Export};

/// Streams an export as a download named `name`.
pub fn download(state: &State, export: Export, name: &str) -> HttpResponse {
    let state = state.clone();
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(stream_body(export, move |mut export| {
            let state = state.clone();
            async move {
                let piece = export.next(&state).await;
                (export, piece)
            }
        }))
}
