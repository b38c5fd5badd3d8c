//! The list of an organization's domains, as the vendor sets it.

use std::collections::BTreeMap;

use model::domain::{Domain, DomainState};

use crate::app::{Error, Result, input};

/// The maximum number of domains of an organization.
pub(in crate::app) const MAX_DOMAINS: usize = 1000;

/// The domains of an organization after the vendor has set the list of domains in effect.
///
/// Named domains become `whitelisted`; a `verified` one stays verified. Of the others, those in effect are
/// removed, and pending or failed ones are kept: they are not in the list that the vendor reads and sends back.
pub(in crate::app) fn set_domains(
    current: &BTreeMap<Domain, DomainState>,
    named: &[String],
    allow_free_mail: bool,
) -> Result<BTreeMap<Domain, DomainState>> {
    const FIELD: &str = "domains";
    if named.len() > MAX_DOMAINS {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_DOMAINS}")));
    }
    let mut domains = current.clone();
    domains.retain(|_, state| !state.is_accepted());
    for text in named {
        let refused = |error| Error::invalid(FIELD, format!("{} {error}", input::quoted(text)));
        let domain = Domain::parse(text).map_err(refused)?;
        let (domain, state) = match current.get(&domain).filter(|state| state.is_accepted()) {
            Some(known) => (domain, *known),
            None => (domain.ensure_claimable(allow_free_mail).map_err(refused)?, DomainState::Whitelisted),
        };
        domains.insert(domain, state);
    }
    Ok(domains)
}

/// The domains that are in effect in `after` and were not in `before`.
pub(in crate::app) fn newly_accepted(
    before: &BTreeMap<Domain, DomainState>,
    after: &BTreeMap<Domain, DomainState>,
) -> Vec<Domain> {
    let counted = |domain: &Domain| before.get(domain).is_some_and(|state| state.is_accepted());
    let new = after.iter().filter(|(domain, state)| state.is_accepted() && !counted(domain));
    new.map(|(domain, _)| domain.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Domains = BTreeMap<Domain, DomainState>;

    fn domain(text: &str, state: DomainState) -> (Domain, DomainState) {
        (Domain::parse(text).unwrap(), state)
    }

    fn set(current: &Domains, named: &[&str], free: bool) -> Result<Domains> {
        set_domains(current, &named.iter().map(ToString::to_string).collect::<Vec<_>>(), free)
    }

    #[test]
    fn domains_are_normalised_and_listed_once() {
        assert_eq!(
            set(&Domains::new(), &["B.example", "bücher.example", "a.example", "b.EXAMPLE"], false).unwrap(),
            Domains::from([
                domain("a.example", DomainState::Whitelisted),
                domain("b.example", DomainState::Whitelisted),
                domain("xn--bcher-kva.example", DomainState::Whitelisted),
            ])
        );
    }

    #[test]
    fn what_the_vendor_names_counts_and_what_waits_stays() {
        let current = Domains::from([
            domain("asked.example", DomainState::Pending),
            domain("dropped.example", DomainState::Whitelisted),
            domain("proved.example", DomainState::Verified),
            domain("unproved.example", DomainState::Failed),
            domain("waiting.example", DomainState::Pending),
        ]);
        assert_eq!(
            set(&current, &["proved.example", "asked.example"], false).unwrap(),
            Domains::from([
                domain("asked.example", DomainState::Whitelisted),
                domain("proved.example", DomainState::Verified),
                domain("unproved.example", DomainState::Failed),
                domain("waiting.example", DomainState::Pending),
            ])
        );
        let left: Vec<_> = set(&current, &[], false).unwrap().into_values().collect();
        assert_eq!(left, [DomainState::Pending, DomainState::Failed, DomainState::Pending]);
    }

    #[test]
    fn nobody_is_given_everybodys_domain() {
        let says = |named: &[&str], free| set(&Domains::new(), named, free).unwrap_err().to_string();
        assert_eq!(
            says(&["a.example", "co.uk"], true),
            r#"domains: "co.uk" is a public suffix, under which anybody can register names"#
        );
        assert!(says(&["GMAIL.com"], false).contains("allowFreeMail"));
        assert!(says(&["not a domain"], false).contains("is not a domain name"));
        assert!(says(&["a.example\0"], false).contains("is not a domain name"));
        let taken = set(&Domains::new(), &["gmail.com"], true).unwrap();
        assert_eq!(set(&taken, &["gmail.com", "a.example"], false).unwrap().len(), 2, "it is there already");
        let many: Vec<String> = (0..=MAX_DOMAINS).map(|n| format!("d{n}.example")).collect();
        assert!(set_domains(&Domains::new(), &many, false).is_err());
    }
}
