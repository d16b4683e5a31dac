//! How many captures of each device wait, counted in memory and put right by the database every
//! minute: a capture that came twice is counted twice until then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use db::Db;
use domain::{MunicipalityCode, TerminalId};
use service::ApiError;

use crate::metrics::IntakeMetrics;
use crate::sender::Name;
use crate::store;

const COUNT_EVERY: Duration = Duration::from_secs(60);

/// A clone is the same count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Arc<Mutex<HashMap<Name, u64>>>);

impl Waiting {
    fn counts(&self) -> MutexGuard<'_, HashMap<Name, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more of this device may come.
    pub(crate) fn room(&self, name: &Name, waiting_max: u64) -> u64 {
        waiting_max.saturating_sub(self.counts().get(name).copied().unwrap_or(0))
    }

    pub(crate) fn came(&self, name: &Name, captures: u64) {
        *self.counts().entry(name.clone()).or_default() += captures;
    }

    pub(crate) fn went(&self, name: &Name) {
        if let Some(count) = self.counts().get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }

    /// Takes over what the database says.
    pub(crate) async fn count(&self, db: &Db) -> Result<u64, ApiError> {
        let rows = db.read("intake.waiting", store::waiting).await?;
        let read = |(municipality, device, count): (String, String, i64)| {
            let municipality = MunicipalityCode::parse(&municipality).ok()?;
            let device = TerminalId::parse(&device).ok()?;
            Some((Name { municipality, device }, u64::try_from(count).ok()?))
        };
        let counted: HashMap<Name, u64> = rows.into_iter().filter_map(read).collect();
        let all = counted.values().sum();
        *self.counts() = counted;
        Ok(all)
    }

    /// Counts for as long as the service lives.
    pub(crate) async fn follow(self, db: Db, metrics: IntakeMetrics) {
        loop {
            match self.count(&db).await {
                Ok(all) => drop(metrics.waiting.set(i64::try_from(all).unwrap_or(i64::MAX))),
                Err(error) => tracing::warn!(%error, "waiting captures not counted"),
            }
            tokio::time::sleep(COUNT_EVERY).await;
        }
    }
}
