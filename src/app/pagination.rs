//! Pagination with page tokens.
//!
//! A token contains the id of the first item of the next page and a MAC for its list and environment, so it cannot
//! be forged or used for another list. It is URL-safe, because not every SDK escapes it.

use base::id::{EnvironmentId, Id, IdKind};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use super::{Error, Result, State};

/// The default page size, as in SSOReady.
pub const DEFAULT_SIZE: i64 = 10;

/// The maximum page size.
pub const MAX_SIZE: i64 = 100;

/// The field name of the token in errors.
pub const TOKEN_FIELD: &str = "page_token";

/// The list that a token is for, with its environment: `organizations`, `saml_connections/org_…`.
#[derive(Debug, Clone)]
pub struct List(String);

impl List {
    /// The list called `name` of an environment.
    pub fn of(environment: EnvironmentId, name: impl std::fmt::Display) -> Self {
        Self(format!("{environment}/{name}"))
    }
}

/// The pagination parameters of a request, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct PageQuery {
    /// The token from an earlier response.
    pub token: Option<String>,
    /// The page size.
    pub size: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The token of the next page; empty on the last one.
    pub next_token: String,
}

/// The validated pagination parameters of a request.
pub struct PageRequest<K> {
    /// The id of the first item.
    pub from: Option<Id<K>>,
    size: i64,
}

impl<K: IdKind> PageRequest<K> {
    /// Parses the parameters of a request.
    pub fn parse(state: &State, list: &List, query: &PageQuery) -> Result<Self> {
        let size = match &query.size {
            None => DEFAULT_SIZE,
            Some(text) => {
                text.parse().ok().filter(|size| (1..=MAX_SIZE).contains(size)).ok_or_else(|| {
                    Error::invalid("page_size", format!("must be a number from 1 to {MAX_SIZE}"))
                })?
            }
        };
        let from = query.token.as_deref().map(|token| {
            parse_token(state, list, token)
                .ok_or_else(|| Error::invalid(TOKEN_FIELD, "invalid pagination token"))
        });
        Ok(Self { from: from.transpose()?, size })
    }

    /// A page of up to `size` items of a surface that has words of its own for the parameters: `field` names that of the token.
    pub fn sized(
        state: &State,
        list: &List,
        (field, token): (&'static str, Option<&str>),
        size: i64,
    ) -> Result<Self> {
        let parse = |token| {
            parse_token(state, list, token).ok_or_else(|| Error::invalid(field, "is none of this list"))
        };
        Ok(Self { from: token.map(parse).transpose()?, size: size.clamp(1, MAX_SIZE) })
    }

    /// The limit for the query: one more than the page size, to know whether there is a next page.
    pub fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Makes the page of the items found.
    pub fn page_of<T>(
        &self,
        state: &State,
        list: &List,
        mut found: Vec<T>,
        id: impl Fn(&T) -> Id<K>,
    ) -> Page<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let next_token = found.get(size).map(|next| write_token(state, list, id(next))).unwrap_or_default();
        found.truncate(size);
        Page { items: found, next_token }
    }

    /// [`Self::page_of`] for a search that stopped early; it continues at `rest`. Such a page may be short or even
    /// empty without being the last.
    pub fn page_until<T>(
        &self,
        state: &State,
        list: &List,
        found: Vec<T>,
        rest: Option<Id<K>>,
        id: impl Fn(&T) -> Id<K>,
    ) -> Page<T> {
        let mut page = self.page_of(state, list, found, id);
        if let Some(rest) = rest.filter(|_| page.next_token.is_empty()) {
            page.next_token = write_token(state, list, rest);
        }
        page
    }
}

const PURPOSE: &str = "page token";

fn write_token<K: IdKind>(state: &State, list: &List, id: Id<K>) -> String {
    let mut bytes = id.bits().to_be_bytes().to_vec();
    bytes.extend(state.master_key.compute_tag(PURPOSE, &format!("{}/{id}", list.0)));
    BASE64.encode(bytes)
}

fn parse_token<K: IdKind>(state: &State, list: &List, token: &str) -> Option<Id<K>> {
    // 16 bytes of id and 32 of MAC, in base64.
    if token.len() != 64 {
        return None;
    }
    let bytes = BASE64.decode(token).ok()?;
    let (id, proof) = bytes.split_first_chunk::<16>()?;
    let id = Id::from_bits(u128::from_be_bytes(*id));
    state.master_key.verify_tag(PURPOSE, &format!("{}/{id}", list.0), proof).then_some(id)
}
