//! Forms as a browser sends them: only those on a page.

use super::{
    Browser, TestApp,
    browser::{Answer, Form},
};

impl TestApp {
    /// A page; its status must be 200.
    pub async fn page(&self, browser: &Browser, path: &str) -> Answer {
        let answer = browser.get(&self.url(path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer
    }

    /// Presses the button of a page's form that goes to `action`, with these fields in it; the page must have
    /// such a form.
    pub async fn press(
        &self,
        browser: &Browser,
        page: &Answer,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form =
            form_to(page, action).unwrap_or_else(|| panic!("no form to {action} in {}", page.body));
        form.fields.retain(|(name, _)| ["form_token", "version", "seen"].contains(&name.as_str()));
        assert!(form.field("form_token").is_some(), "a form without its token: {}", page.body);
        form.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        browser.submit(page, &form).await
    }
}

/// The page's form that goes to `action`.
pub fn form_to(page: &Answer, action: &str) -> Option<Form> {
    let wanted = format!("action=\"{action}\"");
    let html = page.body.split("<form").skip(1).find(|form| {
        form.split_once('>').is_some_and(|(start, _)| start.contains("post") && start.contains(&wanted))
    })?;
    let single = Answer { body: format!("<form{html}"), ..page.clone() };
    Some(single.form())
}
