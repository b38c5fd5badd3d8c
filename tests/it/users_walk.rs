//! The console's pages of users in a browser, against the demo.

use serde_json::Value;

use crate::support::Demo;

#[test]
fn support_helps_users_in_a_browser() {
    let demo = Demo::start();
    let join = demo.said.split_whitespace().find(|word| word.contains("/console/join?")).expect("a link");
    let organization = &demo.said[demo.said.find("org_").unwrap()..][.."org_".len() + 25];
    // Somebody with an app and a session, as they come to be without the console.
    let made = demo.run(&[
        "user",
        "create",
        "--environment",
        "demo-app",
        "--organization",
        organization,
        "--email",
        "ada@acme.example",
        "--display-name",
        "Ada Lovelace",
        "--password",
        "violet kettle under snow",
        "--totp",
        "--json",
    ]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let user = made["id"].as_str().unwrap();
    demo.run(&["session", "create", "--environment", "demo-app", "--user", user, "--json"]);
    demo.walk("tests/python/walk_users.py", &[join, organization, user]);
}
