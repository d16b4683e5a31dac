//! Finds entries that may be of one person, without keeping a name readable.

use std::collections::HashMap;

use crypto::RoomKeys;
use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{Likeness, Permit};
use service::ApiError;

use super::many::LOOKED_UP_MAX;
use super::schema::subject_likeness;
use super::{failed, read_uuid};

/// One row: what a person is found by.
#[derive(Insertable)]
#[diesel(table_name = subject_likeness, treat_none_as_default_value = false)]
struct Row {
    municipality: String,
    likeness_index: Vec<u8>,
    subject_id: Vec<u8>,
}

/// Lets these persons be found by what they are like; what is there already stays.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    persons: &[(Likeness, SubjectId)],
) -> Result<(), ApiError> {
    for chunk in persons.chunks(LOOKED_UP_MAX) {
        let row = |(likeness, id): &(Likeness, SubjectId)| Row {
            municipality: permit.municipality().to_string(),
            likeness_index: keys.likeness_index(likeness).as_bytes().to_vec(),
            subject_id: id.0.as_bytes().to_vec(),
        };
        let rows: Vec<Row> = chunk.iter().map(row).collect();
        let insert = diesel::insert_into(subject_likeness::table).values(&rows);
        on_engine!(tx, c => insert.on_conflict_do_nothing().execute(c)).map_err(failed)?;
    }
    Ok(())
}

/// The persons who are like each of these, or once were, by place in the list.
pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    persons: &[Likeness],
) -> Result<Vec<Vec<SubjectId>>, ApiError> {
    let indexes: Vec<[u8; 32]> =
        persons.iter().map(|likeness| *keys.likeness_index(likeness).as_bytes()).collect();
    let mut known: HashMap<Vec<u8>, Vec<SubjectId>> = HashMap::new();
    for chunk in indexes.chunks(LOOKED_UP_MAX) {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = subject_likeness::table
            .filter(subject_likeness::municipality.eq(permit.municipality().as_str()))
            .filter(subject_likeness::likeness_index.eq_any(chunk.iter().map(<[u8; 32]>::as_slice)))
            .order((subject_likeness::likeness_index, subject_likeness::subject_id))
            .select((subject_likeness::likeness_index, subject_likeness::subject_id))
            .load(tx)
            .map_err(failed)?;
        for (index, id) in rows {
            known.entry(index).or_default().push(SubjectId(read_uuid(&id)?));
        }
    }
    let find = |index: &[u8; 32]| known.get(index.as_slice()).cloned().unwrap_or_default();
    Ok(indexes.iter().map(find).collect())
}
