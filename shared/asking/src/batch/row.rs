//! One row is asked like any inquiry, as the operator who submitted the file.

use std::error::Error as _;
use std::sync::Arc;

use domain::{Action, Actor, MunicipalityCode, OpContext, Permit, RequestId, authorize};
use room::store::batch::Batch;
use room::store::batch_row::Waiting;
use room::{Host, problems as own, store};
use service::problems::{self as common, inquiry};
use service::{ApiError, problems::ProblemKind};
use uuid::Uuid;
use wire::WireNumber;
use wire::batch::RowOutcome;
use wire::partition::AskRequest;

use super::lanes::Row;
use super::problems;
use super::sources::Heard;
use crate::ask::ask_row;

/// A row that meets a fault so often is refused.
const FAULTS_MAX: u32 = 3;

/// A row that was asked, and what follows.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) municipality: MunicipalityCode,
    pub(super) batch: Uuid,
    pub(super) source: MunicipalityCode,
    pub(super) row: Row,
    pub(super) after: After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Answered, or refused for good; its row says so.
    Ended(Heard),
    /// The source does not answer.
    Silent,
    /// Something is broken: once more.
    Fault,
    /// The platform cannot act, or has had enough for so many seconds.
    Trouble(Option<u64>),
    /// Cancelled, or stopped.
    NotRunning,
    /// Nothing can be asked before people have seen to this.
    Stop(&'static str),
}

impl After {
    pub(super) fn heard(self) -> Heard {
        match self {
            Self::Ended(heard) => heard,
            // A fault may be its own: the others go on, and none of its rows is used up meanwhile.
            Self::Silent | Self::Fault => Heard::Silence,
            _ => Heard::Nothing,
        }
    }
}

/// What an error means for the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Later(After),
    /// Asking again would end the same way.
    Refused(RowOutcome, Heard),
}

pub(super) async fn ask(
    host: Arc<Host>,
    batch: Arc<Batch>,
    (municipality, source): (MunicipalityCode, MunicipalityCode),
    mut row: Row,
) -> Asked {
    let after = match ask_once(&host, &batch, (municipality, source), &row).await {
        Ok(()) => After::Ended(Heard::Answer),
        Err(error) => match meaning(error.kind(), error.problem("").retry_after_s, row.faults) {
            Meaning::Later(after) => {
                tell(&batch, &row, &error);
                after
            }
            Meaning::Refused(outcome, heard) => {
                let end = (outcome, error.kind().code);
                match refuse(&host, municipality, (batch.id, row.waiting.row), end).await {
                    Ok(()) => After::Ended(heard),
                    Err(error) => {
                        tell(&batch, &row, &error);
                        After::Trouble(None)
                    }
                }
            }
        },
    };
    if after == After::Fault {
        row.faults += 1;
        row.waiting = again(&host, (municipality, source), (batch.id, row.waiting)).await;
    }
    Asked { municipality, batch: batch.id, source, row, after }
}

/// Why a row is still open, for whoever runs the platform.
fn tell(batch: &Batch, row: &Row, error: &ApiError) {
    let (code, batch, row) = (error.kind().code, batch.id, row.waiting.row);
    let cause = error.source().map(ToString::to_string);
    tracing::warn!(code, cause, %batch, row, "a row is asked again later");
}

/// The row as it is stored now: its cells may have been sealed anew since it was read.
async fn again(
    host: &Host,
    (municipality, source): (MunicipalityCode, MunicipalityCode),
    (batch, known): (Uuid, Waiting),
) -> Waiting {
    let row = known.row;
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let place = (row.saturating_sub(1), 1);
        store::batch_row::waiting(tx, permit, (batch, source), place)
    };
    let room = host.room(municipality);
    let permit = room.and_then(|room| host.job(Action::RunJobs, &room));
    let found = match permit {
        Ok(permit) => host.read("partition.batch-row", &permit, read).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    found.into_iter().find(|found| found.row == row).unwrap_or(known)
}

async fn ask_once(
    host: &Host,
    batch: &Batch,
    (municipality, source): (MunicipalityCode, MunicipalityCode),
    row: &Row,
) -> Result<(), ApiError> {
    let permit = permit(host, batch, municipality)?;
    let individual_number = row.waiting.number(&*host.room(municipality)?.keys()?, batch.id)?;
    let request = AskRequest {
        inquiry: row.waiting.inquiry,
        individual_number: WireNumber(individual_number),
        provider: source,
        procedure: batch.procedure.clone(),
        legal_basis: batch.legal_basis.clone(),
        confirmation: batch.confirmation,
    };
    ask_row(host, permit, request, (batch.id, row.waiting.row)).await.map(drop)
}

/// The submitter's, unless that person has been suspended since.
fn permit(host: &Host, batch: &Batch, municipality: MunicipalityCode) -> Result<Permit, ApiError> {
    let now = host.clock.now();
    let revocations = host.participants.revocations(now.unix_timestamp());
    let revocations = revocations.map_err(|error| ApiError::caused(&common::UNAVAILABLE, error))?;
    if let Actor::Operator { id, .. } = &batch.submitter
        && revocations.operators.contains(id)
    {
        return Err(ApiError::new(&problems::SUSPENDED));
    }
    let context = OpContext::new(batch.submitter.clone(), RequestId::make_random(), now);
    Ok(authorize(&context, Action::AskBatch, municipality)?)
}

fn meaning(kind: &ProblemKind, retry_after_s: Option<u64>, faults: u32) -> Meaning {
    let later = |after| Meaning::Later(after);
    if kind == &own::NOT_IN_REGISTER {
        return Meaning::Refused(RowOutcome::NotInRegister, Heard::Nothing);
    }
    if kind == &inquiry::SOURCE_UNAVAILABLE {
        return later(After::Silent);
    }
    if kind == &problems::NOT_RUNNING {
        return later(After::NotRunning);
    }
    // Of these no row is the cause: every other one would meet the same.
    let stops =
        [&own::OPERATOR_HELD, &problems::SUSPENDED, &inquiry::NOT_AUTHENTIC, &inquiry::OUT_OF_TIME];
    for stops in stops {
        if kind == stops {
            return later(After::Stop(stops.code));
        }
    }
    match kind.status {
        429 => later(After::Trouble(retry_after_s)),
        503 => later(After::Trouble(None)),
        500.. if faults < FAULTS_MAX => later(After::Fault),
        _ if kind == &inquiry::SOURCE_REFUSED => {
            Meaning::Refused(RowOutcome::Refused, Heard::Answer)
        }
        _ => Meaning::Refused(RowOutcome::Refused, Heard::Nothing),
    }
}

/// Keeps how a row ended that has no answer; the line about it is written already.
async fn refuse(
    host: &Host,
    municipality: MunicipalityCode,
    place: (Uuid, u32),
    (outcome, code): (RowOutcome, &'static str),
) -> Result<(), ApiError> {
    let room = host.room(municipality)?;
    let permit = host.job(Action::RunJobs, &room)?;
    let refuse = move |tx: &mut db::Tx, _: &mut room::writer::Acts| {
        store::batch_row::refuse(tx, &permit, place, (outcome, code))
    };
    room.queue.write(refuse).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_end_the_same_way_again_ends_a_row() {
        let later = |kind, faults| match meaning(kind, Some(7), faults) {
            Meaning::Later(after) => after,
            Meaning::Refused(..) => panic!("{kind:?} ends the row"),
        };
        assert_eq!(later(&inquiry::SOURCE_UNAVAILABLE, 9), After::Silent);
        assert_eq!(later(&inquiry::LOG_UNAVAILABLE, 9), After::Trouble(None));
        assert_eq!(later(&common::UNKNOWN_OUTCOME, 9), After::Trouble(None));
        assert_eq!(later(&common::TOO_MANY, 9), After::Trouble(Some(7)));
        assert_eq!(later(&own::OPERATOR_HELD, 0), After::Stop("operator-held"));
        // A clock that is wrong, or a key that nobody knows yet, is no row's fault.
        for kind in [&inquiry::NOT_AUTHENTIC, &inquiry::OUT_OF_TIME] {
            assert_eq!(later(kind, 9), After::Stop(kind.code));
        }
        assert_eq!(later(&own::BAD_ANSWER, FAULTS_MAX - 1), After::Fault);
        assert_eq!(After::Fault.heard(), Heard::Silence);
        for kind in [&inquiry::NOT_PERMITTED, &own::ASKING_ITSELF, &inquiry::ALREADY_SETTLED] {
            let refused = Meaning::Refused(RowOutcome::Refused, Heard::Nothing);
            assert_eq!(meaning(kind, None, 0), refused);
        }
        let refused = Meaning::Refused(RowOutcome::Refused, Heard::Nothing);
        assert_eq!(meaning(&own::BAD_ANSWER, None, FAULTS_MAX), refused);
    }
}
