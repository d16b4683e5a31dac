use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Clock, RequestId};
use service::Participants;
use service::health::{Check, LIVE};
use wire::Client;
use wire::client::Deadlines;

/// A readiness probe must be quick, whatever it asks about.
pub(crate) const DEADLINES: Deadlines = Deadlines { connect_ms_max: 300, answer_ms_max: 500 };

/// How long an answer of the log counts, so that probing the broker is not probing the log.
const FRESH: Duration = Duration::from_secs(1);

/// What the broker needs: a directory in force, and a log that answers.
pub(crate) fn check(participants: Participants, clock: Arc<dyn Clock>, log: Client) -> Check {
    let probe = Arc::new(Probe { log, last: Mutex::new(None) });
    Arc::new(move || {
        let (participants, probe) = (participants.clone(), Arc::clone(&probe));
        let now_unix_s = clock.now().unix_timestamp();
        Box::pin(async move {
            let has_directory = participants.directory(now_unix_s).is_ok();
            [("directory", has_directory), ("provision-log", probe.is_live().await)]
                .into_iter()
                .filter_map(|(cause, is_fine)| (!is_fine).then_some(cause))
                .collect()
        })
    })
}

struct Probe {
    log: Client,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Probe {
    async fn is_live(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, is_live)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return is_live;
        }
        let is_live = self.log.get_text(LIVE.path, &RequestId::make_random()).await.is_ok();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), is_live));
        is_live
    }
}
