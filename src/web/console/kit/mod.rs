//! What every page of the console uses: the session, forms, the shell with its navigation, messages.

pub mod caller;
pub mod context;
pub mod cookies;
pub mod delegate;
pub(in crate::web::console) mod durations;
pub mod error;
pub mod flash;
pub mod form;
pub(in crate::web::console) mod labels;
pub(in crate::web::console) mod own_rights;
pub(in crate::web::console) mod permission_choices;
pub mod redirect;
pub mod resource;
pub(in crate::web::console) mod schema_editor;
pub mod session;
pub mod shell;
