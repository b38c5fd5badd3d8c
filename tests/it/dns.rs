//! DNS lookups against a name server of the tests.

use ostiary::app::outgoing::dns::{Dns, DnsError, TxtResolver as _};

use crate::support::dns::NameServer;

#[tokio::test]
async fn the_txt_records_of_a_name_are_found() {
    let server = NameServer::start().await;
    let dns = Dns::new(vec![server.address()]);
    server.publish("_ostiary.acme.example", &["ostiary-verification=abc", "v=spf1 -all"]);
    let mut found = dns.txt("_ostiary.acme.example").await.unwrap();
    found.sort();
    assert_eq!(found, ["ostiary-verification=abc", "v=spf1 -all"]);
    assert_eq!(
        dns.txt("_OSTIARY.acme.example.").await.unwrap().len(),
        2,
        "case and the last dot do not count"
    );
}

#[tokio::test]
async fn a_name_that_does_not_exist_has_no_records() {
    let server = NameServer::start().await;
    let dns = Dns::new(vec![server.address()]);
    assert_eq!(dns.txt("nobody.example").await, Ok(Vec::new()));
    server.publish("empty.example", &[]);
    assert_eq!(dns.txt("empty.example").await, Ok(Vec::new()));
    assert!(
        server.asked().iter().all(|name| name.ends_with(".example")),
        "no search list: {:?}",
        server.asked()
    );
}

#[tokio::test]
async fn a_record_published_a_moment_ago_is_seen() {
    let server = NameServer::start().await;
    let dns = Dns::new(vec![server.address()]);
    assert_eq!(dns.txt("acme.example").await, Ok(Vec::new()));
    server.publish("acme.example", &["one"]);
    assert_eq!(dns.txt("acme.example").await, Ok(vec!["one".to_owned()]));
    server.publish("acme.example", &["two"]);
    assert_eq!(dns.txt("acme.example").await, Ok(vec!["two".to_owned()]));
}

#[tokio::test]
async fn a_long_record_is_joined_and_an_answer_that_does_not_fit_comes_over_tcp() {
    let server = NameServer::start().await;
    let dns = Dns::new(vec![server.address()]);
    let long = "k".repeat(600);
    server.publish("long.example", &[&long]);
    assert_eq!(dns.txt("long.example").await, Ok(vec![long.clone()]));
    let many: Vec<String> = (0..10).map(|at| format!("{at}{long}")).collect();
    server.publish("many.example", &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(dns.txt("many.example").await.unwrap().len(), 10);
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let server = NameServer::start().await;
    let dns = Dns::new(vec![server.address()]);
    let huge = "h".repeat(3000);
    server.publish("huge.example", &[&huge, "small"]);
    assert_eq!(dns.txt("huge.example").await, Ok(vec!["small".to_owned()]));
    let many: Vec<String> = (0..300).map(|at| format!("record {at}")).collect();
    server.publish("many.example", &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(dns.txt("many.example").await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_failure_and_silence_are_not_taken_for_an_empty_answer() {
    let server = NameServer::start().await;
    let dns = Dns::new(vec![server.address()]);
    server.fail("broken.example");
    assert!(matches!(dns.txt("broken.example").await, Err(DnsError::Failed)));
    server.ignore("silent.example");
    assert_eq!(dns.txt("silent.example").await, Err(DnsError::TimedOut));
    let long = format!("{}.example", "x".repeat(64));
    assert_eq!(dns.txt(&long).await, Err(DnsError::InvalidName(long.clone())));
}
