//! Sends the requests of an operation and records every request and response.

use std::time::Duration;

use base::secret::ScimBearerToken;
use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use test_idp_protocol::parties::TestUser;

use super::emulated_idp::{self, EmulatedIdp};

/// The media type of SCIM (RFC 7644 §8.1).
const SCIM_JSON: &str = "application/scim+json";

/// The maximum length of a response that is shown, in characters.
const MAX_SHOWN_LENGTH: usize = 20_000;

/// A directory to provision.
pub struct ScimTarget {
    /// Its display name: the organization's.
    pub name: String,
    /// Its SCIM base URL, as its admin knows it.
    pub base_url: String,
    /// The base URL at which this server reaches it; usually the same.
    pub internal_base_url: String,
    /// Its bearer token.
    pub token: ScimBearerToken,
    /// The organization's domains: only users with addresses in them are provisioned.
    pub domains: Vec<String>,
}

impl ScimTarget {
    pub(super) fn has_domain_of(&self, user: &TestUser) -> bool {
        let domain = user.email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
}

/// The SCIM client. Put it into the server as `web::Data`, beside the test identity provider.
pub struct ScimClient {
    targets: Vec<ScimTarget>,
    http: Client,
}

/// An operation on a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimOperation<'a> {
    /// Creates or updates every user and group.
    Push,
    /// Changes a user's job title.
    Change(&'a TestUser),
    /// Deactivates a user.
    Deactivate(&'a TestUser),
    /// Reactivates a user.
    Reactivate(&'a TestUser),
    /// Deletes a user.
    Delete(&'a TestUser),
}

/// A request and its response, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimExchange {
    /// Its purpose.
    pub title: String,
    /// Method and path.
    pub line: String,
    /// The request body; empty when there was none.
    pub body: String,
    /// The response status; 0 when there was no response.
    pub status: u16,
    /// The response body.
    pub answer: String,
}

/// The state of a run.
struct ScimRun<'a> {
    client: &'a ScimClient,
    target: &'a ScimTarget,
    style: EmulatedIdp,
    exchanges: Vec<ScimExchange>,
}

/// Builds the request for one user, from its id, the stored resource and the test user.
type UserRequest = fn(&EmulatedIdp, &str, Value, &TestUser) -> emulated_idp::Request;

/// A response lacked what the next request needs; the last recorded exchange shows why.
struct Stopped;

impl ScimClient {
    /// A client for these directories.
    pub fn new(targets: Vec<ScimTarget>) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(Duration::from_secs(15))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { targets, http })
    }

    /// The directories that it provisions.
    pub fn targets(&self) -> &[ScimTarget] {
        &self.targets
    }

    /// Runs an operation on a directory in a provider's style, until it is done or a response stops it.
    pub async fn run(
        &self,
        target: &ScimTarget,
        style: EmulatedIdp,
        action: ScimOperation<'_>,
        users: &[TestUser],
    ) -> Vec<ScimExchange> {
        let mut run = ScimRun { client: self, target, style, exchanges: Vec::new() };
        let people: Vec<&TestUser> = users.iter().filter(|user| target.has_domain_of(user)).collect();
        // The last exchange shows why it stopped.
        let _ = run.perform(action, &people).await;
        run.exchanges
    }
}

impl ScimRun<'_> {
    async fn perform(&mut self, action: ScimOperation<'_>, people: &[&TestUser]) -> Result<(), Stopped> {
        let (user, write): (&TestUser, UserRequest) = match action {
            ScimOperation::Push => return self.push(people).await,
            ScimOperation::Change(user) => (user, EmulatedIdp::change),
            ScimOperation::Deactivate(user) => (user, EmulatedIdp::deactivate),
            ScimOperation::Reactivate(user) => (user, EmulatedIdp::reactivate),
            ScimOperation::Delete(user) => (user, EmulatedIdp::delete),
        };
        let found = self.look_up_user(user).await?;
        let Some(id) = found else {
            self.exchanges.push(ScimExchange {
                title: "There is nothing to change".to_owned(),
                line: format!("{} is not in the directory: push everything first", user.email),
                body: String::new(),
                status: 0,
                answer: String::new(),
            });
            return Err(Stopped);
        };
        let stored = match self.style {
            // Okta reads the whole user before it replaces it with PUT.
            EmulatedIdp::Okta => {
                self.send("Read the user", emulated_idp::Request::get(&format!("/Users/{id}"))).await?
            }
            EmulatedIdp::Entra => Value::Null,
        };
        let title = match action {
            ScimOperation::Push | ScimOperation::Change(_) => "Change the job title",
            ScimOperation::Deactivate(_) => "Deactivate the user",
            ScimOperation::Reactivate(_) => "Reactivate the user",
            ScimOperation::Delete(_) if self.style == EmulatedIdp::Okta => {
                "Deactivate the user: Okta never deletes one"
            }
            ScimOperation::Delete(_) => "Delete the user",
        };
        let request = write(&self.style, &id, stored, user);
        self.send(title, request).await.map(drop)
    }

    async fn push(&mut self, people: &[&TestUser]) -> Result<(), Stopped> {
        self.send("Test the connection", self.style.test_connection()).await?;
        let mut known = Vec::new();
        for user in people {
            let id = match self.look_up_user(user).await? {
                Some(id) => {
                    let stored = match self.style {
                        EmulatedIdp::Okta => {
                            self.send("Read the user", emulated_idp::Request::get(&format!("/Users/{id}")))
                                .await?
                        }
                        EmulatedIdp::Entra => Value::Null,
                    };
                    self.send("Update the user", self.style.update(&id, stored, user)).await?;
                    id
                }
                None => {
                    let made = self.send("Create the user", self.style.create(user)).await?;
                    made["id"].as_str().ok_or(Stopped)?.to_owned()
                }
            };
            known.push((*user, id));
        }
        let mut names: Vec<&String> = people.iter().flat_map(|user| &user.groups).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let found = self.send("Look the group up", self.style.find_group(name)).await?;
            let id = match found["Resources"][0]["id"].as_str() {
                Some(id) => id.to_owned(),
                None => {
                    let made = self.send("Create the group", self.style.create_group(name)).await?;
                    made["id"].as_str().ok_or(Stopped)?.to_owned()
                }
            };
            let members: Vec<(&TestUser, &str)> = known
                .iter()
                .filter(|(user, _)| user.groups.contains(name))
                .map(|(user, id)| (*user, id.as_str()))
                .collect();
            self.send("Set the members of the group", self.style.set_members(&id, &members)).await?;
        }
        Ok(())
    }

    async fn look_up_user(&mut self, user: &TestUser) -> Result<Option<String>, Stopped> {
        let found = self.send("Look the user up", self.style.find_user(user)).await?;
        Ok(found["Resources"][0]["id"].as_str().map(str::to_owned))
    }

    /// Sends a request and records it with its response.
    async fn send(&mut self, title: &str, request: emulated_idp::Request) -> Result<Value, Stopped> {
        let line = format!("{} {}{}", request.method, self.target.base_url, request.path);
        let body = request.body.as_ref().map(pretty).unwrap_or_default();
        let url = format!("{}{}", self.target.internal_base_url, request.path);
        let mut call = self
            .client
            .http
            .request(request.method.clone(), url)
            .bearer_auth(self.target.token.reveal())
            .header(header::USER_AGENT, self.style.user_agent())
            .header(header::ACCEPT, SCIM_JSON);
        if let Some(body) = &request.body {
            call = call.header(header::CONTENT_TYPE, self.style.content_type()).body(body.to_string());
        }
        let (status, text) = match call.send().await {
            Ok(response) => {
                (response.status().as_u16(), response.text().await.unwrap_or_else(|error| error.to_string()))
            }
            Err(error) => (0, format!("no answer: {error}")),
        };
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let answer = if value.is_null() { text } else { pretty(&value) };
        let answer = answer.chars().take(MAX_SHOWN_LENGTH).collect();
        self.exchanges.push(ScimExchange {
            title: title.to_owned(),
            line,
            body: hide_password(body),
            status,
            answer,
        });
        if (200..300).contains(&status) { Ok(value) } else { Err(Stopped) }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Masks the password: the page shows none, not even a generated one.
fn hide_password(body: String) -> String {
    match serde_json::from_str::<Value>(&body) {
        Ok(mut value) if value.get("password").is_some() => {
            value["password"] = json!("(not shown)");
            pretty(&value)
        }
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_people_are_pushed_is_decided_by_the_domain() {
        let target = ScimTarget {
            name: "Acme".into(),
            base_url: String::new(),
            internal_base_url: String::new(),
            token: "ssoready_scim_bearer_token_12vqjrnxk9xeov6o4f05pan0g".parse().unwrap(),
            domains: vec!["acme.example".into()],
        };
        let user = |email: &str| TestUser {
            email: email.into(),
            first_name: String::new(),
            last_name: String::new(),
            groups: Vec::new(),
        };
        assert!(target.has_domain_of(&user("ada@ACME.example")));
        for other in ["ada@globex.example", "ada@x.acme.example", "acme.example"] {
            assert!(!target.has_domain_of(&user(other)), "{other}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        assert!(!hide_password(r#"{"password":"S3cret"}"#.into()).contains("S3cret"));
        assert_eq!(hide_password("{}".into()), "{}");
    }
}
