//! Lists (RFC 7644 §3.4.2): filtered, sorted, page by page, by index or by cursor (RFC 9865).
//!
//! The database answers what it has columns for. What is left of a filter is evaluated over the rows that
//! the rest admits, a batch at a time, and only the page asked for is kept: memory does not grow with the
//! directory.

use std::collections::{BTreeMap, HashMap};

use super::{Directory, Rendered, Result, cursor::Cursor, render};
use crate::{
    app::State,
    model::{
        scim_group::{ScimGroup, ScimMember},
        scim_user::ScimUser,
    },
    scim::{
        self, Kind, ListQuery, ListResponse,
        list::{Page, Position, Sort, SortKey},
    },
    store::{
        self, Conn, Sql,
        scim_filter::{self, Column, Search},
    },
};

/// How many resources a page holds when nobody says otherwise.
pub const DEFAULT_PAGE: u64 = 100;

/// How many it holds at the most. Whoever asks for more gets this many.
pub const LARGEST_PAGE: u64 = 500;

/// How many members the groups of one page may have together. A page ends early rather than hold more.
const MOST_MEMBERS: i64 = 50_000;

/// How many rows are looked at at once where the database cannot filter.
const BATCH: i64 = 500;

/// How many resources are sorted where the database cannot sort.
const MOST_SORTED: usize = 10_000;

/// The resources of one kind that a query finds.
pub async fn list(
    state: &State,
    directory: &Directory,
    kind: Kind,
    query: &ListQuery,
) -> Result<ListResponse> {
    let mut conn = state.db.read().await?;
    let mut finder = Finder::new(&mut conn, directory, kind, query);
    let count = query.page.count().unwrap_or(DEFAULT_PAGE).min(LARGEST_PAGE);
    let (found, position) = match &query.page {
        Page::Index { start, .. } => {
            (finder.page(Begin::Offset(start - 1), count).await?, Position::Index(*start))
        }
        Page::Cursor { cursor, .. } => {
            let cursors = Cursor::of(state, directory, kind, query);
            let begin = match cursor {
                Some(text) => cursors.read(text, count)?,
                None if query.sort.is_none() => Begin::After(String::new()),
                None => Begin::Offset(0),
            };
            let found = finder.page(begin.clone(), count).await?;
            let next = match (begin, found.resources.last()) {
                _ if !found.more => None,
                (_, None) => None,
                (Begin::After(_), Some(last)) => {
                    Some(Begin::After(last.body["id"].as_str().unwrap_or_default().to_owned()))
                }
                (Begin::Offset(offset), Some(_)) => {
                    Some(Begin::Offset(offset.saturating_add(found.resources.len() as u64)))
                }
            };
            let next = next.map(|begin| cursors.write(&begin, count));
            (found, Position::Cursor { next, previous: None })
        }
    };
    let resources =
        found.resources.into_iter().map(|resource| query.projection.apply(resource.body)).collect();
    Ok(ListResponse { total: found.total, resources, position })
}

/// The resources of every kind that a query finds (RFC 7644 §3.4.2.1): users, then groups, unless it
/// sorts them.
pub async fn list_all(state: &State, directory: &Directory, query: &ListQuery) -> Result<ListResponse> {
    let Page::Index { start, count } = query.page else {
        let text = "cursors lead through one resource type: search at its endpoint";
        return Err(scim::Error::InvalidValue(text.into()).into());
    };
    let mut conn = state.db.read().await?;
    let (skip, count) = (start - 1, count.unwrap_or(DEFAULT_PAGE).min(LARGEST_PAGE));
    let (mut resources, mut total) = (Vec::new(), 0);
    if let Some(sort) = &query.sort {
        let keep = kept(sort, skip, count)?;
        let mut first = Vec::new();
        for kind in Kind::ALL {
            let (of_kind, of_kind_total) =
                Finder::new(&mut conn, directory, kind, query).first(sort, keep).await?;
            first.extend(of_kind.into_iter().map(|(key, id)| (key, id, kind)));
            total += of_kind_total;
        }
        first.sort_by(|one, other| sort.order(&one.0, &other.0).then_with(|| one.1.cmp(&other.1)));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let wanted: Vec<_> = first.into_iter().skip(skip).take(keep.saturating_sub(skip)).collect();
        for chunk in wanted.chunk_by(|one, other| one.2 == other.2) {
            let ids: Vec<String> = chunk.iter().map(|(_, id, _)| id.clone()).collect();
            let mut finder = Finder::new(&mut conn, directory, chunk[0].2, query);
            let rows = finder.named(&ids).await?;
            let rendered = finder.render(rows).await?;
            let ended = rendered.len() < ids.len();
            resources.extend(rendered);
            if ended {
                break;
            }
        }
    } else {
        for kind in Kind::ALL {
            let offset = skip.saturating_sub(total);
            let room = count.saturating_sub(resources.len() as u64);
            let mut finder = Finder::new(&mut conn, directory, kind, query);
            let found = finder.page(Begin::Offset(offset), room).await?;
            total += found.total.unwrap_or(0);
            resources.extend(found.resources);
        }
    }
    let resources = resources.into_iter().map(|resource| query.projection.apply(resource.body)).collect();
    Ok(ListResponse { total: Some(total), resources, position: Position::Index(start) })
}

/// A key that takes little room. Texts that differ behind so many characters are alike in order.
fn shortened(key: SortKey) -> SortKey {
    match key {
        SortKey::Text(text) => SortKey::Text(text.chars().take(200).collect()),
        key => key,
    }
}

/// How many of the first ones a sorted page needs.
fn kept(sort: &Sort, skip: u64, count: u64) -> Result<usize> {
    let keep = usize::try_from(skip.saturating_add(count)).unwrap_or(usize::MAX);
    match count {
        0 => Ok(0),
        _ if keep > MOST_SORTED => {
            let text = format!("sorted by {}, only the first {MOST_SORTED} can be asked for", sort.path);
            Err(scim::Error::TooMany(text).into())
        }
        _ => Ok(keep),
    }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begin {
    /// Behind this id; at the first one if it is empty.
    After(String),
    /// Behind this many.
    Offset(u64),
}

/// A part of a result.
struct Found {
    resources: Vec<Rendered>,
    total: Option<u64>,
    more: bool,
}

/// Stored resources of one kind.
enum Rows {
    Users(Vec<ScimUser>),
    Groups(Vec<ScimGroup>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Users(users) => users.len(),
            Self::Groups(groups) => groups.len(),
        }
    }

    fn truncate(&mut self, most: usize) {
        match self {
            Self::Users(users) => users.truncate(most),
            Self::Groups(groups) => groups.truncate(most),
        }
    }

    fn last_id(&self) -> Option<String> {
        match self {
            Self::Users(users) => users.last().map(|user| user.id.to_string()),
            Self::Groups(groups) => groups.last().map(|group| group.id.to_string()),
        }
    }
}

struct Finder<'a> {
    conn: &'a mut Conn,
    directory: &'a Directory,
    kind: Kind,
    query: &'a ListQuery,
    /// What the database filters by.
    condition: Option<Sql>,
    /// Whether that is the whole filter.
    exact: bool,
    /// What the database sorts by.
    order: Option<Column>,
}

impl<'a> Finder<'a> {
    fn new(conn: &'a mut Conn, directory: &'a Directory, kind: Kind, query: &'a ListQuery) -> Self {
        let compiled = query
            .filter
            .as_ref()
            .and_then(|filter| scim_filter::compile(conn.dialect(), directory.directory.id, kind, filter));
        let exact = query.filter.is_none() || compiled.as_ref().is_some_and(|compiled| compiled.exact);
        let condition = compiled.map(|compiled| compiled.condition);
        let order = query
            .sort
            .as_ref()
            .and_then(|sort| Column::of(kind, sort.path.schema(), sort.path.name(), sort.path.sub()));
        Self { conn, directory, kind, query, condition, exact, order }
    }

    async fn page(&mut self, begin: Begin, count: u64) -> Result<Found> {
        match (&self.query.sort, self.order) {
            (Some(sort), None) => self.sorted_here(sort, begin, count).await,
            _ if self.exact => self.selected(begin, count).await,
            _ => self.scanned(begin, count).await,
        }
    }

    fn search(&self, begin: &Begin, limit: i64) -> Search {
        let (after, offset) = match begin {
            Begin::After(id) => (Some(id.clone()), 0),
            Begin::Offset(offset) => (None, i64::try_from(*offset).unwrap_or(i64::MAX)),
        };
        Search {
            condition: self.condition.clone(),
            order: self.order,
            descending: self.query.sort.as_ref().is_some_and(|sort| sort.descending),
            after,
            offset,
            limit,
        }
    }

    async fn rows(&mut self, search: &Search) -> Result<Rows> {
        let directory = self.directory.directory.id;
        Ok(match self.kind {
            Kind::User => Rows::Users(store::scim_users::list(self.conn, directory, search).await?),
            Kind::Group => Rows::Groups(store::scim_groups::list(self.conn, directory, search).await?),
        })
    }

    async fn count(&mut self) -> Result<u64> {
        let (directory, condition) = (self.directory.directory.id, self.condition.as_ref());
        let count = match self.kind {
            Kind::User => store::scim_users::count(self.conn, directory, condition).await?,
            Kind::Group => store::scim_groups::count(self.conn, directory, condition).await?,
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The database filters and sorts.
    async fn selected(&mut self, begin: Begin, count: u64) -> Result<Found> {
        let limit = usize::try_from(count).unwrap_or(usize::MAX);
        let mut rows = match count {
            0 => Rows::Users(Vec::new()),
            _ => {
                let search = self.search(&begin, i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1));
                self.rows(&search).await?
            }
        };
        let more = rows.len() > limit;
        rows.truncate(limit);
        let total = match begin {
            // The page shows the end of the result, and so how many there are.
            Begin::Offset(offset) if !more && count > 0 && (rows.len() > 0 || offset == 0) => {
                offset + rows.len() as u64
            }
            _ => self.count().await?,
        };
        let asked = rows.len();
        let resources = self.render(rows).await?;
        let more = more || resources.len() < asked;
        Ok(Found { resources, total: Some(total), more })
    }

    /// Reads every row that the database admits, in its order, and shows it to `visit` until that says
    /// `false`.
    async fn scan(
        &mut self,
        mut begin: Begin,
        visit: &mut dyn FnMut(Rendered) -> Result<bool>,
    ) -> Result<()> {
        loop {
            let search = self.search(&begin, BATCH);
            let rows = self.rows(&search).await?;
            let (read, last) = (rows.len(), rows.last_id());
            let Some(last) = last else { return Ok(()) };
            for resource in self.whole(rows).await? {
                let matches = self.query.filter.as_ref().is_none_or(|filter| filter.matches(&resource.body));
                if matches && !visit(resource)? {
                    return Ok(());
                }
            }
            if i64::try_from(read).unwrap_or(BATCH) < BATCH {
                return Ok(());
            }
            begin = match (begin, self.order) {
                (Begin::Offset(offset), Some(_)) => Begin::Offset(offset.saturating_add(read as u64)),
                _ => Begin::After(last),
            };
        }
    }

    /// The program filters, in the order of the database.
    async fn scanned(&mut self, begin: Begin, count: u64) -> Result<Found> {
        let (mut resources, mut seen, mut more) = (Vec::new(), 0_u64, false);
        let (skip, total_wanted) = match &begin {
            Begin::After(_) => (0, false),
            Begin::Offset(offset) => (*offset, true),
        };
        let start = if total_wanted { Begin::Offset(0) } else { begin };
        self.scan(start, &mut |resource| {
            seen += 1;
            if seen > skip && (resources.len() as u64) < count {
                resources.push(resource);
            } else if seen > skip {
                more = true;
            }
            Ok(total_wanted || !more)
        })
        .await?;
        let resources = self.trim(resources).await?;
        Ok(Found { resources, total: total_wanted.then_some(seen), more })
    }

    /// The program sorts.
    async fn sorted_here(&mut self, sort: &Sort, begin: Begin, count: u64) -> Result<Found> {
        let Begin::Offset(skip) = begin else {
            return Err(scim::Error::InvalidCursor("the cursor is not of this query".into()).into());
        };
        let (first, total) = self.first(sort, kept(sort, skip, count)?).await?;
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
        let wanted: Vec<String> = first.into_iter().skip(skipped).map(|(_, id)| id).collect();
        let rows = self.named(&wanted).await?;
        let resources = self.render(rows).await?;
        let more = total > skip.saturating_add(resources.len() as u64);
        Ok(Found { resources, total: Some(total), more })
    }

    /// The keys of the first `keep` of an order, which are remembered while all are looked at, and how
    /// many there are.
    async fn first(&mut self, sort: &Sort, keep: usize) -> Result<(Vec<(SortKey, String)>, u64)> {
        let mut first: Vec<(SortKey, String)> = Vec::new();
        let mut total = 0_u64;
        let order = |one: &(SortKey, String), other: &(SortKey, String)| {
            sort.order(&one.0, &other.0).then_with(|| one.1.cmp(&other.1))
        };
        self.scan(Begin::Offset(0), &mut |resource| {
            total += 1;
            let id = resource.body["id"].as_str().unwrap_or_default().to_owned();
            let entry = (shortened(sort.key(&resource.body)), id);
            let place = first.binary_search_by(|known| order(known, &entry)).unwrap_or_else(|place| place);
            if place < keep {
                first.insert(place, entry);
                first.truncate(keep);
            }
            Ok(true)
        })
        .await?;
        Ok((first, total))
    }

    /// The resources with these ids, in this order.
    async fn named(&mut self, ids: &[String]) -> Result<Rows> {
        let mut rows = match self.kind {
            Kind::User => Rows::Users(Vec::new()),
            Kind::Group => Rows::Groups(Vec::new()),
        };
        let search = |some: &[String]| Search {
            condition: Some(Sql::from("r.id IN (").values(some.iter().map(String::as_str)).push(")")),
            limit: i64::MAX,
            ..Search::default()
        };
        for some in ids.chunks(500) {
            match (self.rows(&search(some)).await?, &mut rows) {
                (Rows::Users(found), Rows::Users(users)) => users.extend(found),
                (Rows::Groups(found), Rows::Groups(groups)) => groups.extend(found),
                _ => {}
            }
        }
        let place: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        match &mut rows {
            Rows::Users(users) => users.sort_by_key(|user| place.get(user.id.to_string().as_str()).copied()),
            Rows::Groups(groups) => {
                groups.sort_by_key(|group| place.get(group.id.to_string().as_str()).copied());
            }
        }
        Ok(rows)
    }

    /// Whether the filter, or the order, reads this attribute.
    fn reads(&self, name: &str) -> bool {
        let mut reads = self.query.sort.as_ref().is_some_and(|sort| sort.path.name() == name);
        if let Some(filter) = &self.query.filter {
            filter.paths(&mut |path| reads |= path.schema().is_none() && path.name() == name);
        }
        reads
    }

    /// The resources as a filter must see them.
    async fn whole(&mut self, rows: Rows) -> Result<Vec<Rendered>> {
        match rows {
            Rows::Users(users) => {
                let mut rendered = match self.reads("groups") || self.query.projection.wants("groups") {
                    true => render::users(self.conn, self.directory, &users).await?,
                    false => users.iter().map(|user| render::user(self.directory, user, &[])).collect(),
                };
                // Unassigned, it counts as what it stands for.
                for (rendered, user) in rendered.iter_mut().zip(&users) {
                    rendered.body["active"] = user.active.into();
                }
                Ok(rendered)
            }
            Rows::Groups(groups) if self.reads("members") => {
                let mut rendered = Vec::with_capacity(groups.len());
                // One group at a time: any of them may be large.
                for group in &groups {
                    rendered.extend(self.with_members(std::slice::from_ref(group)).await?);
                }
                Ok(rendered)
            }
            Rows::Groups(groups) => {
                Ok(groups.iter().map(|group| render::group(self.directory, group, &[])).collect())
            }
        }
    }

    /// The resources as they are answered.
    async fn render(&mut self, rows: Rows) -> Result<Vec<Rendered>> {
        match rows {
            Rows::Users(users) if self.query.projection.wants("groups") => {
                render::users(self.conn, self.directory, &users).await
            }
            Rows::Users(users) => {
                Ok(users.iter().map(|user| render::user(self.directory, user, &[])).collect())
            }
            Rows::Groups(mut groups) if self.query.projection.wants("members") => {
                let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
                let mut members = 0;
                let fit = store::scim_members::count(self.conn, &ids)
                    .await?
                    .into_iter()
                    .take_while(|count| {
                        members += count;
                        members <= MOST_MEMBERS
                    })
                    .count();
                groups.truncate(fit.max(1));
                self.with_members(&groups).await
            }
            Rows::Groups(groups) => {
                Ok(groups.iter().map(|group| render::group(self.directory, group, &[])).collect())
            }
        }
    }

    /// What was found by looking at it, as it is answered.
    async fn trim(&mut self, found: Vec<Rendered>) -> Result<Vec<Rendered>> {
        let ids: Vec<String> =
            found.iter().filter_map(|resource| resource.body["id"].as_str().map(str::to_owned)).collect();
        let rows = self.named(&ids).await?;
        self.render(rows).await
    }

    async fn with_members(&mut self, groups: &[ScimGroup]) -> Result<Vec<Rendered>> {
        let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
        let mut members: BTreeMap<_, Vec<ScimMember>> = BTreeMap::new();
        for (group, member) in store::scim_members::list_of(self.conn, &ids).await? {
            members.entry(group).or_default().push(member);
        }
        Ok(groups
            .iter()
            .map(|group| {
                render::group(self.directory, group, members.get(&group.id).map_or(&[], Vec::as_slice))
            })
            .collect())
    }
}
