//! Organizations below the caller's.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::json;

use super::{
    call::{Call, Json},
    error::Wso2Error,
};
use crate::app::organizations::by_name;

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// Whether no organization has a name.
pub(super) async fn check_name(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (state, principal) = (call.state.clone(), call.principal);
    let Name { name } = call.body.read()?;
    let available = by_name::is_name_free(&state, &principal, &name).await?;
    Ok(HttpResponse::Ok().json(json!({ "available": available })))
}
