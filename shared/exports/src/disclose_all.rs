//! Everything about one person, for that person's request (開示請求).
//!
//! Hidden is only what a dated legal rule hides.  Every table that holds something about a person is
//! read for it or says why not (`tests/house_rules/disclosure.rs`).  The number lives only in this
//! call: what comes back has no place for it.

use std::collections::{BTreeSet, HashSet};

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::{Action, IndividualNumber, InquiryId, Permit};
use imports::about::{Said, Waiting, Whom};
use room::operation_log::{About, conclude, entry};
use room::shown::{dose_version, subject_version};
use room::store::notice_in::NoticeIn;
use room::store::notice_out::NoticeOut;
use room::store::provision::Provided;
use room::store::subject::Found;
use room::store::vaccination::Held;
use room::store::voucher::Issued;
use room::{Host, problems, store};
use service::{ApiError, problems as common};
use wire::exports::{
    DiscloseAll, DisclosedInquiry, DisclosedNotice, DisclosedVoucher, FlagChange, FullDisclosure,
    HeldBack, WaitingRows,
};
use wire::records::SubjectVersion;

use crate::received;
use crate::store::about;

/// What the room knows of a person, as it was at one moment.
#[derive(Default)]
struct Known {
    entry: Vec<Found>,
    doses: Vec<Held>,
    vouchers: Vec<Issued>,
    provided: Vec<Provided>,
    told: Vec<NoticeOut>,
    heard: Vec<NoticeIn>,
    inquiries: Vec<DisclosedInquiry>,
    held_back: Vec<HeldBack>,
    said: Said,
}

pub(crate) async fn disclose_all(
    host: &Host,
    permit: &Permit,
    request: DiscloseAll,
    shown_as: &'static str,
) -> Result<FullDisclosure, ApiError> {
    permit.expect_action(Action::DiscloseAll)?;
    let room = host.room(permit.municipality())?;
    let number = request.individual_number.0;
    let (keys, wanted) = (room.keys()?, number.clone());
    let read = move |tx: &mut Tx, permit: &Permit| {
        let subject = store::subject::find_by_number(tx, &keys, permit, &wanted)?;
        let known = gather(tx, &keys, permit, Whom { number: &wanted, subject });
        // Who is not in the register may still wait to come into it.
        let is_known = subject.is_some() || !matches!(&known, Ok(known) if known.said.is_empty());
        Ok(is_known.then_some((subject, known)))
    };
    let found = host.read("partition.disclose-all", permit, read).await?;
    let (subject, known) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let subject = subject.map(|subject| subject.0);
    let about = || About { subject, purpose: shown_as.to_owned(), inquiry: None };
    let whole = match known {
        Ok(known) => assemble(host, permit, &number, known).await,
        Err(error) => Err(error),
    };
    let (disclosure, hidden) = conclude(&room, permit, about(), whole).await?;
    let FullDisclosure { provided, inquiries, notices, doubtful, waiting, .. } = &disclosure;
    let result = format!(
        "disclosed {} doses, {} provisions, {} inquiries, {} notices, {} doubtful rows, {} files, \
         hidden by law {hidden}",
        count_doses(&disclosure),
        provided.len(),
        inquiries.len(),
        notices.len(),
        doubtful.len(),
        waiting.len(),
    );
    room.queue.add(entry(permit, about(), &result)).await?;
    Ok(disclosure)
}

fn gather(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    whom: Whom<'_>,
) -> Result<Known, ApiError> {
    let too_long = || ApiError::new(&problems::DISCLOSURE_TOO_LONG);
    let said = imports::about::said(tx, keys, permit, whom)?.ok_or_else(too_long)?;
    let Some(subject) = whom.subject else { return Ok(Known { said, ..Known::default() }) };
    Ok(Known {
        entry: store::subject::versions(tx, keys, permit, subject)?,
        doses: store::vaccination::versions(tx, keys, permit, &subject)?,
        vouchers: store::voucher::list(tx, keys, permit, &subject)?,
        provided: store::provision::list_of(tx, keys, permit, subject)?,
        told: store::notice_out::of_subject(tx, keys, permit, &subject)?,
        heard: store::notice_in::of_subject(tx, keys, permit, &subject)?,
        inquiries: about::inquiries(tx, keys, permit, subject)?.ok_or_else(too_long)?,
        held_back: about::held_back(tx, permit, subject)?.ok_or_else(too_long)?,
        said,
    })
}

fn count_doses(disclosure: &FullDisclosure) -> usize {
    let ids: BTreeSet<_> = disclosure.doses.iter().map(|dose| dose.vaccination).collect();
    ids.len()
}

/// The whole with every proof, and how much of it a rule hides.
async fn assemble(
    host: &Host,
    permit: &Permit,
    number: &IndividualNumber,
    known: Known,
) -> Result<(FullDisclosure, usize), ApiError> {
    let Known { entry, doses, vouchers, provided, told, heard, said, .. } = known;
    let (mut inquiries, mut held_back) = (known.inquiries, known.held_back);
    let provided = (provided, told);
    let (provided, mut hidden) = received::check(host, permit, number, provided).await?;
    let today = day_in_japan(permit.context().at);
    let hides = |procedure: &str, basis: &str| host.exemptions.hides(procedure, basis, today);
    let mut notices: Vec<DisclosedNotice> = heard.iter().map(notice).collect();
    hidden += inquiries.len() + held_back.len() + notices.len();
    inquiries.retain(|one| !hides(&one.procedure, &one.legal_basis));
    held_back.retain(|one| !hides(&one.procedure, &one.legal_basis));
    // What came later by an inquiry is as hidden as the inquiry.
    let shown: HashSet<InquiryId> = inquiries.iter().map(|one| one.inquiry).collect();
    notices.retain(|one| shown.contains(&one.inquiry));
    hidden -= inquiries.len() + held_back.len() + notices.len();
    let entry: Vec<SubjectVersion> = entry.iter().map(subject_version).collect::<Result<_, _>>()?;
    let disclosure = FullDisclosure {
        municipality: permit.municipality(),
        disclosed_at_unix_ms: room::operation_log::unix_ms(permit.context().at),
        flags: flag_changes(&entry),
        entry,
        doses: doses.iter().map(dose_version).collect::<Result<_, _>>()?,
        vouchers: vouchers.iter().map(voucher).collect(),
        provided,
        inquiries,
        held_back,
        notices,
        doubtful: said.doubtful,
        waiting: said.waiting.iter().map(waiting).collect::<Result<_, _>>()?,
        findings: said.findings,
    };
    Ok((disclosure, hidden))
}

/// The versions in which a flag differs from the version before; the first if it has any.
fn flag_changes(entry: &[SubjectVersion]) -> Vec<FlagChange> {
    let mut before = domain::subject::Flags::default();
    let mut changes = Vec::new();
    for SubjectVersion { version, flags, source, .. } in entry {
        if *flags != before {
            let source = source.clone();
            changes.push(FlagChange { version: *version, flags: *flags, source });
        }
        before = *flags;
    }
    changes
}

fn voucher(issued: &Issued) -> DisclosedVoucher {
    DisclosedVoucher {
        number: issued.number.reveal().to_owned(),
        dose_number: issued.dose_number,
        issued_on: issued.issued_on,
        source: (&issued.provenance).into(),
    }
}

fn waiting(file: &Waiting) -> Result<WaitingRows, ApiError> {
    Ok(WaitingRows {
        import: file.import,
        uploaded_at_unix_ms: file.uploaded_at_unix_ms,
        entry: file.entry.iter().map(subject_version).collect::<Result<_, _>>()?,
        doses: file.doses.iter().map(dose_version).collect::<Result<_, _>>()?,
        vouchers: file.vouchers.iter().map(voucher).collect(),
    })
}

fn notice(heard: &NoticeIn) -> DisclosedNotice {
    DisclosedNotice {
        sender: heard.sender,
        kind: heard.kind,
        inquiry: heard.inquiry,
        received_at_unix_ms: heard.received_at_unix_ms,
        content: heard.letter.content.clone(),
        log_index: heard.log_index,
        state: heard.state,
    }
}

/// Tables that say something about a person, and where it stands in a disclosure.
#[expect(dead_code, reason = "read by people and by the house rules")]
static SHOWN: &[(&str, &str)] = &[
    ("subject", "entry"),
    ("vaccination", "doses"),
    ("voucher", "vouchers"),
    ("provision", "provided"),
    ("notice_out", "provided"),
    ("inquiry", "inquiries"),
    ("held_inquiry", "held_back"),
    ("notice_in", "notices"),
    ("quarantine", "doubtful"),
    ("import_subject", "waiting"),
    ("import_voucher", "waiting"),
    ("import_vaccination", "waiting"),
    ("import_finding", "findings"),
];

/// Tables that do so and are not shown, and why.
#[expect(dead_code, reason = "read by people and by the house rules")]
static NOT_SHOWN: &[(&str, &str)] = &[
    ("subject_number", "the number itself, for which a disclosure has no place"),
    ("subject_address", "made from the entry, which is shown"),
    ("subject_likeness", "made from the entry, which is shown"),
    ("import_part", "a file that has not been taken apart; nobody can be found in it"),
    ("batch_part", "a file that has not been taken apart; nobody can be found in it"),
    ("batch_row", "the number asked about, and a copy of what stands with the inquiry"),
    ("one_sided", "how two logs agree about an entry that is shown with its proof"),
    ("operation_log", "what members of staff did; it is told by the supervisor who reads it"),
    ("inspection", "how members of staff behaved"),
    ("erasure", "what two persons may erase; what is to go is shown in its own place"),
    ("erasure_record", "what was erased is not there any more"),
    ("exported_page", "which pages of a file were fetched; what is in them is shown"),
    ("room_closing", "how a municipality leaves"),
    ("erasure_hold", "an order to keep what is shown"),
];
