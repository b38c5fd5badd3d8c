//! The time to find the route of a request: with the routes of the server, and with many more pages of the console, which must
//! not matter to logins.
//!
//! `cargo bench --bench routes`

use std::rc::Rc;

use actix_web::{
    App, HttpResponse,
    dev::{Service, ServiceResponse},
    http::Method,
    test::{self, TestRequest},
    web,
};
use divan::{Bencher, black_box};
use futures_util::FutureExt as _;
use ostiary::{
    http::routes,
    web::kit::routing::{RouteTable, Routes, Surface},
};

const SAML: &str = "/v1/saml/saml_conn_3zxfk1cupvr4f9o4t1k0l8i0h/acs";
const OAUTH: &str = "/v1/oauth/userinfo";
const SCIM: &str = "/v1/scim/scim_directory_3zxfk1cupvr4f9o4t1k0l8i0h/Users/u";
const API: &str = "/v1/webhooks/webhook_3zxfk1cupvr4f9o4t1k0l8i0h";
const CONSOLE: &str = "/console/env_3zxfk1cupvr4f9o4t1k0l8i0h/events";

fn main() {
    divan::main();
}

/// The routes of the server, and `more` pages of the console before them.
fn register(routes: &mut Routes<'_>, more: usize) {
    routes.surface(Surface::Console, "/console", |routes| {
        for number in 0..more {
            let pattern: &'static str = format!("/console/{{environment}}/more-{number}/{{id}}").leak();
            routes.resource(pattern, |resource| resource.get(async || HttpResponse::Ok().finish()));
        }
    });
    routes::register(routes);
}

fn runtime() -> actix_web::rt::Runtime {
    actix_web::rt::Runtime::new().expect("a runtime")
}

/// As the middleware asks: the pattern and the surface.
#[divan::bench(args = [SAML, OAUTH, SCIM, API, CONSOLE], consts = [0, 300])]
fn pattern<const MORE: usize>(bencher: Bencher<'_, '_>, address: &str) {
    let runtime = runtime();
    let mut table = RouteTable::default();
    let app = App::new().configure(|config| table.configure(config, |routes| register(routes, MORE)));
    let table = Rc::new(table);
    let service = runtime.block_on(test::init_service(app.wrap_fn(move |request, _| {
        black_box(table.find(&request));
        async move { Ok::<_, actix_web::Error>(request.into_response(HttpResponse::Ok().finish())) }
    })));
    bench(bencher, &service, address, &Method::GET);
}

/// As actix-web asks: the way to the handler, where none accepts the method. A directory's handlers ask for the database.
#[divan::bench(args = [SAML, OAUTH, API, CONSOLE], consts = [0, 300])]
fn handler<const MORE: usize>(bencher: Bencher<'_, '_>, address: &str) {
    let runtime = runtime();
    let mut table = RouteTable::default();
    let app = App::new()
        .configure(|config| table.configure(config, |routes| register(routes, MORE)))
        .default_service(web::to(async || HttpResponse::NotFound().finish()));
    let service = runtime.block_on(test::init_service(app));
    bench(bencher, &service, address, &Method::TRACE);
}

fn bench<S, B>(bencher: Bencher<'_, '_>, service: &S, address: &str, method: &Method)
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    bencher
        .with_inputs(|| TestRequest::with_uri(address).method(method.clone()).to_request())
        .bench_local_values(|request| {
            let answer =
                service.call(request).now_or_never().expect("an answer at once").expect("a response");
            let status = answer.status().as_u16();
            assert!([200, 405].contains(&status), "{address}: {status}");
        });
}
