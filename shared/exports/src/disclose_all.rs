//! Everything about one person, for that person's request (開示請求).
//!
//! Hidden is only what a dated legal rule hides.  The number lives only in this call: what comes
//! back has no place for it.

use std::collections::BTreeSet;

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::{Action, IndividualNumber, Permit};
use room::operation_log::{About, conclude, entry};
use room::store::notice_out::NoticeOut;
use room::store::provision::Provided;
use room::store::subject::Found;
use room::store::vaccination::Held;
use room::store::voucher::Issued;
use room::{Host, problems, store};
use service::{ApiError, problems as common};
use wire::exports::{
    DiscloseAll, DisclosedInquiry, DisclosedVoucher, FlagChange, FullDisclosure, HeldBack,
};
use wire::records::{DoseVersion, SubjectVersion};

use crate::received;
use crate::store::about;

/// What the room knows of a person, as it was at one moment.
struct Known {
    entry: Vec<Found>,
    doses: Vec<Held>,
    vouchers: Vec<Issued>,
    provided: Vec<Provided>,
    told: Vec<NoticeOut>,
    inquiries: Vec<DisclosedInquiry>,
    held_back: Vec<HeldBack>,
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
        let found = store::subject::find_by_number(tx, &keys, permit, &wanted)?;
        Ok(found.map(|subject| (subject, gather(tx, &keys, permit, subject))))
    };
    let found = host.read("partition.disclose-all", permit, read).await?;
    let (subject, known) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let about = || About { subject: Some(subject.0), purpose: shown_as.to_owned(), inquiry: None };
    let whole = match known {
        Ok(known) => assemble(host, permit, &number, known).await,
        Err(error) => Err(error),
    };
    let (disclosure, hidden) = conclude(&room, permit, about(), whole).await?;
    let result = format!(
        "disclosed {} doses, {} provisions, {} inquiries, hidden by law {hidden}",
        count_doses(&disclosure),
        disclosure.provided.len(),
        disclosure.inquiries.len(),
    );
    room.queue.add(entry(permit, about(), &result)).await?;
    Ok(disclosure)
}

fn gather(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: SubjectId,
) -> Result<Known, ApiError> {
    let too_long = || ApiError::new(&problems::DISCLOSURE_TOO_LONG);
    Ok(Known {
        entry: store::subject::versions(tx, keys, permit, subject)?,
        doses: store::vaccination::versions(tx, keys, permit, &subject)?,
        vouchers: store::voucher::list(tx, keys, permit, &subject)?,
        provided: store::provision::list_of(tx, keys, permit, subject)?,
        told: store::notice_out::of_subject(tx, keys, permit, &subject)?,
        inquiries: about::inquiries(tx, permit, subject)?.ok_or_else(too_long)?,
        held_back: about::held_back(tx, permit, subject)?.ok_or_else(too_long)?,
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
    let Known { entry, doses, vouchers, provided, told, mut inquiries, mut held_back } = known;
    let provided = (provided, told);
    let (provided, mut hidden) = received::check(host, permit, number, provided).await?;
    let today = day_in_japan(permit.context().at);
    let hides = |procedure: &str, basis: &str| host.exemptions.hides(procedure, basis, today);
    hidden += inquiries.len() + held_back.len();
    inquiries.retain(|one| !hides(&one.procedure, &one.legal_basis));
    held_back.retain(|one| !hides(&one.procedure, &one.legal_basis));
    hidden -= inquiries.len() + held_back.len();
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

fn subject_version(found: &Found) -> Result<SubjectVersion, ApiError> {
    let person = &found.subject;
    let version = number(found.version)?;
    Ok(SubjectVersion {
        subject: found.id.0,
        version,
        etag: format!("\"{}-{version}\"", found.id.0),
        address_number: person.address_number.reveal().to_owned(),
        name: person.name.reveal().to_owned(),
        name_kana: person.name_kana.reveal().to_owned(),
        birth_date: person.birth_date,
        sex: person.sex,
        flags: person.flags,
        source: found.provenance.as_ref().map(Into::into),
    })
}

fn dose_version(held: &Held) -> Result<DoseVersion, ApiError> {
    let version = number(held.number)?;
    Ok(DoseVersion {
        vaccination: held.id.0,
        version,
        etag: format!("\"{}-{version}\"", held.id.0),
        standing: held.version.standing,
        dose: held.version.vaccination.clone(),
        source: (&held.version.provenance).into(),
    })
}

fn number(version: i32) -> Result<u32, ApiError> {
    u32::try_from(version).map_err(|_| store::broken_row())
}

fn voucher(issued: &Issued) -> DisclosedVoucher {
    DisclosedVoucher {
        number: issued.number.reveal().to_owned(),
        dose_number: issued.dose_number,
        issued_on: issued.issued_on,
        source: (&issued.provenance).into(),
    }
}
