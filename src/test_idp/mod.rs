//! The bundled identity provider for demonstrations and tests.
