//! The addresses that may be connected to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
    time::Duration,
};

use ipnet::IpNet;
use url::{Host, Url};

use super::error::HttpClientError;

/// Checks a URL as far as possible without resolving its host name.
pub fn check(allow_private_targets: bool, url: &Url) -> Result<(), HttpClientError> {
    TargetPolicy::new(allow_private_targets).check(url)
}

/// How long the addresses of a host are looked up to see whether they are public.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a host has addresses, and all of them are public.
pub(super) async fn is_public_host(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => {
            let lookup = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((name, 0)));
            let Ok(Ok(found)) = lookup.await else { return false };
            let found: Vec<_> = found.collect();
            !found.is_empty() && found.iter().all(|address| is_public(address.ip()))
        }
    }
}

/// The addresses that may be connected to: public ones, and exceptions.
#[derive(Debug)]
pub(super) struct TargetPolicy {
    /// Networks that are allowed although they are not public.
    pub(super) exceptions: Vec<IpNet>,
}

impl TargetPolicy {
    /// Public addresses only, or also private ones.
    pub(super) fn new(allow_private: bool) -> Self {
        let everything = [IpNet::from(ipnet::Ipv4Net::default()), IpNet::from(ipnet::Ipv6Net::default())];
        Self { exceptions: if allow_private { everything.to_vec() } else { Vec::new() } }
    }

    /// Why an address is refused, if it is.
    pub(super) fn refusal(&self, address: IpAddr) -> Option<TargetRefusal> {
        if is_forbidden(address) {
            return Some(TargetRefusal::Forbidden);
        }
        let allowed = is_public(address) || self.exceptions.iter().any(|net| net.contains(&address));
        (!allowed).then_some(TargetRefusal::Private)
    }

    /// Checks a URL as far as possible without resolving its host name.
    pub(super) fn check(&self, url: &Url) -> Result<(), HttpClientError> {
        let plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err(HttpClientError::InvalidUrl);
        }
        let address = match url.host() {
            None => return Err(HttpClientError::InvalidUrl),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        self.refusal(address).map_or(Ok(()), |refusal| Err(refusal.error(address.to_string())))
    }
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum TargetRefusal {
    /// It is not a public address.
    Private,
    /// It is one that no setting allows.
    Forbidden,
}

impl TargetRefusal {
    /// The error for `target`.
    pub(super) fn error(self, target: String) -> HttpClientError {
        match self {
            Self::Private => HttpClientError::PrivateTarget(target),
            Self::Forbidden => HttpClientError::ForbiddenTarget(target),
        }
    }
}

/// Special-purpose IPv4 networks (RFC 6890 and its registry), and Azure's 168.63.129.16, which is reachable only
/// inside of that cloud.
static NON_PUBLIC_V4: LazyLock<Vec<ipnet::Ipv4Net>> = LazyLock::new(|| {
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
    .map(|net| net.parse().expect("a literal network"))
    .to_vec()
});

/// Special-purpose networks within global unicast IPv6: protocol assignments with Teredo, documentation, 6to4.
static NON_PUBLIC_V6: LazyLock<Vec<ipnet::Ipv6Net>> = LazyLock::new(|| {
    ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]
        .map(|net| net.parse().expect("a literal network"))
        .to_vec()
});

/// Link-local IPv4 (RFC 3927) with the metadata services of most clouds, and those of Azure, Alibaba and Oracle.
static FORBIDDEN_V4: LazyLock<Vec<ipnet::Ipv4Net>> = LazyLock::new(|| {
    ["169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"]
        .map(|net| net.parse().expect("a literal network"))
        .to_vec()
});

/// Link-local IPv6 (RFC 4291 §2.5.6), and the metadata services of Amazon, Google and Scaleway.
static FORBIDDEN_V6: LazyLock<Vec<ipnet::Ipv6Net>> = LazyLock::new(|| {
    ["fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"]
        .map(|net| net.parse().expect("a literal network"))
        .to_vec()
});

/// Whether an address is refused whatever the settings: itself, or an IPv4 address embedded in it in any form.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    let forbidden_v4 = |address: &Ipv4Addr| FORBIDDEN_V4.iter().any(|net| net.contains(address));
    match address {
        IpAddr::V4(address) => forbidden_v4(&address),
        IpAddr::V6(address) => {
            FORBIDDEN_V6.iter().any(|net| net.contains(&address))
                || embedded_v4_any(address).iter().flatten().any(forbidden_v4)
        }
    }
}

/// Every IPv4 address that may be embedded in an IPv6 one: mapped and compatible (RFC 4291 §2.5.5), translated
/// (RFC 6052 §2.1, RFC 8215, RFC 2765 §2.1), 6to4 (RFC 3056 §2), Teredo (RFC 4380 §4), ISATAP (RFC 5214 §6.1).
fn embedded_v4_any(address: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let segments = address.segments();
    let at = |index: usize, flip: u16| {
        let (high, low) = (segments[index] ^ flip, segments[index + 1] ^ flip);
        Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
    };
    let translated = matches!(
        segments,
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, ..]
    );
    let isatap = matches!(segments, [_, _, _, _, 0 | 0x0200, 0x5efe, ..]);
    [
        (translated || isatap).then(|| at(6, 0)),
        (segments[0] == 0x2002).then(|| at(1, 0)),
        (segments[..2] == [0x2001, 0]).then(|| at(6, 0xffff)),
        // RFC 8215's prefix has 48 bits: RFC 6052 §2.2 puts the address around bits 64 to 71.
        (segments[..3] == [0x64, 0xff9b, 1]).then(|| {
            let [.., a, b] = segments[3].to_be_bytes();
            let ([_, c], [d, _]) = (segments[4].to_be_bytes(), segments[5].to_be_bytes());
            Ipv4Addr::new(a, b, c, d)
        }),
    ]
}

/// Whether an address is known to be public.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NON_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public(IpAddr::V4(inner)),
            None => {
                (address.segments()[0] & 0xe000) == 0x2000
                    && !NON_PUBLIC_V6.iter().any(|net| net.contains(&address))
            }
        },
    }
}

/// The IPv4 address that an IPv6 one represents: mapped (RFC 4291 §2.5.5.2), or with the well-known NAT64 prefix
/// (RFC 6052 §2.1), which DNS64 returns for every IPv4 host.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [a, b, 0, 0, 0, 0, high, low] = address.segments() else { return None };
    ((a, b) == (0x64, 0xff9b)).then(|| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_known() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
