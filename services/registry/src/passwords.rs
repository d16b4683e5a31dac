//! Argon2id, off the async threads, a few at once.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use service::{ApiError, problems};
use tokio::sync::Semaphore;
use uuid::Uuid;
use wire::WirePassword;

use crate::Limits;

/// 19 MiB, two passes, one lane: OWASP's recommendation for log-in servers.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Shortest and longest password, in characters.
pub(crate) const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=128;

pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// What an unknown user's password is compared with: the same work, never the same password.
    nobodys: Arc<str>,
    /// Everybody who is being served or waits; who finds no place is sent away.
    places: Semaphore,
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// Blocks for one hash.
    pub(crate) fn new(limits: &Limits) -> Result<Self, Error> {
        let argon2 = argon2()?;
        let nobodys = argon2.hash_password(Uuid::new_v4().as_bytes())?.to_string();
        let at_once = limits.password_checks_at_once_max.max(1);
        Ok(Self {
            argon2,
            nobodys: nobodys.into(),
            places: Semaphore::new(at_once.saturating_add(limits.password_checks_waiting_max)),
            turns: Arc::new(Semaphore::new(at_once)),
        })
    }

    /// The hash to keep, as PHC text.
    pub(crate) async fn hash(&self, password: WirePassword) -> Result<String, ApiError> {
        let argon2 = self.argon2.clone();
        self.run(move || Ok(argon2.hash_password(password.reveal().as_bytes())?.to_string())).await
    }

    /// Whether `password` is the one behind `hash`; without a hash never, after the same work.
    pub(crate) async fn verify(
        &self,
        password: WirePassword,
        hash: Option<&str>,
    ) -> Result<bool, ApiError> {
        let is_known = hash.is_some();
        let hash = hash.map_or_else(|| Arc::clone(&self.nobodys), Arc::from);
        let argon2 = self.argon2.clone();
        let fits = self.run(move || {
            let hash = PasswordHash::new(&hash)?;
            match argon2.verify_password(password.reveal().as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        });
        Ok(fits.await? & is_known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let busy = |_| ApiError::new(&problems::UNAVAILABLE);
        let _place = self.places.try_acquire().map_err(busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| ApiError::new(&problems::UNAVAILABLE))?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _turn = turn;
            work()
        });
        let done = done.await.map_err(|error| ApiError::caused(&problems::INTERNAL, error))?;
        done.map_err(|error| ApiError::caused(&problems::INTERNAL, error))
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Error::ParamsInvalid)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A password that may be registered.
pub(crate) fn is_acceptable(password: &WirePassword) -> bool {
    PASSWORD_CHARS.contains(&password.reveal().chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> WirePassword {
        WirePassword::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_of_the_agreed_strength() {
        let passwords = Passwords::new(&Limits::default()).unwrap();
        let hash = passwords.hash(password("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.nobodys.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = password("correct horse battery");
        assert!(passwords.verify(right.clone(), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(password("correct horse"), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(right, None).await.unwrap());
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_sent_away() {
        let limits = Limits {
            password_checks_at_once_max: 1,
            password_checks_waiting_max: 0,
            ..Limits::default()
        };
        let passwords = Passwords::new(&limits).unwrap();
        let _taken = passwords.places.try_acquire().unwrap();
        let refused = passwords.verify(password("whatever it is"), None).await.unwrap_err();
        assert_eq!(refused.kind(), &problems::UNAVAILABLE);
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_not_a_wrong_password() {
        let passwords = Passwords::new(&Limits::default()).unwrap();
        let error = passwords.verify(password("whatever it is"), Some("$argon2id$")).await;
        assert_eq!(error.unwrap_err().kind(), &problems::INTERNAL);
    }

    #[test]
    fn a_password_has_12_to_128_characters() {
        for (length, good) in [(0, false), (11, false), (12, true), (128, true), (129, false)] {
            assert_eq!(is_acceptable(&password(&"密".repeat(length))), good, "{length}");
        }
    }
}
