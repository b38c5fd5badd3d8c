//! The OpenAPI schemas of what many routes share: pages, empty responses and errors. Those of ids, times, URLs and
//! enums stand with their types (feature `openapi` of their crates).

use utoipa::{IntoParams, ToSchema};

/// Which page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct PageParams {
    /// `nextPageToken` of the previous page; without it, the first page.
    pub page_token: Option<String>,
    /// The number of items per page.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub page_size: Option<u32>,
}

/// The version that a change is made from (RFC 9110 §13.1.1).
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` of an earlier response: the change is made only if nobody has changed the resource since. `*` for any
    /// version. Without it, fields that are not sent keep the values that they have at that moment.
    #[param(rename = "If-Match", example = "W/\"3\"")]
    pub if_match: Option<String>,
}

/// An empty success response.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Done {}

/// An error.
#[derive(Debug, ToSchema)]
pub struct Error {
    /// The gRPC status code: 3 invalid field, 5 not found, 8 too many attempts, 9 something must be set up first, 10
    /// the same request is still running or the resource was changed (`If-Match`), 13 server error, 16 no valid key.
    #[schema(example = 3)]
    pub code: u8,
    /// The message; it names the invalid field.
    #[schema(example = "bad organization_id: is required")]
    pub message: String,
    /// The invalid field, if it is the page token; otherwise empty.
    pub details: Vec<ErrorDetail>,
}

/// The invalid field, for programs.
#[derive(Debug, ToSchema)]
pub struct ErrorDetail {
    /// Always `type.googleapis.com/google.rpc.BadRequest.FieldViolation`.
    #[schema(rename = "@type")]
    pub kind: String,
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}
