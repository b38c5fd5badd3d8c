//! What a login costs at the database.

use super::*;
use crate::{both, support::Backend};

both! {
    async fn a_login_runs_so_many_statements(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        // The signing key is cached, the person known.
        fixture.tokens().await;
        let browser = app.browser();
        let mut counts = Vec::new();
        let mut before = app.state.db.statements();
        let mut count = || {
            let now = app.state.db.statements();
            counts.push(now - before);
            before = now;
        };
        let request = Request::read(&browser.get(&fixture.authorize_url(&[])).await);
        count();
        let code = query(&fixture.answer(&browser, &request, "dana@acme.example").await.location(), "code").unwrap();
        count();
        let token = fixture.token(&code, &[]).await.json()["access_token"].as_str().unwrap().to_owned();
        count();
        assert_eq!(fixture.userinfo(&token).await.status, 200);
        count();
        // Authorization request, response, token, userinfo; PostgreSQL locks the client, the organization and the connection of the response.
        let expected = match app.backend {
            Backend::Sqlite => [4, 8, 4, 1],
            Backend::Postgres => [4, 9, 4, 1],
        };
        assert_eq!(counts, expected);
    }
}
