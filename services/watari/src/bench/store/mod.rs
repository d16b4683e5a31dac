//! The statements of one inquiry that finds, in the transactions in which the services send them,
//! but without the services: same tables, keys, row-level security and sizes of values.
//!
//! Left out are the Merkle tiles: a row of 8 KiB for every 256 entries of a log.

mod schema;

use db::{Db, DbError, RoomKey, Tx, on_engine};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use ledger::{Checkpoint, FullTile, Hash};
use uuid::Uuid;

use self::schema::{
    checkpoint, entry, inquiry, leaf, operation_log, provision, subject, subject_number, tile,
    vaccination,
};

/// Replayed entries are numbered from here on, far behind those of the services.
pub(super) const SEQUENCE_FROM: i64 = 1 << 40;
/// Lines of operation logs from one inquiry.
const ACTS: i64 = 3;
/// A month, a time and a hash like any other.
const SEGMENT: i32 = 202_611;
const AT_UNIX_MS: i64 = 1_790_000_000_000;
const ROOT: [u8; 32] = [7; 32];

/// What a real inquiry left in the databases; the replay writes the same under other ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    answer_sealed: Option<Vec<u8>>,
    receipt_sealed: Option<Vec<u8>>,
    content_sealed: Vec<u8>,
    act: Vec<u8>,
    entry: Vec<u8>,
    note: String,
    /// Keys under which people are found in the room where the replay takes place.
    people: Vec<Vec<u8>>,
}

impl Sample {
    /// What is in the asking room, in the providing one, and who is in the replay's.
    pub(super) async fn read(
        partition: &Db,
        log: &Db,
        [asking, providing, replaying]: [RoomKey; 3],
    ) -> Result<Self, DbError> {
        let name = "bench.sample";
        let asked = partition.room_read(name, asking, move |tx| {
            let sealed = inquiry::table
                .filter(inquiry::municipality.eq(asking.to_string()))
                .filter(inquiry::state.eq("provided"))
                .select((inquiry::answer_sealed, inquiry::receipt_sealed));
            Ok::<(Option<Vec<u8>>, Option<Vec<u8>>), DbError>(sealed.first(tx)?)
        });
        let provided = partition.room_read(name, providing, move |tx| {
            let content = provision::table
                .filter(provision::municipality.eq(providing.to_string()))
                .select(provision::content_sealed);
            let act = operation_log::table
                .filter(operation_log::municipality.eq(providing.to_string()))
                .order(operation_log::seq.desc())
                .select(operation_log::body);
            Ok::<(Vec<u8>, Vec<u8>), DbError>((content.first(tx)?, act.first(tx)?))
        });
        let people = partition.room_read(name, replaying, move |tx| {
            let people = subject_number::table
                .filter(subject_number::municipality.eq(replaying.to_string()))
                .select(subject_number::number_index);
            Ok::<_, DbError>(people.load(tx)?)
        });
        let logged = log.read(name, |tx| {
            let newest = entry::table.order(entry::seq.desc()).select(entry::body);
            let note = checkpoint::table.order(checkpoint::size.desc()).select(checkpoint::note);
            Ok::<(Vec<u8>, String), DbError>((newest.first(tx)?, note.first(tx)?))
        });
        let (answer_sealed, receipt_sealed) = asked.await?;
        let (content_sealed, act) = provided.await?;
        let (people, (entry, note)) = (people.await?, logged.await?);
        Ok(Self { answer_sealed, receipt_sealed, content_sealed, act, entry, note, people })
    }

    /// Does what one inquiry does to the databases, with each of its four durable commits.
    pub(super) fn replay(
        &self,
        partition: &Db,
        log: &Db,
        (room, nth): (RoomKey, i64),
    ) -> Result<(), DbError> {
        let people = self.people.iter().cycle();
        let person =
            people.skip(usize::try_from(nth).unwrap_or_default() % self.people.len().max(1));
        let number_index = person.into_iter().next().ok_or(DbError::Unavailable)?;
        let (id, permit) = (Uuid::now_v7(), Uuid::now_v7());
        let act = SEQUENCE_FROM + ACTS * nth;
        partition.room_transaction_blocking("bench.begin", room, |tx| {
            self.begin(tx, room, id, number_index)?;
            self.add_act(tx, room, act)
        })?;
        partition.room_transaction_blocking("bench.provide", room, |tx| {
            self.provide(tx, room, (id, permit), number_index)?;
            self.add_act(tx, room, act + 1)
        })?;
        log.transaction_blocking("bench.log", |tx| {
            self.append(tx, SEQUENCE_FROM + nth, (id, permit))
        })?;
        partition.room_transaction_blocking("bench.settle", room, |tx| {
            self.settle(tx, room, id)?;
            self.add_act(tx, room, act + 2)
        })
    }

    fn begin(&self, tx: &mut Tx, room: RoomKey, id: Uuid, number: &[u8]) -> Result<(), DbError> {
        let subject = find_person(tx, room, number)?;
        let known: Option<Question> = inquiry::table
            .filter(inquiry::municipality.eq(room.to_string()))
            .filter(inquiry::id.eq(id.as_bytes().as_slice()))
            .select((
                inquiry::subject_id,
                (inquiry::provider, inquiry::procedure, inquiry::legal_basis),
                (inquiry::confirmation, inquiry::operator, inquiry::terminal),
                inquiry::state,
                inquiry::answer_sealed,
            ))
            .first(tx)
            .optional()?;
        if known.is_some() {
            return Err(DbError::Unavailable);
        }
        let row = (
            inquiry::municipality.eq(room.to_string()),
            inquiry::id.eq(id.as_bytes().as_slice()),
            inquiry::subject_id.eq(&subject),
            inquiry::provider.eq("131211"),
            inquiry::procedure.eq("transfer-in"),
            inquiry::legal_basis.eq("number-act-19-16"),
            inquiry::confirmation.eq("resident-register"),
            inquiry::operator.eq("clerk-koriyama"),
            inquiry::terminal.eq("terminal-koriyama"),
            inquiry::state.eq("begun"),
            inquiry::begun_at_unix_ms.eq(AT_UNIX_MS),
        );
        diesel::insert_into(inquiry::table).values(row).execute(tx)?;
        Ok(())
    }

    fn provide(
        &self,
        tx: &mut Tx,
        room: RoomKey,
        (id, permit): (Uuid, Uuid),
        number: &[u8],
    ) -> Result<(), DbError> {
        let person = find_person(tx, room, number)?;
        let _entry: (i32, Vec<u8>) = subject::table
            .filter(subject::municipality.eq(room.to_string()))
            .filter(subject::id.eq(&person))
            .order(subject::version.desc())
            .select((subject::version, subject::sealed))
            .first(tx)?;
        let _earlier: Option<(Vec<u8>, Vec<u8>)> = provision::table
            .filter(provision::municipality.eq(room.to_string()))
            .filter(provision::inquiry_id.eq(id.as_bytes().as_slice()))
            .filter(provision::inquirer.eq("072036"))
            .select((provision::subject_id, provision::content_sealed))
            .first(tx)
            .optional()?;
        let _doses: Vec<(Vec<u8>, i32, Vec<u8>)> = vaccination::table
            .filter(vaccination::municipality.eq(room.to_string()))
            .filter(vaccination::subject_id.eq(&person))
            .order((vaccination::id, vaccination::version.desc()))
            .select((vaccination::id, vaccination::version, vaccination::sealed))
            .load(tx)?;
        let row = (
            provision::municipality.eq(room.to_string()),
            provision::inquiry_id.eq(id.as_bytes().as_slice()),
            provision::inquirer.eq("072036"),
            provision::subject_id.eq(&person),
            provision::permit_id.eq(permit.to_string()),
            provision::content_sealed.eq(&self.content_sealed),
            provision::provided_at_unix_ms.eq(AT_UNIX_MS),
        );
        diesel::insert_into(provision::table).values(row).execute(tx)?;
        Ok(())
    }

    fn append(&self, tx: &mut Tx, seq: i64, (id, permit): (Uuid, Uuid)) -> Result<(), DbError> {
        // As scattered as the digest of a permit, which has no time in it.
        let mut permit_digest = permit.into_bytes();
        permit_digest.reverse();
        let rows = vec![(
            leaf::seq.eq(seq),
            leaf::hash.eq(ROOT.as_slice()),
            leaf::permit_digest.eq(permit_digest.as_slice()),
            leaf::settled_digest.eq(id.as_bytes().as_slice()),
        )];
        on_engine!(tx, c => diesel::insert_into(leaf::table).values(&rows).execute(c))?;
        let rows = vec![(
            entry::seq.eq(seq),
            entry::segment.eq(SEGMENT),
            entry::act.eq("outcome"),
            entry::inquirer.eq("072036"),
            entry::provider.eq("131211"),
            entry::body.eq(&self.entry),
        )];
        on_engine!(tx, c => diesel::insert_into(entry::table).values(&rows).execute(c))?;
        let row = (
            checkpoint::size.eq(seq + 1),
            checkpoint::issued_at_unix_ms.eq(AT_UNIX_MS),
            checkpoint::root.eq(ROOT.as_slice()),
            checkpoint::note.eq(&self.note),
        );
        diesel::insert_into(checkpoint::table).values(row).execute(tx)?;
        Ok(())
    }

    fn settle(&self, tx: &mut Tx, room: RoomKey, id: Uuid) -> Result<(), DbError> {
        let begun = inquiry::table
            .filter(inquiry::municipality.eq(room.to_string()))
            .filter(inquiry::id.eq(id.as_bytes().as_slice()))
            .filter(inquiry::state.eq("begun"));
        let answer = (
            inquiry::state.eq("provided"),
            inquiry::answered_at_unix_ms.eq(AT_UNIX_MS),
            inquiry::expires_at_unix_ms.eq(AT_UNIX_MS),
            inquiry::log_index.eq(1),
            inquiry::answer_sealed.eq(&self.answer_sealed),
            inquiry::receipt_sealed.eq(&self.receipt_sealed),
        );
        diesel::update(begun).set(answer).execute(tx)?;
        Ok(())
    }

    fn add_act(&self, tx: &mut Tx, room: RoomKey, seq: i64) -> Result<(), DbError> {
        let rows = vec![(
            operation_log::municipality.eq(room.to_string()),
            operation_log::seq.eq(seq),
            operation_log::body.eq(&self.act),
            operation_log::root.eq(ROOT.as_slice()),
        )];
        on_engine!(tx, c => diesel::insert_into(operation_log::table).values(&rows).execute(c))?;
        Ok(())
    }
}

type Question =
    (Vec<u8>, (String, String, String), (String, String, String), String, Option<Vec<u8>>);

fn find_person(tx: &mut Tx, room: RoomKey, number_index: &[u8]) -> Result<Vec<u8>, DbError> {
    let person = subject_number::table
        .filter(subject_number::municipality.eq(room.to_string()))
        .filter(subject_number::number_index.eq(number_index))
        .select((subject_number::subject_id, subject_number::number_sealed));
    let (subject, _sealed): (Vec<u8>, Vec<u8>) = person.first(tx)?;
    Ok(subject)
}

/// Makes room in a log for the month of the replay.
pub(super) async fn open_segment(log: &Db) -> Result<(), DbError> {
    let open = |tx: &mut Tx| match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(c) => Ok(c.batch_execute(&format!("SELECT open_segment({SEGMENT})"))?),
    };
    log.transaction("bench.open-segment", open).await
}

/// Takes away the databases that a measurement made on a server; says whether all are gone.
pub(super) fn drop_databases(owner_url: &str, names: &[String]) -> bool {
    let Ok(mut owner) = PgConnection::establish(owner_url) else { return false };
    let statement = |name: &String| format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    let kept = names.iter().filter(|name| owner.batch_execute(&statement(name)).is_err());
    kept.count() == 0
}

/// An entry of a log that is made for measuring.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) hash: Hash,
    pub(super) body: Vec<u8>,
}

/// Every body of a log that has just begun.
pub(super) fn bodies(tx: &mut Tx) -> Result<Vec<Vec<u8>>, DbError> {
    Ok(entry::table.order(entry::seq).select(entry::body).load(tx)?)
}

pub(super) fn add_entries(tx: &mut Tx, segment: i32, rows: &[Row]) -> Result<(), DbError> {
    for rows in rows.chunks(ledger::TILE_WIDTH) {
        let leaves: Vec<_> = rows
            .iter()
            .map(|row| {
                let digest = i128::from(row.seq).to_be_bytes().to_vec();
                (
                    leaf::seq.eq(row.seq),
                    leaf::hash.eq(row.hash.as_bytes().as_slice()),
                    leaf::permit_digest.eq(digest.clone()),
                    leaf::settled_digest.eq(digest),
                )
            })
            .collect();
        on_engine!(tx, c => diesel::insert_into(leaf::table).values(&leaves).execute(c))?;
        let entries: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    entry::seq.eq(row.seq),
                    entry::segment.eq(segment),
                    entry::act.eq("outcome"),
                    entry::inquirer.eq("011002"),
                    entry::provider.eq("012025"),
                    entry::body.eq(&row.body),
                )
            })
            .collect();
        on_engine!(tx, c => diesel::insert_into(entry::table).values(&entries).execute(c))?;
    }
    Ok(())
}

pub(super) fn add_tiles(tx: &mut Tx, tiles: &[FullTile]) -> Result<(), DbError> {
    for full in tiles {
        let row = (
            tile::level.eq(i16::from(full.id.level)),
            tile::idx.eq(i64::try_from(full.id.index).unwrap_or(i64::MAX)),
            tile::hashes.eq(full.to_bytes()),
        );
        diesel::insert_into(tile::table).values(row).execute(tx)?;
    }
    Ok(())
}

pub(super) fn add_checkpoint(
    tx: &mut Tx,
    signed: &Checkpoint,
    note: &str,
    issued_at_unix_ms: i64,
) -> Result<(), DbError> {
    let row = (
        checkpoint::size.eq(i64::try_from(signed.size).unwrap_or(i64::MAX)),
        checkpoint::issued_at_unix_ms.eq(issued_at_unix_ms),
        checkpoint::root.eq(signed.root.as_bytes().as_slice()),
        checkpoint::note.eq(note),
    );
    diesel::insert_into(checkpoint::table).values(row).execute(tx)?;
    Ok(())
}
