//! The console's pages of templates in a browser, against the demo.

use crate::support::Demo;

#[test]
fn somebody_new_makes_a_template_and_a_customer_from_it() {
    let demo = Demo::start();
    let join = demo.said.split_whitespace().find(|word| word.contains("/console/join?")).expect("a link");
    demo.walk("tests/python/walk_templates.py", &[join]);
}
