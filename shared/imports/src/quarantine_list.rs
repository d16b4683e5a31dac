//! Staff look at the rows that wait for a decision; looking is an act and is logged.

use domain::{Action, Permit};
use quality::{Doubt, DoubtKind, Likely};
use room::Host;
use room::operation_log::{About, entry};
use service::ApiError;
use wire::quarantine::{
    Given, GivenPerson, GivenVoucher, LikelyAnswer, ListQuarantine, QUARANTINE_ROWS_MAX,
    QuarantineDoubt, QuarantineOrigin, QuarantineRows, QuarantinedRow,
};

use crate::quarantine::{Origin, Row};
use crate::store;
use crate::store::broken_row;
use crate::store::quarantine::Kept;

pub(crate) async fn list(
    host: &Host,
    permit: Permit,
    request: ListQuarantine,
) -> Result<QuarantineRows, ApiError> {
    permit.expect_action(Action::ReadQuarantine)?;
    let ListQuarantine { kind, after, limit } = request;
    if !(1..=QUARANTINE_ROWS_MAX).contains(&limit) {
        return Err(ApiError::field("limit"));
    }
    let kind = match kind.as_deref().map(DoubtKind::of_code) {
        None => None,
        Some(Some(kind)) => Some(kind.code()),
        Some(None) => return Err(ApiError::field("kind")),
    };
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let (rows, open) = host
        .read("imports.quarantine-list", &permit, move |tx, permit| {
            let rows = store::quarantine::list(tx, &keys, permit, (kind, after, limit))?;
            Ok((rows, store::quarantine::count_open(tx, permit)?))
        })
        .await?;
    // Written down before anybody sees it.
    room.queue.add(entry(&permit, About::default(), "read")).await?;
    let rows = rows.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(QuarantineRows { rows, open: u64::try_from(open).map_err(|_| broken_row())? })
}

fn shown(kept: Kept) -> Result<QuarantinedRow, ApiError> {
    let (origin, from) = match kept.origin {
        Origin::Import(id) => (QuarantineOrigin::Import, id),
        Origin::Capture(id) => (QuarantineOrigin::Capture, id),
    };
    Ok(QuarantinedRow {
        id: kept.id,
        version: u32::try_from(kept.version).map_err(|_| broken_row())?,
        origin,
        from,
        line: u64::try_from(kept.line).map_err(|_| broken_row())?,
        subject: kept.row.subject().map(|subject| subject.0),
        given: given(&kept.row),
        doubts: kept.doubts.iter().map(doubt).collect(),
        created_at_unix_ms: kept.created_at_unix_ms,
    })
}

pub(crate) fn given(row: &Row) -> Given {
    match row {
        Row::Dose(given) => Given::Dose {
            dose: given.dose.clone(),
            voucher: given.voucher.as_ref().map(|(municipality, number)| GivenVoucher {
                municipality: *municipality,
                number: number.reveal().to_owned(),
            }),
        },
        Row::Subject(row) => Given::Person(GivenPerson {
            address_number: row.address_number.reveal().to_owned(),
            name: row.name.reveal().to_owned(),
            name_kana: row.name_kana.reveal().to_owned(),
            birth_date: row.birth_date,
            sex: row.sex,
        }),
    }
}

fn doubt(doubt: &Doubt) -> QuarantineDoubt {
    let likely = doubt.likely.as_ref().map(|likely| match likely {
        Likely::Dose(dose) => LikelyAnswer::Dose { dose: dose.clone() },
        Likely::Voucher(meant) => LikelyAnswer::Voucher {
            number: meant.number.reveal().to_owned(),
            subject: meant.subject.0,
        },
        Likely::Person(subject) => LikelyAnswer::Person { subject: subject.0 },
    });
    QuarantineDoubt {
        code: doubt.kind.code().to_owned(),
        text: doubt.kind.text().to_owned(),
        next_step: doubt.kind.next_step().to_owned(),
        likely,
    }
}
