//! Who received a person's records, with proofs (情報提供等の記録の開示, C194).
//!
//! Every entry is checked before it is shown: what the log does not prove, or says otherwise, is an
//! error.  The number lives only in this call.

use domain::law::day_in_japan;
use domain::{Action, IndividualNumber, InquiryId, Outcome, Permit};
use service::{ApiError, problems as common};
use std::collections::HashMap;
use wire::Base64Bytes;
use wire::partition::{Disclose, Disclosure, Received};
use wire::provision_log::{Entry, Receipt};

use room::Host;
use room::receipt;
use room::operation_log::{About, conclude, entry};
use room::store::provision::Provided;
use room::{problems, store};

pub(crate) async fn disclose(
    host: &Host,
    permit: Permit,
    request: Disclose,
) -> Result<Disclosure, ApiError> {
    permit.expect_action(Action::Disclose)?;
    let room = host.room(permit.municipality())?;
    let number = request.individual_number.0;
    let (keys, wanted) = (room.keys()?, number.clone());
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let found = store::subject::find_by_number(tx, &keys, permit, &wanted)?;
        let Some(subject) = found else { return Ok(None) };
        Ok(Some((subject, store::provision::list_of(tx, &keys, permit, subject))))
    };
    let found = host.read("partition.disclose", &permit, read).await?;
    let (subject, provided) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let about = About { subject: Some(subject.0), ..About::default() };
    let checked = match provided {
        Ok(provided) => check(host, &permit, &number, provided).await,
        Err(error) => Err(error),
    };
    let (received, hidden) = conclude(&room, &permit, about.clone(), checked).await?;
    let result = format!("disclosed {}, hidden by law {hidden}", received.len());
    room.queue.add(entry(&permit, about, &result)).await?;
    Ok(Disclosure { subject: subject.0, received })
}

/// What may be shown of what was provided, each with its proof, and how many entries may not.
async fn check(
    host: &Host,
    permit: &Permit,
    number: &IndividualNumber,
    provided: Vec<Provided>,
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
                provided_at_unix_ms: one.at_unix_ms,
                content: one.content.doses()?.to_string(),
                salt: one.content.salt.clone(),
                receipt: logged.map(|(_, receipt)| receipt),
            });
        }
    }
    Ok((received, hidden))
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
