//! Who received a person's records, each provision with its proof (情報提供等の記録, C194).
//!
//! Every entry is checked before it is shown: what the log does not prove, or says otherwise, is an
//! error.

use std::collections::HashMap;

use domain::law::day_in_japan;
use domain::{IndividualNumber, InquiryId, Outcome, Permit};
use room::store::notice_out::NoticeOut;
use room::store::provision::Provided;
use room::{Host, problems, receipt};
use service::ApiError;
use wire::Base64Bytes;
use wire::partition::Received;
use wire::provision_log::{Entry, Receipt};

/// What may be shown of what was provided and of what was told later, each with its proof, and how
/// many entries may not.
pub async fn check(
    host: &Host,
    permit: &Permit,
    number: &IndividualNumber,
    (provided, told): (Vec<Provided>, Vec<NoticeOut>),
) -> Result<(Vec<Received>, usize), ApiError> {
    let inquiries: Vec<InquiryId> = provided.iter().map(|one| one.inquiry).collect();
    let mut logged: HashMap<_, _> = receipt::find(host, permit, &inquiries).await?;
    let today = day_in_japan(permit.context().at);
    let (mut received, mut hidden) = (Vec::new(), 0);
    for one in provided {
        let logged = logged.remove(&one.inquiry);
        let logged = logged.map(|found| fit(permit, number, &one, found)).transpose()?.flatten();
        let is_hidden = logged.as_ref().is_some_and(|(entry, _)| {
            host.exemptions.hides(&entry.procedure, &entry.legal_basis, today)
        });
        if is_hidden {
            hidden += 1;
        } else {
            received.push(Received {
                inquiry: one.inquiry,
                inquirer: one.inquirer,
                outcome: Outcome::Provided,
                provided_at_unix_ms: one.at_unix_ms,
                content: one.content.doses()?.to_string(),
                salt: one.content.salt.clone(),
                receipt: logged.map(|(_, receipt)| receipt),
            });
        }
    }
    for one in told {
        let Some((entry, receipt)) = tell(host, permit, number, &one)? else { continue };
        if host.exemptions.hides(&entry.procedure, &entry.legal_basis, today) {
            hidden += 1;
            continue;
        }
        received.push(Received {
            inquiry: entry.inquiry,
            inquirer: one.recipient,
            outcome: entry.outcome,
            provided_at_unix_ms: entry.decided_at_unix_ms,
            content: one.outbound.letter.content.clone(),
            salt: one.outbound.letter.salt.clone(),
            receipt: Some(receipt),
        });
    }
    received.sort_by_key(|one| one.provided_at_unix_ms);
    Ok((received, hidden))
}

/// The entry of a correction or a release that is on record, if it says that exactly this was told;
/// what is only on its way nobody has received.
fn tell(
    host: &Host,
    permit: &Permit,
    number: &IndividualNumber,
    one: &NoticeOut,
) -> Result<Option<(Entry, Receipt)>, ApiError> {
    let Some(receipt) = &one.receipt else { return Ok(None) };
    let bad = || ApiError::new(&problems::BAD_ANSWER);
    let entry = receipt::proven(host, receipt).ok_or_else(bad)?;
    let fits = entry.permit == one.id.to_string()
        && entry.provider == permit.municipality()
        && entry.inquirer == one.recipient
        && entry.outcome == one.kind.outcome()
        && entry.commitment == Some(one.outbound.letter.commit(number)?);
    if fits { Ok(Some((entry, receipt.clone()))) } else { Err(bad()) }
}

/// The entry, if it says that exactly this was provided; `None` if it says that nothing was, as when
/// the person was protected before a second attempt.
fn fit(
    permit: &Permit,
    number: &IndividualNumber,
    one: &Provided,
    (entry, receipt): (Entry, Receipt),
) -> Result<Option<(Entry, Receipt)>, ApiError> {
    let commitment = match entry.outcome {
        Outcome::Provided => Some(Base64Bytes(one.content.commit(number)?.to_vec())),
        _ => None,
    };
    let is_released = commitment.is_some();
    let fits = entry.provider == permit.municipality()
        && entry.inquirer == one.inquirer
        && entry.commitment == commitment;
    if fits {
        Ok(is_released.then_some((entry, receipt)))
    } else {
        Err(ApiError::new(&problems::BAD_ANSWER))
    }
}
