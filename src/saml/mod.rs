//! SAML 2.0 as functions from bytes and a time to a verdict. No I/O.
