//! What every other service asks for every few seconds: the signed directory and revocations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use crypto::{Purpose, SigningKey};
use db::{Db, DbError};
use domain::Clock;
use serde::Serialize;
use service::{ApiError, Participants, problems};
use tokio::sync::Mutex;
use wire::registry::{Directory, Revocations};

use crate::store;

/// Who asks within so long gets the same documents.
const AGE_MAX: Duration = Duration::from_millis(500);
/// How often the registry's own view is renewed.
const REFRESH: Duration = Duration::from_secs(1);

pub(crate) struct Published {
    db: Db,
    key: SigningKey,
    directory_s_max: i64,
    clock: Arc<dyn Clock>,
    /// The view of the registry's own gate.
    participants: Participants,
    /// Renewed by one at a time, so an older state never follows a newer one.
    current: Mutex<Option<Current>>,
}

#[derive(Clone)]
struct Current {
    read_at: Instant,
    directory: SignedDirectory,
    revocations: Bytes,
}

#[derive(Clone)]
struct SignedDirectory {
    sequence: i64,
    issued_at_unix_s: i64,
    text: Bytes,
}

/// `wire::registry::Signed`, as it is written.
#[derive(Serialize)]
struct Document {
    body: String,
    signature: crypto::Signature,
}

impl Published {
    pub(crate) fn new(
        db: Db,
        key: SigningKey,
        directory_s_max: i64,
        clock: Arc<dyn Clock>,
        participants: Participants,
    ) -> Self {
        let current = Mutex::default();
        Self { db, key, directory_s_max, clock, participants, current }
    }

    /// The signed text, with a tag that changes whenever it does.
    pub(crate) async fn directory(&self) -> Result<(String, Bytes), ApiError> {
        let SignedDirectory { sequence, issued_at_unix_s, text } = self.recent().await?.directory;
        Ok((format!("\"{sequence}-{issued_at_unix_s}\""), text))
    }

    pub(crate) async fn revocations(&self) -> Result<Bytes, ApiError> {
        Ok(self.recent().await?.revocations)
    }

    async fn recent(&self) -> Result<Current, ApiError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(recent) if recent.read_at.elapsed() < AGE_MAX => Ok(recent.clone()),
            _ => self.renew(&mut current).await,
        }
    }

    pub(crate) async fn refresh(&self) -> Result<(), ApiError> {
        let mut current = self.current.lock().await;
        self.renew(&mut current).await.map(drop)
    }

    /// What was changed is durable already; if it can't be read now, the next refresh reads it.
    pub(crate) async fn refresh_after_change(&self) {
        let mut current = self.current.lock().await;
        if let Err(error) = self.renew(&mut current).await {
            // Nobody is given what was true before the change.
            *current = None;
            tracing::warn!(code = error.kind().code, "a change is not published yet");
        }
    }

    /// Keeps the registry's own view fresh for as long as the process lives.
    pub(crate) async fn follow(&self) {
        loop {
            tokio::time::sleep(REFRESH).await;
            if let Err(error) = self.refresh().await {
                tracing::warn!(
                    code = error.kind().code,
                    "own view of the participants not renewed"
                );
            }
        }
    }

    async fn renew(&self, current: &mut Option<Current>) -> Result<Current, ApiError> {
        let read_at = Instant::now();
        let now_unix_s = self.clock.now().unix_timestamp();
        let kept = current.as_ref().map(|current| &current.directory);
        let kept = kept.filter(|kept| self.is_young(kept, now_unix_s)).cloned();
        let kept_sequence = kept.as_ref().map(|kept| kept.sequence);
        let expires_at_unix_s = now_unix_s.saturating_add(self.directory_s_max);
        let (directory, revocations) = self
            .db
            .read("registry.publish", move |tx| {
                let directory = match kept_sequence {
                    Some(kept) if kept == store::directory_sequence(tx)? => None,
                    _ => Some(store::directory_read(tx, now_unix_s, expires_at_unix_s)?),
                };
                Ok::<_, DbError>((directory, store::revocations_read(tx, now_unix_s)?))
            })
            .await?;
        let directory = match (directory, kept) {
            (Some(fresh), _) => self.sign_directory(fresh)?,
            (None, Some(kept)) => kept,
            (None, None) => return Err(ApiError::new(&problems::INTERNAL)),
        };
        let fresh =
            Current { read_at, directory, revocations: self.sign_revocations(revocations)? };
        *current = Some(fresh.clone());
        Ok(fresh)
    }

    /// Before half of its life is over, nobody is left with a directory about to expire.
    fn is_young(&self, directory: &SignedDirectory, now_unix_s: i64) -> bool {
        let age_s = now_unix_s.saturating_sub(directory.issued_at_unix_s);
        (0..self.directory_s_max / 2).contains(&age_s)
    }

    fn sign_directory(&self, directory: Directory) -> Result<SignedDirectory, ApiError> {
        let text = self.sign(Purpose::Directory, &directory)?;
        let Directory { sequence, issued_at_unix_s, .. } = directory;
        if let Err(error) = self.participants.set_directory(directory) {
            tracing::warn!(%error, "own directory not renewed");
        }
        Ok(SignedDirectory { sequence, issued_at_unix_s, text })
    }

    fn sign_revocations(&self, revocations: Revocations) -> Result<Bytes, ApiError> {
        let text = self.sign(Purpose::Revocations, &revocations)?;
        if let Err(error) = self.participants.set_revocations(revocations) {
            tracing::warn!(%error, "own revocations not renewed");
        }
        Ok(text)
    }

    fn sign(&self, purpose: Purpose, document: &impl Serialize) -> Result<Bytes, ApiError> {
        let internal = |error| ApiError::caused(&problems::INTERNAL, error);
        let body = serde_json::to_string(document).map_err(internal)?;
        let signature = self.key.sign(purpose, body.as_bytes());
        let signed = serde_json::to_vec(&Document { body, signature }).map_err(internal)?;
        Ok(signed.into())
    }
}
