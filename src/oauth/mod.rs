//! OAuth 2.0 and OpenID Connect as rules: requests, PKCE, keys, tokens, discovery. No HTTP, no I/O.
