//! The HTTP handlers of the provisioning page.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Bytes, Data},
};

use super::{
    Action, ScimClient, Style,
    views::{Outcome, Provisioning},
};
use crate::{
    links::path,
    pages::response::{PagePolicy, page},
    test_idp::{
        form::{Fields, FormError},
        provider::TestIdp,
        views::refused,
    },
};

/// The maximum size of a form in bytes.
const MAX_BODY: usize = 16 * 1024;

/// Registers the routes. A `web::Data<ScimClient>` and a `web::Data<TestIdp>` must be among the app's data.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(path::TEST_IDP_SCIM)
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .get(show)
            .post(provision),
    );
}

/// `GET /test-idp/scim`
async fn show(client: Data<ScimClient>, idp: Data<TestIdp>) -> HttpResponse {
    let view = Provisioning { targets: client.targets(), users: &idp.users, chosen: None, outcome: None };
    page(StatusCode::OK, PagePolicy::SameOriginForms, view.view())
}

/// `POST /test-idp/scim`: runs the chosen operation and shows its requests and responses.
async fn provision(client: Data<ScimClient>, idp: Data<TestIdp>, body: Bytes) -> HttpResponse {
    let fields = Fields::parse(&body);
    match read(&fields, &client, &idp) {
        Ok(wish) => {
            let (target, style, action) = wish;
            let exchanges = client.run(target, style, action, &idp.users).await;
            let outcome = Outcome { target, exchanges: &exchanges };
            let view = Provisioning {
                targets: client.targets(),
                users: &idp.users,
                chosen: Some((&target.name, style)),
                outcome: Some(outcome),
            };
            page(StatusCode::OK, PagePolicy::SameOriginForms, view.view())
        }
        Err(error) => page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, refused(&error.to_string())),
    }
}

type Wish<'a> = (&'a super::ScimTarget, Style, Action<'a>);

fn read<'a>(fields: &Fields, client: &'a ScimClient, idp: &'a TestIdp) -> Result<Wish<'a>, FormError> {
    let wanted = fields.one("directory")?.unwrap_or_default();
    let target = client.targets().iter().find(|t| t.name == wanted).ok_or(FormError::Unknown("directory"))?;
    let style = Style::named(fields.one("style")?.unwrap_or_default()).ok_or(FormError::Unknown("style"))?;
    let user = || {
        let email = fields.one("person")?.unwrap_or_default();
        idp.users.iter().find(|user| user.email == email).ok_or(FormError::Unknown("person"))
    };
    let action = match fields.one("action")?.unwrap_or_default() {
        "push" => Action::Push,
        "change" => Action::Change(user()?),
        "deactivate" => Action::Deactivate(user()?),
        "reactivate" => Action::Reactivate(user()?),
        "delete" => Action::Delete(user()?),
        _ => return Err(FormError::Unknown("action")),
    };
    Ok((target, style, action))
}
