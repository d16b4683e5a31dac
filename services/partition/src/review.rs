//! A supervisor reads the room's operation log and its own provision records (C095, C108).
//!
//! Reading the log is an act and is logged before the lines are shown.

use domain::{Action, Permit};
use service::ApiError;
use wire::partition::{ListPage, OperationLog, Provisions};

use room::Host;
use room::operation_log::{About, entry};
use room::store;

const LIMIT_MAX: u16 = 1_000;

pub(crate) async fn operations(
    host: &Host,
    permit: Permit,
    page: ListPage,
) -> Result<OperationLog, ApiError> {
    permit.expect_action(Action::ReadOperationLog)?;
    let page = checked(page)?;
    let room = host.room(permit.municipality())?;
    let entries = room
        .queue
        .write(move |tx, acts| {
            acts.add(entry(&permit, About::default(), "read"));
            store::operation::list(tx, &permit, &page)
        })
        .await?;
    Ok(OperationLog { entries })
}

pub(crate) async fn provisions(
    host: &Host,
    permit: Permit,
    page: ListPage,
) -> Result<Provisions, ApiError> {
    permit.expect_action(Action::ReadProvisions)?;
    let page = checked(page)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let provisions = room
        .queue
        .write(move |tx, acts| {
            acts.add(entry(&permit, About::default(), "read"));
            store::provision::list(tx, &keys, &permit, &page)
        })
        .await?;
    Ok(Provisions { provisions })
}

fn checked(page: ListPage) -> Result<ListPage, ApiError> {
    if (1..=LIMIT_MAX).contains(&page.limit) { Ok(page) } else { Err(ApiError::field("limit")) }
}
