//! The route table: every route and its surface, which decides the format of errors. Routes are registered through
//! [`Routes`], so that none is without a surface, and grouped by their segments (`route_groups`).

use std::{borrow::Cow, collections::HashMap};

use actix_web::{
    HttpMessage as _, HttpRequest, Resource, Scope,
    dev::{HttpServiceFactory, ResourceDef, ServiceRequest},
    guard,
    http::header::{self, HeaderMap},
    web::ServiceConfig,
};
use model::slug::RESERVED_SLUGS;

use super::{
    error::Area,
    route_groups::{Entry, Group},
};

/// The pattern of a path that matches no route.
const UNMATCHED: &str = "unmatched";

/// Whether the first segment of the path can be an environment: none of the words of other routes.
pub fn is_environment() -> impl guard::Guard {
    guard::fn_guard(|context| {
        let first = context.head().uri.path().trim_start_matches('/').split('/').next();
        !first.is_some_and(|first| RESERVED_SLUGS.contains(&first))
    })
}

/// A part of the URL space with one kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Surface {
    /// The REST API of SSOReady's SDKs.
    Ssoready,
    /// SecureAuth's APIs.
    Secureauth,
    /// WSO2's management APIs.
    Wso2,
    /// WSO2's SCIM server of the organizations' own users.
    Wso2Scim,
    /// SigID's API.
    Sigid,
    /// The SCIM server of a directory (RFC 7644).
    Scim,
    /// The OpenID provider.
    Oauth,
    /// The environments' issuers.
    Issuer,
    /// The SAML endpoints.
    Saml,
    /// The setup pages of customers' admins.
    Setup,
    /// The console.
    Console,
    /// Health checks and metrics.
    Health,
    /// Everything else: home, assets, documentation, the demo, unknown paths.
    #[default]
    Site,
}

/// The format of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// The REST API (`code`, `message`, `details`).
    Api,
    /// SecureAuth's APIs (`status_code`, `error`, `error_code`, `details`).
    Secureauth,
    /// WSO2's management APIs (`code`, `message`, `description`, `traceId`).
    Wso2,
    /// SigID's API (`error` with `code`, `message`, `details`, `request_id`).
    Sigid,
    /// OAuth clients (RFC 6749 §5.2: `error`, `error_description`).
    Oauth,
    /// Clients of the environments' issuers: as OAuth clients, with SecureAuth's additions.
    Issuer,
    /// SCIM clients (RFC 7644 §3.12).
    Scim,
    /// Browsers: an HTML page.
    Page,
}

impl Surface {
    /// The format of errors. The API and SCIM always use JSON; elsewhere `Accept: text/html` selects a page.
    pub fn error_format(self, headers: &HeaderMap) -> ErrorFormat {
        let accepts_html = || {
            let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
            accept.is_some_and(|accept| accept.contains("text/html"))
        };
        match self {
            Self::Ssoready => ErrorFormat::Api,
            Self::Secureauth => ErrorFormat::Secureauth,
            Self::Scim | Self::Wso2Scim => ErrorFormat::Scim,
            Self::Wso2 => ErrorFormat::Wso2,
            Self::Sigid => ErrorFormat::Sigid,
            _ if accepts_html() => ErrorFormat::Page,
            Self::Oauth => ErrorFormat::Oauth,
            Self::Issuer => ErrorFormat::Issuer,
            Self::Saml | Self::Setup | Self::Console | Self::Health | Self::Site => ErrorFormat::Api,
        }
    }

    /// Who reads its pages.
    pub fn area(self) -> Area<'static> {
        match self {
            Self::Console => Area::Console,
            Self::Setup => Area::Setup,
            _ => Area::Login,
        }
    }
}

/// The route of a request. It is among the request's extensions.
#[derive(Debug, Clone)]
pub struct MatchedRoute {
    /// The route's pattern; of an unknown path below a scope, the scope's prefix; of any other, `unmatched`.
    pub pattern: Cow<'static, str>,
    /// Its surface.
    pub surface: Surface,
}

impl MatchedRoute {
    /// The format of the errors of a request.
    pub fn error_format(request: &HttpRequest) -> ErrorFormat {
        let surface = request.extensions().get::<Self>().map_or(Surface::default(), |route| route.surface);
        surface.error_format(request.headers())
    }
}

/// Every route and its surface.
#[derive(Default)]
pub struct RouteTable {
    /// Every pattern, of a scope its prefix, as registered.
    patterns: Vec<(&'static str, Surface)>,
    routes: HashMap<&'static str, Surface>,
    scopes: Vec<(&'static str, ResourceDef, Surface)>,
    /// The literal beginnings of patterns, the longest first, for paths that match no route.
    prefixes: Vec<(&'static str, Surface)>,
    /// The bases of surfaces that have parameters, for paths that match no route.
    bases: Vec<(ResourceDef, Surface)>,
    /// The routes that begin with an environment, as prefixes of paths that match no route.
    environments: Vec<(ResourceDef, Surface)>,
}

/// Whether the first segment of a pattern is a parameter: the name of an environment, which no reserved word is.
fn begins_with_parameter(pattern: &str) -> bool {
    pattern.starts_with("/{")
}

fn begins_reserved(path: &str) -> bool {
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next());
    first.is_some_and(|first| RESERVED_SLUGS.contains(&first))
}

impl RouteTable {
    /// Registers with `config` what `register` names, and records it. Different calls for one table must not share a first
    /// segment: a group of routes that matched answers for everything below its segment.
    pub fn configure(&mut self, config: &mut ServiceConfig, register: impl FnOnce(&mut Routes<'_>)) {
        let mut entries = Vec::new();
        register(&mut Routes {
            config: &mut *config,
            entries: &mut entries,
            table: self,
            surface: Surface::default(),
        });
        Group::root(entries).register(config);
    }

    /// Every pattern with its surface, in the order of registration; of a scope, its prefix. For tests that walk all of them.
    pub fn patterns(&self) -> impl Iterator<Item = (&'static str, Surface)> {
        self.patterns.iter().copied()
    }

    /// The route of a request. actix walks through the groups of routes for it: once a request.
    pub fn find(&self, request: &ServiceRequest) -> MatchedRoute {
        let Some(pattern) = request.match_pattern() else { return self.unmatched(request.path()) };
        if begins_with_parameter(&pattern) && begins_reserved(request.path()) {
            return self.unmatched(request.path());
        }
        if let Some((pattern, surface)) = self.routes.get_key_value(pattern.as_str()) {
            return MatchedRoute { pattern: Cow::Borrowed(*pattern), surface: *surface };
        }
        // A route inside a scope: its pattern begins with the scope's.
        let scope = self.scopes.iter().find(|(prefix, ..)| pattern.starts_with(prefix));
        debug_assert!(scope.is_some(), "{pattern} is registered without a surface");
        MatchedRoute {
            surface: scope.map_or(Surface::default(), |(.., surface)| *surface),
            pattern: pattern.into(),
        }
    }

    /// What a path that matches no route belongs to: the scope above it, or the surface of its longest known prefix.
    fn unmatched(&self, path: &str) -> MatchedRoute {
        let scope = self.scopes.iter().find(|(_, definition, _)| definition.find_match(path).is_some());
        if let Some((prefix, _, surface)) = scope {
            return MatchedRoute { pattern: Cow::Borrowed(*prefix), surface: *surface };
        }
        let is_of = |base: &ResourceDef| {
            let of_environment = base.pattern().is_some_and(begins_with_parameter);
            base.find_match(path).is_some() && !(of_environment && begins_reserved(path))
        };
        let base = self.bases.iter().find(|(base, _)| is_of(base));
        if let Some((_, surface)) = base {
            return MatchedRoute { surface: *surface, pattern: Cow::Borrowed(UNMATCHED) };
        }
        let is_below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let known = self.prefixes.iter().find(|(prefix, _)| is_below(prefix)).map(|(_, surface)| *surface);
        let below_environment = || {
            let mut below = self.environments.iter().filter(|_| !begins_reserved(path));
            below.find(|(prefix, _)| prefix.find_match(path).is_some()).map(|(_, surface)| *surface)
        };
        MatchedRoute {
            surface: known.or_else(below_environment).unwrap_or_default(),
            pattern: Cow::Borrowed(UNMATCHED),
        }
    }

    fn add_route(&mut self, pattern: &'static str, surface: Surface) {
        self.patterns.push((pattern, surface));
        self.routes.insert(pattern, surface);
        if begins_with_parameter(pattern) {
            self.environments.push((ResourceDef::prefix(pattern), surface));
        }
        // Of `/v1/organizations/{id}`, everything below `/v1/organizations`.
        let literal = pattern.split('{').next().unwrap_or_default();
        self.add_prefix(literal.trim_end_matches('/'), surface);
    }

    /// The first surface that claims a prefix keeps it.
    fn add_prefix(&mut self, prefix: &'static str, surface: Surface) {
        if prefix.is_empty() || self.prefixes.iter().any(|(known, _)| *known == prefix) {
            return;
        }
        let at = self.prefixes.partition_point(|(known, _)| known.len() >= prefix.len());
        self.prefixes.insert(at, (prefix, surface));
    }
}

/// Registers routes with actix and records their surface. Routes outside a [`Self::surface`] belong to [`Surface::Site`].
pub struct Routes<'a> {
    config: &'a mut ServiceConfig,
    entries: &'a mut Vec<Entry>,
    table: &'a mut RouteTable,
    surface: Surface,
}

impl Routes<'_> {
    /// Registers the routes of a surface. Unknown paths below `base` belong to it too; an empty base claims none.
    pub fn surface(
        &mut self,
        surface: Surface,
        base: &'static str,
        configure: impl FnOnce(&mut Routes<'_>),
    ) -> &mut Self {
        self.table.add_prefix(base, surface);
        configure(&mut Routes {
            config: &mut *self.config,
            entries: &mut *self.entries,
            table: &mut *self.table,
            surface,
        });
        self
    }

    /// Unknown paths below these belong to the surface too.
    pub fn bases(&mut self, bases: &[&'static str]) -> &mut Self {
        let surface = self.surface;
        self.table.bases.extend(bases.iter().map(|base| (ResourceDef::prefix(*base), surface)));
        self
    }

    /// Registers one resource.
    pub fn resource<R: HttpServiceFactory + 'static>(
        &mut self,
        pattern: &'static str,
        build: impl FnOnce(Resource) -> R + 'static,
    ) -> &mut Self {
        self.table.add_route(pattern, self.surface);
        self.entries.push(Entry::resource(pattern, build));
        self
    }

    /// Registers a scope. Every path below `prefix` belongs to the surface, whether it is served or not.
    pub fn scope<R: HttpServiceFactory + 'static>(
        &mut self,
        prefix: &'static str,
        build: impl FnOnce(Scope) -> R + 'static,
    ) -> &mut Self {
        self.table.patterns.push((prefix, self.surface));
        self.table.scopes.push((prefix, ResourceDef::prefix(prefix), self.surface));
        self.entries.push(Entry::scope(prefix, build));
        self
    }

    /// Adds data for handlers.
    pub fn app_data<T: 'static>(&mut self, data: T) -> &mut Self {
        self.config.app_data(data);
        self
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, http::header::HeaderValue};

    use super::*;

    #[actix_web::test]
    async fn a_path_belongs_to_the_surface_of_its_route_or_of_its_longest_prefix() {
        async fn ok() -> HttpResponse {
            HttpResponse::Ok().finish()
        }
        let mut table = RouteTable::default();
        let _app = App::new().configure(|config| {
            table.configure(config, |routes| {
                routes
                    .surface(Surface::Console, "/console", |routes| {
                        routes.resource("/console/{environment}/users", |resource| resource.get(ok));
                    })
                    .surface(Surface::Saml, "/v1/saml", |routes| {
                        routes.resource("/v1/saml/{connection}/acs", |resource| resource.post(ok));
                    })
                    .surface(Surface::Oauth, "/v1/oauth", |routes| {
                        routes.resource("/v1/oauth/token", |resource| resource.post(ok));
                    })
                    .surface(Surface::Ssoready, "/v1", |routes| {
                        routes
                            .resource("/v1/saml/redirect", |resource| resource.post(ok))
                            .resource("/v1/organizations/{id}", |resource| resource.get(ok))
                            .resource("/v1/scim/users", |resource| resource.get(ok));
                    })
                    .surface(Surface::Scim, "/v1/scim", |routes| {
                        routes.scope("/v1/scim/{directory:scim_directory_[^/]*}", |scope| scope);
                    });
            });
        });
        let directory = "/v1/scim/{directory:scim_directory_[^/]*}";
        for (path, pattern, surface) in [
            ("/v1/organizations/x/y/z", UNMATCHED, Surface::Ssoready),
            ("/v1/organizationsx", UNMATCHED, Surface::Ssoready),
            ("/v1", UNMATCHED, Surface::Ssoready),
            ("/v10", UNMATCHED, Surface::Site),
            ("/v1/saml/redirect/x", UNMATCHED, Surface::Ssoready),
            ("/v1/saml/x/y", UNMATCHED, Surface::Saml),
            ("/v1/saml-x", UNMATCHED, Surface::Ssoready),
            ("/v1/oauth/nowhere", UNMATCHED, Surface::Oauth),
            ("/v1/scim/users/x/y", UNMATCHED, Surface::Ssoready),
            ("/v1/scim/scim_directory_1", directory, Surface::Scim),
            ("/v1/scim/scim_directory_1/x/y", directory, Surface::Scim),
            ("/v1/scim/x", UNMATCHED, Surface::Scim),
            ("/console", UNMATCHED, Surface::Console),
            ("/console/x/y/z", UNMATCHED, Surface::Console),
            ("/consolex", UNMATCHED, Surface::Site),
            ("/nowhere", UNMATCHED, Surface::Site),
        ] {
            let found = table.unmatched(path);
            assert_eq!((&*found.pattern, found.surface), (pattern, surface), "{path}");
        }
    }

    #[test]
    fn a_browser_gets_a_page_where_no_program_is_the_only_client() {
        let mut html = HeaderMap::new();
        html.insert(header::ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"));
        for (surface, for_browsers, for_programs) in [
            (Surface::Ssoready, ErrorFormat::Api, ErrorFormat::Api),
            (Surface::Secureauth, ErrorFormat::Secureauth, ErrorFormat::Secureauth),
            (Surface::Scim, ErrorFormat::Scim, ErrorFormat::Scim),
            (Surface::Wso2, ErrorFormat::Wso2, ErrorFormat::Wso2),
            (Surface::Sigid, ErrorFormat::Sigid, ErrorFormat::Sigid),
            (Surface::Wso2Scim, ErrorFormat::Scim, ErrorFormat::Scim),
            (Surface::Oauth, ErrorFormat::Page, ErrorFormat::Oauth),
            (Surface::Saml, ErrorFormat::Page, ErrorFormat::Api),
            (Surface::Console, ErrorFormat::Page, ErrorFormat::Api),
            (Surface::Site, ErrorFormat::Page, ErrorFormat::Api),
        ] {
            assert_eq!(surface.error_format(&html), for_browsers, "{surface:?}");
            assert_eq!(surface.error_format(&HeaderMap::new()), for_programs, "{surface:?}");
        }
    }
}
