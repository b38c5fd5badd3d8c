//! The endpoints of the environments' issuers in the OpenAPI document, by SecureAuth's paths.

use serde_json::{Value, json};

use crate::links::path;

/// The tag, and what it is.
pub const TAG: (&str, &str) = (
    "Issuers",
    "The authorization servers of an environment: `system` for service clients that administer, one of each organization, and \
     `root`. The token of a service client of `system` is what SecureAuth's APIs take.",
);

/// The name of the security scheme.
const SCHEME: &str = "clientSecret";

/// The described endpoints: the path and the method.
pub const ROUTES: &[(&str, &[&str])] = &[
    (path::WORKSPACE_TOKEN, &["post"]),
    (path::WORKSPACE_INTROSPECT, &["post"]),
    (path::WORKSPACE_REVOKE, &["post"]),
    (path::WORKSPACE_DISCOVERY, &["get"]),
    (path::WORKSPACE_JWKS, &["get"]),
];

/// Adds the operations, their schemas, the tag and the security scheme to a document.
pub fn add_to(document: &mut Value) {
    for (path, operation) in operations() {
        let method = if path.contains(".well-known") { "get" } else { "post" };
        document["paths"][path][method] = operation;
    }
    for (name, schema) in schemas() {
        document["components"]["schemas"][name] = schema;
    }
    document["components"]["securitySchemes"][SCHEME] = json!({
        "type": "http",
        "scheme": "basic",
        "description": "The client's id and secret, by HTTP Basic, or in the form as `client_id` and `client_secret`.",
    });
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.push(json!({ "name": TAG.0, "description": TAG.1 }));
    }
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn texts(about: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": about })
}

fn number(about: &str) -> Value {
    json!({ "type": "integer", "description": about })
}

fn parameters() -> Value {
    let of = |name: &str, about: &str| {
        let mut schema = json!({ "type": "string" });
        if name == "workspace" {
            schema["example"] = "system".into();
        }
        json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema })
    };
    json!([
        of("tenant", "The environment: its slug or its id."),
        of("workspace", "`system`, an organization, or `root`."),
    ])
}

fn answer(about: &str, schema: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "description": about, "content": { "application/json": { "schema": schema } } })
}

/// An endpoint that takes a form of an authenticated client.
fn form(id: &str, summary: &str, about: &str, fields: &[(&str, bool, Value)], good: Value) -> Value {
    let mut properties = json!({
        "client_id": { "type": "string", "description": "The client's id, unless it stands in the `Authorization` header.", "example": "$CLIENT_ID" },
        "client_secret": { "type": "string", "description": "The client's secret.", "example": "$CLIENT_SECRET" },
    });
    let mut required = Vec::new();
    for (name, is_required, schema) in fields {
        properties[*name] = schema.clone();
        required.extend(is_required.then_some(*name));
    }
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    json!({
        "tags": [TAG.0],
        "operationId": id,
        "summary": summary,
        "description": about,
        "security": [{ SCHEME: [] }],
        "parameters": parameters(),
        "requestBody": { "required": true, "content": { "application/x-www-form-urlencoded": { "schema": schema } } },
        "responses": {
            "200": good,
            "400": answer("The form is not right: `invalid_request`, `invalid_scope`, `unsupported_grant_type`, `unauthorized_client`.", "IssuerError"),
            "401": answer("The client is not authenticated: `invalid_client`.", "IssuerError"),
            "404": answer("There is no such environment, or no such workspace.", "IssuerError"),
            "429": answer("Too many wrong secrets: `temporarily_unavailable`, with `Retry-After`.", "IssuerError"),
        },
    })
}

/// A document that everybody reads.
fn document(id: &str, summary: &str, about: &str, good: Value) -> Value {
    json!({
        "tags": [TAG.0],
        "operationId": id,
        "summary": summary,
        "description": about,
        "security": [],
        "parameters": parameters(),
        "responses": {
            "200": good,
            "404": answer("There is no such environment, or no such workspace.", "IssuerError"),
        },
    })
}

fn operations() -> [(&'static str, Value); 5] {
    let token =
        || json!({ "type": "string", "description": "The access token.", "example": "$ACCESS_TOKEN" });
    [
        (
            path::WORKSPACE_TOKEN,
            form(
                "issuerToken",
                "Get an access token",
                "Client credentials (RFC 6749 §4.4) for programs; the code of a sign-in (§4.1.3) and a refresh token (§6) for \
                 applications. The access token is a JWT (RFC 9068), good for an hour.",
                &[
                    (
                        "grant_type",
                        true,
                        json!({
                            "type": "string",
                            "description": "`client_credentials`, `authorization_code` or `refresh_token`.",
                            "example": "client_credentials",
                        }),
                    ),
                    (
                        "scope",
                        false,
                        text(
                            "The scopes that are asked for, separated by spaces; absent: all that the client was given.",
                        ),
                    ),
                    ("code", false, text("Of a sign-in: the code.")),
                    ("redirect_uri", false, text("Of a sign-in: where the code was sent to.")),
                    (
                        "code_verifier",
                        false,
                        text("Of a sign-in: what its `code_challenge` was made from (RFC 7636)."),
                    ),
                    ("refresh_token", false, text("The refresh token.")),
                ],
                answer("The token.", "IssuerTokens"),
            ),
        ),
        (
            path::WORKSPACE_INTROSPECT,
            form(
                "issuerIntrospect",
                "Ask whether a token counts",
                "RFC 7662. A client of an organization's issuer learns of the tokens of that issuer; one of `system` of its own \
                 tokens, and with the scope `introspect_tokens` of every token of the environment. Of others it is told only \
                 that they do not count.",
                &[("token", true, token())],
                answer("What is known of it.", "IssuerIntrospection"),
            ),
        ),
        (
            path::WORKSPACE_REVOKE,
            form(
                "issuerRevoke",
                "Revoke a token",
                "RFC 7009. A client revokes its own tokens; one of `system` with the scope `revoke_tokens` every token of the \
                 environment. The answer is the same whether something was revoked or not.",
                &[("token", true, token())],
                json!({ "description": "Done." }),
            ),
        ),
        (
            path::WORKSPACE_DISCOVERY,
            document(
                "issuerMetadata",
                "Read the metadata of an issuer",
                "OpenID Connect Discovery 1.0 §4 and RFC 8414: the canonical URLs, whichever form of the names was called.",
                answer("The metadata.", "IssuerMetadata"),
            ),
        ),
        (
            path::WORKSPACE_JWKS,
            document(
                "issuerKeys",
                "Read the public keys of an issuer",
                "RFC 7517 §5: what its tokens are verified with.",
                answer("The keys.", "IssuerKeys"),
            ),
        ),
    ]
}

fn schemas() -> [(&'static str, Value); 5] {
    // What RFC 7662 and RFC 8414 leave open has more members.
    let object = |about: &str, properties: Value, required: &[&str], is_open: bool| {
        json!({
            "type": "object",
            "description": about,
            "properties": properties,
            "required": required,
            "additionalProperties": is_open,
        })
    };
    [
        (
            "IssuerTokens",
            object(
                "An access token.",
                json!({
                    "access_token": text("The access token."),
                    "expires_in": { "type": "integer", "description": "How many seconds it is good.", "example": 3600 },
                    "scope": { "type": "string", "description": "The scopes that it was given for.", "example": "manage_organizations" },
                    "token_type": { "type": "string", "description": "`Bearer`.", "example": "Bearer" },
                    "id_token": text("Of a sign-in: who signed in."),
                    "refresh_token": text("Of a sign-in, where the application may have one."),
                }),
                &["access_token", "expires_in", "scope", "token_type"],
                false,
            ),
        ),
        (
            "IssuerError",
            object(
                "An error (RFC 6749 §5.2), with SecureAuth's additions.",
                json!({
                    "error": { "type": "string", "description": "What is wrong, for programs.", "example": "invalid_client" },
                    "error_description": text("What is wrong, for people."),
                    "error_hint": text("Always empty."),
                    "cause": text("Always empty."),
                    "details": { "type": "object", "description": "Always empty." },
                    "status_code": { "type": "integer", "description": "The HTTP status.", "example": 401 },
                }),
                &["error", "error_description", "error_hint", "cause", "details", "status_code"],
                false,
            ),
        ),
        (
            "IssuerIntrospection",
            object(
                "What is known of a token; `active` alone of one that does not count, and of one that the client is not told of.",
                json!({
                    "active": { "type": "boolean", "description": "Whether it counts.", "example": true },
                    "token_type": text("`Bearer`."),
                    "iss": text("The issuer."),
                    "sub": text("The user; of a client's own token the client."),
                    "aud": text("What it is for."),
                    "exp": number("When it expires, in seconds since 1970."),
                    "iat": number("When it was issued."),
                    "jti": text("Its id."),
                    "client_id": text("The client that it was given to."),
                    "scope": text("The scopes, separated by spaces."),
                    "scp": texts("The same as a list."),
                    "tid": text("The environment."),
                    "aid": text("The workspace."),
                }),
                &["active"],
                true,
            ),
        ),
        (
            "IssuerMetadata",
            object(
                "The metadata of an issuer.",
                json!({
                    "issuer": text("The issuer, as in the `iss` of its tokens."),
                    "token_endpoint": text("Where tokens are got."),
                    "jwks_uri": text("Where the public keys are."),
                    "introspection_endpoint": text("Where is told whether a token counts."),
                    "revocation_endpoint": text("Where tokens are revoked."),
                    "response_types_supported": texts("What the authorization endpoint answers with, where there is one."),
                    "grant_types_supported": texts("What is exchanged for tokens."),
                    "token_endpoint_auth_methods_supported": texts("How clients authenticate."),
                    "scopes_supported": texts("The scopes that every client knows; only of `system`."),
                }),
                &[
                    "issuer",
                    "token_endpoint",
                    "jwks_uri",
                    "introspection_endpoint",
                    "revocation_endpoint",
                    "grant_types_supported",
                ],
                true,
            ),
        ),
        (
            "IssuerKeys",
            object(
                "A set of public keys.",
                json!({ "keys": {
                    "type": "array",
                    "description": "The keys (RFC 7517 §4).",
                    "items": { "type": "object", "additionalProperties": true },
                } }),
                &["keys"],
                false,
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_what_is_described() {
        let described: BTreeSet<&str> = operations().iter().map(|(path, _)| *path).collect();
        assert_eq!(described, ROUTES.iter().map(|(path, _)| *path).collect());
    }
}
