//! Throws a file away, by a person, or by time.

use domain::{Action, Permit};
use room::Host;
use room::Room;
use room::operation_log::{actor, entry};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::imports::{ImportState, Stage};

use crate::open::about;
use crate::store::file::File;
use crate::{approve, problems, store};

/// Nobody has decided for so long: the file goes.
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

pub(crate) async fn discard(
    host: &Host,
    permit: Permit,
    import: Uuid,
) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::ApproveImport)?;
    let room = host.room(permit.municipality())?;
    let done = room.queue.write(move |tx, acts| {
        let Some(file) = store::file::find(tx, &permit, import)? else {
            acts.add(entry(&permit, about(import), common::NOT_FOUND.code));
            return Ok(Err(&common::NOT_FOUND));
        };
        let word = match file.stage {
            Stage::Discarded => "known",
            Stage::Committed | Stage::Expired => {
                acts.add(entry(&permit, about(import), problems::WRONG_STAGE.code));
                return Ok(Err(&problems::WRONG_STAGE));
            }
            _ => {
                approve::erase(tx, &permit, import)?;
                let by = actor(&permit);
                store::change::decide(tx, &permit, (import, Stage::Discarded), Some(&by))?;
                "discarded"
            }
        };
        acts.add(entry(&permit, about(import), word));
        store::file::find(tx, &permit, import)?.map(Ok).ok_or_else(store::broken_row)
    });
    done.await?.map(File::state).map_err(ApiError::new)
}

/// Throws away what nobody has decided about in time.
pub(crate) async fn expire(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let before = host.now_unix_ms().saturating_sub(KEPT_MS);
    let list =
        move |tx: &mut db::Tx, permit: &Permit| store::file::list_overdue(tx, permit, before);
    for import in host.read("imports.overdue", &permit, list).await? {
        let permit = permit.clone();
        let written = room.queue.write(move |tx, acts| {
            if end(tx, &permit, (import, before))? {
                acts.add(entry(&permit, about(import), "file expired"));
            }
            Ok(())
        });
        written.await?;
    }
    Ok(())
}

/// Throws a file away that is overdue; `false` if somebody has decided about it meanwhile.
fn end(tx: &mut db::Tx, permit: &Permit, (import, before): (Uuid, i64)) -> Result<bool, ApiError> {
    if !store::file::list_overdue(tx, permit, before)?.contains(&import) {
        return Ok(false);
    }
    approve::erase(tx, permit, import)?;
    store::finding::delete(tx, permit, import)?;
    store::change::decide(tx, permit, (import, Stage::Expired), None)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use db::RoomKey;
    use db::test_support::TestDb;
    use domain::{
        Actor, MunicipalityCode, OpContext, OperatorId, RequestId, Role, TerminalId, authorize,
    };
    use time::macros::datetime;
    use wire::imports::{OpenImport, Purpose};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn time_takes_no_decision_back() {
        let room = MunicipalityCode::parse("131211").unwrap();
        let terminal = TerminalId::parse("terminal").unwrap();
        let id = OperatorId::parse("supervisor-1").unwrap();
        let role = Role::Supervisor;
        let actor = Actor::Operator { id, municipality: room, role, terminal };
        let at = datetime!(2026-04-01 09:00 UTC);
        let context = OpContext::new(actor, RequestId::make_random(), at);
        let permit = authorize(&context, Action::ApproveImport, room).unwrap();
        let open = |import| OpenImport {
            import,
            purpose: Purpose::Register,
            total_bytes: 1,
            sha256: String::new(),
            layout: None,
        };
        for test in TestDb::each(&room::MIGRATIONS, room::ROLE).await {
            let (decided, left) = (Uuid::new_v4(), Uuid::new_v4());
            let key = RoomKey::parse(room.as_str()).unwrap();
            let stages = tokio::task::block_in_place(|| {
                test.db.room_transaction_blocking("test", key, |tx| {
                    for import in [decided, left] {
                        store::file::insert(tx, &permit, &open(import), "clerk-1")?;
                    }
                    store::change::decide(tx, &permit, (decided, Stage::Committed), Some("a"))?;
                    let mut stages = Vec::new();
                    for import in [decided, left] {
                        end(tx, &permit, (import, i64::MAX))?;
                        let file = store::file::find(tx, &permit, import)?.unwrap();
                        stages.push((file.stage, file.decided_by));
                    }
                    Ok::<_, ApiError>(stages)
                })
            });
            let approved = (Stage::Committed, Some("a".to_owned()));
            assert_eq!(stages.unwrap(), [approved, (Stage::Expired, None)]);
        }
    }
}
