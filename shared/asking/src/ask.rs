//! The asking half of an inquiry: a clerk of the new municipality asks the old one.
//!
//! The clerk's act is durable before anything is sent; the answer is durable, and proven by the
//! provision log, before it is shown.  The inquiry's id makes every retry the same inquiry.

use std::sync::Arc;

use crypto::{AnswerKey, Purpose, RoomKeys, seal_request};
use db::Tx;
use domain::law::{NotPermitted, day_in_japan};
use domain::municipalities::ended_municipality;
use domain::subject::SubjectId;
use domain::{
    Action, Actor, IndividualNumber, InquiryHeader, OperatorId, Outcome, Permit, TerminalId,
};
use service::{ApiError, problems as common};
use wire::broker::{self, BrokerAnswer, BrokerInquiry};
use wire::partition::{AskAnswer, AskOutcome, AskRequest};
use wire::provision_log::{End, Entry};
use wire::{Base64Bytes, CallError};

use room::Host;
use room::Room;
use room::metrics::ResultLabels;
use room::operation_log::{About, conclude, entry};
use room::question::{read_answer, write_question};
use room::receipt;
use room::store::inquiry::{Proof, Settled, State};
use room::writer::Acts;
use room::{problems, store};

/// The only record items that may be asked for today (C069, C070).
const ITEMS: &str = "vaccination";

/// Batch and row of an inquiry that is one of many; its end is kept there in the same transaction.
pub type Place = (uuid::Uuid, u32);

/// Asks, or gives the answer that is already there.
pub async fn ask(host: &Host, permit: Permit, request: AskRequest) -> Result<AskAnswer, ApiError> {
    permit.expect_action(Action::AskTransferIn)?;
    ask_as(host, permit, request, None).await
}

/// The same for a row of a batch, as long as the batch runs.
pub async fn ask_row(
    host: &Host,
    permit: Permit,
    request: AskRequest,
    place: Place,
) -> Result<AskAnswer, ApiError> {
    permit.expect_action(Action::AskBatch)?;
    ask_as(host, permit, request, Some(place)).await
}

async fn ask_as(
    host: &Host,
    permit: Permit,
    request: AskRequest,
    place: Option<Place>,
) -> Result<AskAnswer, ApiError> {
    let room = host.room(permit.municipality())?;
    let inquiry = About { inquiry: Some(request.inquiry.0), ..About::default() };
    let answer = ask_from(host, &room, permit.clone(), (request, place)).await;
    conclude(&room, &permit, inquiry, answer).await
}

async fn ask_from(
    host: &Host,
    room: &Arc<Room>,
    permit: Permit,
    (request, place): (AskRequest, Option<Place>),
) -> Result<AskAnswer, ApiError> {
    let number = request.individual_number.0.clone();
    let mut header = header(host, &permit, request)?;
    if host.is_log_doubtful() {
        return Err(ApiError::new(&problems::LOG_DOUBTFUL));
    }
    let asked = (header.clone(), number.clone());
    let subject = match begin(room, permit.clone(), asked, place).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::Refused(kind) => return Err(ApiError::new(kind)),
        // The log knows one act: a retry from another desk speaks of the first one.
        Begun::Again(subject, terminal) => {
            header.terminal = terminal;
            subject
        }
        Begun::Send(subject) => subject,
    };
    let path = if place.is_some() { broker::BATCH_INQUIRIES } else { broker::INQUIRIES };
    let settled = exchange(host, room, &permit, (&header, &number, path)).await;
    let about = about(&header, Some(subject));
    let label = |result| host.counters.asked.get_or_create(&ResultLabels { result }).inc();
    match settled {
        Ok(settled) => {
            label(outcome(settled.answer.outcome));
            settle(room, permit, about, (settled, place)).await
        }
        Err(error) => {
            label("failed");
            conclude(room, &permit, about, Err(error)).await
        }
    }
}

/// The question leaves, the answer comes back and is believed, or not.
async fn exchange(
    host: &Host,
    room: &Room,
    permit: &Permit,
    (header, number, path): (&InquiryHeader, &IndividualNumber, &str),
) -> Result<Settled, ApiError> {
    let (inquiry, expected) = seal(host, room, header, number)?;
    let request_id = &permit.context().request;
    let answer: Result<BrokerAnswer, CallError> =
        host.broker.post(path, request_id, None, &inquiry).await;
    read(host, header, number, (&expected, answer.map_err(ApiError::relay)?))
}

/// The header as the law and the broker need it.
fn header(host: &Host, permit: &Permit, request: AskRequest) -> Result<InquiryHeader, ApiError> {
    let (operator, terminal) = asker(permit)?;
    let header = InquiryHeader {
        inquiry: request.inquiry,
        inquirer: permit.municipality(),
        provider: request.provider,
        procedure: request.procedure,
        legal_basis: request.legal_basis,
        items: ITEMS.to_owned(),
        confirmation: request.confirmation,
        operator,
        terminal,
        asked_at_unix_s: permit.context().at.unix_timestamp(),
    };
    if !header.is_well_formed() {
        return Err(ApiError::field("procedure"));
    }
    // The clerk hears at once what the broker and the provider would refuse as well.
    match host.permission_list().check(&header, day_in_japan(permit.context().at)) {
        Ok(()) => Ok(header),
        Err(NotPermitted::AskingItself) => Err(ApiError::new(&problems::ASKING_ITSELF)),
        Err(error) => Err(ApiError::caused(&common::inquiry::NOT_PERMITTED, error)),
    }
}

fn asker(permit: &Permit) -> Result<(OperatorId, TerminalId), ApiError> {
    match &permit.context().actor {
        Actor::Operator { id, terminal, .. } => Ok((id.clone(), terminal.clone())),
        _ => Err(ApiError::new(&common::DENIED)),
    }
}

enum Begun {
    Send(SubjectId),
    Again(SubjectId, TerminalId),
    Answered(AskAnswer),
    Refused(&'static service::problems::ProblemKind),
}

/// Writes down that the inquiry begins, before anything is sent.
async fn begin(
    room: &Arc<Room>,
    permit: Permit,
    (header, number): (InquiryHeader, IndividualNumber),
    place: Option<Place>,
) -> Result<Begun, ApiError> {
    let keys = room.keys()?;
    room.queue
        .write(move |tx, acts| {
            if store::operator_hold::is_held(tx, &permit, header.operator.as_str())? {
                let kind = &problems::OPERATOR_HELD;
                acts.add(entry(&permit, about(&header, None), kind.code));
                return Ok(Begun::Refused(kind));
            }
            if let Some((batch, _)) = place
                && !store::batch::is_running(tx, &permit, batch)?
            {
                let kind = &crate::batch::problems::NOT_RUNNING;
                acts.add(entry(&permit, about(&header, None), kind.code));
                return Ok(Begun::Refused(kind));
            }
            let Some(subject) = store::subject::find_by_number(tx, &keys, &permit, &number)? else {
                let kind = &problems::NOT_IN_REGISTER;
                acts.add(entry(&permit, about(&header, None), kind.code));
                return Ok(Begun::Refused(kind));
            };
            let found = store::inquiry::find(tx, &keys, &permit, header.inquiry)?;
            let line = |result| entry(&permit, about(&header, Some(subject)), result);
            let (begun, line) = match found {
                Some(found) if !found.is_same(&header, subject) => {
                    let kind = &problems::INQUIRY_REUSED;
                    (Begun::Refused(kind), line(kind.code))
                }
                Some(found) => match found.state {
                    State::Begun => {
                        let terminal = first_terminal(&found.terminal)?;
                        (Begun::Again(subject, terminal), line("begun again").begun())
                    }
                    State::Answered(answer) => {
                        keep(tx, &keys, &permit, (place, &answer))?;
                        (Begun::Answered(answer), line("shown again"))
                    }
                    State::Expired => {
                        let kind = &problems::INQUIRY_EXPIRED;
                        (Begun::Refused(kind), line(kind.code))
                    }
                },
                None => {
                    store::inquiry::insert(tx, &permit, &header, subject)?;
                    (Begun::Send(subject), line("begun").begun())
                }
            };
            acts.add(line);
            Ok(begun)
        })
        .await
}

fn first_terminal(text: &str) -> Result<TerminalId, ApiError> {
    TerminalId::parse(text).map_err(|error| ApiError::caused(&common::INTERNAL, error))
}

fn about(header: &InquiryHeader, subject: Option<SubjectId>) -> About {
    About {
        purpose: format!("{} {}", header.procedure, header.legal_basis),
        subject: subject.map(|id| id.0),
        inquiry: Some(header.inquiry.0),
    }
}

/// What an answer must be, to be one to this question.
struct Expected {
    key: AnswerKey,
    /// Whether the provider has a room: then only its own sealed word counts as an answer.
    is_routed: bool,
}

/// Seals the number to the provider and signs the whole.
///
/// For a code that no room has, it is sealed to ourselves: nobody else could open it, and the work
/// and the size are those of every inquiry.
fn seal(
    host: &Host,
    room: &Room,
    header: &InquiryHeader,
    number: &IndividualNumber,
) -> Result<(BrokerInquiry, Expected), ApiError> {
    let directory = host.directory()?;
    let now = host.clock.now();
    let is_ended = ended_municipality(header.provider)
        .is_some_and(|ended| ended.ended_on <= day_in_japan(now));
    let provider = directory.member(header.provider).filter(|_| !is_ended);
    let provider = provider.and_then(|member| member.sealing_key(now.unix_timestamp()));
    let keys = room.keys()?;
    let own = keys.public_keys();
    let key = provider.map_or_else(|| own.sealing_current(), Ok)?;
    let question = write_question(&keys, header, number);
    let (sealed, answer_key) = seal_request(key, &header.to_signed_bytes(), &question)?;
    let expected = Expected { key: answer_key, is_routed: provider.is_some() };
    let signature = keys.sign(Purpose::Inquiry, &BrokerInquiry::signed_bytes(header, &sealed));
    let inquiry = BrokerInquiry {
        header: header.clone(),
        sealed: Base64Bytes(sealed),
        signature: Base64Bytes(signature.to_bytes().to_vec()),
    };
    Ok((inquiry, expected))
}

/// Opens the answer and insists that it answers this question and is in the log.
fn read(
    host: &Host,
    header: &InquiryHeader,
    number: &IndividualNumber,
    (expected, answer): (&Expected, BrokerAnswer),
) -> Result<Settled, ApiError> {
    let bad = || ApiError::new(&problems::BAD_ANSWER);
    let logged = receipt::proven(host, &answer.receipt).ok_or_else(bad)?;
    if answer.routed != expected.is_routed {
        return Err(bad());
    }
    let content = match answer.routed {
        true => {
            let plain = expected.key.open_answer(&answer.sealed.0).map_err(|_| bad())?;
            read_answer(&plain).map_err(|_| bad())?
        }
        false => None,
    };
    let commitment = content.as_ref().map(|content| content.commit(number)).transpose()?;
    let outcome = if content.is_some() { Outcome::Provided } else { Outcome::Nothing };
    let commitment = commitment.map(|bytes| Base64Bytes(bytes.to_vec()));
    let end = End { outcome, reason: None, commitment };
    // The log must say what was signed: who asked, from where, why.  Of a retry it has the first
    // attempt's permit and times.
    let expected_entry = Entry {
        asked_at_unix_s: logged.asked_at_unix_s,
        ..Entry::of(header, logged.permit.clone(), end, logged.decided_at_unix_ms)
    };
    if logged != expected_entry {
        return Err(bad());
    }
    let now = host.now_unix_ms();
    let kept_ms = i64::try_from(host.limits.answer_kept_s.saturating_mul(1_000));
    let answer_to_clerk = AskAnswer {
        inquiry: header.inquiry,
        outcome: if content.is_some() { AskOutcome::Provided } else { AskOutcome::Nothing },
        vaccinations: content.as_ref().map(|c| c.vaccinations.clone()).unwrap_or_default(),
        completeness: content.as_ref().and_then(|content| content.completeness),
        log_index: answer.receipt.index,
        answered_at_unix_ms: now,
        expires_at_unix_ms: now.saturating_add(kept_ms.unwrap_or(i64::MAX)),
    };
    let salt = content.as_ref().map(|content| content.salt.clone());
    Ok(Settled { answer: answer_to_clerk, proof: Proof { receipt: answer.receipt, salt } })
}

/// Keeps the answer, then gives it out; a second answer to the same inquiry gives the first.
async fn settle(
    room: &Arc<Room>,
    permit: Permit,
    about: About,
    (settled, place): (Settled, Option<Place>),
) -> Result<AskAnswer, ApiError> {
    let keys = room.keys()?;
    room.queue
        .write(move |tx, acts: &mut Acts| {
            let is_first = store::inquiry::settle(tx, &keys, &permit, &settled)?;
            let (answer, result) = if is_first {
                (Some(settled.answer.clone()), outcome(settled.answer.outcome))
            } else {
                let found = store::inquiry::find(tx, &keys, &permit, settled.answer.inquiry)?;
                match found.map(|found| found.state) {
                    Some(State::Answered(answer)) => (Some(answer), "shown again"),
                    _ => (None, problems::INQUIRY_EXPIRED.code),
                }
            };
            if let Some(answer) = &answer {
                keep(tx, &keys, &permit, (place, answer))?;
            }
            acts.add(entry(&permit, about.clone(), result));
            Ok(answer)
        })
        .await?
        .ok_or_else(|| ApiError::new(&problems::INQUIRY_EXPIRED))
}

/// Keeps the answer in its row too, where the inquiry is one of many.
fn keep(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (place, answer): (Option<Place>, &AskAnswer),
) -> Result<(), ApiError> {
    place.map_or(Ok(()), |place| store::batch_row::settle(tx, keys, permit, (place, answer)))
}

fn outcome(outcome: AskOutcome) -> &'static str {
    match outcome {
        AskOutcome::Provided => "provided",
        AskOutcome::Nothing => "nothing",
    }
}
