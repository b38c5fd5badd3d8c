//! Every URL the service builds.
