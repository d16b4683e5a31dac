//! What a room says about its own operation log, signed: so that a log which was cut, edited or set
//! back behind the room's back is noticed at the next start (C104, C105).

use std::sync::Arc;
use std::time::Duration;

use crypto::{Purpose, RoomKeys};
use domain::Clock;
use ledger::{
    Checkpoint, Cosignature, KeyName, Note, Origin, Signature, Tree, WitnessVerifier, timed_text,
};
use service::server::StartError;
use service::{ApiError, problems};

use crate::host::Host;
use crate::keys::KeyRing;
use crate::operation_log::unix_ms;

/// A room signs its log at most this often.
const EVERY_MS: i64 = 60_000;

/// Runs for as long as the service lives, so that the last lines before a quiet time are signed.
pub async fn run(host: Arc<Host>) {
    loop {
        tokio::time::sleep(Duration::from_millis(EVERY_MS.unsigned_abs())).await;
        for room in host.open_rooms() {
            if let Err(error) = room.queue.write(|_, _| Ok(())).await {
                tracing::warn!(%error, municipality = %room.municipality, "log not signed");
            }
        }
    }
}

/// Signs the log of one room and knows what it signed last.
pub struct Notary {
    ring: Arc<KeyRing>,
    /// Also the origin of the room's checkpoints.
    name: KeyName,
    clock: Arc<dyn Clock>,
    signed: Signed,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Signed {
    pub size: u64,
    pub at_unix_ms: i64,
}

impl std::fmt::Debug for Notary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notary({})", self.name)
    }
}

impl Notary {
    /// The room's log is called after the provision log: `<origin>/operations/<code>`.
    pub fn new(
        ring: Arc<KeyRing>,
        log_origin: &Origin,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let name = format!("{log_origin}/operations/{}", ring.municipality());
        let refused = StartError::Refused("log_origin holds a character that no key's name may");
        let name = KeyName::parse(&name).map_err(|_| refused)?;
        Ok(Self { ring, name, clock, signed: Signed::default() })
    }

    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The signed checkpoint of this tree, if it is time for one.
    pub fn sign(&self, tree: &Tree) -> Result<Option<(Signed, String)>, ApiError> {
        let signed = Signed { size: tree.size(), at_unix_ms: unix_ms(self.clock.now()) };
        let waited_ms = signed.at_unix_ms.saturating_sub(self.signed.at_unix_ms);
        if signed.size <= self.signed.size || (0..EVERY_MS).contains(&waited_ms) {
            return Ok(None);
        }
        let origin = Origin::from(self.name.clone());
        let text = Checkpoint { origin, size: tree.size(), root: tree.root() }.to_text();
        let line =
            cosign(&*self.ring.current()?, self.name.clone(), &text, signed.at_unix_ms / 1_000)?;
        let note = Note::from_parts(text, vec![line]).map_err(internal)?;
        Ok(Some((signed, note.to_string())))
    }

    /// Remembers what has become durable.
    pub fn remember(&mut self, signed: Signed) {
        self.signed = signed;
    }

    /// Reads what the room signed earlier, under whichever of its keys.
    pub fn open(&self, note: &str) -> Option<Checkpoint> {
        let note: Note = note.parse().ok()?;
        let has_signed = self.ring.current().ok()?.public_keys().signing.iter().any(|key| {
            let verifier = WitnessVerifier::new(self.name.clone(), key.key.to_ed25519());
            matches!(verifier.verify(&note), Ok(Some(_)))
        });
        let checkpoint = Checkpoint::parse(note.text()).ok()?;
        (has_signed && checkpoint.origin == self.name.clone().into()).then_some(checkpoint)
    }
}

/// A room's word about a checkpoint, as a line of a note.
pub fn cosign(
    keys: &RoomKeys,
    name: KeyName,
    text: &str,
    now_unix_s: i64,
) -> Result<Signature, ApiError> {
    let now = u64::try_from(now_unix_s).map_err(internal)?;
    let signature = keys.sign(Purpose::Cosignature, timed_text(text, now).as_bytes());
    let keys = keys.public_keys().signing;
    let key = keys.first().ok_or_else(|| ApiError::new(&problems::INTERNAL))?.key.to_ed25519();
    let cosignature = Cosignature::new(now, signature.to_bytes());
    Ok(WitnessVerifier::new(name, key).line(&cosignature))
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::caused(&problems::INTERNAL, error)
}
