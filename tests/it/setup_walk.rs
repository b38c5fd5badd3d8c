//! The setup pages in a browser, against the demo.

use serde_json::Value;

use crate::support::Demo;

#[test]
fn the_setup_wizard_works_in_a_browser_up_to_a_tested_connection_and_the_first_people() {
    let demo = Demo::start();
    let organization = &demo.said[demo.said.find("org_").unwrap()..][.."org_".len() + 25];
    let link = || {
        let made = demo.run(&["setup-link", "create", "--organization", organization, "--json"]);
        let made: Value = serde_json::from_str(&made).unwrap();
        made["url"].as_str().unwrap().to_owned()
    };
    demo.walk("tests/python/walk_setup.py", &[&link(), &link()]);
}
