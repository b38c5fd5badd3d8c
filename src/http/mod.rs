//! HTTP in and out: routes, callers, wire types, and errors as each surface speaks them.
