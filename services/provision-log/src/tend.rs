//! What is done beside the batches: the head file, the cosigned checkpoints, the alarm.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use db::DbError;

use crate::log::Log;
use crate::rounds::Cosigned;
use crate::store;

const EVERY: Duration = Duration::from_secs(1);
/// An alarm that rings on is rung once in so many turns.
const ALARM_TURNS: u64 = 60;

impl Log {
    /// Looks after the log for as long as it runs.
    pub async fn tend(self) {
        let mut silent_turns: u64 = 0;
        loop {
            self.write_head().await;
            let now = self.now_unix_ms();
            self.metrics.cosigned_age_s(self.rounds.age_s(now));
            self.keep(self.rounds.due(now)).await;
            let is_silent = self.rounds.is_silent(now);
            if is_silent && silent_turns.is_multiple_of(ALARM_TURNS) {
                let age_s = self.rounds.age_s(now);
                tracing::error!(age_s, "too few witnesses cosign the provision log");
            }
            silent_turns = if is_silent { silent_turns.saturating_add(1) } else { 0 };
            tokio::time::sleep(EVERY).await;
        }
    }

    /// The last thing a log does that stops in order.
    pub async fn rest(self) {
        self.write_head().await;
        self.keep(self.rounds.last()).await;
    }

    /// The head speaks only of what is committed, so the file never says more than the database.
    async fn write_head(&self) {
        if self.doubts.diverged.load(Ordering::Relaxed) {
            return;
        }
        let (head, head_file) = (self.head(), Arc::clone(&self.head_file));
        let written = tokio::task::spawn_blocking(move || head_file.write(&head.note)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::error!(
                "`head_file` could not be written; a log set back would not be noticed"
            );
        }
    }

    async fn keep(&self, cosigned: Option<Cosigned>) {
        let Some(cosigned) = cosigned else { return };
        let Cosigned { size, note, cosigned_at_unix_ms } = cosigned.clone();
        let insert =
            move |tx: &mut db::Tx| store::insert_cosigned(tx, size, &note, cosigned_at_unix_ms);
        match self.db.transaction::<(), DbError, _>("provision-log.cosigned", insert).await {
            Err(error) if !error.is_unique_violation() => {
                tracing::warn!(%error, "a cosigned checkpoint was not kept");
            }
            _ => self.rounds.kept(&cosigned, self.now_unix_ms()),
        }
    }
}
