//! Organizations, read with their domains, and the search for organizations.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, EnvironmentKind, OrganizationId, OrganizationKind},
    time::Timestamp,
};
use model::{
    domain::{Domain, DomainState},
    email::Email,
    environment::Environment,
    identity_pool::AuthenticationMechanism,
    json_object::JsonObject,
    organization::{AppliedTemplate, Organization, name_key, root_id},
    organization_reference::{Handle, OrganizationRef, PublicAlias},
    search_index::SearchWord,
};

use super::{
    Conn, Result, Sql, columns,
    connection::{Row, Statement},
    organization_attributes, organization_words,
    table::{Key, Table, select_text, select_where},
};

impl Table for Organization {
    type Kind = OrganizationKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "organizations";
    const COLUMNS: &'static [&'static str] = &[
        "parent_id",
        "display_name",
        "name",
        "name_key",
        "external_id",
        "handle",
        "public_alias",
        "public_id",
        "status",
        "is_template",
        "description",
        "color",
        "contact_email",
        "metadata",
        "metadata_schema",
        "authentication_mechanisms",
        "wso2_version",
        "require_admin_mfa",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["template_id", "template_applied_at", "created_at"];
    const COMPUTED: &'static [(&'static str, &'static str)] = &[
        (
            "domains",
            "(SELECT string_agg(d.domain || ' ' || d.state, ',') FROM organization_domains d \
             WHERE d.organization_id = organizations.id)",
        ),
        ("attributes", organization_attributes::AGGREGATE),
    ];

    /// The root organization is none of them.
    const CONDITION: &'static str =
        "organizations.deleted_at IS NULL AND organizations.kind = 'organization'";

    /// Its names are free at once.
    const REMOVAL: Option<&'static str> =
        Some("deleted_at = $3, external_id = NULL, handle = NULL, public_alias = NULL");

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.parent_id)
            .bind(self.display_name.as_str())
            .bind(self.name.as_deref())
            .bind(self.name_key())
            .bind(self.external_id.as_deref())
            .bind(self.handle.as_ref().map(Handle::as_str))
            .bind(self.public_alias.as_ref().map(PublicAlias::as_str))
            .bind(self.public_id())
            .bind(self.status.as_str())
            .bind(self.template)
            .bind(self.description.as_str())
            .bind(self.color.as_str())
            .bind(self.contact_email.as_ref().map(Email::as_str))
            .bind(self.metadata.as_str())
            .bind(self.metadata_schema.as_str())
            .bind(self.authentication_mechanisms.as_deref().map(mechanisms_to_json))
            .bind(self.wso2_version.as_str())
            .bind(self.require_admin_mfa)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.applied_template.map(|template| template.id))
            .bind(self.applied_template.map(|template| template.at))
            .bind(self.created_at)
    }

    async fn insert_related(&self, conn: &mut Conn) -> Result<()> {
        insert_ancestors(conn, self.environment_id, self.id, self.parent_id).await?;
        organization_attributes::set(conn, self.id, &BTreeMap::new(), &self.attributes).await
    }

    fn read(row: &Row) -> Result<Self> {
        let listed: Option<String> = row.get("domains")?;
        let attributes: Option<String> = row.get("attributes")?;
        let applied: (Option<OrganizationId>, Option<Timestamp>) =
            (row.get("template_id")?, row.get("template_applied_at")?);
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            parent_id: row.get("parent_id")?,
            version: row.get("version")?,
            display_name: row.get("display_name")?,
            name: row.get("name")?,
            external_id: row.get("external_id")?,
            handle: row.parse_optional("handle", |text| Handle::parse_stored(text).ok())?,
            public_alias: row.parse_optional("public_alias", |text| PublicAlias::parse(text).ok())?,
            status: row.parse("status", columns::by_name)?,
            template: row.get("is_template")?,
            applied_template: applied.0.zip(applied.1).map(|(id, at)| AppliedTemplate { id, at }),
            description: row.get("description")?,
            color: row.get("color")?,
            contact_email: row.parse_optional("contact_email", Email::parse)?,
            metadata: row.parse("metadata", JsonObject::from_stored)?,
            metadata_schema: row.parse("metadata_schema", JsonObject::from_stored)?,
            authentication_mechanisms: row.parse_optional("authentication_mechanisms", mechanisms)?,
            wso2_version: row.parse("wso2_version", columns::by_name)?,
            require_admin_mfa: row.get("require_admin_mfa")?,
            attributes: organization_attributes::parse(attributes.as_deref())
                .ok_or_else(|| row.inconsistent("attributes"))?,
            domains: domains(listed.as_deref()).ok_or_else(|| row.inconsistent("domains"))?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

fn mechanisms_to_json(mechanisms: &[AuthenticationMechanism]) -> String {
    let names: Vec<String> = mechanisms.iter().map(|mechanism| mechanism.as_str().to_owned()).collect();
    columns::list_to_json(&names)
}

fn mechanisms(json: &str) -> Option<Vec<AuthenticationMechanism>> {
    columns::list_from_json(json)?.iter().map(|name| name.parse().ok()).collect()
}

/// Adds the root organization of a new environment.
pub(super) async fn insert_root(conn: &mut Conn, environment: &Environment) -> Result<()> {
    let id = root_id(environment.id);
    conn.sql(
        "INSERT INTO organizations (id, environment_id, kind, display_name, created_at, updated_at) \
         VALUES ($1, $2, 'root', '', $3, $3)",
    )
    .bind(id)
    .bind(environment.id)
    .bind(environment.created_at)
    .execute()
    .await?;
    insert_ancestors(conn, environment.id, id, id).await
}

/// Adds a new organization to the closure: below its parent and all above it, and below itself.
async fn insert_ancestors(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
    parent_id: OrganizationId,
) -> Result<()> {
    conn.sql(
        "INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth) \
         SELECT environment_id, ancestor_id, $2, depth + 1 FROM organization_closure WHERE descendant_id = $3 \
         UNION ALL SELECT $1, $2, $2, 0",
    )
    .bind(environment_id)
    .bind(id)
    .bind(parent_id)
    .execute()
    .await?;
    Ok(())
}

/// Parses the result of `string_agg(domain || ' ' || state, ',')`: neither part can contain a space or a comma.
pub(super) fn domains(text: Option<&str>) -> Option<BTreeMap<Domain, DomainState>> {
    let pairs = text.unwrap_or_default().split_terminator(',');
    pairs
        .map(|pair| {
            let (domain, state) = pair.split_once(' ')?;
            Some((Domain::from_ascii(domain)?, state.parse().ok()?))
        })
        .collect()
}

/// The names of these organizations of an environment; ids that do not exist are left out.
pub async fn list_names(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = Sql::from(
        "SELECT id, COALESCE(NULLIF(display_name, ''), name, '') FROM organizations \
         WHERE deleted_at IS NULL AND kind = 'organization' AND environment_id = ",
    )
    .value(environment_id.to_string())
    .push(" AND id IN (")
    .values(ids.iter().map(ToString::to_string))
    .push(")");
    conn.dynamic(text).all().await
}

/// The environment of an organization, looked up without a scope: for the command line.
pub async fn find_environment(conn: &mut Conn, id: OrganizationId) -> Result<Option<EnvironmentId>> {
    let row: Option<(EnvironmentId,)> = conn
        .sql(
            "SELECT environment_id FROM organizations \
             WHERE id = $1 AND deleted_at IS NULL AND kind = 'organization'",
        )
        .bind(id)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// The id of the organization that a caller names: of the one with this alias, else the id that the text encodes, whether
/// there is such an organization or not.
pub async fn resolve(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    reference: &OrganizationRef,
) -> Result<Option<OrganizationId>> {
    let Some(alias) = reference.alias() else { return Ok(reference.id()) };
    Ok(find_by_alias(conn, environment_id, alias).await?.or(reference.id()))
}

/// The id of the organization with this alias, compared byte for byte.
pub async fn find_by_alias(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    alias: &PublicAlias,
) -> Result<Option<OrganizationId>> {
    let found: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT id FROM organizations WHERE environment_id = $1 AND public_alias = $2 \
             AND deleted_at IS NULL AND kind = 'organization'",
        )
        .bind(environment_id)
        .bind(alias.as_str())
        .optional()
        .await?;
    Ok(found.map(|(id,)| id))
}

/// Up to `limit` organizations of an environment that have, for each word of the query, a search word with that
/// prefix; newest first, from `from` on. Templates are none of them.
pub async fn search(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    words: &[SearchWord],
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    let mut sql = Sql::from(select_text::<Organization>())
        .value(environment_id.to_string())
        .push(" AND NOT organizations.is_template");
    if let Some(from) = from {
        sql = sql.push(" AND organizations.id <= ").value(from.to_string());
    }
    for (at, word) in words.iter().enumerate() {
        // Matches of a rare word are collected and sorted. For a common word, organizations are read newest
        // first until enough of them match.
        let range = |sql: Sql| {
            sql.push(" AND w.word >= ")
                .value(word.as_str().to_owned())
                .push(" AND w.word < ")
                .value(word.upper_bound())
        };
        let rare = at == 0 && !organization_words::is_common(conn, environment_id, word).await?;
        sql = if rare {
            let inner = sql
                .push(" AND organizations.id IN (SELECT w.organization_id FROM organization_words w WHERE w.environment_id = ")
                .value(environment_id.to_string());
            range(inner).push(")")
        } else {
            let inner = sql.push(
                " AND EXISTS (SELECT 1 FROM organization_words w WHERE w.organization_id = organizations.id",
            );
            range(inner).push(")")
        };
    }
    let sql = sql.push(" ORDER BY organizations.id DESC LIMIT ").value(limit);
    conn.dynamic(sql).all_of().await
}

/// Up to `limit` organizations of an environment for which the domain counts (`whitelisted` and
/// `verified`), in creation order.
pub async fn list_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<Organization>> {
    select_where::<Organization>(
        conn,
        "JOIN organization_domains r ON r.organization_id = organizations.id WHERE r.environment_id = $1 \
         AND r.domain = $2 AND r.state IN ('whitelisted', 'verified') AND NOT organizations.is_template \
         ORDER BY organizations.id LIMIT $3",
    )
    .bind(environment_id)
    .bind(domain.as_str())
    .bind(limit)
    .all_of()
    .await
}

/// Up to `limit` organizations of an environment that are no templates, from `from` on, in the order of their ids.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    select_where::<Organization>(
        conn,
        "WHERE environment_id = $1 AND id >= $2 AND NOT is_template ORDER BY id LIMIT $3",
    )
    .bind(environment_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all_of()
    .await
}

/// The template with this name, in its normal form; where several have it, the first.
pub async fn find_template(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    name: &str,
) -> Result<Option<Organization>> {
    let rest = "WHERE environment_id = $1 AND is_template AND name_key = $2 ORDER BY id LIMIT 100";
    let found: Vec<Organization> =
        select_where::<Organization>(conn, rest).bind(environment_id).bind(name_key(name)).all_of().await?;
    Ok(found.into_iter().find(|template| template.name.as_deref().unwrap_or(&template.display_name) == name))
}

/// Up to `limit` templates of an environment, by name.
pub async fn list_templates(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    limit: i64,
) -> Result<Vec<Organization>> {
    select_where::<Organization>(
        conn,
        "WHERE environment_id = $1 AND is_template ORDER BY name_key, id LIMIT $2",
    )
    .bind(environment_id)
    .bind(limit)
    .all_of()
    .await
}

/// Whether another organization of the environment than `except` has this normal form of a name. Callers hold the lock of
/// the environment.
pub async fn has_name(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    name_key: &str,
    except: OrganizationId,
) -> Result<bool> {
    let row: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT id FROM organizations WHERE environment_id = $1 AND name_key = $2 AND id <> $3 \
             AND deleted_at IS NULL AND kind = 'organization' LIMIT 1",
        )
        .bind(environment_id)
        .bind(name_key)
        .bind(except)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Whether another organization of the environment than `except` has exactly this name; `name_key` is its normal form. Callers hold
/// the lock of the environment, or only want to know.
pub async fn has_exact_name(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    (name, name_key): (&str, &str),
    except: OrganizationId,
) -> Result<bool> {
    let row: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT id FROM organizations WHERE environment_id = $1 AND name_key = $2 AND id <> $3 \
             AND COALESCE(name, display_name) = $4 AND deleted_at IS NULL AND kind = 'organization' LIMIT 1",
        )
        .bind(environment_id)
        .bind(name_key)
        .bind(except)
        .bind(name)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Whether another organization of the environment than `except` has this handle.
pub async fn has_handle(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    handle: &Handle,
    except: OrganizationId,
) -> Result<bool> {
    let row: Option<(OrganizationId,)> = conn
        .sql(
            "SELECT id FROM organizations WHERE environment_id = $1 AND handle = $2 AND id <> $3 AND deleted_at IS NULL",
        )
        .bind(environment_id)
        .bind(handle.as_str())
        .bind(except)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// When the root organization of an environment was made.
pub async fn find_root_creation(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Option<Timestamp>> {
    let row: Option<(Timestamp,)> = conn
        .sql("SELECT created_at FROM organizations WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL")
        .bind(environment_id)
        .bind(root_id(environment_id))
        .optional()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// The ids of up to `limit` organizations of an environment with this normal form of a name, templates included.
pub async fn list_by_name(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    name_key: &str,
    limit: i64,
) -> Result<Vec<OrganizationId>> {
    let rows: Vec<(OrganizationId,)> = conn
        .sql(
            "SELECT id FROM organizations WHERE environment_id = $1 AND name_key = $2 \
             AND deleted_at IS NULL AND kind = 'organization' ORDER BY id LIMIT $3",
        )
        .bind(environment_id)
        .bind(name_key)
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether an environment has an organization with this id, its root included.
pub async fn exists(conn: &mut Conn, environment_id: EnvironmentId, id: OrganizationId) -> Result<bool> {
    let row: Option<(OrganizationId,)> = conn
        .sql("SELECT id FROM organizations WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL")
        .bind(environment_id)
        .bind(id)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// The ids of these organizations of an environment as they are shown ([`Organization::public_id`]); ids that do not exist
/// are left out.
pub async fn list_public_ids(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[OrganizationId],
) -> Result<Vec<(OrganizationId, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = Sql::from(
        "SELECT id, public_alias FROM organizations \
         WHERE deleted_at IS NULL AND kind = 'organization' AND environment_id = ",
    )
    .value(environment_id.to_string())
    .push(" AND id IN (")
    .values(ids.iter().map(ToString::to_string))
    .push(")");
    let rows: Vec<(OrganizationId, Option<String>)> = conn.dynamic(text).all().await?;
    Ok(rows
        .into_iter()
        .map(|(id, alias)| (id, alias.unwrap_or_else(|| format!("{:032x}", id.bits()))))
        .collect())
}
