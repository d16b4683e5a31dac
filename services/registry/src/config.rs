use std::path::{Path, PathBuf};

use crypto::{CryptoError, SigningKey, VerifyingKey};
use ledger::{KeyName, Signer, Verifier};
use serde::Deserialize;
use service::config::{DatabaseConfig, ListenConfig};
use wire::tls::TlsFiles;

/// Everything the registry must be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub listen: ListenConfig,
    pub tls: TlsFiles,
    pub database: DatabaseConfig,
    /// PEM file of the key that signs directory and revocations; all others pin its public half.
    pub directory_key: PathBuf,
    /// Public halves of earlier directory keys, base64: the access log was signed with them.
    #[serde(default)]
    pub former_directory_keys: Vec<String>,
    pub token_key: TokenKeyConfig,
    #[serde(default)]
    pub limits: Limits,
}

/// The key that signs log-in tokens.  Public halves of earlier keys stay published until their
/// time is over, so a key is replaced by writing a new file, a new id and a new validity here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKeyConfig {
    /// PEM file.
    pub file: PathBuf,
    /// Never used again for another key.
    pub id: u32,
    pub not_before_unix_s: i64,
    pub not_after_unix_s: i64,
    /// Ids of earlier keys that must not count any more, because they are no longer secret.
    #[serde(default)]
    pub withdrawn: Vec<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Life of a log-in token.
    pub token_s_max: i64,
    /// Life of a signed directory.
    pub directory_s_max: i64,
    /// Each takes 19 MiB and some tens of milliseconds of one core.
    pub password_checks_at_once_max: usize,
    /// Who comes when so many wait already is sent away.
    pub password_checks_waiting_max: usize,
    /// Failed log-ins before an operator must wait; the wait doubles with each further failure.
    pub failures_per_operator_max: u32,
    /// The same for a terminal, which many operators share.
    pub failures_per_terminal_max: u32,
    pub failure_delay_s_max: i64,
    /// User ids, and terminals, whose failures are remembered.
    pub failures_remembered_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_s_max: 900,
            directory_s_max: 300,
            password_checks_at_once_max: 2,
            password_checks_waiting_max: 64,
            failures_per_operator_max: 5,
            failures_per_terminal_max: 20,
            failure_delay_s_max: 300,
            failures_remembered_max: 10_000,
        }
    }
}

/// Name and origin of the access log in its signed checkpoints.
const ACCESS_LOG: &str = "watari-registry/access";

impl Config {
    /// The key that signs the access log: the directory's, under a name of its own.
    pub(crate) fn access_signer(&self) -> Result<Signer, CryptoError> {
        let key = SigningKey::load(&self.directory_key)?.into_ed25519();
        Ok(Signer::new(access_name()?, key))
    }

    /// All keys the access log was ever signed with: whoever verifies it needs them.
    pub fn access_keys(&self) -> Result<Vec<Verifier>, CryptoError> {
        let former = self
            .former_directory_keys
            .iter()
            .map(|text| Ok(Verifier::new(access_name()?, VerifyingKey::parse(text)?.to_ed25519())));
        let mut keys = former.collect::<Result<Vec<_>, CryptoError>>()?;
        keys.push(self.access_signer()?.verifier().clone());
        Ok(keys)
    }

    /// The same with every path relative to `folder`, where the configuration file is.
    pub fn beside(self, folder: &Path) -> Self {
        let token_key =
            TokenKeyConfig { file: folder.join(&self.token_key.file), ..self.token_key };
        Self {
            tls: service::config::beside(folder, &self.tls),
            directory_key: folder.join(&self.directory_key),
            token_key,
            ..self
        }
    }
}

fn access_name() -> Result<KeyName, CryptoError> {
    KeyName::parse(ACCESS_LOG).map_err(|_| CryptoError::Malformed)
}
