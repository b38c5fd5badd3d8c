//! The master key, and the signing keys that it seals.

use std::os::unix::fs::PermissionsExt as _;

use model::master_key::MasterKey;

use crate::{
    app::keys::master::{self, MasterKeyStage},
    cli::doctor::findings::Findings,
    config::Config,
    server::master_key,
    store::{self, Db},
};

pub(super) async fn check_master_key(config: &Config, db: &Db, findings: &mut Findings) -> Option<MasterKey> {
    const REMEDY: &str = "set OSTIARY_MASTER_KEY or OSTIARY_MASTER_KEY_FILE to the key of this installation";
    match master_key::open(config, db, None).await {
        Ok(key) => {
            findings.ok("master key", "fits the database");
            check_file_permissions(config, findings);
            Some(key)
        }
        Err(error) => {
            findings.bad("master key", error.to_string(), REMEDY);
            None
        }
    }
}

/// The permissions of the key file: whoever reads it and the database reads everything.
fn check_file_permissions(config: &Config, findings: &mut Findings) {
    let Some(file) = config.master_key_path() else { return };
    let Ok(metadata) = std::fs::metadata(&file) else { return };
    if metadata.permissions().mode() & 0o077 != 0 {
        findings.attention(
            "master key",
            format!("other users of this machine can read {}", file.display()),
            format!("chmod 600 {}", file.display()),
        );
    }
}

/// Reports what other master keys than the one that seals have sealed.
pub(super) async fn other_master_keys(db: &Db, key: &MasterKey, findings: &mut Findings) {
    match master::list(db, key).await {
        Ok(keys) => {
            for key in keys.iter().filter(|key| key.stage == MasterKeyStage::Missing) {
                findings.bad(
                    "master key",
                    format!(
                        "{} values are sealed under the key {}, which is not configured",
                        key.values, key.name
                    ),
                    "append that key to the key file, restart the servers and run `ostiary keys reseal`",
                );
            }
            let older: Vec<_> = keys.iter().filter(|key| key.stage == MasterKeyStage::Older).collect();
            for key in older.iter().filter(|key| key.values > 0) {
                findings.attention(
                    "master key",
                    format!("{} values are still sealed under the older key {}", key.values, key.name),
                    "run `ostiary keys reseal` when every server has the new key first",
                );
            }
            for key in older.iter().filter(|key| key.values == 0) {
                findings.ok(
                    "master key",
                    format!(
                        "the key {} seals nothing: put it first if it is new, remove it if it is old",
                        key.name
                    ),
                );
            }
        }
        Err(error) => findings.bad("master key", error.to_string(), "see what the database's own log says"),
    }
}

pub(super) async fn signing_keys(db: &Db, key: &MasterKey, findings: &mut Findings) {
    let sealed = match db.read().await {
        Ok(mut conn) => store::signing_keys::list_sealed(&mut conn, 10_000).await,
        Err(error) => Err(error),
    };
    match sealed {
        Ok(sealed) => {
            let mut good = 0;
            for (id, private_key) in &sealed {
                match key.open(&store::sealed_columns::PRIVATE_KEY.context(&[id]), private_key) {
                    Ok(_) => good += 1,
                    Err(error) => findings.bad(
                        "signing keys",
                        format!("{id} cannot be decrypted: {error}"),
                        "add the master key it was sealed with to the key file, below the present one; or `ostiary keys rotate`",
                    ),
                }
            }
            if good == sealed.len() {
                let seen = match good {
                    0 => "none yet; they are created when first needed".to_owned(),
                    1 => "1 can be decrypted".to_owned(),
                    many => format!("{many} can be decrypted"),
                };
                findings.ok("signing keys", seen);
            }
        }
        Err(error) => findings.bad("signing keys", error.to_string(), "see what the database's own log says"),
    }
}
