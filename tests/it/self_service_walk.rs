//! What people do for themselves before they sign in, in a browser, against the demo and its mailbox.

use serde_json::Value;

use crate::support::Demo;

#[test]
fn people_get_in_by_letters_in_a_browser() {
    let demo = Demo::start();
    let join = demo.said.split_whitespace().find(|word| word.contains("/console/join?")).expect("a link");
    let organization = &demo.said[demo.said.find("org_").unwrap()..][.."org_".len() + 25];
    let user = |arguments: &[&str]| {
        let usual = ["user", "create", "--environment", "demo-app", "--organization", organization, "--json"];
        let made = demo.run(&[&usual, arguments].concat());
        serde_json::from_str::<Value>(&made).unwrap()
    };
    let password = "violet kettle under snow";
    user(&["--email", "ada@post.example", "--display-name", "Ada Lovelace", "--password", password]);
    let new = user(&["--email", "hopper@post.example", "--display-name", "Grace Hopper"]);
    let activation = new["activationUrl"].as_str().expect("a link to activate");
    let issuer = activation.strip_prefix(&demo.address).unwrap().split("/sign-in").next().unwrap();
    let callback = format!("{}/demo", demo.address);
    let made = demo.run(&[
        "application",
        "create",
        "--environment",
        "demo-app",
        "--kind",
        "public",
        "--name",
        "Portal",
        "--redirect-uri",
        &callback,
        "--json",
    ]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let client = made["clientId"].as_str().expect("a client");
    demo.walk("tests/python/walk_self_service.py", &[join, organization, issuer, client, activation]);
}
