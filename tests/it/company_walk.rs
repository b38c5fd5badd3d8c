//! Signing in through the identity provider of one's company, in a browser, against the demo.

use serde_json::Value;

use crate::support::Demo;

#[test]
fn people_sign_in_through_their_company_in_a_browser() {
    let demo = Demo::start();
    let json = |arguments: &[&str]| -> Value { serde_json::from_str(&demo.run(arguments)).unwrap() };
    let listed = demo.run(&["organization", "list", "--environment", "demo-app", "--json"]);
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| {
        let found = listed.iter().find(|organization| organization["displayName"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {listed:?}"))["id"].as_str().unwrap().to_owned()
    };
    let (acme, globex) = (of("Acme"), of("Globex"));
    demo.run(&[
        "organization",
        "update",
        &globex,
        "--domain",
        "globex.example",
        "--domain",
        "acme.example",
        "--share-domain",
    ]);
    let application = json(&[
        "application",
        "create",
        "--environment",
        "demo-app",
        "--kind",
        "public",
        "--name",
        "Portal",
        "--redirect-uri",
        &format!("{}/demo", demo.address),
        "--json",
    ]);
    demo.walk("tests/python/walk_company.py", &[&acme, application["clientId"].as_str().unwrap()]);
}
