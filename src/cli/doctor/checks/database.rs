//! The database, its migrations and the permissions of its file.

use std::os::unix::fs::PermissionsExt as _;

use crate::{
    cli::doctor::findings::Findings,
    config::Config,
    server,
    store::{Db, SchemaFault, settings},
    telemetry,
};

/// Opens the database and reports whether this program can serve it; `None` if not.
pub(super) async fn database(config: &Config, findings: &mut Findings) -> Option<Db> {
    const SUBJECT: &str = "database";
    let url = config.database_url.to_string();
    if let Some(file) = config.database_url.sqlite_file()
        && !file.exists()
    {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
        if let Some(folder) = folder {
            findings.bad(
                SUBJECT,
                format!("the folder {} of {url} does not exist", folder.display()),
                "create it for the user of the server, or correct database.url (OSTIARY_DATABASE_URL)",
            );
            return None;
        }
        // Opening the file would create it.
        findings.attention(
            SUBJECT,
            format!("{url} does not exist yet"),
            "the first `ostiary serve` creates it",
        );
        return None;
    }
    let db = match server::open_database(config).await {
        Ok(db) => db,
        Err(error) => {
            findings.bad(
                SUBJECT,
                telemetry::error_chain(&error),
                "correct database.url (OSTIARY_DATABASE_URL) or start the database",
            );
            return None;
        }
    };
    check_file_permissions(config, findings);
    match db.schema_fault().await {
        Ok(None) => {
            check_readiness(&db, &url, findings).await;
            check_copy(&db, &url, findings).await;
            Some(db)
        }
        Ok(Some(fault)) => {
            let remedy = match fault {
                SchemaFault::Missing(_) => "run `ostiary migrate`",
                SchemaFault::Newer { .. } => "start the version of ostiary that migrated it, or a later one",
            };
            findings.bad(SUBJECT, format!("{url} {fault}"), remedy);
            None
        }
        Err(error) => {
            findings.bad(SUBJECT, format!("{url}: {error}"), "see what the database's own log says");
            None
        }
    }
}

/// Whether the database can be written, and whether its schema is this program's own.
async fn check_readiness(db: &Db, url: &str, findings: &mut Findings) {
    const SUBJECT: &str = "database";
    match (db.probe().await, db.newer_schema().await) {
        (Err(fault), _) => findings.bad(
            SUBJECT,
            format!("nothing can be written to {url}: {fault}"),
            "make room on its disk, make it writable, or end what holds its lock; the server goes on by itself",
        ),
        (Ok(()), Err(error)) => {
            findings.bad(SUBJECT, format!("{url}: {error}"), "see what the database's own log says");
        }
        (Ok(()), Ok(Some(newer))) => findings.attention(
            SUBJECT,
            format!("{url} {newer}"),
            "start the version of ostiary that migrated it, or a later one, when you can",
        ),
        (Ok(()), Ok(None)) => {
            findings.ok(SUBJECT, format!("{url} answers, has every migration and can be written"));
        }
    }
}

/// Reports a copy of another database into this one that was interrupted.
async fn check_copy(db: &Db, url: &str, findings: &mut Findings) {
    let Ok(mut conn) = db.read().await else { return };
    if let Ok(Some(_)) = settings::find(&mut conn, settings::COPY_UNDER_WAY).await {
        findings.bad(
            "database",
            format!("{url} holds an unfinished copy of another one, and no server starts on it"),
            "run `ostiary copy --from {url} --to {url}` again: it goes on where it ended",
        );
    }
}

/// The permissions of the SQLite file: it holds e-mail addresses in plain text.
fn check_file_permissions(config: &Config, findings: &mut Findings) {
    let Some(file) = config.database_url.sqlite_file() else { return };
    let Ok(metadata) = std::fs::metadata(file) else { return };
    if metadata.permissions().mode() & 0o077 != 0 {
        findings.attention(
            "database",
            format!("other users of this machine can read {}", file.display()),
            format!("chmod 600 {0} {0}-wal {0}-shm", file.display()),
        );
    }
}
