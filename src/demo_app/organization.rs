//! The customers of the sample app.

/// One customer of the sample app.
#[derive(Debug, Clone)]
pub struct DemoOrganization {
    /// Its name.
    pub name: String,
    /// The e-mail domain of its users.
    pub domain: String,
    /// The app's own id of it, which the gateway knows.
    pub external_id: String,
}
