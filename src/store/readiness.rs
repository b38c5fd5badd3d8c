//! Whether the database can be used now, and who else uses it.

use std::time::Instant;

use super::{
    db::{Db, Pools, Readiness},
    error::{Result, SchemaFault},
    shares::{PROBE_TIMEOUT, PoolShare},
};

impl Db {
    /// Whether the database can be used now: its schema is one that this program serves, and something can be
    /// written. `Err` says why not.
    /// The answer comes within a second, and holds for as long, so that asking costs no more however often it is done.
    pub async fn probe(&self) -> Readiness {
        let mut probed = self.probed.lock().await;
        if let Some((at, outcome)) = &*probed
            && at.elapsed() < PROBE_TIMEOUT
        {
            return outcome.clone();
        }
        let db = self.with_share(PoolShare::Probe);
        let outcome = match tokio::time::timeout(PROBE_TIMEOUT, db.probe_now()).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(fault))) => Err(format!("the database {fault}")),
            Ok(Err(error)) => Err(error.to_string()),
            // Others may be waiting for the writer too, and it works.
            Err(_) if self.statements.committed_within(PROBE_TIMEOUT) => Ok(()),
            Err(_) => Err("the database does not answer in time".to_owned()),
        };
        let was_at_fault = probed.as_ref().is_some_and(|(_, earlier)| earlier.is_err());
        if let Pools::Postgres { requests, probe } = &self.pools
            && outcome.is_err() != was_at_fault
        {
            // A session stays read-only when its server is not any more.
            requests.renew();
            probe.renew();
        }
        *probed = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// Writes something, unless there is a fault of the schema.
    async fn probe_now(&self) -> Result<Option<SchemaFault>> {
        let fault = self.schema_fault().await?;
        if fault.is_none() {
            let mut tx = self.write().await?;
            // SQLite writes nothing to the disk when nothing changes.
            tx.sql(
                "INSERT INTO settings (name, value) VALUES ('last_probe', 'a') ON CONFLICT (name) \
                 DO UPDATE SET value = CASE settings.value WHEN 'a' THEN 'b' ELSE 'a' END",
            )
            .execute()
            .await?;
            tx.commit().await?;
        }
        Ok(fault)
    }

    /// How many sessions others have on a database of PostgreSQL. Ours have an application name of their own in the URL. Who
    /// uses an SQLite file is known from the server's lock.
    pub async fn other_sessions(&self) -> Result<i64> {
        if !matches!(self.pools, Pools::Postgres { .. }) {
            return Ok(0);
        }
        let (others,): (i64,) = self
            .read()
            .await?
            .sql(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND usesysid IS NOT NULL \
                 AND application_name <> current_setting('application_name')",
            )
            .one()
            .await?;
        Ok(others)
    }
}
