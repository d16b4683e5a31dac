use std::path::PathBuf;

use crypto::KeyId;
use domain::MunicipalityCode;
use domain::retention::RetentionClass;
use domain::review::Rules;
use serde::Deserialize;
use service::config::{DatabaseConfig, ListenConfig};
use time::Date;
use wire::tls::TlsFiles;

/// Configuration of one partition instance.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub listen: ListenConfig,
    pub tls: TlsFiles,
    pub database: DatabaseConfig,
    pub keys: KeysConfig,
    /// The municipalities whose rooms this instance hosts; keys are made when a room is new.
    pub municipalities: Vec<MunicipalityCode>,
    pub broker_url: String,
    pub provision_log_url: String,
    /// Where venue devices hand in; absent, the rooms take no captures.
    #[serde(default)]
    pub intake_url: Option<String>,
    /// How often captures are asked for while none come.
    #[serde(default = "captures_every_ms_default")]
    pub captures_every_ms: u64,
    /// Public keys (base64) of the broker that signs permits; two while one is replaced.
    pub permit_keys: Vec<String>,
    /// Verifier of the provision log (`name+hash+key`); two while its key is replaced.
    pub log_verifiers: Vec<String>,
    /// The first line of the provision log's checkpoints.
    pub log_origin: String,
    /// CSV of the permission list; absent means the one that ships with the program.
    #[serde(default)]
    pub permission_list: Option<PathBuf>,
    /// CSV of dated rules that keep entries out of disclosures; absent means the one that ships.
    #[serde(default)]
    pub disclosure_exemptions: Option<PathBuf>,
    #[serde(default)]
    pub witness: WitnessConfig,
    #[serde(default)]
    pub review: ReviewConfig,
    /// How often the rooms' records are compared with the provision log.
    #[serde(default = "reconcile_every_s_default")]
    pub reconcile_every_s: u64,
    #[serde(default)]
    pub ending: EndingConfig,
    #[serde(default)]
    pub batch: BatchConfig,
    #[serde(default)]
    pub limits: Limits,
}

/// Many inquiries in one file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchConfig {
    /// Rows that are asked at a time, of all rooms together, and of one source.
    pub rows_max: usize,
    pub source_rows_max: usize,
    /// Files of one municipality that are not finished.
    pub open_max: usize,
    /// How long results stay before they are deleted, and a file that nobody starts.
    pub kept_s: u64,
    /// How often rooms are looked through for batches that nobody spoke of.
    pub look_every_s: u64,
    /// A source that does not answer is tried again after a second, then after twice as long each
    /// time, up to this.
    pub retry_s_max: u64,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            rows_max: 32,
            source_rows_max: 4,
            open_max: 20,
            kept_s: 86_400,
            look_every_s: 10,
            retry_s_max: 30,
        }
    }
}

/// How records end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndingConfig {
    /// How often records are looked for whose time is over; they are only proposed.
    pub retention_every_s: u64,
    /// New data keys so long after an erasure, so that what was erased cannot be read anywhere.
    pub rotate_after_erasure_s: u64,
    /// Cells sealed anew in one transaction.
    pub reseal_cells_max: usize,
    /// Where the slips of closed rooms are put, besides the answer.
    pub slips: Option<PathBuf>,
    /// What municipalities keep for longer than the law says.
    pub longer: Vec<LongerRetention>,
}

impl Default for EndingConfig {
    fn default() -> Self {
        Self {
            retention_every_s: 86_400,
            rotate_after_erasure_s: 86_400,
            reseal_cells_max: 256,
            slips: None,
            longer: Vec::new(),
        }
    }
}

/// A municipality's own choice, from a day on; what the law says remains the least.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongerRetention {
    pub municipality: MunicipalityCode,
    pub class: RetentionClass,
    pub years: u32,
    #[serde(with = "domain::vaccination::iso_date")]
    pub valid_from: Date,
}

/// The check of the operation logs for misuse.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewConfig {
    pub every_s: u64,
    pub rules: Rules,
}

impl Default for ReviewConfig {
    fn default() -> Self {
        Self { every_s: 3_600, rules: Rules::default() }
    }
}

fn captures_every_ms_default() -> u64 {
    2_000
}

fn reconcile_every_s_default() -> u64 {
    20
}

/// How the rooms watch the provision log.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessConfig {
    pub every_s: u64,
    /// More than so many of the directory's municipalities must have cosigned lately.
    pub quorum_percent: u8,
    /// How long the log may go without a cosignature before that is an alarm.
    pub silent_s_max: u64,
    pub policy: WitnessPolicy,
}

/// What an alarm about the provision log means for inquiries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WitnessPolicy {
    /// They go on.
    Alarm,
    /// None is sent before the alarm is over.
    Stop,
}

impl Default for WitnessConfig {
    fn default() -> Self {
        let policy = WitnessPolicy::Alarm;
        Self { every_s: 5, quorum_percent: 50, silent_s_max: 600, policy }
    }
}

/// Where keys live: never in the data's database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    pub key_encryption_key: PathBuf,
    /// One file of wrapped keys per municipality.
    pub folder: PathBuf,
    /// Keys that somebody else may have.
    #[serde(default)]
    pub leaked: Vec<LeakedKey>,
}

/// A room's key that is worked with no more: a newer one takes its place at the next start.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakedKey {
    pub municipality: MunicipalityCode,
    pub kind: ReplaceableKey,
    /// Its number; the newest one's is in the directory.
    pub id: KeyId,
}

/// What can be replaced by publishing another; data keys have a verb of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplaceableKey {
    Sealing,
    Signing,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How long an answer stays in the room before it is deleted (C144).
    pub answer_kept_s: u64,
    /// How often answers past their time are looked for.
    pub expire_every_s: u64,
    /// How often waiting notices are sent and held inquiries are looked at for their time.
    pub notices_every_s: u64,
    /// A recipient that is away is tried again after this at the latest.
    pub notice_retry_s_max: u64,
    /// An inquiry about a withheld person on which nobody decided for so long is not released.
    pub held_s_max: u64,
    /// Acts of one room that may wait to be written.
    pub queue_acts_max: usize,
    /// Acts of one room written in one transaction.
    pub batch_acts_max: usize,
    /// How far the inquirer's clock may differ from ours.
    pub clock_s_max: i64,
    /// How long a published key is valid; it is published again long before.
    pub published_key_days: i64,
    pub call_connect_ms_max: u64,
    pub call_answer_ms_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer_kept_s: 24 * 60 * 60,
            expire_every_s: 60,
            notices_every_s: 5,
            notice_retry_s_max: 600,
            held_s_max: 7 * 24 * 60 * 60,
            queue_acts_max: 1_024,
            batch_acts_max: 64,
            clock_s_max: 300,
            published_key_days: 397,
            call_connect_ms_max: 2_000,
            call_answer_ms_max: 10_000,
        }
    }
}
