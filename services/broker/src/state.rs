use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::{Clock, MunicipalityCode, RequestId};
use service::permissions::Permissions;
use service::{ApiError, Participants};
use time::OffsetDateTime;
use uuid::Uuid;
use wire::Client;
use wire::broker::BrokerInquiry;

use crate::authentic::Signed;
use crate::bounded::Operator;
use crate::config::Limits;
use crate::counters::Counters;
use crate::hosts::Hosts;
use crate::in_flight::InFlight;
use crate::mismatches::Mismatches;
use crate::permit::PermitKey;
use crate::rates::Rates;

/// What all inquiries share.
pub(crate) struct Broker {
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) participants: Participants,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) permit_key: PermitKey,
    pub(crate) hosts: Hosts,
    pub(crate) log: Client,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) rates: Mutex<Rates<Operator>>,
    /// What rows of batches use instead, for all operators of a municipality together.
    pub(crate) batch_rates: Mutex<Rates<MunicipalityCode>>,
    /// Partition instances that speak for municipalities they do not host.
    pub(crate) strangers: Mutex<Rates<String>>,
    pub(crate) mismatches: Mutex<Mismatches>,
    pub(crate) counters: Counters,
}

impl Broker {
    pub(crate) fn take_rate(&self, operator: &Operator, now: OffsetDateTime) -> bool {
        lock(&self.rates).take(operator, now)
    }

    pub(crate) fn take_batch_rate(&self, inquirer: MunicipalityCode, now: OffsetDateTime) -> bool {
        lock(&self.batch_rates).take(&inquirer, now)
    }

    pub(crate) fn take_strangers_rate(&self, instance: &String, now: OffsetDateTime) -> bool {
        lock(&self.strangers).take(instance, now)
    }

    pub(crate) fn blocked_s(&self, operator: &Operator, now: OffsetDateTime) -> Option<u64> {
        lock(&self.mismatches).blocked_s(operator, now)
    }

    /// Counts a mismatch and tells somebody when it is one of too many.
    pub(crate) fn count_mismatch(&self, operator: &Operator) {
        if lock(&self.mismatches).count(operator, self.clock.now()) {
            let (inquirer, operator) = operator;
            tracing::warn!(%inquirer, %operator, "many inquiries of this operator find nothing");
            self.counters.alerted();
        }
    }
}

/// No code panics while it holds one of these locks, so what a poisoned one guards is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An inquiry on its way; a retry under the same inquiry id is another attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) inquiry: BrokerInquiry,
    /// What the inquirer's signature covers.
    pub(crate) signed_bytes: Vec<u8>,
    /// The partition instance that sent it, by its certificate.
    pub(crate) instance: String,
    /// The id of the permit; on record also where none is issued.
    pub(crate) permit_id: String,
    pub(crate) request: RequestId,
    pub(crate) received: Instant,
    /// A row of a file that its room has taken apart, not somebody at a desk.
    pub(crate) is_batch: bool,
}

/// The longest sealed request has 5,236 bytes.
const SEALED_BYTES_MAX: usize = 6 * 1024;

impl Attempt {
    /// Refuses what the log could not keep and what no partition of ours would send.
    pub(crate) fn new(
        inquiry: BrokerInquiry,
        instance: String,
        request: RequestId,
        received: Instant,
    ) -> Result<Self, ApiError> {
        if !inquiry.header.is_well_formed() {
            return Err(ApiError::field("header"));
        }
        if !(1..=SEALED_BYTES_MAX).contains(&inquiry.sealed.0.len()) {
            return Err(ApiError::field("sealed"));
        }
        let signed_bytes = BrokerInquiry::signed_bytes(&inquiry.header, &inquiry.sealed.0);
        let permit_id = Uuid::new_v4().to_string();
        let is_batch = false;
        Ok(Self { inquiry, signed_bytes, instance, permit_id, request, received, is_batch })
    }

    pub(crate) fn operator(&self) -> Operator {
        (self.inquiry.header.inquirer, self.inquiry.header.operator.clone())
    }

    pub(crate) fn signed(&self) -> Signed<'_> {
        Signed { inquiry: &self.inquiry, bytes: &self.signed_bytes }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use crypto::{Purpose, SigningKey};
    use domain::{
        Confirmation, InquiryHeader, InquiryId, MunicipalityCode, OperatorId, TerminalId,
    };

    use super::*;

    pub(crate) fn header() -> InquiryHeader {
        InquiryHeader {
            inquiry: InquiryId::make_random(),
            inquirer: MunicipalityCode::parse("072036").unwrap(),
            provider: MunicipalityCode::parse("131211").unwrap(),
            procedure: "transfer-in".to_owned(),
            legal_basis: "number-act-19-16".to_owned(),
            items: "vaccination".to_owned(),
            confirmation: Confirmation::ResidentRegister,
            operator: OperatorId::parse("clerk-1").unwrap(),
            terminal: TerminalId::parse("terminal-1").unwrap(),
            asked_at_unix_s: 1_800_000_000,
        }
    }

    pub(crate) fn signed_by(key: &SigningKey, header: InquiryHeader) -> BrokerInquiry {
        let sealed = vec![7; 1_652];
        let signed = BrokerInquiry::signed_bytes(&header, &sealed);
        let signature = key.sign(Purpose::Inquiry, &signed).encode();
        let signature = STANDARD.decode(signature).unwrap().into();
        BrokerInquiry { header, sealed: sealed.into(), signature }
    }

    pub(crate) fn sent(inquiry: BrokerInquiry) -> Result<Attempt, ApiError> {
        Attempt::new(inquiry, "p1".to_owned(), RequestId::make_random(), Instant::now())
    }

    pub(crate) fn attempt(key: &SigningKey) -> Attempt {
        sent(signed_by(key, header())).unwrap()
    }

    #[test]
    fn what_the_log_could_not_keep_is_refused_by_its_field() {
        let key = SigningKey::make_random().unwrap();
        let good = signed_by(&key, header());
        let forged = InquiryHeader { procedure: "a\nb".to_owned(), ..header() };
        for (inquiry, field) in [
            (BrokerInquiry { header: forged, ..good.clone() }, "header"),
            (BrokerInquiry { sealed: Vec::new().into(), ..good.clone() }, "sealed"),
            (BrokerInquiry { sealed: vec![0; 6_145].into(), ..good }, "sealed"),
        ] {
            let problem = sent(inquiry).unwrap_err().problem("r");
            assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)));
        }
    }
}
