//! An invitation accepted by its confirmation code, which is all that the call takes: no token. Where the path names an organization,
//! it is the one that invites.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, http::StatusCode, web};
use model::client_address::ClientAddress;

use super::{code::CodeBody, errors::error_of};
use crate::{
    app::{
        Error, State,
        authorization_server::{issuers, organization_switch::find_organization},
        guests::{self, GuestError},
    },
    http::{
        middleware::RequestId,
        request_body::Body,
        wso2::{call::Json, error::Wso2Error},
    },
};

/// Accepts an invitation.
pub(in crate::http::wso2) async fn accept(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let trace_id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0));
    let answered = async {
        let body = <Json as Body>::read(&request, payload.into_inner()).await?;
        let CodeBody { confirmation_code } = body.read()?;
        take(&request, &confirmation_code).await?;
        Ok(HttpResponse::new(StatusCode::NO_CONTENT))
    };
    answered.await.map_err(|error: actix_web::Error| match (error.as_error::<Wso2Error>(), trace_id) {
        (Some(known), Some(trace_id)) => known.traced(trace_id).into(),
        _ => error,
    })
}

async fn take(request: &HttpRequest, code: &str) -> Result<(), Wso2Error> {
    let state = request.app_data::<web::Data<State>>().cloned();
    let state =
        state.ok_or_else(|| Wso2Error::from(Error::internal("the server was built without its state")))?;
    let unknown = || error_of(GuestError::Code, "");
    let segment = |name| request.match_info().get(name);
    let (environment_id, within) = {
        let mut conn = state.db.read().await.map_err(Error::from)?;
        let found = match segment("tenant") {
            Some(named) => issuers::find_tenant(&mut conn, named).await,
            None => issuers::default_tenant(&state, &mut conn).await,
        };
        // Whether there is such an environment is nothing for strangers.
        let tenant = found.map_err(|error| match error {
            Error::NotFound { .. } => unknown(),
            error => error.into(),
        })?;
        let within = match segment("organization") {
            None => None,
            Some(named) => {
                let is_default = issuers::is_default(&state, &mut conn, &tenant).await?;
                let found = find_organization(&mut conn, &tenant, is_default, named).await?;
                Some(found.ok_or_else(unknown)?)
            }
        };
        (tenant.environment_id, within)
    };
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let accepted = guests::accept(&state, environment_id, code, (None, within), address).await;
    accepted.map(drop).map_err(|error| error_of(error, ""))
}
