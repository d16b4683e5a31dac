//! Pages of files for the ledger: doses and persons, newest versions in force.
//!
//! All pages of a file tell of one moment, that of its first page, whatever is registered, corrected
//! or flagged while they are fetched (see [`crate::moment`]).
//!
//! A page holds at most a thousand persons, so memory stays flat however large the room is.  What a
//! page held is in the operation log by count and digest, durable before the page is shown.

use std::collections::HashMap;

use crypto::RoomKeys;
use db::Tx;
use domain::subject::{Subject, SubjectId};
use domain::vaccination::{Provenance, Standing};
use domain::{Action, MunicipalityCode, Permit};
use interchange::Layout;
use interchange::export::{DoseOut, LineEnd, Remark, Writer, WrittenAs};
use interchange::layout::{DOSES_1, DOSES_EXPORT_1, DOSES_LEDGER, SUBJECTS_EXPORT_1};
use room::Host;
use room::operation_log::{About, entry};
use room::store::vaccination::Held;
use room::store::voucher::Issued;
use room::store::{exported, many};
use room::writer::Acts;
use service::ApiError;
use wire::Base64Bytes;
use wire::exports::{
    EXPORT_LIMIT_MAX, ExportPage, ExportPlace, ExportRemark, Exported, FileEncoding, FileLineEnd,
};
use wire::records::RecordSource;

use crate::moment::Moment;

/// What a page can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Subjects,
    Doses,
}

static OF_SUBJECTS: [&Layout; 1] = [&SUBJECTS_EXPORT_1];
static OF_DOSES: [&Layout; 3] = [&DOSES_1, &DOSES_LEDGER, &DOSES_EXPORT_1];

impl Content {
    fn layouts(self) -> &'static [&'static Layout] {
        match self {
            Self::Subjects => &OF_SUBJECTS,
            Self::Doses => &OF_DOSES,
        }
    }
}

/// A page as it is written.
struct Page {
    content: Vec<u8>,
    rows: u64,
    remarks: Vec<ExportRemark>,
    next: Option<ExportPlace>,
    /// How long the operation log was at the moment that the file tells of.
    operations: u64,
}

pub(crate) async fn export(
    host: &Host,
    permit: Permit,
    (content, wanted): (Content, ExportPage),
) -> Result<Exported, ApiError> {
    permit.expect_action(Action::ExportRecords)?;
    let room = host.room(permit.municipality())?;
    let layout = content.layouts().iter().find(|layout| layout.name == wanted.layout);
    let layout: &'static Layout = layout.ok_or_else(|| ApiError::field("layout"))?;
    if wanted.limit == 0 || wanted.limit > EXPORT_LIMIT_MAX {
        return Err(ApiError::field("limit"));
    }
    let (keys, asked) = (room.keys()?, wanted.clone());
    let read = move |tx: &mut Tx, permit: &Permit| write(tx, &keys, permit, (layout, &asked));
    let page = host.read("partition.export", &permit, read).await?;
    let Page { content, rows, remarks, next, operations } = page;
    let digest = crypto::sha256(&content);
    let sha256 = hex(&digest);
    let left_out = remarks.iter().filter(|remark| !remark.written).count();
    let result = format!("exported {rows} rows, left out {left_out}, sha256 {sha256}");
    let about = About { purpose: layout.name.to_owned(), ..About::default() };
    let (after, follows) = (wanted.from.map(|from| from.after), next.map(|next| next.after));
    let left = exported::Page { operations, after, next: follows, rows, sha256: digest };
    let is_whole = left_out == 0;
    let keep = move |tx: &mut Tx, acts: &mut Acts| {
        if let Some(content) = whole_content(layout).filter(|_| is_whole) {
            exported::keep(tx, &permit, (content, &left))?;
        }
        acts.add(entry(&permit, about.clone(), &result));
        Ok(())
    };
    room.queue.write(keep).await?;
    Ok(Exported { content: Base64Bytes(content), rows, sha256, remarks, next })
}

/// What a file of this layout is all of; others have no place for some of it.
fn whole_content(layout: &Layout) -> Option<exported::Exported> {
    match layout {
        layout if layout == &SUBJECTS_EXPORT_1 => Some(exported::Exported::Subjects),
        layout if layout == &DOSES_EXPORT_1 => Some(exported::Exported::Doses),
        _ => None,
    }
}

fn write(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (layout, wanted): (&'static Layout, &ExportPage),
) -> Result<Page, ApiError> {
    let (written_as, line_end) = form(wanted);
    let mut writer = Writer::new(layout, written_as, line_end);
    if wanted.from.is_none() {
        writer.header();
    }
    let moment = Moment::of(tx, permit, wanted.from.as_ref())?;
    let counts = |written_at| moment.knows(written_at);
    let after = wanted.from.as_ref().map(|from| SubjectId(from.after));
    let people = many::people_after(tx, permit, after, wanted.limit)?;
    let is_full = people.len() == usize::from(wanted.limit);
    let next = people.last().filter(|_| is_full).map(|last| moment.place(last.0));
    let entries = many::subjects_as_of(tx, keys, permit, (&people, &counts))?;
    let (mut doses, mut vouchers) = if layout == &SUBJECTS_EXPORT_1 {
        (HashMap::new(), HashMap::new())
    } else {
        let doses = many::doses_as_of(tx, keys, permit, (&people, &counts))?;
        (doses, many::vouchers_as_of(tx, keys, permit, (&people, &counts))?)
    };
    let mut remarks = Vec::new();
    for id in people {
        let Some(found) = entries.get(&id) else { continue };
        let held = doses.remove(&id).unwrap_or_default();
        let issued = vouchers.remove(&id).unwrap_or_default();
        let person = (&found.subject, held, issued.as_slice());
        let said = write_person(&mut writer, layout, permit.municipality(), person);
        remarks.extend(said.into_iter().map(|remark| told(id, remark)));
    }
    let (content, rows) = writer.finish();
    Ok(Page { content, rows, remarks, next, operations: moment.operations() })
}

fn write_person(
    writer: &mut Writer,
    layout: &'static Layout,
    own: MunicipalityCode,
    (person, held, issued): (&Subject, Vec<Held>, &[Issued]),
) -> Vec<Remark> {
    if layout == &SUBJECTS_EXPORT_1 {
        return writer.subject(person);
    }
    // 利用停止: the municipality may not use these doses any more.
    if person.flags.stopped {
        return Vec::new();
    }
    writer.doses(&person.address_number, &out(own, held, issued))
}

/// The doses that count, in order of dose number and date.
fn out(own: MunicipalityCode, mut held: Vec<Held>, issued: &[Issued]) -> Vec<DoseOut> {
    held.retain(|held| held.version.standing == Standing::InForce);
    held.sort_by_key(|held| {
        let dose = &held.version.vaccination;
        (dose.dose_number, dose.date, held.id)
    });
    let each = |held: Held| {
        let source = &held.version.provenance;
        // A dose that came from elsewhere was not given on a voucher of ours.
        let is_ours = !matches!(source, Provenance::Adopted { .. } | Provenance::Noticed { .. });
        let dose_number = held.version.vaccination.dose_number;
        let voucher = issued.iter().find(|one| is_ours && one.dose_number == dose_number);
        DoseOut {
            recorded_at_unix_s: RecordSource::from(source).at_unix_s,
            version: u32::try_from(held.number).unwrap_or_default(),
            voucher: voucher.map(|one| (own, one.number.clone())),
            vaccination: held.version.vaccination,
        }
    };
    held.into_iter().map(each).collect()
}

fn form(wanted: &ExportPage) -> (WrittenAs, LineEnd) {
    let written_as = match wanted.encoding {
        FileEncoding::Utf8 => WrittenAs::Utf8,
        FileEncoding::Utf8Bom => WrittenAs::Utf8Bom,
        FileEncoding::Cp932 => WrittenAs::Cp932,
    };
    let line_end = match wanted.line_end {
        FileLineEnd::Crlf => LineEnd::CrLf,
        FileLineEnd::Lf => LineEnd::Lf,
    };
    (written_as, line_end)
}

fn told(subject: SubjectId, remark: Remark) -> ExportRemark {
    ExportRemark {
        subject: subject.0,
        column: remark.column.map(str::to_owned),
        reason: remark.why.code().to_owned(),
        written: remark.why.is_written(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
