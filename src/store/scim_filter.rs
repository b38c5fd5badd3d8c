//! SCIM filters as SQL, for attributes with columns and indexes: `userName`, `externalId`, `emails`, `id`,
//! `active`, `displayName`, `members` and the dates of `meta`.
//!
//! Conditions on other attributes are left to [`Filter::matches`], over the rows that the SQL condition
//! selects. A compiled condition is equivalent to [`Filter::matches`] or, where it is not [`Compiled::exact`],
//! selects a superset. Text is compared in its folded form, byte by byte, as in [`Filter::matches`].
//!
//! Every statement names its table `r`. Values are parameters; there is no way to put text of a request into a
//! [`Sql`].

use base::id::ScimDirectoryId;
use scim::{
    Filter, ResourceType,
    filter::{Literal, Operator},
    fold,
};

use super::{Dialect, Sql};

/// The folded form in which names and addresses are compared.
pub(super) fn key(text: &str) -> String {
    fold(text)
}

/// A filter as far as SQL can express it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// A condition on `r`.
    pub condition: Sql,
    /// Whether the condition is equivalent to the filter.
    pub exact: bool,
    /// Whether an index finds the selected rows without reading all others.
    pub indexed: bool,
}

/// Compiles a filter. `None`: no part of the filter can be expressed in SQL.
pub fn compile(
    dialect: Dialect,
    directory: ScimDirectoryId,
    kind: ResourceType,
    filter: &Filter,
) -> Option<Compiled> {
    Compiler { dialect, directory, kind }.filter(filter)
}

/// What a filter is compiled for.
#[derive(Clone, Copy)]
struct Compiler {
    dialect: Dialect,
    directory: ScimDirectoryId,
    kind: ResourceType,
}

impl Compiler {
    fn filter(self, filter: &Filter) -> Option<Compiled> {
        match filter {
            Filter::And(parts) => {
                let all: Vec<Option<Compiled>> = parts.iter().map(|part| self.filter(part)).collect();
                let exact = all.iter().all(|part| part.as_ref().is_some_and(|part| part.exact));
                let indexed = all.iter().flatten().any(|part| part.indexed);
                let known: Vec<Sql> = all.into_iter().flatten().map(|part| part.condition).collect();
                (!known.is_empty()).then(|| Compiled { condition: joined(known, " AND "), exact, indexed })
            }
            Filter::Or(parts) => {
                let all = parts.iter().map(|part| self.filter(part)).collect::<Option<Vec<_>>>()?;
                let exact = all.iter().all(|part| part.exact);
                // Both query planners scan the directory in id order rather than use several indexes.
                Some(Compiled {
                    condition: joined(all.into_iter().map(|part| part.condition), " OR "),
                    exact,
                    indexed: false,
                })
            }
            Filter::Not(part) => {
                let part = self.filter(part).filter(|part| part.exact)?;
                // Not `NOT`: a comparison with NULL is neither true nor false in SQL, while RFC 7644 §3.4.2.2
                // knows only true and false.
                let condition = Sql::from("(").append(part.condition).push(") IS NOT TRUE");
                Some(Compiled { condition, exact: true, indexed: false })
            }
            Filter::Compare { path, operator, value } => {
                let field = Field::for_attribute(self.kind, path.schema(), path.name(), path.sub())?;
                let indexed = field.is_indexed(*operator, value);
                self.compare(field, *operator, value).map(|condition| Compiled {
                    condition,
                    exact: true,
                    indexed,
                })
            }
            Filter::Present(path) => {
                let field = Field::for_attribute(self.kind, path.schema(), path.name(), path.sub())?;
                present(field).map(|condition| Compiled { condition, exact: true, indexed: false })
            }
            Filter::Element { path, filter } => self.element(path.schema(), path.name(), filter),
        }
    }

    fn compare(self, field: Field, operator: Operator, literal: &Literal) -> Option<Sql> {
        match (field, literal) {
            (Field::CaseExact { column, nullable }, Literal::Text(text)) => {
                text_condition(self.dialect, column, nullable, operator, text)
            }
            (Field::CaseInsensitive { column, nullable }, Literal::Text(text)) => {
                text_condition(self.dialect, column, nullable, operator, &key(text))
            }
            (Field::CaseExact { nullable, .. } | Field::CaseInsensitive { nullable, .. }, Literal::Null) => {
                let (Field::CaseExact { column, .. } | Field::CaseInsensitive { column, .. }) = field else {
                    return None;
                };
                Some(match (operator, nullable) {
                    (Operator::Eq, true) => Sql::from(column).push(" IS NULL"),
                    (Operator::Ne, true) => Sql::from(column).push(" IS NOT NULL"),
                    (Operator::Eq, false) => Sql::from("1 = 0"),
                    (Operator::Ne, false) => Sql::from("1 = 1"),
                    _ => return None,
                })
            }
            (Field::Boolean { column }, Literal::Boolean(truth)) => {
                let sql = Sql::from(column);
                Some(match operator {
                    Operator::Eq => sql.push(" = ").value(*truth),
                    Operator::Ne => sql.push(" <> ").value(*truth),
                    _ => return None,
                })
            }
            (Field::DateTime { column }, literal) => {
                let sign = match operator {
                    Operator::Eq => " = ",
                    Operator::Ne => " <> ",
                    Operator::Gt => " > ",
                    Operator::Ge => " >= ",
                    Operator::Lt => " < ",
                    Operator::Le => " <= ",
                    _ => return None,
                };
                Some(Sql::from(column).push(sign).value(literal.date_time()?.millis()))
            }
            // Only these operators do not depend on the other values of the attribute.
            (Field::Emails, Literal::Text(text))
                if matches!(operator, Operator::Eq | Operator::Co | Operator::Sw | Operator::Ew) =>
            {
                let value = text_condition(self.dialect, "e.value_key", false, operator, &key(text))?;
                // Not `EXISTS`: this form reads the index on addresses first, and only once.
                let users =
                    Sql::from("r.id IN (SELECT e.user_id FROM scim_user_emails e WHERE e.directory_id = ");
                Some(users.value(self.directory.to_string()).push(" AND ").append(value).push(")"))
            }
            (Field::Members, Literal::Text(text)) if operator == Operator::Eq => Some(
                Sql::from("r.id IN (SELECT m.group_id FROM scim_group_members m WHERE m.member_id = ")
                    .value(text.as_str())
                    .push(")"),
            ),
            _ => None,
        }
    }

    /// `emails[type eq "work" and value eq "x"]`: the condition on `value` can use an index, whatever the other
    /// conditions are.
    fn element(self, schema: Option<&str>, name: &str, filter: &Filter) -> Option<Compiled> {
        let field = Field::for_attribute(self.kind, schema, name, Some("value"))?;
        let value_condition = |part: &Filter| match part {
            Filter::Compare { path, operator, value } if path.name() == "value" && path.sub().is_none() => {
                let indexed = field.is_indexed(*operator, value);
                self.compare(field, *operator, value).map(|condition| Compiled {
                    condition,
                    exact: true,
                    indexed,
                })
            }
            _ => None,
        };
        match filter {
            Filter::And(parts) => {
                let known: Vec<Compiled> = parts.iter().filter_map(value_condition).collect();
                let indexed = known.iter().any(|part| part.indexed);
                let known = known.into_iter().map(|part| part.condition).collect::<Vec<_>>();
                (!known.is_empty()).then(|| Compiled {
                    condition: joined(known, " AND "),
                    exact: false,
                    indexed,
                })
            }
            part => value_condition(part),
        }
    }
}

fn present(field: Field) -> Option<Sql> {
    Some(match field {
        Field::CaseExact { column, .. } | Field::CaseInsensitive { column, .. } => {
            Sql::from(column).push(" <> ''")
        }
        Field::Boolean { .. } | Field::DateTime { .. } => Sql::from("1 = 1"),
        Field::Emails => Sql::from(
            "EXISTS (SELECT 1 FROM scim_user_emails e WHERE e.user_id = r.id AND e.value_key <> '')",
        ),
        Field::Members => Sql::from("EXISTS (SELECT 1 FROM scim_group_members m WHERE m.group_id = r.id)"),
    })
}

fn joined(parts: impl IntoIterator<Item = Sql>, word: &'static str) -> Sql {
    let mut whole = Sql::default();
    for (at, part) in parts.into_iter().enumerate() {
        whole = if at == 0 { whole } else { whole.push(word) };
        whole = whole.push("(").append(part).push(")");
    }
    whole
}

/// An attribute that has a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// TEXT that is compared as it is (`caseExact`).
    CaseExact { column: &'static str, nullable: bool },
    /// TEXT in folded form, compared without regard to case.
    CaseInsensitive { column: &'static str, nullable: bool },
    /// BOOLEAN, never NULL.
    Boolean { column: &'static str },
    /// BIGINT of milliseconds, never NULL.
    DateTime { column: &'static str },
    /// The addresses of a user, in a table of their own.
    Emails,
    /// The members of a group, in a table of their own.
    Members,
}

impl Field {
    /// Whether an index answers this comparison.
    fn is_indexed(self, operator: Operator, literal: &Literal) -> bool {
        let has_index = matches!(
            self,
            Self::CaseExact { .. } | Self::CaseInsensitive { .. } | Self::Emails | Self::Members
        );
        has_index && operator == Operator::Eq && matches!(literal, Literal::Text(_))
    }

    fn for_attribute(
        kind: ResourceType,
        schema: Option<&str>,
        name: &str,
        sub: Option<&str>,
    ) -> Option<Self> {
        if schema.is_some() {
            return None;
        }
        Some(match (kind, name, sub) {
            (_, "id", None) => Self::CaseExact { column: "r.id", nullable: false },
            (_, "externalId", None) => Self::CaseExact { column: "r.external_id", nullable: true },
            (_, "meta", Some("created")) => Self::DateTime { column: "r.created_at" },
            (_, "meta", Some("lastModified")) => Self::DateTime { column: "r.updated_at" },
            (ResourceType::User, "userName", None) => {
                Self::CaseInsensitive { column: "r.user_name_key", nullable: false }
            }
            (_, "displayName", None) => {
                Self::CaseInsensitive { column: "r.display_name_key", nullable: kind == ResourceType::User }
            }
            (ResourceType::User, "active", None) => Self::Boolean { column: "r.active" },
            (ResourceType::User, "emails", Some("value")) => Self::Emails,
            (ResourceType::Group, "members", Some("value") | None) => Self::Members,
            _ => return None,
        })
    }
}

/// A comparison of text. `text` is already in the column's form.
fn text_condition(
    dialect: Dialect,
    column: &'static str,
    nullable: bool,
    operator: Operator,
    text: &str,
) -> Option<Sql> {
    let length = i64::try_from(text.chars().count()).ok()?;
    let sql = Sql::from(column);
    Some(match operator {
        Operator::Eq => sql.push(" = ").value(text),
        Operator::Ne if nullable => Sql::from("(").append(sql).push(" = ").value(text).push(") IS NOT TRUE"),
        Operator::Ne => sql.push(" <> ").value(text),
        Operator::Sw => {
            let part = Sql::from("substr(").append(sql).push(", 1, CAST(").value(length);
            part.push(" AS INTEGER)) = ").value(text)
        }
        Operator::Co => {
            let find = match dialect {
                Dialect::Sqlite => "instr(",
                Dialect::Postgres => "strpos(",
            };
            Sql::from(find).append(sql).push(", ").value(text).push(") > 0")
        }
        // `substr` with a negative start counts from the end on SQLite only, `right` is PostgreSQL's.
        Operator::Ew if length == 0 => sql.push(" IS NOT NULL"),
        Operator::Ew => match dialect {
            Dialect::Sqlite => {
                Sql::from("substr(").append(sql).push(", -").value(length).push(") = ").value(text)
            }
            Dialect::Postgres => Sql::from("right(")
                .append(sql)
                .push(", CAST(")
                .value(length)
                .push(" AS INTEGER)) = ")
                .value(text),
        },
        Operator::Gt => bytewise(dialect, sql).push(" > ").value(text),
        Operator::Ge => bytewise(dialect, sql).push(" >= ").value(text),
        Operator::Lt => bytewise(dialect, sql).push(" < ").value(text),
        Operator::Le => bytewise(dialect, sql).push(" <= ").value(text),
    })
}

/// PostgreSQL orders text by its collation; SQLite and the program by bytes.
fn bytewise(dialect: Dialect, column: Sql) -> Sql {
    match dialect {
        Dialect::Sqlite => column,
        Dialect::Postgres => column.push(" COLLATE \"C\""),
    }
}

/// A column by which a list can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    text: &'static str,
    nullable: bool,
    is_text: bool,
}

impl Column {
    /// The column of an attribute, where there is one that sorts as the attribute does.
    pub fn for_attribute(
        kind: ResourceType,
        schema: Option<&str>,
        name: &str,
        sub: Option<&str>,
    ) -> Option<Self> {
        Some(match Field::for_attribute(kind, schema, name, sub)? {
            Field::CaseExact { column, nullable } | Field::CaseInsensitive { column, nullable } => {
                Self { text: column, nullable, is_text: true }
            }
            Field::DateTime { column } => Self { text: column, nullable: false, is_text: false },
            Field::Boolean { .. } | Field::Emails | Field::Members => return None,
        })
    }
}

/// Selects, orders and pages the rows of a directory. Rows that compare equal are ordered by id, so that pages
/// neither repeat nor skip one.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The filter condition; `None` for all rows.
    pub condition: Option<Sql>,
    /// The sort column; rows are sorted by id after it.
    pub order: Option<Column>,
    /// Whether the order is descending.
    pub descending: bool,
    /// Only rows after this id. Not combined with `order`.
    pub after: Option<String>,
    /// The number of rows to skip.
    pub offset: i64,
    /// The maximum number of rows.
    pub limit: i64,
}

impl Search {
    /// Completes the statement `head`, which ends where the directory's id follows.
    pub(super) fn select(&self, dialect: Dialect, head: &'static str, directory: ScimDirectoryId) -> Sql {
        let mut sql = select_rows(head, directory, self.condition.as_ref());
        if let Some(after) = &self.after {
            sql = sql.push(" AND r.id > ").value(after.as_str());
        }
        sql = sql.push(" ORDER BY ");
        if let Some(column) = self.order {
            let way = if self.descending { " DESC, " } else { ", " };
            // Unassigned values come last, or first in descending order (RFC 7644 §3.4.2.3).
            if column.nullable {
                sql = sql.push("(").push(column.text).push(" IS NULL)").push(way);
            }
            let text = Sql::from(column.text);
            sql = sql.append(if column.is_text { bytewise(dialect, text) } else { text }).push(way);
        }
        sql.push("r.id LIMIT ").value(self.limit).push(" OFFSET ").value(self.offset)
    }
}

/// Selects the rows of a directory that are not deleted and satisfy a condition. `head` ends with
/// `r.directory_id = `.
pub(super) fn select_rows(head: &'static str, directory: ScimDirectoryId, condition: Option<&Sql>) -> Sql {
    let sql = Sql::from(head).value(directory.to_string()).push(" AND r.deleted_at IS NULL");
    match condition {
        Some(condition) => sql.push(" AND (").append(condition.clone()).push(")"),
        None => sql,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use base::id::Id;

    #[tokio::test]
    async fn lookups_use_an_index() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let db = Db::connect(&format!("sqlite://{}", file.path().display()), 1).await.unwrap();
        db.migrate().await.unwrap();
        let mut conn = db.read().await.unwrap();
        for (kind, filter, index) in [
            (ResourceType::User, "userName eq \"x\"", "scim_users_by_user_name"),
            (ResourceType::User, "userName eq \"x\" and title pr", "scim_users_by_user_name"),
            (ResourceType::User, "externalId eq \"x\"", "scim_users_by_external_id"),
            (ResourceType::User, "displayName eq \"x\"", "scim_users_by_display_name"),
            (ResourceType::User, "id eq \"x\"", "(id=?)"),
            (
                ResourceType::User,
                "userName eq \"x\" and (title pr or active eq true)",
                "scim_users_by_user_name",
            ),
            (ResourceType::User, "emails.value eq \"x\"", "sqlite_autoindex_scim_user_emails"),
            (
                ResourceType::User,
                "emails[type eq \"work\"].value eq \"x\"",
                "sqlite_autoindex_scim_user_emails",
            ),
            (ResourceType::Group, "displayName eq \"x\"", "scim_groups_by_display_name"),
            (ResourceType::Group, "externalId eq \"x\"", "scim_groups_by_external_id"),
            (ResourceType::Group, "members eq \"x\"", "scim_group_members_by_member"),
            (ResourceType::Group, "id eq \"g\" and members eq \"x\"", "(id=?)"),
        ] {
            let parsed = Filter::parse(filter).unwrap();
            let directory = Id::from_bits(1);
            let compiled = compile(Dialect::Sqlite, directory, kind, &parsed).unwrap();
            let search = Search { condition: Some(compiled.condition), limit: 101, ..Search::default() };
            let head = match kind {
                ResourceType::User => {
                    "EXPLAIN QUERY PLAN SELECT r.* FROM scim_users r WHERE r.directory_id = "
                }
                ResourceType::Group => {
                    "EXPLAIN QUERY PLAN SELECT r.* FROM scim_groups r WHERE r.directory_id = "
                }
            };
            let plan: Vec<(i64, i64, i64, String)> =
                conn.dynamic(search.select(Dialect::Sqlite, head, directory)).all().await.unwrap();
            let plan: Vec<String> = plan.into_iter().map(|(_, _, _, step)| step).collect();
            assert!(plan.iter().any(|step| step.contains(index)), "{filter}: {plan:#?}");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{filter}: {plan:#?}");
        }
    }

    #[test]
    fn indexed_conditions_are_reported_as_indexed() {
        let indexed = |filter: &str| {
            compile(Dialect::Sqlite, Id::from_bits(1), ResourceType::User, &Filter::parse(filter).unwrap())
                .is_some_and(|compiled| compiled.indexed)
        };
        for yes in [
            "userName eq \"x\"",
            "userName eq \"x\" and title pr",
            "userName eq \"x\" and (active eq true or userName pr)",
            "emails[type eq \"work\" and value eq \"x\"]",
            "active eq true and externalId eq \"x\"",
        ] {
            assert!(indexed(yes), "{yes}");
        }
        for no in [
            "userName co \"x\"",
            "userName pr",
            "active eq true",
            "externalId eq null",
            "userName eq \"x\" or active eq true",
            "userName eq \"x\" or userName eq \"y\"",
            "not (userName eq \"x\")",
            "emails.value sw \"x\"",
            "meta.created gt \"2026-01-01T00:00:00Z\"",
            "title eq \"x\"",
        ] {
            assert!(!indexed(no), "{no}");
        }
    }

    #[test]
    fn conditions_without_a_column_are_left_out_and_not_exact() {
        let compiled = |filter: &str| {
            compile(Dialect::Sqlite, Id::from_bits(1), ResourceType::User, &Filter::parse(filter).unwrap())
                .map(|compiled| compiled.exact)
        };
        assert_eq!(compiled("userName eq \"x\" and active eq true"), Some(true));
        assert_eq!(compiled("userName eq \"x\" and title eq \"y\""), Some(false));
        assert_eq!(compiled("userName eq \"x\" or title eq \"y\""), None);
        assert_eq!(compiled("not (userName eq \"x\" and title eq \"y\")"), None);
        assert_eq!(compiled("title eq \"y\""), None);
        assert_eq!(compiled("emails[value eq \"x\" and type eq \"work\"]"), Some(false));
    }
}
