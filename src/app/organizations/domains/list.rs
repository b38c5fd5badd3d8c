//! The list of an organization's domains, as the vendor sets it.

use std::collections::BTreeMap;

use model::{
    domain::{Domain, DomainState},
    organization::OrganizationDomain,
};

use crate::app::{Error, Result, input};

/// The maximum number of domains of an organization.
pub(in crate::app) const MAX_DOMAINS: usize = 1000;

/// The domains of an organization after the vendor has set the list of domains in effect.
///
/// Named domains become `whitelisted`; a `verified` one stays verified. Of the others, those in effect are
/// removed, and pending or failed ones are kept: they are not in the list that the vendor reads and sends back.
pub(in crate::app) fn set_domains(
    current: &[OrganizationDomain],
    named: &[String],
    allow_free_mail: bool,
) -> Result<Vec<OrganizationDomain>> {
    const FIELD: &str = "domains";
    if named.len() > MAX_DOMAINS {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_DOMAINS}")));
    }
    let mut domains: BTreeMap<Domain, DomainState> =
        current.iter().filter(|d| !d.state.is_accepted()).map(|d| (d.domain.clone(), d.state)).collect();
    for text in named {
        let refused = |error| Error::invalid(FIELD, format!("{} {error}", input::quoted(text)));
        let domain = Domain::parse(text).map_err(refused)?;
        let known = current.iter().find(|d| d.domain == domain && d.state.is_accepted());
        let (domain, state) = match known {
            Some(known) => (domain, known.state),
            None => (domain.ensure_claimable(allow_free_mail).map_err(refused)?, DomainState::Whitelisted),
        };
        domains.insert(domain, state);
    }
    Ok(domains.into_iter().map(|(domain, state)| OrganizationDomain { domain, state }).collect())
}

/// The domains that are in effect in `after` and were not in `before`.
pub(in crate::app) fn newly_accepted(
    before: &[OrganizationDomain],
    after: &[OrganizationDomain],
) -> Vec<Domain> {
    let counted =
        |domain: &Domain| before.iter().any(|known| known.domain == *domain && known.state.is_accepted());
    let new = after.iter().filter(|known| known.state.is_accepted() && !counted(&known.domain));
    new.map(|known| known.domain.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str, state: DomainState) -> OrganizationDomain {
        OrganizationDomain { domain: Domain::parse(text).unwrap(), state }
    }

    fn set(current: &[OrganizationDomain], named: &[&str], free: bool) -> Result<Vec<OrganizationDomain>> {
        set_domains(current, &named.iter().map(ToString::to_string).collect::<Vec<_>>(), free)
    }

    #[test]
    fn domains_are_normalised_sorted_and_listed_once() {
        assert_eq!(
            set(&[], &["B.example", "bücher.example", "a.example", "b.EXAMPLE"], false).unwrap(),
            [
                domain("a.example", DomainState::Whitelisted),
                domain("b.example", DomainState::Whitelisted),
                domain("xn--bcher-kva.example", DomainState::Whitelisted),
            ]
        );
    }

    #[test]
    fn what_the_vendor_names_counts_and_what_waits_stays() {
        let current = [
            domain("asked.example", DomainState::Pending),
            domain("dropped.example", DomainState::Whitelisted),
            domain("proved.example", DomainState::Verified),
            domain("unproved.example", DomainState::Failed),
            domain("waiting.example", DomainState::Pending),
        ];
        assert_eq!(
            set(&current, &["proved.example", "asked.example"], false).unwrap(),
            [
                domain("asked.example", DomainState::Whitelisted),
                domain("proved.example", DomainState::Verified),
                domain("unproved.example", DomainState::Failed),
                domain("waiting.example", DomainState::Pending),
            ]
        );
        let left: Vec<_> = set(&current, &[], false).unwrap().into_iter().map(|d| d.state).collect();
        assert_eq!(left, [DomainState::Pending, DomainState::Failed, DomainState::Pending]);
    }

    #[test]
    fn nobody_is_given_everybodys_domain() {
        let says = |named: &[&str], free| set(&[], named, free).unwrap_err().to_string();
        assert_eq!(
            says(&["a.example", "co.uk"], true),
            r#"domains: "co.uk" is a public suffix, under which anybody can register names"#
        );
        assert!(says(&["GMAIL.com"], false).contains("allowFreeMail"));
        assert!(says(&["not a domain"], false).contains("is not a domain name"));
        assert!(says(&["a.example\0"], false).contains("is not a domain name"));
        let taken = set(&[], &["gmail.com"], true).unwrap();
        assert_eq!(set(&taken, &["gmail.com", "a.example"], false).unwrap().len(), 2, "it is there already");
        let many: Vec<String> = (0..=MAX_DOMAINS).map(|n| format!("d{n}.example")).collect();
        assert!(set_domains(&[], &many, false).is_err());
    }
}
