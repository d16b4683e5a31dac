use std::path::PathBuf;

use ledger::{KeyName, Signer, TILE_WIDTH};
use serde::Deserialize;
use service::config::{DatabaseConfig, ListenConfig};
use service::server::StartError;
use wire::tls::TlsFiles;

/// Configuration of the provision log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub listen: ListenConfig,
    pub tls: TlsFiles,
    pub database: DatabaseConfig,
    /// The first line of the log's checkpoints and the name of its key, such as
    /// `log.watari.example/provision`; never changed once the log has begun.
    pub origin: String,
    /// PEM file of the Ed25519 key that signs checkpoints.
    pub signing_key: PathBuf,
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Entries that may wait to be written; more are refused as unavailable.
    pub queue_entries_max: usize,
    /// Entries written in one transaction, 1 to 256.
    pub batch_entries_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_entries_max: 4_096, batch_entries_max: TILE_WIDTH }
    }
}

impl Config {
    /// The log's key under its name; `signer().verifier()` is what readers are configured with.
    pub fn signer(&self) -> Result<Signer, StartError> {
        let name = KeyName::parse(&self.origin)
            .map_err(|_| StartError::Refused("`origin` has neither spaces nor plus signs"))?;
        let key = crypto::SigningKey::load(&self.signing_key)?;
        Ok(Signer::new(name, key.into_ed25519()))
    }
}
