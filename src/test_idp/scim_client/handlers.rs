//! The HTTP handlers of the provisioning page.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Bytes, Data},
};

use super::{
    client::{ScimClient, ScimOperation, ScimTarget},
    emulated_idp::EmulatedIdp,
    views::{ProvisioningPage, RunResult},
};
use crate::{
    links::path,
    test_idp::{
        forms::{Fields, FormError},
        provider::TestIdp,
        views::request_refused,
    },
    web::kit::{
        response::{PagePolicy, page},
        routing::Routes,
    },
};

/// The maximum size of a form in bytes.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// Registers the routes. A `web::Data<ScimClient>` and a `web::Data<TestIdp>` must be among the app's data.
pub fn configure(routes: &mut Routes<'_>) {
    routes.resource(path::TEST_IDP_SCIM, |resource| {
        resource.app_data(web::PayloadConfig::new(MAX_FORM_BYTES)).get(provisioning_page).post(provision)
    });
}

/// `GET /test-idp/scim`
async fn provisioning_page(client: Data<ScimClient>, idp: Data<TestIdp>) -> HttpResponse {
    let view = ProvisioningPage { targets: client.targets(), users: &idp.users, chosen: None, outcome: None };
    page(StatusCode::OK, PagePolicy::SameOriginForms, view.view())
}

/// `POST /test-idp/scim`: runs the chosen operation and shows its requests and responses.
async fn provision(client: Data<ScimClient>, idp: Data<TestIdp>, body: Bytes) -> HttpResponse {
    let fields = Fields::parse(&body);
    match read(&fields, &client, &idp) {
        Ok(command) => {
            let (target, style, action) = command;
            let exchanges = client.run(target, style, action, &idp.users).await;
            let outcome = RunResult { target, exchanges: &exchanges };
            let view = ProvisioningPage {
                targets: client.targets(),
                users: &idp.users,
                chosen: Some((&target.name, style)),
                outcome: Some(outcome),
            };
            page(StatusCode::OK, PagePolicy::SameOriginForms, view.view())
        }
        Err(error) => {
            page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, request_refused(&error.to_string()))
        }
    }
}

type ScimCommand<'a> = (&'a ScimTarget, EmulatedIdp, ScimOperation<'a>);

fn read<'a>(fields: &Fields, client: &'a ScimClient, idp: &'a TestIdp) -> Result<ScimCommand<'a>, FormError> {
    let wanted = fields.get("directory")?.unwrap_or_default();
    let target = client.targets().iter().find(|t| t.name == wanted).ok_or(FormError::Unknown("directory"))?;
    let style = EmulatedIdp::from_name(fields.get("style")?.unwrap_or_default())
        .ok_or(FormError::Unknown("style"))?;
    let user = || {
        let email = fields.get("person")?.unwrap_or_default();
        idp.users.iter().find(|user| user.email == email).ok_or(FormError::Unknown("person"))
    };
    let action = match fields.get("action")?.unwrap_or_default() {
        "push" => ScimOperation::Push,
        "change" => ScimOperation::Change(user()?),
        "deactivate" => ScimOperation::Deactivate(user()?),
        "reactivate" => ScimOperation::Reactivate(user()?),
        "delete" => ScimOperation::Delete(user()?),
        _ => return Err(FormError::Unknown("action")),
    };
    Ok((target, style, action))
}
