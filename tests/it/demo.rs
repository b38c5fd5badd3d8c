//! `ostiary demo`, the built program: what it prints, and its pages in a browser.

use std::process::Command;

use crate::support::{Browser, Demo};

#[test]
fn the_demo_works_in_a_browser() {
    let demo = Demo::start();
    demo.walk("tests/python/walk_demo.py", &[]);
}

#[test]
fn the_console_works_in_a_browser_from_the_first_administrator_to_a_fixed_login() {
    let demo = Demo::start();
    let join = demo.said.split_whitespace().find(|word| word.contains("/console/join?")).expect("a link");
    demo.walk("tests/python/walk_console.py", &[join]);
}

#[test]
fn the_demo_pushes_people_like_okta_and_like_entra() {
    let demo = Demo::start();
    ostiary::server::block_on(async {
        let browser = Browser::new();
        let push = async |directory: &str, style: &str, action: &str, person: &str| {
            let fields = [("directory", directory), ("style", style), ("action", action), ("person", person)];
            let answer = browser.post(&format!("{}/test-idp/scim", demo.address), &fields).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.body.contains("Done"), "{directory} {style} {action}: {}", answer.body);
            assert!(!answer.body.contains("ssoready_scim_bearer_token_"));
            answer.body
        };
        let people = async || browser.get(&format!("{}/demo/people", demo.address)).await.body;
        assert!(!people().await.contains("ada@acme.example"));
        for (directory, style, person) in
            [("Acme", "okta", "ada@acme.example"), ("Globex", "entra", "alan@globex.example")]
        {
            let pushed = push(directory, style, "push", "").await;
            assert!(!pushed.contains("mallory@"), "only the customer's own people are pushed");
            let row = async || {
                let page = people().await;
                let at = page.find(person).unwrap_or_else(|| panic!("{person} is not in {page}"));
                page[at..].split("</tr>").next().unwrap().to_owned()
            };
            assert!(row().await.contains("yes"));
            push(directory, style, "change", person).await;
            assert!(row().await.to_lowercase().contains("engineer") || row().await.contains("Fellow"));
            push(directory, style, "deactivate", person).await;
            assert!(row().await.contains("no</span>"), "{}", row().await);
            push(directory, style, "reactivate", person).await;
            assert!(row().await.contains("yes"));
            // Pushed again, every user is found and updated.
            push(directory, style, "push", "").await;
            push(directory, style, "delete", person).await;
            assert!(row().await.contains("no</span>"));
        }
    });
}

#[test]
fn the_demo_says_what_it_made_and_where_to_look() {
    let demo = Demo::start();
    for told in [
        "/demo",
        "/test-idp",
        "/test-idp/scim",
        "/v1/scim/scim_directory_",
        "ssoready_sk_",
        "saml_oauth_client_",
        "acme.example",
        "globex.example",
        "curl ",
    ] {
        assert!(demo.said.contains(told), "{told} is not in: {}", demo.said);
    }
    // The command it prints works as it stands.
    let command = demo.said.split("curl ").nth(1).unwrap().split("\n\n").next().unwrap();
    let script = format!("curl --silent --show-error --fail-with-body {command}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    assert!(answer["redirectUrl"].as_str().is_some_and(|url| url.starts_with(&demo.address)), "{answer}");
}
