//! The slug of an imported environment: SSOReady has none.

use base::id::EnvironmentId;
use model::environment::Slug;

use crate::{
    app::Result,
    store::{self, Transaction, ssoready::SourceEnvironment},
};

/// An unused slug from the environment's name, or from its id.
pub(super) async fn unused_slug(tx: &mut Transaction, theirs: &SourceEnvironment) -> Result<Slug> {
    for text in slug_candidates(theirs.display_name.as_deref().unwrap_or_default(), theirs.id) {
        if let Ok(slug) = Slug::parse(&text)
            && store::tenants::is_free(tx, theirs.id, &slug).await?
        {
            return Ok(slug);
        }
    }
    Err(crate::app::Error::internal("an id that is a slug already"))
}

/// Candidates for the slug of an environment, best first; the last one is made of its id.
fn slug_candidates(name: &str, id: EnvironmentId) -> Vec<String> {
    let mut base = String::new();
    for letter in name.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => base.push(letter),
            _ if base.ends_with('-') || base.is_empty() => {}
            _ => base.push('-'),
        }
    }
    base.truncate(40);
    let base = base.trim_end_matches('-').to_owned();
    let numbered = (2..10).map(|n| format!("{base}-{n}"));
    let own = id.to_string().replace('_', "-");
    std::iter::once(base.clone()).chain(numbered).filter(|_| !base.is_empty()).chain([own]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    #[test]
    fn slugs_come_from_the_name_and_are_always_some() {
        let id: EnvironmentId = Id::from_bits(36);
        assert_eq!(slug_candidates("Production (EU)", id)[..2], ["production-eu", "production-eu-2"]);
        for name in ["", "生産", "--", &"x".repeat(300), "Ünï côdé", "console"] {
            let all = slug_candidates(name, id);
            assert!(all.iter().any(|slug| Slug::parse(slug).is_ok()), "{name}");
            assert_eq!(all.last().unwrap(), "env-0000000000000000000000010");
        }
        assert!(Slug::parse(&slug_candidates("x", id)[9]).is_ok());
    }
}
