//! The console's pages of identity pools and schemas in a browser, against the demo.

use crate::support::Demo;

#[test]
fn pools_and_schemas_are_made_in_a_browser() {
    let demo = Demo::start();
    let join = demo.said.split_whitespace().find(|word| word.contains("/console/join?")).expect("a link");
    let organization = &demo.said[demo.said.find("org_").unwrap()..][.."org_".len() + 25];
    demo.walk("tests/python/walk_pools.py", &[join, organization]);
}
