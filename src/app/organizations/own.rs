//! Organizations as their own people write them: a name, a slug, and what is said of them.

use base::id::{EnvironmentId, OrganizationId};
use model::{
    entity_tag::EntityTags,
    organization::{Organization, OrganizationStatus},
    organization_reference::Handle,
};
use serde_json::{Map, Value};

use super::{fields, metadata, write};
use crate::{
    app::{
        Error, Result, State, input,
        principal::Principal,
        resource::{Edit, Resource as _},
        retry::retry_deadlocks,
    },
    store::{Transaction, organizations},
};

/// Words that are no slugs: they stand in paths.
const RESERVED: [&str; 7] = ["account", "admin", "api", "oauth", "root", "sign-in", "system"];

/// A new organization of their own.
#[derive(Debug, Clone, Copy)]
pub struct OwnOrganization<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its slug; `None`: one is made of the name.
    pub slug: Option<&'a Handle>,
    /// What is said of it.
    pub description: Option<&'a str>,
    /// The caller's own id for it.
    pub external_id: Option<&'a str>,
    /// What programs keep with it.
    pub metadata: Option<&'a Map<String, Value>>,
    /// The organization above it; the caller may put it there.
    pub parent: Option<&'a str>,
    /// The template of which it gets the settings.
    pub template: Option<&'a str>,
}

/// A slug: 2 to 64 lower-case letters, digits and hyphens, beginning with a letter or a digit.
pub fn parse_slug(text: &str) -> Result<Handle> {
    let refused = || {
        Error::invalid(
            "slug",
            "must be 2 to 64 lower-case letters, digits and hyphens, beginning with a letter or a digit",
        )
    };
    let good =
        text.len() >= 2 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !good {
        return Err(refused());
    }
    if RESERVED.contains(&text) {
        return Err(Error::invalid("slug", "is reserved"));
    }
    Handle::parse(text).map_err(|_| refused())
}

/// The slug that a name gives, without what letters of other scripts would be: `org` where nothing is left.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 48 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => "org".to_owned(),
        slug if slug.len() < 2 || RESERVED.contains(&slug) => format!("{slug}-org"),
        slug => slug.to_owned(),
    }
}

/// Makes one, for a caller who was authorised, and in the same transaction what `also` adds to it. [`Error::Conflict`] names `handle`
/// where another organization has the slug that the caller chose; one that is made of the name gets an ending instead.
pub async fn create(
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
    wanted: &OwnOrganization<'_>,
    also: impl AsyncFn(&mut Transaction, &Organization) -> Result<()>,
) -> Result<Organization> {
    let slug = match wanted.slug {
        Some(slug) => slug.clone(),
        None => free_slug(state, environment_id, wanted.name).await?,
    };
    let new = write::NewOrganization {
        parent: wanted.parent,
        template: wanted.template.filter(|template| !template.is_empty()),
        ..write::NewOrganization::default()
    };
    let apply = |organization: &mut Organization| {
        organization.name = Some(fields::name(wanted.name)?);
        organization.display_name = String::new();
        organization.handle = Some(slug.clone());
        if let Some(text) = wanted.description {
            organization.description = fields::description(text)?;
        }
        organization.external_id =
            input::optional_line("external_id", wanted.external_id.unwrap_or_default(), 500)?;
        metadata::set(organization, wanted.metadata, None)
    };
    write::create_in(state, principal, environment_id, &new, apply, also).await
}

/// A slug made of a name that nobody has: with an ending where somebody has it.
async fn free_slug(state: &State, environment_id: EnvironmentId, name: &str) -> Result<Handle> {
    let plain = slug_of(name);
    let mut conn = state.db.read().await?;
    let nobody = base::id::Id::from_bits(0);
    let parse = |text: &str| Handle::parse(text).map_err(|reason| Error::invalid("name", reason));
    let handle = parse(&plain)?;
    if !organizations::has_handle(&mut conn, environment_id, &handle, nobody).await? {
        return Ok(handle);
    }
    let ending = format!("{:032x}", state.random.bits());
    parse(&format!("{plain}-{}", ending.get(..8).unwrap_or_default()))
}

/// A slug for an organization that exists: the one that it has may be wider.
pub fn parse_new_slug(organization: &Organization, text: &str) -> Result<Handle> {
    match &organization.handle {
        Some(handle) if handle.as_str() == text => Ok(handle.clone()),
        _ => parse_slug(text),
    }
}

/// An organization as it is to be; `None` leaves a setting as it is.
#[derive(Debug)]
pub struct Replacement<'a> {
    /// Its name.
    pub wanted_name: &'a str,
    /// What is said of it.
    pub description: &'a str,
    /// What programs keep with it.
    pub metadata: &'a Map<String, Value>,
    /// Whether those who administer it need a second factor for that.
    pub require_admin_mfa: bool,
    /// Its handle.
    pub slug: Option<Handle>,
    /// The organization above it.
    pub parent: Option<OrganizationId>,
    /// Whether it may be used.
    pub status: Option<OrganizationStatus>,
    /// The vendor's id for it; empty for none.
    pub external_id: Option<&'a str>,
    /// Whether the caller may what its owner may.
    pub may_own: bool,
    /// Whether the caller may it in every organization.
    pub everywhere: bool,
}

impl Replacement<'_> {
    fn apply(&self, organization: &mut Organization) -> Result<()> {
        let before = organization.clone();
        // A name that the organization is shown by stays where it is.
        if self.wanted_name != before.shown_name() || before.name.is_some() {
            organization.name = Some(fields::name(self.wanted_name)?);
            organization.display_name = String::new();
        }
        organization.description = fields::description(self.description)?;
        organization.require_admin_mfa = self.require_admin_mfa;
        if before.metadata.to_map() != *self.metadata {
            metadata::set(organization, Some(self.metadata), None)?;
        }
        if let Some(slug) = &self.slug {
            organization.handle = Some(slug.clone());
        }
        if let Some(parent) = self.parent {
            organization.parent_id = parent;
        }
        organization.status = self.status.unwrap_or(before.status);
        if let Some(id) = self.external_id {
            organization.external_id = input::optional_line("external_id", id, 500)?;
        }
        if before.handle != organization.handle && !self.may_own {
            return Err(Error::Forbidden("only the owner of the organization changes its slug".into()));
        }
        let is_same = (before.status, before.parent_id, &before.external_id)
            == (organization.status, organization.parent_id, &organization.external_id);
        match is_same || self.everywhere {
            true => Ok(()),
            false => Err(Error::Forbidden(
                "only a tenant administrator or a service client changes status, parent_id and external_id"
                    .into(),
            )),
        }
    }
}

/// Replaces one, for a caller who was authorised, with what `also` adds to a change in its transaction.
pub async fn replace(
    state: &State,
    principal: &Principal,
    place: (EnvironmentId, OrganizationId),
    expected: Option<&EntityTags>,
    wanted: &Replacement<'_>,
    also: impl AsyncFn(&mut Transaction, &Organization) -> Result<()>,
) -> Result<Organization> {
    let rules = write::ChangeRules {
        // What is not a change of the tree's takes no lock of it; what is one is the vendor's.
        parent: None,
        shares: false,
        in_tree: wanted.everywhere && (wanted.parent.is_some() || wanted.status.is_some()),
        unique_name: write::UniqueName::No,
        below: None,
    };
    write::update_in(state, principal, place, expected, &rules, |row| wanted.apply(row), also).await
}

/// Removes one with what belongs to it, for a caller who was authorised, and in the same transaction what `also` does.
pub async fn remove(
    state: &State,
    principal: &Principal,
    (environment_id, id): (EnvironmentId, OrganizationId),
    expected: Option<&EntityTags>,
    also: impl AsyncFn(&mut Transaction, &Organization) -> Result<()>,
) -> Result<()> {
    Organization::check_change(state, principal, id).await?;
    retry_deadlocks(async || {
        let tx = state.db.write().await?;
        let mut edit = Edit::<Organization>::begin(tx, environment_id, id, expected).await?;
        Organization::end_use(&mut edit, state).await?;
        Organization::remove_related(&mut edit, state).await?;
        let organization = edit.before.clone();
        also(&mut edit.tx, &organization).await?;
        edit.remove(state, principal).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_what_a_name_has_of_it() {
        for (name, slug) in [
            ("Acme", "acme"),
            ("  ACME, Inc. ", "acme-inc"),
            ("Müller & Söhne", "m-ller-s-hne"),
            ("日本", "org"),
            ("x", "x-org"),
            ("root", "root-org"),
            ("---", "org"),
            ("a.b_c", "a-b-c"),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
            assert!(parse_slug(slug).is_ok(), "{slug}");
        }
        assert!(parse_slug(&slug_of(&"long ".repeat(99))).is_ok());
    }

    #[test]
    fn slugs_are_narrower_than_handles() {
        for good in ["ab", "a-", "7-eleven", &"a".repeat(64)] {
            assert!(parse_slug(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-ab", "Acme", "a.b", "a_b", "ä-b", "a b", "root", "oauth", &"a".repeat(65)] {
            assert!(parse_slug(bad).is_err(), "{bad}");
        }
    }
}
