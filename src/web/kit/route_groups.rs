//! Routes grouped by their segments, so that the search for one does not go through those of other subjects: actix-web tries
//! what is registered side by side one after the other, often by a regular expression.
//!
//! Routes that share a segment become a scope of actix-web. A scope that matched does not fall through to what stands behind
//! it. So fixed segments become scopes only where no variable segment stands beside them, and a variable segment comes after
//! all fixed ones; of one address the route that is found stays the one that was registered first. The root is an exception:
//! no variable first segment (an environment's slug) is ever a fixed one, since those are reserved.

use actix_web::{
    Resource, Scope,
    dev::{AppService, HttpServiceFactory},
    web::{self, ServiceConfig},
};

/// How many routes a scope has at the least. A scope costs each request below it about as much as the search through as many
/// routes.
const MIN_ROUTES: usize = 4;

/// A service to be registered.
struct Service(Box<dyn FnOnce(&mut AppService)>);

impl Service {
    fn new(service: impl HttpServiceFactory + 'static) -> Self {
        Self(Box::new(|config| service.register(config)))
    }
}

impl HttpServiceFactory for Service {
    fn register(self, config: &mut AppService) {
        (self.0)(config);
    }
}

/// A route or a scope, not registered yet.
pub(super) struct Entry {
    /// The part of its pattern that no group has.
    rest: &'static str,
    is_scope: bool,
    /// Builds it for a pattern.
    build: Box<dyn FnOnce(&'static str) -> Service>,
}

impl Entry {
    /// A resource.
    pub(super) fn resource<R: HttpServiceFactory + 'static>(
        pattern: &'static str,
        build: impl FnOnce(Resource) -> R + 'static,
    ) -> Self {
        let build = Box::new(|pattern| Service::new(build(web::resource(pattern))));
        Self { rest: pattern, is_scope: false, build }
    }

    /// A scope.
    pub(super) fn scope<R: HttpServiceFactory + 'static>(
        prefix: &'static str,
        build: impl FnOnce(Scope) -> R + 'static,
    ) -> Self {
        let build = Box::new(|prefix| Service::new(build(web::scope(prefix))));
        Self { rest: prefix, is_scope: true, build }
    }

    /// The first segment of the rest, with its slash.
    fn segment(&self) -> &'static str {
        let mut depth = 0;
        let end = self.rest.char_indices().find(|(at, char)| {
            match char {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            *char == '/' && *at > 0 && depth == 0
        });
        end.map_or(self.rest, |(at, _)| &self.rest[..at])
    }

    /// Whether the first segment can be that of a group.
    fn is_below_segment(&self) -> bool {
        let segment = self.segment();
        segment.len() > 1 && !segment.ends_with('*') && !(self.is_scope && segment == self.rest)
    }
}

/// What is registered side by side.
pub(super) struct Group(Vec<Node>);

enum Node {
    Route(Entry),
    Group(&'static str, Group),
}

impl Group {
    /// All routes, grouped.
    pub(super) fn root(entries: Vec<Entry>) -> Self {
        Self::new(entries, true)
    }

    /// Registers them.
    pub(super) fn register(self, config: &mut ServiceConfig) {
        for node in self.0 {
            config.service(node.service());
        }
    }

    fn new(entries: Vec<Entry>, is_root: bool) -> Self {
        if !is_root && entries.len() < MIN_ROUTES {
            return Self(entries.into_iter().map(Node::Route).collect());
        }
        let (variable, fixed): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.segment().contains('{'));
        let mut nodes: Vec<_> = if is_root || variable.is_empty() {
            by_segment(fixed)
                .into_iter()
                .flat_map(|(segment, entries)| of_segment(segment, entries))
                .collect()
        } else {
            fixed.into_iter().map(Node::Route).collect()
        };
        // Fixed segments exclude each other: what is found by comparing one text comes first.
        if is_root || variable.is_empty() {
            nodes.sort_by_key(|node| matches!(node, Node::Route(_)));
        }
        match variable.first().map(Entry::segment) {
            Some(segment) if variable.iter().all(|entry| entry.segment() == segment) => {
                nodes.extend(of_segment(segment, variable));
            }
            _ => nodes.extend(variable.into_iter().map(Node::Route)),
        }
        Self(nodes)
    }
}

impl Node {
    fn service(self) -> Service {
        match self {
            Self::Route(entry) => (entry.build)(entry.rest),
            Self::Group(prefix, group) => {
                let nodes = group.0.into_iter();
                Service::new(nodes.fold(web::scope(prefix), |scope, node| scope.service(node.service())))
            }
        }
    }
}

/// The entries by their first segment, in the order of the first of each.
fn by_segment(entries: Vec<Entry>) -> Vec<(&'static str, Vec<Entry>)> {
    let mut found: Vec<(&'static str, Vec<Entry>)> = Vec::new();
    for entry in entries {
        match found.iter_mut().find(|(segment, _)| *segment == entry.segment()) {
            Some((_, entries)) => entries.push(entry),
            None => found.push((entry.segment(), vec![entry])),
        }
    }
    found
}

/// The entries of one segment: a group, unless they are too few.
fn of_segment(segment: &'static str, entries: Vec<Entry>) -> Vec<Node> {
    if entries.len() < MIN_ROUTES || !entries.iter().all(Entry::is_below_segment) {
        return entries.into_iter().map(Node::Route).collect();
    }
    let below = entries.into_iter().map(|entry| Entry { rest: &entry.rest[segment.len()..], ..entry });
    vec![Node::Group(segment, Group::new(below.collect(), false))]
}

#[cfg(test)]
mod tests {
    use actix_web::HttpResponse;

    use super::*;

    /// The nodes, indented.
    fn shape(patterns: &[&'static str]) -> String {
        fn write(group: &Group, depth: usize, into: &mut String) {
            for node in &group.0 {
                let (text, below) = match node {
                    Node::Route(entry) => (entry.rest, None),
                    Node::Group(prefix, group) => (*prefix, Some(group)),
                };
                into.push_str(&format!("{}{text:?}\n", " ".repeat(depth * 2)));
                below.into_iter().for_each(|group| write(group, depth + 1, into));
            }
        }
        let resource = |pattern: &&'static str| {
            Entry::resource(pattern, |resource| resource.get(async || HttpResponse::Ok().finish()))
        };
        let mut text = String::new();
        write(&Group::root(patterns.iter().map(resource).collect()), 0, &mut text);
        text
    }

    #[test]
    fn routes_are_grouped_by_fixed_segments_and_then_by_the_only_variable_one() {
        let shape = shape(&[
            "/",
            "/{tenant}/a",
            "/{tenant}/b",
            "/{tenant}/c/{id}",
            "/{tenant}/d",
            "/healthz",
            "/console",
            "/console/{environment}/users",
            "/console/{environment}/users/{user}",
            "/console/{environment}/users/{user}/edit",
            "/console/{environment}/users/new",
            "/console/{environment}/keys",
            "/console/account",
            "/v1/oauth/token",
            "/v1/oauth/authorize",
            "/v1/{directory:scim_[^/]*}",
            "/v1/{id}/x",
        ]);
        insta::assert_snapshot!(shape, @r#"
        "/console"
          ""
          "/account"
          "/{environment}"
            "/users"
              ""
              "/new"
              "/{user}"
              "/{user}/edit"
            "/keys"
        "/v1"
          "/oauth/token"
          "/oauth/authorize"
          "/{directory:scim_[^/]*}"
          "/{id}/x"
        "/"
        "/healthz"
        "/{tenant}"
          "/a"
          "/b"
          "/c/{id}"
          "/d"
        "#);
    }
}
