use std::sync::{Arc, Mutex};

use actix_web::web::{Data, Json, post};
use domain::{Action, Outcome};
use service::health::{LIVE, METRICS, READY};
use service::pki::Authority;
use service::server::Running;
use service::{ApiError, Body, Endpoint, problems};
use wire::provision_log::{Act, ENTRIES, Entry, LeafBody, Receipt};

use super::{play, url};

static ENDPOINTS: &[Endpoint] =
    &[Endpoint::post(ENTRIES, Action::AppendOutcome), LIVE, READY, METRICS];

/// How the played log behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// Can't write: nothing is kept.
    Full,
    /// Says that the inquiry ended otherwise.
    Settled,
    /// Keeps something else than it was told.
    Lying,
}

#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) mood: Mood,
    pub(crate) entries: Vec<Entry>,
}

pub(crate) struct FakeLog {
    pub(crate) url: String,
    kept: Arc<Mutex<Kept>>,
    running: Option<Running>,
}

impl FakeLog {
    pub(crate) fn start(authority: &Authority) -> Self {
        let kept = Arc::new(Mutex::new(Kept { mood: Mood::Good, entries: Vec::new() }));
        let data = Data::from(Arc::clone(&kept));
        let running = play(authority, "provision-log", ENDPOINTS, move |app| {
            app.app_data(data.clone()).route(ENTRIES, post().to(append));
        });
        Self { url: url(&running), kept, running: Some(running) }
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.kept.lock().unwrap().mood = mood;
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.kept.lock().unwrap().entries.clone()
    }

    /// Outcomes and reasons of what is on record, oldest first.
    pub(crate) fn ends(&self) -> Vec<(Outcome, Option<domain::Reason>)> {
        self.entries().into_iter().map(|entry| (entry.outcome, entry.reason)).collect()
    }
}

async fn append(
    kept: Data<Mutex<Kept>>,
    Body(entry): Body<Entry>,
) -> Result<Json<Receipt>, ApiError> {
    let mut kept = kept.lock().unwrap();
    let mut told = match kept.mood {
        Mood::Full => return Err(ApiError::new(&problems::UNAVAILABLE)),
        Mood::Settled => return Err(ApiError::new(&problems::inquiry::ALREADY_SETTLED)),
        Mood::Good | Mood::Lying => entry,
    };
    if kept.mood == Mood::Lying {
        told.outcome = Outcome::Failed;
    }
    let before = kept.entries.iter().position(|one| {
        one.inquiry == told.inquiry && one.outcome.settles() && told.outcome.settles()
    });
    let index = before.unwrap_or(kept.entries.len());
    if before.is_none() {
        kept.entries.push(told);
    }
    let body = LeafBody { logged_at_unix_ms: 1, act: Act::Outcome(kept.entries[index].clone()) };
    let entry = serde_json::to_string(&body).unwrap();
    let index = u64::try_from(index).unwrap();
    Ok(Json(Receipt { entry, index, checkpoint: "signed".to_owned(), proof: Vec::new() }))
}
