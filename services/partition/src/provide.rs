//! The providing half of an inquiry: another municipality asks this room, through the broker.
//!
//! Every kind of nothing (no such person, no records, withheld) does the same reads and writes and
//! gives the same bytes; nothing computed from the number outlives the call.  What is provided is
//! durable in the room's own provision record before it is sealed.

use std::sync::Arc;

use crypto::{AnswerKey, Purpose, RoomKeys, Signature, open_request};
use domain::law::day_in_japan;
use domain::{Action, IndividualNumber, InquiryHeader, OpContext, Permit, authorize};
use jsonwebtoken::{Algorithm, Validation};
use service::{ApiError, problems as common};
use wire::Base64Bytes;
use wire::broker::{BrokerInquiry, InquiryPermit, PERMIT_ISSUER};
use wire::partition::{ProvideAnswer, ProvideRequest};

use room::Host;
use room::Room;
use room::metrics::ResultLabels;
use room::operation_log::{About, conclude, entry};
use room::problems;
use room::question::{Content, read_question, write_answer};
use room::store;
use room::store::provision::Asked;

/// Clocks of broker and partition may differ by this much.
const LEEWAY_S: u64 = 5;

/// Answers the inquiry, sealed to the inquirer.
pub(crate) async fn provide(
    host: &Host,
    context: &OpContext,
    request: ProvideRequest,
) -> Result<ProvideAnswer, ApiError> {
    let permit = authorize(context, Action::ProvideRecords, request.header.provider)?;
    let room = host.room(request.header.provider)?;
    // A refusal names the inquiry, never a person.
    let inquiry = About { inquiry: Some(request.header.inquiry.0), ..About::default() };
    let answer = answer(host, &room, permit.clone(), request).await;
    conclude(&room, &permit, inquiry, answer).await
}

async fn answer(
    host: &Host,
    room: &Arc<Room>,
    permit: Permit,
    request: ProvideRequest,
) -> Result<ProvideAnswer, ApiError> {
    let count = |result| {
        host.counters.provided.get_or_create(&ResultLabels { result }).inc();
    };
    let opened = open(host, room, &permit, &request).inspect_err(|_| count("refused"));
    let (asked, number, answer_key) = opened?;
    let content = look_up(room, permit, asked, (number.clone(), request.header)).await?;
    count(if content.is_some() { "provided" } else { "nothing" });
    let commitment = content.as_ref().map(|content| content.commit(&number)).transpose()?;
    let sealed = answer_key.seal_answer(&write_answer(content.as_ref())?)?;
    Ok(ProvideAnswer {
        sealed: Base64Bytes(sealed),
        commitment: commitment.map(|bytes| Base64Bytes(bytes.to_vec())),
    })
}

/// Checks permit, permission list and signatures again, then opens the question.
fn open(
    host: &Host,
    room: &Room,
    permit: &Permit,
    request: &ProvideRequest,
) -> Result<(Asked, IndividualNumber, AnswerKey), ApiError> {
    let refused = || ApiError::new(&problems::REFUSED_INQUIRY);
    let ProvideRequest { header, sealed, signature, permit: token } = request;
    let now = permit.context().at;
    let age_s = now.unix_timestamp().saturating_sub(header.asked_at_unix_s);
    if !header.is_well_formed() || age_s.abs() > host.limits.clock_s_max {
        return Err(refused());
    }
    host.permission_list().check(header, day_in_japan(now)).map_err(|_| refused())?;
    let claims = verify_permit(host, request, token).ok_or_else(refused)?;
    let directory = host.directory()?;
    let inquirer = directory.member(header.inquirer).ok_or_else(refused)?;
    let now_unix_s = now.unix_timestamp();
    let signature = Signature::try_from(signature.0.as_slice()).map_err(|_| refused())?;
    let signed = BrokerInquiry::signed_bytes(header, &sealed.0);
    if !inquirer.has_signed(now_unix_s, (Purpose::Inquiry, &signed), &signature) {
        return Err(refused());
    }
    let keys = room.keys()?;
    let (question, answer_key) =
        open_request(&keys, &header.to_signed_bytes(), &sealed.0).map_err(|_| refused())?;
    let has_signed = |content: &[u8], signature: &Signature| {
        inquirer.has_signed(now_unix_s, (Purpose::InquiryContent, content), signature)
    };
    let number = read_question(header, &question, has_signed).map_err(|_| refused())?;
    let asked = Asked { inquiry: header.inquiry, inquirer: header.inquirer, permit_id: claims.jti };
    Ok((asked, number, answer_key))
}

/// The broker's permit for this very message, not expired, for this room.
fn verify_permit(host: &Host, request: &ProvideRequest, token: &str) -> Option<InquiryPermit> {
    let ProvideRequest { header, sealed, signature, .. } = request;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_audience(&[header.provider.as_str()]);
    validation.set_issuer(&[PERMIT_ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    let decode = |key| jsonwebtoken::decode::<InquiryPermit>(token, key, &validation).ok();
    let claims = host.permit_keys.iter().find_map(decode)?.claims;
    let mut message = BrokerInquiry::signed_bytes(header, &sealed.0);
    message.extend_from_slice(&signature.0);
    let fits = claims.inquiry == header.inquiry
        && claims.sub == header.inquirer
        && claims.message.0 == crypto::sha256(&message);
    fits.then_some(claims)
}

/// Looks the person up and keeps the room's own record, in one transaction.
async fn look_up(
    room: &Arc<Room>,
    permit: Permit,
    asked: Asked,
    (number, header): (IndividualNumber, InquiryHeader),
) -> Result<Option<Content>, ApiError> {
    let keys = room.keys()?;
    room.queue
        .write(move |tx, acts| {
            let about = |subject: Option<domain::subject::SubjectId>| About {
                purpose: format!("{} {}", header.procedure, header.legal_basis),
                subject: subject.map(|id| id.0),
                inquiry: Some(header.inquiry.0),
            };
            let completeness = records::completeness::stated(tx, &permit)?;
            let found = find_person(tx, &keys, &permit, &number)?;
            let subject = found.as_ref().map(|found| found.id);
            let is_withheld = found.as_ref().is_some_and(|f| f.subject.flags.is_silent());
            let earlier = store::provision::find(tx, &keys, &permit, &asked)?;
            if let Some((earlier_subject, content)) = earlier
                && !is_withheld
            {
                // A retry is answered with what was provided then, not with what is there now;
                // but only to the same question, and not about a person protected meanwhile.
                let is_same = subject == Some(earlier_subject);
                let result = if is_same { "provided again" } else { "nothing: id of another" };
                acts.add(entry(&permit, about(subject), result));
                return Ok(is_same.then_some(content));
            }
            let doses = match subject {
                Some(subject) => store::vaccination::list(tx, &keys, &permit, &subject)?,
                None => Vec::new(),
            };
            match subject {
                Some(subject) if is_withheld => {
                    store::provision::hold(tx, &permit, (&asked, subject), &header)?;
                    acts.add(entry(&permit, about(Some(subject)), "withheld"));
                    Ok(None)
                }
                Some(subject) if !doses.is_empty() => {
                    let mut content = Content::new(doses)?;
                    content.completeness = completeness;
                    store::provision::insert(tx, &keys, &permit, (&asked, subject), &content)?;
                    acts.add(entry(&permit, about(Some(subject)), "provided"));
                    Ok(Some(content))
                }
                subject => {
                    acts.add(entry(&permit, about(subject), "nothing"));
                    Ok(None)
                }
            }
        })
        .await
}

fn find_person(
    tx: &mut db::Tx,
    keys: &RoomKeys,
    permit: &Permit,
    number: &IndividualNumber,
) -> Result<Option<store::subject::Found>, ApiError> {
    match store::subject::find_by_number(tx, keys, permit, number)? {
        Some(id) => {
            let found = store::subject::find(tx, keys, permit, id)?;
            found.map(Some).ok_or_else(|| ApiError::new(&common::INTERNAL))
        }
        None => Ok(None),
    }
}
