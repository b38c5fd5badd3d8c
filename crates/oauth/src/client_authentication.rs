//! How a client says who it is (RFC 6749 §2.3).

use crate::{Error, authorization_header, parameters::Parameters};

/// The client's id and secret as they were sent.
pub struct ClientAuthentication {
    /// Its id.
    pub id: String,
    /// Its secret; `None` of a client that sent only its id, as public clients do.
    pub secret: Option<String>,
}

impl ClientAuthentication {
    /// Reads the `Authorization` header and the form. A client authenticates with its secret in the body or with Basic, not
    /// with both. A `client_id` in the body besides Basic is allowed when it is the same.
    pub fn parse(authorization: Option<&str>, parameters: &Parameters) -> Result<Self, Error> {
        let id = parameters.get("client_id")?;
        let secret = parameters.get("client_secret")?;
        match (authorization, id, secret) {
            (Some(_), _, Some(_)) => Err(Error::TwoClientAuthentications),
            (Some(header), id, None) => {
                let (basic_id, basic_secret) = authorization_header::basic_credentials(header)?;
                if id.is_some_and(|id| id != basic_id) {
                    return Err(Error::TwoClientAuthentications);
                }
                Ok(Self { id: basic_id, secret: Some(basic_secret) })
            }
            (None, Some(id), secret) => Ok(Self { id: id.to_owned(), secret: secret.map(str::to_owned) }),
            (None, None, _) => Err(Error::NoClientAuthentication),
        }
    }
}
