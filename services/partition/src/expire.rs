//! Deletes answers whose time is over (C144).  An automatic job is an act like any other (C113).

use std::sync::Arc;
use std::time::Duration;

use domain::Action;
use service::ApiError;

use asking::batch;
use room::Host;
use room::Room;
use room::operation_log::{About, entry};
use room::store;

/// Runs for as long as the service lives.
pub(crate) async fn run(host: Arc<Host>) {
    let every = Duration::from_secs(host.limits.expire_every_s.max(1));
    loop {
        tokio::time::sleep(every).await;
        for room in host.open_rooms() {
            if let Err(error) = expire(&host, room).await {
                tracing::warn!(%error, "answers past their time not deleted");
            }
            if let Err(error) = batch::erase(&host, room).await {
                tracing::warn!(%error, "batches past their time not deleted");
            }
        }
    }
}

async fn expire(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::ExpireAnswers, room)?;
    let now_unix_ms = host.now_unix_ms();
    room.queue
        .write(move |tx, acts| {
            if store::inquiry::expire(tx, &permit, now_unix_ms)? > 0 {
                acts.add(entry(&permit, About::default(), "answers deleted"));
            }
            Ok(())
        })
        .await
}
