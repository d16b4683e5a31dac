//! Staff read the notices that came, each with what adopting it would do to the register now.

use db::Tx;
use domain::{Action, NoticeKind, Permit};
use room::Host;
use room::letter::Correction;
use room::operation_log::{About, entry};
use room::store::notice_in::{self, NoticeIn};
use room::store::notice_out::{self, NoticeOut};
use service::ApiError;
use wire::notices::{ListNotices, NOTICES_LIMIT_MAX, Notice, Notices, SentNotice, SentNotices};

use crate::own::{Own, Weighed};

pub(crate) async fn list(
    host: &Host,
    permit: Permit,
    request: ListNotices,
) -> Result<Notices, ApiError> {
    permit.expect_action(Action::ReadNotices)?;
    if !(1..=NOTICES_LIMIT_MAX).contains(&request.limit) {
        return Err(ApiError::field("limit"));
    }
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| {
        let notices = notice_in::list(tx, &keys, permit, &request)?;
        let show = |notice: NoticeIn| {
            let own = Own::read(tx, &keys, permit, notice.subject)?;
            let weighed = own.weigh(&keys, &notice)?;
            show(notice, (&own, weighed))
        };
        notices.into_iter().map(show).collect::<Result<Vec<_>, ApiError>>()
    };
    let notices = host.read("partition.notices", &permit, read).await?;
    let result = format!("{} notices shown", notices.len());
    room.queue.add(entry(&permit, About::default(), &result)).await?;
    Ok(Notices { notices })
}

/// Staff read how far the notices of their own room have come.
pub(crate) async fn list_sent(
    host: &Host,
    permit: Permit,
    request: ListNotices,
) -> Result<SentNotices, ApiError> {
    permit.expect_action(Action::ReadNotices)?;
    if !(1..=NOTICES_LIMIT_MAX).contains(&request.limit) {
        return Err(ApiError::field("limit"));
    }
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| notice_out::list(tx, &keys, permit, &request);
    let sent = host.read("partition.notices-sent", &permit, read).await?;
    let result = format!("{} sent notices shown", sent.len());
    room.queue.add(entry(&permit, About::default(), &result)).await?;
    let show = |one: NoticeOut| SentNotice {
        notice: one.id,
        kind: one.kind,
        recipient: one.recipient,
        subject: one.subject.0,
        queued_at_unix_ms: one.queued_at_unix_ms,
        state: one.state,
        tries: u32::try_from(one.tries).unwrap_or_default(),
    };
    Ok(SentNotices { notices: sent.into_iter().map(show).collect() })
}

fn show(notice: NoticeIn, (own, weighed): (&Own, Weighed)) -> Result<Notice, ApiError> {
    let (earlier, now) = match notice.kind {
        NoticeKind::Corrected => {
            let Correction { earlier, after } = notice.letter.correction()?;
            (earlier, after.into_iter().collect())
        }
        NoticeKind::Released => (Vec::new(), notice.letter.doses()?),
    };
    Ok(Notice {
        notice: notice.id,
        kind: notice.kind,
        provider: notice.sender,
        inquiry: notice.inquiry,
        subject: notice.subject.0,
        received_at_unix_ms: notice.received_at_unix_ms,
        log_index: notice.log_index,
        state: notice.state,
        earlier,
        now,
        own: weighed.conflicts,
        effect: weighed.effect,
        etag: own.tag(),
    })
}
