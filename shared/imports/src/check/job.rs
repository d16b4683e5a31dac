//! One check of one file: what it may ask and write.

use std::sync::Arc;

use crypto::RoomKeys;
use db::Tx;
use domain::Permit;
use domain::law::day_in_japan;
use quality::Rules;
use room::operation_log::entry;
use room::{Host, Room};
use service::ApiError;
use service::problems::ProblemKind;
use time::Date;
use tokio::runtime::Handle;
use wire::imports::{Purpose, Stage};
use zeroize::Zeroizing;

use super::sheet::Sheet;
use crate::open::about;
use crate::quarantine::{self, State};
use crate::store::file::File;
use crate::store::staged::Place;
use crate::{report, send, store};

pub(crate) struct Job {
    host: Arc<Host>,
    pub(super) room: Arc<Room>,
    pub(super) permit: Permit,
    pub(super) keys: Arc<RoomKeys>,
    pub(super) file: File,
    pub(super) rules: Rules,
    pub(super) today: Date,
    /// Whether the room has issued any voucher at all.
    pub(super) has_vouchers: bool,
    handle: Handle,
}

impl Job {
    pub(crate) fn new(
        host: Arc<Host>,
        room: Arc<Room>,
        (permit, file, has_vouchers): (Permit, File, bool),
        handle: Handle,
    ) -> Result<Self, ApiError> {
        let keys = room.keys()?;
        let today = day_in_japan(permit.context().at);
        let rules = Rules::shipped();
        Ok(Self { host, room, permit, keys, file, rules, today, has_vouchers, handle })
    }

    pub(super) fn at_unix_s(&self) -> i64 {
        self.permit.context().at.unix_timestamp()
    }

    /// Reads the room as it is at one moment.
    pub(super) fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Fn(&mut Tx, &Permit) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.handle.block_on(self.host.read(name, &self.permit, work))
    }

    pub(super) fn part(&self, part: i32) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        let place = (self.file.id, part);
        let read = send::read_part(&self.host, &self.room, &self.permit, place);
        self.handle.block_on(read)?.ok_or_else(store::broken_row)
    }

    /// Takes away what an earlier check has staged; `false` if the file is not there any more.
    pub(super) fn begin(&self) -> Result<bool, ApiError> {
        let (permit, import) = (self.permit.clone(), self.file.id);
        let work = move |tx: &mut Tx, _: &mut room::writer::Acts| {
            store::staged::delete(tx, &permit, import)?;
            quarantine::discard_staged(tx, &permit, import)?;
            store::finding::delete(tx, &permit, import)?;
            store::change::progress(tx, &permit, (import, 0), &report::Report::default())
        };
        self.handle.block_on(self.room.queue.write(work))
    }

    /// Writes what the sheet holds, and how far the check has come.
    pub(super) fn keep(&self, sheet: &mut Sheet, checked_bytes: u64) -> Result<bool, ApiError> {
        let (permit, import) = (self.permit.clone(), self.file.id);
        let municipality = permit.municipality();
        let (first, full) = sheet.take();
        let full = Arc::new(full);
        let (report, keys) = (sheet.report.clone(), Arc::clone(&self.keys));
        let work = move |tx: &mut Tx, _: &mut room::writer::Acts| {
            if !store::change::progress(tx, &permit, (import, checked_bytes), &report)? {
                return Ok(false);
            }
            let place = |first| Place { municipality, import, first };
            store::staged::insert_subjects(tx, place(first.subjects), &full.subjects)?;
            store::staged::insert_vouchers(tx, place(first.vouchers), &full.vouchers)?;
            store::staged::insert_vaccinations(tx, place(first.vaccinations), &full.doses)?;
            store::finding::insert(tx, &permit, (import, first.findings), &full.findings)?;
            quarantine::insert(tx, &keys, &permit, (&full.doubtful, State::Staged))?;
            Ok(true)
        };
        self.handle.block_on(self.room.queue.write(work))
    }

    /// The file is checked: what it would change stands, and waits.
    pub(super) fn end(&self, mut sheet: Sheet) -> Result<(), ApiError> {
        if !self.keep(&mut sheet, self.file.total_bytes)? {
            return Ok(());
        }
        let is_for_register = self.file.purpose == Purpose::Register;
        let preview = is_for_register.then(|| sheet.preview());
        self.conclude(Stage::Checked, preview, "file checked", &sheet)
    }

    /// Nothing of the file can be used.
    pub(super) fn refuse(
        &self,
        mut sheet: Sheet,
        (problem, line): (&'static ProblemKind, Option<u64>),
    ) -> Result<(), ApiError> {
        sheet.spoil();
        sheet.report.problem = Some(report::problem(problem, line));
        if !self.keep(&mut sheet, self.file.total_bytes)? {
            return Ok(());
        }
        self.conclude(Stage::Refused, None, problem.code, &sheet)
    }

    fn conclude(
        &self,
        stage: Stage,
        preview: Option<String>,
        word: &'static str,
        sheet: &Sheet,
    ) -> Result<(), ApiError> {
        let (permit, import) = (self.permit.clone(), self.file.id);
        let (report, total_bytes) = (sheet.report.clone(), self.file.total_bytes);
        let work = move |tx: &mut Tx, acts: &mut room::writer::Acts| {
            if !store::change::progress(tx, &permit, (import, total_bytes), &report)? {
                return Ok(());
            }
            if stage == Stage::Refused {
                store::staged::delete(tx, &permit, import)?;
                quarantine::discard_staged(tx, &permit, import)?;
            }
            store::change::end_check(tx, &permit, (import, stage), preview.as_deref())?;
            acts.add(entry(&permit, about(import), word));
            Ok(())
        };
        self.handle.block_on(self.room.queue.write(work))
    }
}
