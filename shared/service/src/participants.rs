//! Who takes part, as the registry last signed it, and who has been revoked.
//!
//! The registry fills its own copy; every other service asks for it every few seconds.  A directory
//! that has expired, or revocations that are too old, trust nobody: that is an outage, not a hole.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{Purpose, Signature, VerifyingKey};
use domain::{Clock, OperatorId, RequestId};
use serde::de::DeserializeOwned;
use wire::registry::{self, Revocations, Signed};
use wire::{CallError, Client};

use crate::Directory;
use crate::config::RegistryConfig;

/// How far the registry's clock may be ahead of ours.
const CLOCK_S_MAX: i64 = 5;

/// The shared view; a clone is the same view.
#[derive(Clone, Debug)]
pub struct Participants {
    view: Arc<RwLock<View>>,
    stale_s_max: i64,
}

#[derive(Debug, Default)]
struct View {
    directory: Option<Arc<Directory>>,
    revocations: Option<Arc<Revocations>>,
}

/// Why nobody can be trusted right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    #[error("the directory has not been fetched, or has expired")]
    Directory,
    #[error("the revocations have not been fetched, or are too old")]
    Revocations,
}

/// Why a fetched document was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the registry could not be asked")]
    Unreachable,
    #[error("the document is not signed by the registry")]
    Signature,
    #[error("the document is not readable")]
    Unreadable,
    #[error("the document is older than the one in force")]
    Older,
}

impl Participants {
    pub fn new(stale_s_max: i64) -> Self {
        Self { view: Arc::default(), stale_s_max }
    }

    /// The directory in force at `now`.
    pub fn directory(&self, now_unix_s: i64) -> Result<Arc<Directory>, NoView> {
        let view = self.view.read().map_err(|_| NoView::Directory)?;
        let directory = view.directory.as_ref().ok_or(NoView::Directory)?;
        if now_unix_s < directory.expires_at_unix_s {
            Ok(Arc::clone(directory))
        } else {
            Err(NoView::Directory)
        }
    }

    /// The revocations in force at `now`.
    pub fn revocations(&self, now_unix_s: i64) -> Result<Arc<Revocations>, NoView> {
        let view = self.view.read().map_err(|_| NoView::Revocations)?;
        let revocations = view.revocations.as_ref().ok_or(NoView::Revocations)?;
        let age_s = now_unix_s.saturating_sub(revocations.issued_at_unix_s);
        // From the future is as bad as too old: nothing newer would be taken for a while.
        if (-CLOCK_S_MAX..=self.stale_s_max).contains(&age_s) {
            Ok(Arc::clone(revocations))
        } else {
            Err(NoView::Revocations)
        }
    }

    /// Whether both documents are in force: part of a service's readiness.
    pub fn check(&self, now_unix_s: i64) -> Result<(), NoView> {
        self.directory(now_unix_s)?;
        self.revocations(now_unix_s).map(drop)
    }

    /// Takes a directory unless a newer one is in force.
    pub fn set_directory(&self, document: registry::Directory) -> Result<(), Refused> {
        let directory = Directory::read(document);
        let mut view = self.view.write().map_err(|_| Refused::Unreadable)?;
        let newest = view.directory.as_ref().map(|d| (d.sequence, d.issued_at_unix_s));
        if newest.is_some_and(|newest| (directory.sequence, directory.issued_at_unix_s) < newest) {
            return Err(Refused::Older);
        }
        view.directory = Some(Arc::new(directory));
        Ok(())
    }

    /// Takes revocations unless newer ones are in force.
    pub fn set_revocations(&self, revocations: Revocations) -> Result<(), Refused> {
        let mut view = self.view.write().map_err(|_| Refused::Unreadable)?;
        let newest = view.revocations.as_ref().map(|r| r.issued_at_unix_s);
        if newest.is_some_and(|newest| revocations.issued_at_unix_s < newest) {
            return Err(Refused::Older);
        }
        view.revocations = Some(Arc::new(revocations));
        Ok(())
    }
}

/// Where the signed documents come from, and the key they must be signed with.
#[derive(Debug)]
pub struct Source {
    pub client: Client,
    pub key: VerifyingKey,
    pub poll: Duration,
}

impl Source {
    pub fn new(client: Client, config: &RegistryConfig) -> Result<Self, crypto::CryptoError> {
        let key = VerifyingKey::parse(&config.directory_key)?;
        Ok(Self { client, key, poll: Duration::from_millis(config.poll_ms) })
    }

    /// Fetches both documents once.
    pub async fn fetch(&self, participants: &Participants) -> Result<(), Refused> {
        self.refresh(participants, &mut None).await
    }

    /// Fetches what has changed; `tag` remembers which directory is known.
    async fn refresh(
        &self,
        participants: &Participants,
        tag: &mut Option<String>,
    ) -> Result<(), Refused> {
        let unreachable = |_: CallError| Refused::Unreachable;
        let (client, request) = (&self.client, RequestId::make_random());
        let changed: Option<(Signed, Option<String>)> = client
            .get_changed(registry::DIRECTORY, &request, tag.as_deref())
            .await
            .map_err(unreachable)?;
        let mut taken = Ok(());
        if let Some((signed, fresh_tag)) = changed {
            let directory = verify(&self.key, Purpose::Directory, &signed)?;
            taken = participants.set_directory(directory);
            *tag = fresh_tag.filter(|_| taken.is_ok());
        }
        let signed: Signed =
            client.get(registry::REVOCATIONS, &request).await.map_err(unreachable)?;
        // Revocations count also while an older directory is refused.
        participants.set_revocations(verify(&self.key, Purpose::Revocations, &signed)?)?;
        taken
    }

    /// Fetches for as long as the process lives.
    pub async fn follow(self, participants: Participants) {
        let mut tag = None;
        loop {
            if let Err(error) = self.refresh(&participants, &mut tag).await {
                tracing::warn!(%error, "directory or revocations not refreshed");
            }
            tokio::time::sleep(self.poll).await;
        }
    }
}

/// Reads a signed document, after its signature has been checked.
pub fn verify<T: DeserializeOwned>(
    key: &VerifyingKey,
    purpose: Purpose,
    signed: &Signed,
) -> Result<T, Refused> {
    let signature =
        Signature::parse(&STANDARD.encode(&signed.signature.0)).map_err(|_| Refused::Signature)?;
    key.verify(purpose, signed.body.as_bytes(), &signature).map_err(|_| Refused::Signature)?;
    serde_json::from_str(&signed.body).map_err(|_| Refused::Unreadable)
}

/// Whether a session, its operator or its terminal has been revoked.
pub fn is_revoked(
    revocations: &Revocations,
    session: &str,
    operator: &OperatorId,
    thumbprint: &[u8],
) -> bool {
    revocations.sessions.iter().any(|one| one == session)
        || revocations.operators.contains(operator)
        || is_terminal_revoked(revocations, thumbprint)
}

pub fn is_terminal_revoked(revocations: &Revocations, thumbprint: &[u8]) -> bool {
    revocations.terminals.iter().any(|one| one.0 == thumbprint)
}

/// Seconds since 1970 by the given clock.
pub fn now_unix_s(clock: &dyn Clock) -> i64 {
    clock.now().unix_timestamp()
}
