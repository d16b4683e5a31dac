//! An independent witness: watches the running log from a machine of its own, and cosigns what
//! continues what it has seen.

use std::path::PathBuf;
use std::time::Duration;

use audit::{Memory, Shown, Trust, append_line};
use clap::Args;
use crypto::{Purpose, SigningKey};
use domain::{Clock, RequestId};
use ledger::{Cosignature, Hash, KeyName, Note, WitnessVerifier, timed_text};
use serde_json::json;
use wire::provision_log::{CHECKPOINT, CONSISTENCY, Proof, ProveConsistency};
use wire::{CallError, Client};

use crate::{Failure, Keys, Said};

#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    pub keys: Keys,
    /// Remembers the newest checkpoint seen; the first one is believed
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// The witness's private key (PEM), made by `watari log witness-key`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The name the key was made with
    #[arg(long, value_parser = KeyName::parse)]
    name: KeyName,
    /// Add cosigned checkpoints to this file, for `watari log verify --witness`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Look once and stop
    #[arg(long)]
    once: bool,
    /// How often to look
    #[arg(long, value_name = "S", default_value_t = 5)]
    every_s: u64,
}

/// A witness at work.
#[derive(Debug)]
pub struct Witness<'a> {
    args: &'a Watch,
    client: Client,
    trust: Trust,
    memory: Memory,
    key: SigningKey,
}

impl<'a> Witness<'a> {
    pub fn new(args: &'a Watch, client: Client, trust: Trust) -> Result<Self, Failure> {
        let memory = Memory { path: args.state.clone() };
        Ok(Self { args, client, trust, memory, key: SigningKey::load(&args.key)? })
    }

    /// Looks again and again, and tells of each new checkpoint, until the log contradicts itself;
    /// with `--once` it looks once.
    pub async fn watch(&self, clock: &dyn Clock, tell: impl Fn(&str)) -> Result<Said, Failure> {
        loop {
            match self.look(clock).await {
                Ok(Some(said)) if self.args.once || !said.is_sound => return Ok(said),
                Ok(Some(said)) => tell(&said.text),
                Ok(None) => {}
                // The next look may be luckier.
                Err(failure @ Failure::Call { .. }) if !self.args.once => {
                    tell(&json!({"failed": failure.to_string()}).to_string());
                }
                Err(failure) => return Err(failure),
            }
            if self.args.once {
                return Ok(json!({"same": true}).to_string().into());
            }
            tokio::time::sleep(Duration::from_secs(self.args.every_s.max(1))).await;
        }
    }

    /// Cosigns what the log shows now, if it is new.
    async fn look(&self, clock: &dyn Clock) -> Result<Option<Said>, Failure> {
        let note = self.client.get_text(CHECKPOINT, &RequestId::make_random()).await;
        let note = note.map_err(call("asking for the checkpoint"))?;
        let proof = match self.memory.proof_needed(&note, &self.trust)? {
            Some((old_size, new_size)) => self.prove(old_size, new_size).await?,
            None => Vec::new(),
        };
        match self.memory.judge(&note, &proof, &self.trust)? {
            Shown::Same => Ok(None),
            Shown::Contradiction { known, shown } => {
                let text = json!({"contradiction": {"known": known, "shown": shown}}).to_string();
                Ok(Some(Said { text, is_sound: false }))
            }
            Shown::Continues(new) => {
                let note = self.cosign(note.parse()?, clock).to_string();
                let line = json!({"size": new.size, "note": note}).to_string();
                if let Some(out) = &self.args.out {
                    append_line(out, &line).map_err(Failure::file(out))?;
                }
                Ok(Some(line.into()))
            }
        }
    }

    async fn prove(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>, Failure> {
        let wanted = ProveConsistency { old_size, new_size };
        let said = RequestId::make_random();
        let proof = self.client.post::<Proof>(CONSISTENCY, &said, None, &wanted).await;
        let hashes = proof.map_err(call("asking for a consistency proof"))?.hashes;
        // What is no hash makes the proof too short.
        Ok(hashes.iter().filter_map(|hash| hash.0.as_slice().try_into().ok()).collect())
    }

    fn cosign(&self, mut note: Note, clock: &dyn Clock) -> Note {
        let time_unix_s = clock.now().unix_timestamp().unsigned_abs();
        let message = timed_text(note.text(), time_unix_s);
        let signature = self.key.sign(Purpose::Cosignature, message.as_bytes());
        let key = self.key.verifying_key().to_ed25519();
        let verifier = WitnessVerifier::new(self.args.name.clone(), key);
        note.add_line(verifier.line(&Cosignature::new(time_unix_s, signature.to_bytes())));
        note
    }
}

fn call(what: &'static str) -> impl FnOnce(CallError) -> Failure {
    move |source| Failure::Call { what, source }
}
