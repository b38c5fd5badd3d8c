//! Environments.

use base::{
    id::{EnvironmentId, EnvironmentKind},
    time::Timestamp,
};
use model::{
    environment::{Environment, Slug},
    http_url::HttpUrl,
};

use super::{
    Conn, Result, columns,
    connection::{Row, Statement},
    organizations,
    table::{Key, Table, select_where},
    tenants,
};

/// An environment is its own scope.
impl Table for Environment {
    type Kind = EnvironmentKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "environments";
    const SCOPE: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &[
        "slug",
        "display_name",
        "redirect_url",
        "oauth_redirect_uris",
        "auth_url",
        "idp_initiated",
        "oauth_subject",
        "shared_domain_subjects",
        "password_sessions",
        "user_organizations",
        "default_template_id",
        "default_parent_id",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["created_at"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.slug.as_str())
            .bind(self.display_name.as_str())
            .bind(self.redirect_url.as_ref().map(HttpUrl::as_str))
            .bind(columns::urls_to_json(&self.oauth_redirect_uris))
            .bind(self.auth_url.as_ref().map(HttpUrl::as_str))
            .bind(self.idp_initiated.as_str())
            .bind(self.oauth_subject.as_str())
            .bind(self.shared_domain_subjects)
            .bind(self.password_sessions)
            .bind(self.user_organizations)
            .bind(self.default_template_id)
            .bind(self.default_parent_id)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.created_at)
    }

    async fn insert_related(&self, conn: &mut Conn) -> Result<()> {
        tenants::require_unused(conn, self.id, &self.slug).await?;
        organizations::insert_root(conn, self).await
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            version: row.get("version")?,
            slug: row.parse("slug", Slug::parse_stored)?,
            display_name: row.get("display_name")?,
            redirect_url: row.parse_optional("redirect_url", HttpUrl::parse)?,
            oauth_redirect_uris: row.parse("oauth_redirect_uris", columns::urls_from_json)?,
            auth_url: row.parse_optional("auth_url", HttpUrl::parse)?,
            idp_initiated: row.parse("idp_initiated", columns::by_name)?,
            oauth_subject: row.parse("oauth_subject", columns::by_name)?,
            shared_domain_subjects: row.get("shared_domain_subjects")?,
            password_sessions: row.get("password_sessions")?,
            user_organizations: row.get("user_organizations")?,
            default_template_id: row.get("default_template_id")?,
            default_parent_id: row.get("default_parent_id")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The environment with this slug.
pub async fn find_by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Environment>> {
    select_where::<Environment>(conn, "WHERE slug = $1").bind(slug.as_str()).optional_of().await
}

/// Up to `limit` environments from `from` on, in creation order.
pub async fn list(conn: &mut Conn, from: Option<EnvironmentId>, limit: i64) -> Result<Vec<Environment>> {
    let from = columns::page_start(from);
    select_where::<Environment>(conn, "WHERE id >= $1 ORDER BY id LIMIT $2")
        .bind(from)
        .bind(limit)
        .all_of()
        .await
}
