//! An administrator's browser in the console of one environment.

use model::{administrator::Role, environment::Environment};
use reqwest::{Method, header};

use super::{Answer, Browser, TestApp};

/// A browser in which an administrator is signed in, and an environment.
pub struct Console<'a> {
    app: &'a TestApp,
    pub browser: Browser,
    pub environment: Environment,
    /// The hidden field that forms need.
    token: String,
}

impl TestApp {
    /// A new administrator with this role in the environment, signed in.
    pub async fn console(&self, role: Role, environment: &Environment) -> Console<'_> {
        let browser = self.administrator(role, Some(environment)).await;
        let home = browser.get(&self.url("/console")).await;
        assert_eq!(home.status, 200, "{}", home.body);
        let token = home.input("form_token").expect("a form of ours");
        Console { app: self, browser, environment: environment.clone(), token }
    }
}

impl Console<'_> {
    /// The address of a page: below `/console/{environment}` where it does not begin with `/console`.
    pub fn url(&self, path: &str) -> String {
        match path.starts_with("/console") {
            true => self.app.url(path),
            false => self.app.url(&format!("/console/{}{path}", self.environment.id)),
        }
    }

    /// A page, whatever its status.
    pub async fn get(&self, path: &str) -> Answer {
        self.browser.get(&self.url(path)).await
    }

    /// A page that must be there.
    pub async fn page(&self, path: &str) -> Answer {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer
    }

    /// Sends a form. The form of a resource that exists is loaded first, unless `fields` have its version, and its
    /// hidden fields are sent along, as a browser does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let seen = self.seen_unless_given(path, fields).await;
        let mut all = vec![("form_token", self.token.as_str())];
        all.extend(seen.iter().map(|(name, value)| (*name, value.as_str())));
        all.extend_from_slice(fields);
        self.browser.post(&self.url(path), &all).await
    }

    async fn seen_unless_given(&self, path: &str, fields: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let edits = ["/edit", "/rotate", "/branding"].iter().any(|end| path.ends_with(end));
        match edits && !fields.iter().any(|(name, _)| *name == "version") {
            true => self.seen(path).await,
            false => Vec::new(),
        }
    }

    /// The hidden fields of an edit form: the version and the values that it is filled from.
    pub async fn seen(&self, path: &str) -> Vec<(&'static str, String)> {
        seen_in(&self.get(path).await, path)
    }

    /// Sends a form that must be accepted, and follows its redirect.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        let page = self.browser.get(answer.location().as_str()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Sends a form with a file, otherwise as [`Console::post`].
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Answer {
        let mut body = Vec::new();
        let seen = self.seen_unless_given(path, fields).await;
        let seen = seen.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in seen.chain([("form_token", self.token.as_str())]).chain(fields.iter().copied()) {
            let part = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let (name, file_name, bytes) = file;
        let head = format!(
            "--X\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--X--\r\n");
        let request = self.browser.request(Method::POST, &self.url(path));
        let request = request.header(header::ACCEPT, "text/html");
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=X");
        self.browser.send(request.body(body)).await
    }
}

impl Answer {
    /// The value of the first input of this name.
    pub fn input(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\""))?;
        let (input, _) = rest.split_once('>')?;
        let (_, value) = input.split_once("value=\"")?;
        value.split_once('"').map(|(value, _)| value.to_owned())
    }

    /// The value of an attribute, found by the text before it.
    pub fn attribute(&self, before: &str) -> String {
        let (_, rest) =
            self.body.split_once(&format!("{before}=\"")).unwrap_or_else(|| panic!("no {before}"));
        rest.split_once('"').expect("its end").0.replace("&amp;", "&")
    }

    /// The text of the page: without tags, with entities resolved and spaces joined.
    pub fn text(&self) -> String {
        let main = self.body.split_once("<main").map_or(self.body.as_str(), |(_, main)| main);
        // One value in two elements, so that the first can be truncated.
        let main = main.replace("</span><span class=\"tail\">", "");
        let mut text = String::new();
        let mut inside = true;
        for letter in main.chars() {
            match letter {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    text.push(' ');
                }
                _ if !inside => text.push(letter),
                _ => {}
            }
        }
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Asserts that the page says this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        let said = self.text();
        assert!(said.contains(text), "{text:?} is not in {said:?}");
        self
    }

    /// Asserts that the page does not say this.
    #[track_caller]
    pub fn does_not_say(&self, text: &str) -> &Self {
        let said = self.text();
        assert!(!said.contains(text), "{text:?} is in {said:?}");
        self
    }

    /// The first id of this kind in the address that an answer redirects to, or in the page's own.
    pub fn id(&self, prefix: &str) -> String {
        let location = self.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let path = location.unwrap_or(self.url.path());
        let found = path.split('/').find(|segment| segment.starts_with(prefix));
        found.unwrap_or_else(|| panic!("no {prefix} in {path}")).to_owned()
    }

    /// The first complete id of this kind in the page.
    pub fn first_id(&self, prefix: &str) -> String {
        let ids = self.body.match_indices(prefix).map(|(at, _)| {
            let rest = self.body[at..].chars();
            rest.take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
        });
        let whole = ids.into_iter().find(|id| id.len() == prefix.len() + 25);
        whole.unwrap_or_else(|| panic!("no {prefix} in {}", self.body))
    }

    /// The secret that a page shows this once.
    pub fn secret(&self) -> String {
        let (_, rest) = self.body.split_once("<div class=\"secret\"><code>").expect("a secret");
        rest.split_once('<').expect("its end").0.to_owned()
    }
}

/// The hidden fields of the edit form on a page: the version and the values that it is filled from.
pub fn seen_in(page: &Answer, path: &str) -> Vec<(&'static str, String)> {
    let wanted = format!("{path}\"");
    let is_wanted = |form: &&str| form.split_once('>').is_some_and(|(start, _)| start.contains(&wanted));
    let Some(html) = page.body.split("<form").skip(1).find(is_wanted) else { return Vec::new() };
    let form = Answer { body: format!("<form{html}"), ..page.clone() }.form();
    let field =
        |wanted: &str| form.fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    ["version", "seen"].into_iter().filter_map(|name| Some((name, field(name)?))).collect()
}
