//! Verbs: hold a checkpoint out to witnesses, take their cosignatures and hear their objections
//! (docs/LOG_FORMAT.md §5).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{Action, MunicipalityCode, OpContext};
use ledger::{Note, Signature, WitnessVerifier};
use service::hosted::{directory, expect_host};
use service::{ApiError, Directory, Participants, problems as common};
use wire::provision_log::{Cosignatures, Objection, ObjectionHeard};

use crate::log::Log;
use crate::problems;
use crate::proofs::unreadable;
use crate::rounds::Line;

/// How far a witness's clock may differ from ours.
const CLOCK_S_MAX: u64 = 300;

impl Log {
    /// The checkpoint that is being cosigned, with the cosignatures so far.
    pub(crate) fn witness_checkpoint(&self) -> String {
        self.rounds.checkpoint(&self.head(), self.now_unix_ms())
    }

    /// Takes cosignatures of rooms that the caller hosts.
    ///
    /// A line that does not hold is left out: one room with a key that the directory does not know
    /// yet must not silence its neighbours.
    pub async fn cosign(
        &self,
        context: &OpContext,
        participants: &Participants,
        sent: Cosignatures,
    ) -> Result<(), ApiError> {
        let note: Note = sent.note.parse().map_err(|_| ApiError::field("note"))?;
        if !self.rounds.holds_out(note.text()) {
            return Err(ApiError::new(&problems::ROUND_OVER));
        }
        let directory = directory(context, participants)?;
        let given = note.signatures().len();
        let text = note.text().to_owned();
        let (prefix, context) = (format!("{}/witness/", self.keeper.origin()), context.clone());
        // Thousands of signatures take a while: not on a thread that serves others.
        let verify = move || good_lines(&note, &prefix, &context, &directory);
        let lines = tokio::task::spawn_blocking(verify).await;
        let lines = lines.map_err(|error| ApiError::caused(&common::UNAVAILABLE, error))??;
        if lines.len() < given {
            tracing::warn!(given, good = lines.len(), "cosignatures that do not hold");
        }
        if lines.is_empty() {
            return Err(ApiError::field("note"));
        }
        let witnesses = self.rounds.add(&text, lines, self.now_unix_ms());
        let over = |error| ApiError::caused(&problems::ROUND_OVER, error);
        self.metrics.witnesses(witnesses.map_err(over)?);
        Ok(())
    }

    /// Checks what a witness knows against the log; a log that does not continue it stops.
    pub async fn object(
        &self,
        context: &OpContext,
        participants: &Participants,
        objection: Objection,
    ) -> Result<ObjectionHeard, ApiError> {
        let Objection { municipality, known } = objection;
        let directory = directory(context, participants)?;
        expect_host(context, Action::WitnessLog, &directory, municipality).map(drop)?;
        let checkpoint = self.keeper.open(&known).map_err(|_| ApiError::field("known"))?;
        let (head, size) = (self.head(), checkpoint.size);
        let continues = move |tx: &mut db::Tx| {
            head.continues(tx, checkpoint.size, checkpoint.root).map_err(unreadable)
        };
        let sustained = !self.db.read("provision-log.objection", continues).await?;
        self.metrics.objection(sustained);
        if sustained {
            tracing::error!(
                %municipality, size,
                "a witness holds a checkpoint that this log signed and does not continue: \
                 nothing is appended any more; run `watari log verify`"
            );
            self.doubts.objected.store(true, Ordering::Relaxed);
            let head_file = Arc::clone(&self.head_file);
            let sealed = tokio::task::spawn_blocking(move || head_file.seal(&known)).await;
            if !matches!(sealed, Ok(Ok(()))) {
                tracing::error!("the witness's checkpoint could not be written to `head_file`");
            }
        }
        Ok(ObjectionHeard { sustained })
    }
}

/// The cosignatures that hold; an error if one is in the name of a room that is hosted elsewhere.
fn good_lines(
    note: &Note,
    prefix: &str,
    context: &OpContext,
    directory: &Directory,
) -> Result<Vec<Line>, ApiError> {
    let mut good = Vec::new();
    for line in note.signatures() {
        let code = line.name.as_str().strip_prefix(prefix);
        let Some(Ok(code)) = code.map(MunicipalityCode::parse) else { continue };
        expect_host(context, Action::WitnessLog, directory, code).map(drop)?;
        if holds(note.text(), line, code, context, directory) {
            good.push((code, line.clone()));
        }
    }
    Ok(good)
}

fn holds(
    text: &str,
    line: &Signature,
    code: MunicipalityCode,
    context: &OpContext,
    directory: &Directory,
) -> bool {
    let now = context.at.unix_timestamp();
    let keys = directory.member(code).into_iter().flat_map(|member| member.signing_keys(now));
    let mut keys = keys.map(|key| WitnessVerifier::new(line.name.clone(), key.to_ed25519()));
    let Some(verifier) = keys.find(|key| key.id() == line.key_id) else { return false };
    // Alone in a note, so that a note of thousands of lines is not searched for each of them.
    let alone = Note::from_parts(text.to_owned(), vec![line.clone()]);
    let cosignature = alone.and_then(|note| verifier.verify(&note));
    let Ok((Some(cosignature), Ok(now))) = cosignature.map(|one| (one, u64::try_from(now))) else {
        return false;
    };
    cosignature.time_unix_s.abs_diff(now) <= CLOCK_S_MAX
}
