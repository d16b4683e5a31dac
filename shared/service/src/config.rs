//! Pieces of configuration that several services share.  Every field has a documented default in
//! the example file, or must be given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use db::{DbConfig, DbError, DbUrl};
use serde::Deserialize;
use wire::tls::TlsFiles;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::body::BodyLimits;

/// A secret given by value or by the name of a file that holds it.
#[derive(Clone, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(untagged)]
pub enum Secret {
    Value(String),
    File {
        #[zeroize(skip)]
        file: PathBuf,
    },
}

impl Secret {
    /// The secret itself; a file's trailing line break is not part of it.
    pub fn reveal(&self) -> Result<String, ConfigError> {
        match self {
            Self::Value(text) => Ok(text.clone()),
            Self::File { file } => std::fs::read_to_string(file)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|_| ConfigError::SecretFile),
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file can't be read")]
    Unreadable,
    #[error("the file of a secret can't be read")]
    SecretFile,
    #[error("the permission list can't be read; every row must be readable")]
    PermissionList,
    #[error("the database URL is neither sqlite:PATH nor postgres://…")]
    Database,
}

/// Where a service listens, and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// Port 0 takes a free port.
    pub address: SocketAddr,
    /// Threads that serve requests; 0 means one per core.
    pub workers: usize,
    pub connections_max: usize,
    pub handshake_ms_max: u64,
    pub header_ms_max: u64,
    pub idle_s_max: u64,
    pub body_ms_max: u64,
    pub body_bytes_max: usize,
    /// How long requests in flight may take to end when the service stops.
    pub shutdown_s_max: u64,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            workers: 0,
            connections_max: 4_096,
            handshake_ms_max: 3_000,
            header_ms_max: 5_000,
            idle_s_max: 30,
            body_ms_max: 5_000,
            body_bytes_max: 1024 * 1024,
            shutdown_s_max: 10,
        }
    }
}

impl ListenConfig {
    pub fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes_max: self.body_bytes_max, ms_max: self.body_ms_max }
    }
}

/// Which database a service uses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://…`, as the service's own role.
    pub url: Secret,
    /// PostgreSQL only: as the owner, for `watari migrate`; absent means `url`.
    #[serde(default)]
    pub owner_url: Option<Secret>,
    #[serde(default = "connections_max_default")]
    pub connections_max: u32,
    #[serde(default = "pool_wait_ms_max_default")]
    pub pool_wait_ms_max: u64,
}

fn connections_max_default() -> u32 {
    16
}

fn pool_wait_ms_max_default() -> u64 {
    5_000
}

impl DatabaseConfig {
    pub fn service(&self) -> Result<DbConfig, ConfigError> {
        Ok(DbConfig {
            url: parse_url(&self.url)?,
            connections_max: self.connections_max,
            pool_wait_ms_max: self.pool_wait_ms_max,
        })
    }

    pub fn owner(&self) -> Result<DbUrl, ConfigError> {
        parse_url(self.owner_url.as_ref().unwrap_or(&self.url))
    }
}

fn parse_url(secret: &Secret) -> Result<DbUrl, ConfigError> {
    DbUrl::parse(&secret.reveal()?).map_err(|_: DbError| ConfigError::Database)
}

/// How a service finds the registry and knows that a directory is genuine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    pub url: String,
    /// The registry's public key (base64), pinned; the directory must be signed with it.
    pub directory_key: String,
    /// How often directory and revocations are asked for; revocation takes effect within this.
    #[serde(default = "poll_ms_default")]
    pub poll_ms: u64,
    /// Revocations older than this trust nobody.
    #[serde(default = "stale_s_max_default")]
    pub stale_s_max: i64,
}

fn poll_ms_default() -> u64 {
    2_000
}

fn stale_s_max_default() -> i64 {
    30
}

/// Where traces and log lines go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// `error`, `warn`, `info`, `debug` or a filter such as `info,partition=debug`.
    pub log: String,
    /// A file to append log lines (JSON) to; absent means standard error.
    pub log_file: Option<PathBuf>,
    /// Base URL of an OTLP/HTTP receiver; absent means no traces leave the process.
    pub otlp_endpoint: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { log: "info".to_owned(), log_file: None, otlp_endpoint: None }
    }
}

/// Certificates of one service; all paths are relative to the configuration file.
pub fn beside(folder: &Path, files: &TlsFiles) -> TlsFiles {
    TlsFiles {
        authority: folder.join(&files.authority),
        revocation_list: folder.join(&files.revocation_list),
        certificate: folder.join(&files.certificate),
        key: folder.join(&files.key),
    }
}
