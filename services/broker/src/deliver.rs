//! Delivers a notice: judge, put on record, and only then bring it to the one room it names.

use crypto::{Purpose, Signature};
use domain::law::day_in_japan;
use domain::{Confirmation, InquiryHeader, Reason, RequestId};
use service::problems::inquiry::{ALREADY_SETTLED, LOG_UNAVAILABLE, NO_SUCH_END};
use service::problems::{TOO_MANY, UNAVAILABLE};
use service::{ApiError, Directory};
use time::OffsetDateTime;
use wire::CallError;
use wire::notices::{
    Arrival, BrokerNotice, NOTICES_RECEIVE, NoticeReceived, NoticeRouted, ReceiveNotice, entry_of,
};
use wire::provision_log::Receipt;

use crate::admit::Rules;
use crate::authentic;
use crate::problems;
use crate::route::find_source;
use crate::settle::{Unsettled, put_on_record, unix_ms};
use crate::state::Broker;

/// The longest sealed notice: an empty request and the largest bucket of an answer.
const SEALED_BYTES_MAX: usize = 264 * 1024;
const COMMITMENT_BYTES: usize = 32;
/// What a host says of a room that was closed for good.
const GONE: u16 = 410;

/// A notice on its way; a retry under the same notice id is the same notice.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) notice: BrokerNotice,
    /// The partition instance that sent it, by its certificate.
    pub(crate) instance: String,
    pub(crate) request: RequestId,
}

impl Delivery {
    /// Refuses what the log could not keep and what no partition of ours would send.
    pub(crate) fn new(
        notice: BrokerNotice,
        instance: String,
        request: RequestId,
    ) -> Result<Self, ApiError> {
        if !notice.header.is_well_formed() {
            return Err(ApiError::field("header"));
        }
        if notice.commitment.0.len() != COMMITMENT_BYTES {
            return Err(ApiError::field("commitment"));
        }
        if !(1..=SEALED_BYTES_MAX).contains(&notice.sealed.0.len()) {
            return Err(ApiError::field("sealed"));
        }
        Ok(Self { notice, instance, request })
    }
}

/// Puts the notice on record and brings it; that the recipient is away is no failure of the sender,
/// who tries again under the same id.
pub(crate) async fn deliver(
    broker: &Broker,
    delivery: &Delivery,
) -> Result<NoticeRouted, ApiError> {
    let now = broker.clock.now();
    let directory = broker
        .participants
        .directory(now.unix_timestamp())
        .map_err(|error| ApiError::caused(&UNAVAILABLE, error))?;
    let sender = delivery.notice.header.provider;
    let is_host = authentic::is_host(&directory, &delivery.instance, sender);
    let _place = broker.in_flight.enter(is_host.then_some(sender)).map_err(|_| {
        broker.counters.turned_away("in_flight");
        ApiError::new(&TOO_MANY).retry_after_s(1)
    })?;
    let permissions = broker.permissions.current();
    let clock_s_max = broker.limits.clock_s_max;
    let rules = Rules {
        directory: &directory,
        permissions: &permissions,
        clock_s_max,
        now,
        blocked_s: None,
    };
    if let Err(reason) = admit(&rules, delivery) {
        let (instance, reason_text) = (&delivery.instance, reason.as_str());
        tracing::warn!(instance, reason = reason_text, "notice refused");
        return Err(ApiError::new(problems::of(reason)));
    }
    let receipt = append(broker, delivery, now).await?;
    broker.counters.ended(delivery.notice.header.kind.outcome(), None);
    let arrival = bring(broker, &directory, delivery, (&receipt, now)).await;
    Ok(NoticeRouted { receipt, arrival })
}

/// Authentic first, in time, and about what the permission list let the recipient ask for.
fn admit(rules: &Rules<'_>, delivery: &Delivery) -> Result<(), Reason> {
    let Delivery { notice, instance, .. } = delivery;
    let BrokerNotice { header, commitment, sealed, signature } = notice;
    if !authentic::is_host(rules.directory, instance, header.provider) {
        return Err(Reason::NotAuthentic);
    }
    let sender = rules.directory.member(header.provider).ok_or(Reason::NotAuthentic)?;
    let signature =
        Signature::try_from(signature.0.as_slice()).map_err(|_| Reason::NotAuthentic)?;
    let signed = BrokerNotice::signed_bytes(header, &commitment.0, &sealed.0);
    let now_unix_s = rules.now.unix_timestamp();
    if !sender.has_signed(now_unix_s, (Purpose::Notice, &signed), &signature) {
        return Err(Reason::NotAuthentic);
    }
    if now_unix_s.abs_diff(header.sent_at_unix_s) > rules.clock_s_max {
        return Err(Reason::OutOfTime);
    }
    let asked = question(delivery);
    let asked_at = asked.asked_at().ok_or(Reason::NotPermitted)?;
    rules.permissions.check(&asked, day_in_japan(asked_at)).map_err(|_| Reason::NotPermitted)
}

/// The question that the notice belongs to, as far as the permission list looks at it: on the day on
/// which it was asked, for a law that has changed since must not keep a mistake alive.
fn question(delivery: &Delivery) -> InquiryHeader {
    let header = delivery.notice.header.clone();
    InquiryHeader {
        inquiry: header.inquiry,
        inquirer: header.inquirer,
        provider: header.provider,
        procedure: header.procedure,
        legal_basis: header.legal_basis,
        items: header.items,
        // Consent was judged when it was asked.
        confirmation: Confirmation::ResidentRegisterAndConsent,
        operator: header.operator,
        terminal: header.terminal,
        asked_at_unix_s: header.asked_at_unix_s,
    }
}

/// Once under one notice id, however often it is tried; another content under that id is refused.
async fn append(
    broker: &Broker,
    delivery: &Delivery,
    now: OffsetDateTime,
) -> Result<Receipt, ApiError> {
    let BrokerNotice { header, commitment, .. } = &delivery.notice;
    let entry = entry_of(header, commitment.clone(), unix_ms(now));
    put_on_record(broker, &delivery.request, &entry).await.map_err(|error| match error {
        Unsettled::Already => ApiError::new(&ALREADY_SETTLED),
        Unsettled::Log(CallError::Refused(problem)) if problem.status == 409 => {
            ApiError::new(&ALREADY_SETTLED)
        }
        // The broker keeps nothing of inquiries: whether there was one, the log knows.
        Unsettled::Log(CallError::Refused(problem)) if problem.code == NO_SUCH_END.code => {
            tracing::warn!(instance = delivery.instance, "notice of no inquiry refused");
            ApiError::new(&NO_SUCH_END)
        }
        error => ApiError::caused(&LOG_UNAVAILABLE, error),
    })
}

/// Brings the notice to the room it names, and says what that room says.
async fn bring(
    broker: &Broker,
    directory: &Directory,
    delivery: &Delivery,
    (receipt, now): (&Receipt, OffsetDateTime),
) -> Arrival {
    let notice = &delivery.notice;
    let recipient = find_source(directory, notice.header.inquirer, now);
    let Some(client) = recipient.and_then(|recipient| broker.hosts.client(recipient).ok()) else {
        return Arrival::Away;
    };
    let message = ReceiveNotice { notice: notice.clone(), receipt: receipt.clone() };
    let answer: Result<NoticeReceived, CallError> =
        client.post(NOTICES_RECEIVE, &delivery.request, None, &message).await;
    match answer {
        Ok(received) if received.notice == notice.header.notice => Arrival::Delivered,
        Ok(_) => Arrival::Away,
        Err(CallError::Refused(problem)) if problem.status == GONE => Arrival::Gone,
        Err(error) => {
            tracing::warn!(%error, "a notice is not delivered yet");
            Arrival::Away
        }
    }
}
