//! The timelines of login flows: the table `login_flow_steps`.

use base::{id::LoginFlowId, time::Timestamp};
use model::login_flow::{FlowStep, StepKind};
use saml::check::Check;

use super::{Conn, Error, Result, batch::DELETE_BATCH_SIZE, columns};

/// The maximum number of steps in a timeline, which bounds what repeated posts can add. The accepted response
/// is always added.
const MAX_STEPS: i64 = 20;

/// How many of the steps store their document.
const MAX_DOCUMENTS: i64 = 6;

/// A step to be added. Its document is sealed already.
#[derive(Debug)]
pub struct NewStep<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: StepKind,
    /// The checks that were made.
    pub checks: &'a [Check],
    /// The sealed document and when it expires.
    pub document: Option<(String, Timestamp)>,
}

/// Appends a step to the flow's timeline, while there is room. The caller has written the flow's row in the
/// same transaction, so that concurrent steps do not get the same sequence number.
pub async fn insert(conn: &mut Conn, flow: LoginFlowId, step: NewStep<'_>) -> Result<()> {
    let (document, expires_at) = step.document.unzip();
    let accepted = step.kind == StepKind::Accepted;
    conn.sql(
        "INSERT INTO login_flow_steps (flow_id, sequence, at, kind, checks, document, document_expires_at) \
         SELECT $1, next, $2, $3, $4, CASE WHEN next <= $8 THEN $5 END, CASE WHEN next <= $8 THEN $6 END FROM \
         (SELECT COALESCE(MAX(sequence), 0) + 1 AS next FROM login_flow_steps WHERE flow_id = $1) AS place \
         WHERE next <= $7",
    )
    .bind(flow)
    .bind(step.at)
    .bind(step.kind.as_str())
    .bind(columns::to_json(step.checks)?)
    .bind(document)
    .bind(expires_at)
    .bind(if accepted { i64::MAX } else { MAX_STEPS })
    .bind(if accepted { i64::MAX } else { MAX_DOCUMENTS })
    .execute()
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct StepRow {
    at: Timestamp,
    kind: String,
    checks: String,
    document: Option<String>,
}

/// The flow's timeline, oldest step first; documents are still sealed.
pub async fn list(conn: &mut Conn, flow: LoginFlowId) -> Result<Vec<FlowStep>> {
    let rows: Vec<StepRow> = conn
        .sql("SELECT at, kind, checks, document FROM login_flow_steps WHERE flow_id = $1 ORDER BY sequence")
        .bind(flow)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let broken = |column| Error::inconsistent("login_flow_steps", column, flow);
            Ok(FlowStep {
                at: row.at,
                kind: row.kind.parse().map_err(|_| broken("kind"))?,
                checks: checks_from_json(&row.checks).map_err(|_| broken("checks"))?,
                document: row.document,
            })
        })
        .collect()
}

/// The stored checks of a step. Releases that did not store `certificateSha256` wrote the fingerprint of a
/// signature's certificate only into the text of what was found; it is read from there for their rows.
fn checks_from_json(json: &str) -> serde_json::Result<Vec<Check>> {
    let mut checks: Vec<Check> = serde_json::from_str(json)?;
    for check in &mut checks {
        let is_signature = matches!(&*check.name, "response_signature" | "assertion_signature");
        if is_signature && check.passed && check.certificate_sha256.is_none() {
            let found =
                check.found.as_deref().and_then(|text| text.split_once(", certificate with SHA-256 "));
            check.certificate_sha256 = found.map(|(_, fingerprint)| fingerprint.to_owned());
        }
    }
    Ok(checks)
}

/// Deletes expired documents; the checks stay. Returns how many.
pub async fn remove_expired_documents(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    conn.sql(
        "UPDATE login_flow_steps SET document = NULL, document_expires_at = NULL WHERE (flow_id, sequence) IN \
         (SELECT flow_id, sequence FROM login_flow_steps WHERE document_expires_at < $1 LIMIT $2)",
    )
    .bind(now)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_of_a_signature_is_known_for_rows_of_every_release() {
        let fingerprint = |name: &str, passed: bool, rest: &str| {
            let json = format!(
                r#"[{{"name":"{name}","passed":{passed},"found":"rsa-sha256, certificate with SHA-256 ab12",
                    "clause":"","fixer":"vendor"{rest}}}]"#
            );
            checks_from_json(&json).unwrap().remove(0).certificate_sha256
        };
        let stored = r#","certificateSha256":"cd34""#;
        assert_eq!(fingerprint("response_signature", true, "").as_deref(), Some("ab12"));
        assert_eq!(fingerprint("assertion_signature", true, "").as_deref(), Some("ab12"));
        assert_eq!(fingerprint("assertion_signature", true, stored).as_deref(), Some("cd34"));
        assert_eq!(fingerprint("assertion_signature", false, ""), None);
        assert_eq!(fingerprint("assertion_audience", true, ""), None);
    }
}
