//! The console: where the vendor's people create, see, change and delete everything. One file a page, its
//! handler and its view side by side; each handler extracts, calls one function of `app`, and answers.

pub mod audit_events;
pub mod cookie;
pub mod environment;
mod environment_form;
pub mod environments;
pub mod flash;
pub mod here;
pub mod organization;
pub mod organization_delete;
pub mod organization_form;
pub mod organizations;
#[cfg(test)]
mod samples;
pub mod shell;
pub mod visitor;
mod words;

use actix_web::web::{self, ServiceConfig};

use crate::links::console as path;

/// Registers the console's routes. Addresses with fixed words come before those with an environment's id in
/// the same place.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::HOME).get(environments::list))
        .service(web::resource(path::NEW_ENVIRONMENT).get(environments::new).post(environments::create));
    environment_itself(config);
    customers(config);
}

fn customers(config: &mut ServiceConfig) {
    use organization_form as form;
    config
        .service(web::resource(path::ORGANIZATIONS).get(organizations::list))
        .service(web::resource(path::NEW_ORGANIZATION).get(form::new).post(form::create))
        .service(web::resource(path::ORGANIZATION).get(organization::show))
        .service(web::resource(path::EDIT_ORGANIZATION).get(form::edit).post(form::update))
        .service(
            web::resource(path::DELETE_ORGANIZATION)
                .get(organization_delete::confirm)
                .post(organization_delete::remove),
        );
}

fn environment_itself(config: &mut ServiceConfig) {
    config
        .service(web::resource(path::ENVIRONMENT).get(environment::show))
        .service(web::resource(path::EDIT_ENVIRONMENT).get(environment::edit).post(environment::update))
        .service(web::resource(path::DELETE_ENVIRONMENT).get(environment::confirm).post(environment::remove))
        .service(web::resource(path::AUDIT_EVENTS).get(audit_events::list))
        .service(web::resource(path::EXPORT_AUDIT_EVENTS).get(audit_events::export));
}
