//! Finds the resources of a query: by the database, by a scan, or sorted in memory.

use std::collections::{BTreeMap, HashMap};

use model::{
    scim_group::{ScimGroup, ScimMember},
    scim_user::ScimUser,
};
use scim::{
    ListQuery, ResourceType,
    sort::{Sort, SortKey},
};

use super::{
    cursor::PageStart,
    error::Result,
    render::{self, RenderedResource},
    search_budget::{COMPARISONS_PER_UNIT, MAX_UNITS, SearchBudget, size, too_many},
};
use crate::{
    app::directories::tokens::ProvisioningTarget,
    store::{
        self, Conn, Db, Sql,
        scim_filter::{self, Column, Search},
    },
};

/// The most members of all groups of one page together. A page ends early rather than exceed it.
const MAX_MEMBERS_PER_PAGE: i64 = 50_000;

/// How many rows are read per batch where the program filters.
const BATCH: i64 = 200;

/// How many resources can be sorted in memory.
const MAX_SORTED: usize = 10_000;

/// How many of the first resources must be held to return a sorted page.
pub(super) fn sort_window(sort: &Sort, skip: u64, count: u64) -> Result<usize> {
    let keep = usize::try_from(skip.saturating_add(count)).unwrap_or(usize::MAX);
    match count {
        0 => Ok(0),
        _ if keep > MAX_SORTED => {
            let text = format!("sorted by {}, only the first {MAX_SORTED} can be asked for", sort.path);
            Err(scim::Error::TooMany(text).into())
        }
        _ => Ok(keep),
    }
}

/// A sort key of limited size. Texts that differ only after 200 characters compare as equal.
fn shorten(key: SortKey) -> SortKey {
    match key {
        SortKey::Text(text) => SortKey::Text(text.chars().take(200).collect()),
        key => key,
    }
}

/// One page of a result.
pub(super) struct ResultPage {
    /// The resources.
    pub(super) resources: Vec<RenderedResource>,
    /// How many resources the query finds, if that is known.
    pub(super) total: Option<u64>,
    /// Whether there are more of them.
    pub(super) more: bool,
    /// The id of the last scanned resource, if the scan stopped before the page was full.
    pub(super) scanned_to: Option<String>,
}

/// Stored resources of one kind.
pub(super) enum Rows {
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

/// Finds the resources of one kind in one directory.
pub(super) struct Finder<'a> {
    db: &'a Db,
    /// Taken for a batch and returned after it.
    conn: Option<Conn>,
    work: &'a SearchBudget,
    directory: &'a ProvisioningTarget,
    kind: ResourceType,
    query: &'a ListQuery,
    /// The database's part of the filter.
    condition: Option<Sql>,
    /// Whether `condition` is the whole filter.
    exact: bool,
    /// Whether an index finds the rows of `condition`.
    indexed: bool,
    /// How many comparisons the filter makes per resource.
    terms: u64,
    /// The column that the database sorts by.
    order: Option<Column>,
}

impl<'a> Finder<'a> {
    /// A finder for a query, which spends `work`.
    pub(super) fn new(
        db: &'a Db,
        directory: &'a ProvisioningTarget,
        kind: ResourceType,
        query: &'a ListQuery,
        work: &'a SearchBudget,
    ) -> Self {
        let compiled = query
            .filter
            .as_ref()
            .and_then(|filter| scim_filter::compile(db.dialect(), directory.directory.id, kind, filter));
        let exact = query.filter.is_none() || compiled.as_ref().is_some_and(|compiled| compiled.exact);
        let indexed = compiled.as_ref().is_some_and(|compiled| compiled.indexed);
        let condition = compiled.map(|compiled| compiled.condition);
        let terms = query.filter.as_ref().map_or(1, |filter| filter.terms());
        let order = query.sort.as_ref().and_then(|sort| {
            Column::for_attribute(kind, sort.path.schema(), sort.path.name(), sort.path.sub())
        });
        Self { db, conn: None, work, directory, kind, query, condition, exact, indexed, terms, order }
    }

    /// Whether the query is an index lookup with a small result.
    pub(super) fn is_lookup(&self) -> bool {
        let has_members = self.kind == ResourceType::Group && self.query.projection.includes("members");
        self.exact && self.indexed && self.query.sort.is_none() && !has_members
    }

    async fn conn(&mut self) -> Result<&mut Conn> {
        Ok(match &mut self.conn {
            Some(conn) => conn,
            none => none.insert(self.db.read().await?),
        })
    }

    /// How many resources of the kind the directory has, without deleted ones.
    async fn count_existing(&mut self) -> Result<u64> {
        let directory = self.directory.directory.id;
        let count = match self.kind {
            ResourceType::User => store::scim_users::count(self.conn().await?, directory, None).await?,
            ResourceType::Group => store::scim_groups::count(self.conn().await?, directory, None).await?,
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Charges the estimated work of the database; refuses at once if it is over the limit.
    pub(super) async fn charge_estimate(&mut self, is_resumable: bool) -> Result<()> {
        if self.indexed {
            return Ok(());
        }
        let is_scan = !self.exact || (self.query.sort.is_some() && self.order.is_none());
        let existing = self.count_existing().await?;
        let comparisons = match (&self.condition, self.order) {
            (Some(_), _) => existing.saturating_mul(self.terms),
            (None, Some(_)) => existing,
            (None, None) => 0,
        };
        let tried = match is_scan && self.condition.is_none() && !is_resumable {
            true => existing.saturating_mul(self.terms),
            false => 0,
        };
        match tried <= MAX_UNITS && self.work.spend(comparisons / COMPARISONS_PER_UNIT) {
            true => Ok(()),
            false => Err(too_many().into()),
        }
    }

    /// One page of the result.
    pub(super) async fn page(&mut self, begin: PageStart, count: u64) -> Result<ResultPage> {
        self.charge_estimate(matches!(begin, PageStart::After(_)) && self.query.sort.is_none()).await?;
        match (&self.query.sort, self.order) {
            (Some(sort), None) => self.page_sorted_in_memory(sort, begin, count).await,
            _ if self.exact => self.page_by_database(begin, count).await,
            _ => self.page_by_scan(begin, count).await,
        }
    }

    fn search(&self, begin: &PageStart, limit: i64) -> Search {
        let (after, offset) = match begin {
            PageStart::After(id) => (Some(id.clone()), 0),
            PageStart::Offset(offset) => (None, i64::try_from(*offset).unwrap_or(i64::MAX)),
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
            ResourceType::User => {
                Rows::Users(store::scim_users::list(self.conn().await?, directory, search).await?)
            }
            ResourceType::Group => {
                Rows::Groups(store::scim_groups::list(self.conn().await?, directory, search).await?)
            }
        })
    }

    async fn count(&mut self) -> Result<u64> {
        let (directory, condition) = (self.directory.directory.id, self.condition.clone());
        let count = match self.kind {
            ResourceType::User => {
                store::scim_users::count(self.conn().await?, directory, condition.as_ref()).await?
            }
            ResourceType::Group => {
                store::scim_groups::count(self.conn().await?, directory, condition.as_ref()).await?
            }
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The database filters and sorts.
    async fn page_by_database(&mut self, begin: PageStart, count: u64) -> Result<ResultPage> {
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
            // The page reaches the end of the result, so the total is known.
            PageStart::Offset(offset) if !more && count > 0 && (rows.len() > 0 || offset == 0) => {
                offset + rows.len() as u64
            }
            _ => self.count().await?,
        };
        let asked = rows.len();
        let resources = self.render(rows).await?;
        let more = more || resources.len() < asked;
        Ok(ResultPage { resources, total: Some(total), more, scanned_to: None })
    }

    /// Reads the rows of `condition` in the database's order and passes the matching ones to `visit` until it returns
    /// `false`. Over the work limit, the search is refused; if it `is_resumable`, it stops and returns the id of the
    /// last scanned resource.
    async fn scan(
        &mut self,
        mut begin: PageStart,
        is_resumable: bool,
        visit: &mut dyn FnMut(RenderedResource) -> Result<bool>,
    ) -> Result<Option<String>> {
        let mut scanned_to = None;
        loop {
            let search = self.search(&begin, BATCH);
            let rows = self.rows(&search).await?;
            let (read, last) = (rows.len(), rows.last_id());
            let Some(last) = last else { return Ok(None) };
            let whole = self.render_for_filter(rows).await?;
            // Returned while this batch is evaluated.
            self.conn = None;
            for resource in whole {
                if !self.work.spend(self.terms.saturating_mul(1 + size(&resource.body) / 1024)) {
                    return match (is_resumable, scanned_to) {
                        (true, Some(scanned_to)) => Ok(Some(scanned_to)),
                        _ => Err(too_many().into()),
                    };
                }
                if is_resumable {
                    scanned_to = resource.body["id"].as_str().map(str::to_owned);
                }
                let matches = self.query.filter.as_ref().is_none_or(|filter| filter.matches(&resource.body));
                if matches && !visit(resource)? {
                    return Ok(None);
                }
            }
            if i64::try_from(read).unwrap_or(BATCH) < BATCH {
                return Ok(None);
            }
            begin = match (begin, self.order) {
                (PageStart::Offset(offset), Some(_)) => PageStart::Offset(offset.saturating_add(read as u64)),
                _ => PageStart::After(last),
            };
        }
    }

    /// The program filters, in the order of the database: a scan.
    async fn page_by_scan(&mut self, begin: PageStart, count: u64) -> Result<ResultPage> {
        let (mut resources, mut seen, mut more) = (Vec::new(), 0_u64, false);
        let (skip, total_wanted) = match &begin {
            PageStart::After(_) => (0, false),
            PageStart::Offset(offset) => (*offset, true),
        };
        let start = if total_wanted { PageStart::Offset(0) } else { begin };
        let scanned_to = self
            .scan(start, !total_wanted, &mut |resource| {
                seen += 1;
                if seen > skip && (resources.len() as u64) < count {
                    resources.push(resource);
                } else if seen > skip {
                    more = true;
                }
                Ok(total_wanted || !more)
            })
            .await?;
        let resources = self.reread(resources).await?;
        let more = more || scanned_to.is_some();
        Ok(ResultPage { resources, total: total_wanted.then_some(seen), more, scanned_to })
    }

    /// The program sorts, in memory.
    async fn page_sorted_in_memory(
        &mut self,
        sort: &Sort,
        begin: PageStart,
        count: u64,
    ) -> Result<ResultPage> {
        let PageStart::Offset(skip) = begin else {
            return Err(scim::Error::InvalidCursor("the cursor is not of this query".into()).into());
        };
        let (first, total) = self.first_keys(sort, sort_window(sort, skip, count)?).await?;
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
        let wanted: Vec<String> = first.into_iter().skip(skipped).map(|(_, id)| id).collect();
        let rows = self.find_by_ids(&wanted).await?;
        let resources = self.render(rows).await?;
        let more = total > skip.saturating_add(resources.len() as u64);
        Ok(ResultPage { resources, total: Some(total), more, scanned_to: None })
    }

    /// Scans all resources; returns the sort keys and ids of the first `keep` in order, and the total.
    pub(super) async fn first_keys(
        &mut self,
        sort: &Sort,
        keep: usize,
    ) -> Result<(Vec<(SortKey, String)>, u64)> {
        let mut first: Vec<(SortKey, String)> = Vec::new();
        let mut total = 0_u64;
        let order = |one: &(SortKey, String), other: &(SortKey, String)| {
            sort.order(&one.0, &other.0).then_with(|| one.1.cmp(&other.1))
        };
        // Sorted in batches: inserting each key in order would be quadratic.
        let room = keep.saturating_mul(2).saturating_add(1000);
        self.scan(PageStart::Offset(0), false, &mut |resource| {
            total += 1;
            let id = resource.body["id"].as_str().unwrap_or_default().to_owned();
            first.push((shorten(sort.key(&resource.body)), id));
            if first.len() >= room {
                first.sort_unstable_by(order);
                first.truncate(keep);
            }
            Ok(true)
        })
        .await?;
        first.sort_unstable_by(order);
        first.truncate(keep);
        Ok((first, total))
    }

    /// The resources with these ids, in this order.
    pub(super) async fn find_by_ids(&mut self, ids: &[String]) -> Result<Rows> {
        let mut rows = match self.kind {
            ResourceType::User => Rows::Users(Vec::new()),
            ResourceType::Group => Rows::Groups(Vec::new()),
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

    /// The resources with all attributes that the filter reads.
    async fn render_for_filter(&mut self, rows: Rows) -> Result<Vec<RenderedResource>> {
        match rows {
            Rows::Users(users) => {
                let mut rendered = match self.reads("groups") || self.query.projection.includes("groups") {
                    true => self.users(&users).await?,
                    false => users.iter().map(|user| render::user(self.directory, user, &[])).collect(),
                };
                // A filter on `active` sees the effective value where it is unassigned.
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

    /// The resources as returned to the client.
    pub(super) async fn render(&mut self, rows: Rows) -> Result<Vec<RenderedResource>> {
        match rows {
            Rows::Users(users) if self.query.projection.includes("groups") => self.users(&users).await,
            Rows::Users(users) => {
                Ok(users.iter().map(|user| render::user(self.directory, user, &[])).collect())
            }
            Rows::Groups(mut groups) if self.query.projection.includes("members") => {
                let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
                let mut members = 0;
                let fit = store::scim_members::count(self.conn().await?, &ids)
                    .await?
                    .into_iter()
                    .take_while(|count| {
                        members += count;
                        members <= MAX_MEMBERS_PER_PAGE
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

    /// Scanned resources as returned to the client: read again, with their members.
    async fn reread(&mut self, found: Vec<RenderedResource>) -> Result<Vec<RenderedResource>> {
        let ids: Vec<String> =
            found.iter().filter_map(|resource| resource.body["id"].as_str().map(str::to_owned)).collect();
        let rows = self.find_by_ids(&ids).await?;
        self.render(rows).await
    }

    /// Users with their groups.
    async fn users(&mut self, users: &[ScimUser]) -> Result<Vec<RenderedResource>> {
        let directory = self.directory;
        render::users(self.conn().await?, directory, users).await
    }

    async fn with_members(&mut self, groups: &[ScimGroup]) -> Result<Vec<RenderedResource>> {
        let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
        let mut members: BTreeMap<_, Vec<ScimMember>> = BTreeMap::new();
        for (group, member) in store::scim_members::list_of_groups(self.conn().await?, &ids).await? {
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
