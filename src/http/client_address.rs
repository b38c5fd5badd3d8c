//! The client's address, resolved through trusted proxies.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;
use model::client_address::ClientAddress;

/// The address of the client that connects through `peer`. `X-Forwarded-For` is read from its end for as long as the
/// address that wrote the entry is a trusted proxy, so that clients cannot forge their address.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = parse_entry(entry.trim()) else { break };
        client = address.to_canonical();
    }
    ClientAddress(client)
}

/// An entry is an address; some proxies add a port: `192.0.2.1`, `192.0.2.1:4711`, `[::1]:4711`.
fn parse_entry(entry: &str) -> Option<IpAddr> {
    entry
        .parse()
        .ok()
        .or_else(|| entry.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(line).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.split_whitespace().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).0.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, trusted, expected) in [
            ("192.0.2.1", &["6.6.6.6"][..], "", "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.7"], "10.0.0.0/8", "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7"], "10.0.0.0/8", "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.0.0.2"], "10.0.0.0/8", "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7"], "10.0.0.0/8", "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7:50000"], "10.0.0.0/8", "198.51.100.7"),
            ("10.0.0.1", &["[2001:db8::1]:50000"], "10.0.0.0/8", "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "10.0.0.0/8", "2001:db8::1"),
            ("10.0.0.1", &["unknown"], "10.0.0.0/8", "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, garbage"], "10.0.0.0/8", "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.0/8", "10.0.0.1"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "10.0.0.0/8", "198.51.100.7"),
        ] {
            assert_eq!(client(peer, forwarded, trusted), expected, "{peer} {forwarded:?} {trusted}");
        }
    }
}
