use std::path::{Path, PathBuf};

use ledger::{KeyName, Signer, TILE_WIDTH, Verifier};
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
    /// PEM file of the key that follows, or went before: while it is named here, checkpoints are
    /// signed with both, and readers may be given the new verifier at any time.
    #[serde(default)]
    pub overlapping_key: Option<PathBuf>,
    /// Verifiers (`name+hash+key`) of keys that signed checkpoints once and do no longer.
    #[serde(default)]
    pub former_verifiers: Vec<String>,
    /// Verifiers of the persons who may order a hold or a destruction; none, and no order is taken.
    #[serde(default)]
    pub custodians: Vec<String>,
    /// File that holds the newest checkpoint, outside the database and its backups: a log that was
    /// set back is known by it.
    pub head_file: PathBuf,
    #[serde(default)]
    pub witness: WitnessConfig,
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

/// What the log expects of the municipalities that watch it grow.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessConfig {
    /// How long one checkpoint is held out to be cosigned before a newer one is.
    pub round_s: u64,
    /// Without a round that enough witnesses cosigned for so long, the log raises the alarm.
    pub silent_s_max: u64,
    /// What silence means beyond the alarm.
    pub policy: SilencePolicy,
    /// Witnesses that are enough.
    pub quorum: usize,
    /// How often a cosigned checkpoint is kept in the database.
    pub keep_every_s: u64,
}

impl Default for WitnessConfig {
    fn default() -> Self {
        Self {
            round_s: 5,
            silent_s_max: 600,
            policy: SilencePolicy::Alarm,
            quorum: 1,
            keep_every_s: 600,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SilencePolicy {
    /// Entries are taken in all the same.
    Alarm,
    /// Nothing is taken in until witnesses are heard, also after a start.
    Stop,
}

/// What a log is opened with besides its database.
#[derive(Debug)]
pub struct Opening {
    pub keys: Keys,
    pub head_file: PathBuf,
    pub witness: WitnessConfig,
    pub limits: Limits,
}

/// The log's keys, and those it must know.
#[derive(Debug)]
pub struct Keys {
    pub signer: Signer,
    pub overlapping: Option<Signer>,
    pub former: Vec<Verifier>,
    pub custodians: Vec<Verifier>,
}

impl Config {
    /// The log's key under its name; `signer().verifier()` is what readers are configured with.
    pub fn signer(&self) -> Result<Signer, StartError> {
        self.load(&self.signing_key)
    }

    /// What the log itself is opened with; the rest is the listener's.
    pub fn opening(&self) -> Result<Opening, StartError> {
        let Self { head_file, witness, limits, .. } = self;
        let (witness, limits) = (*witness, *limits);
        Ok(Opening { keys: self.keys()?, head_file: head_file.clone(), witness, limits })
    }

    pub fn keys(&self) -> Result<Keys, StartError> {
        let signer = self.signer()?;
        let overlapping =
            self.overlapping_key.as_deref().map(|file| self.load(file)).transpose()?;
        // A note with two lines under one key is refused by all who know it.
        if overlapping.as_ref().is_some_and(|other| other.verifier() == signer.verifier()) {
            return Err(StartError::Refused("`overlapping_key` must not be `signing_key`"));
        }
        Ok(Keys {
            signer,
            overlapping,
            former: verifiers(&self.former_verifiers)
                .ok_or(StartError::Refused("`former_verifiers` are keys like name+hash+key"))?,
            custodians: verifiers(&self.custodians)
                .ok_or(StartError::Refused("`custodians` are keys like name+hash+key"))?,
        })
    }

    fn load(&self, file: &Path) -> Result<Signer, StartError> {
        let name = KeyName::parse(&self.origin)
            .map_err(|_| StartError::Refused("`origin` has neither spaces nor plus signs"))?;
        let key = crypto::SigningKey::load(file)?;
        Ok(Signer::new(name, key.into_ed25519()))
    }
}

fn verifiers(texts: &[String]) -> Option<Vec<Verifier>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

impl Keys {
    /// A log that has one key only.
    pub fn new(signer: Signer) -> Self {
        Self { signer, overlapping: None, former: Vec::new(), custodians: Vec::new() }
    }

    /// Every key under which the log's checkpoints count.
    pub fn verifiers(&self) -> Vec<Verifier> {
        let own = std::iter::once(&self.signer).chain(&self.overlapping);
        let own = own.map(|signer| signer.verifier().clone());
        own.chain(self.former.iter().cloned()).collect()
    }
}
