//! The same person in several rooms: nothing in one dump leads to the person in another (C008).

use std::collections::BTreeMap;

use domain::{IndividualNumber, ServiceKind};
use serde_json::Value;
use watari::story::residents::Resident;
use wire::partition::RegisterVaccination;

use super::letter::room_keys;
use super::sql::Sql;
use crate::support::{World, dose, fresh_number, on_both, question};

/// What both rooms may say alike, because it is about no person, or because the law wants both
/// sides of an inquiry to keep a record of it under one id (C099).
const PUBLIC: [&str; 44] = [
    "municipality",
    "subject.version",
    "subject.created_at_unix_ms",
    "vaccination.version",
    "vaccination.created_at_unix_ms",
    "inquiry.id",
    "inquiry.provider",
    "inquiry.procedure",
    "inquiry.legal_basis",
    "inquiry.confirmation",
    "inquiry.operator",
    "inquiry.terminal",
    "inquiry.state",
    "inquiry.begun_at_unix_ms",
    "inquiry.answered_at_unix_ms",
    "inquiry.expires_at_unix_ms",
    "inquiry.log_index",
    "provision.inquiry_id",
    "provision.inquirer",
    "provision.provided_at_unix_ms",
    "held_inquiry.inquiry_id",
    "held_inquiry.inquirer",
    "held_inquiry.held_at_unix_ms",
    "operation_log.seq",
    "operation_tile.level",
    "operation_tile.idx",
    "operation_log.body.inquiry",
    "operation_log.body.request",
    "operation_checkpoint.size",
    "operation_checkpoint.issued_at_unix_ms",
    "inspection.to_sequence",
    "inspection.month",
    "operator_hold.at_unix_ms",
    "operator_hold.held",
    "operator_hold.rule",
    "witness_state.size",
    "witness_state.note",
    "witness_state.seen_at_unix_ms",
    "reconciliation.next_index",
    "reconciliation.reconciled_at_unix_ms",
    "one_sided.side",
    "one_sided.log_index",
    "one_sided.found_at_unix_ms",
    "one_sided.resolved_at_unix_ms",
];

/// The same in lines of the operation log, whatever is said about whom.
const PUBLIC_IN_LINES: [&str; 6] = ["atUnixMs", "actor", "terminal", "act", "purpose", "result"];

/// Every value of a room that is not declared public, with the columns in which it stands.
fn values(sql: &mut Sql, room: &str) -> BTreeMap<String, Vec<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |value: String, place: String| {
        if !PUBLIC.contains(&place.as_str()) {
            values.entry(value).or_default().push(place);
        }
    };
    for table in sql.tables() {
        for column in table.columns.iter().filter(|(name, _)| name != "municipality") {
            let place = format!("{}.{}", table.name, column.0);
            for value in sql.values(&table.name, column, &format!("municipality = '{room}'")) {
                if place == "operation_log.body" {
                    for (field, value) in fields(&value) {
                        add(value, format!("{place}.{field}"));
                    }
                }
                add(value, place.clone());
            }
        }
    }
    values
}

/// The fields of a line that could be about a person.
fn fields(line: &str) -> Vec<(String, String)> {
    let bytes = (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16));
    let bytes = bytes.collect::<Result<Vec<_>, _>>().unwrap();
    let Value::Object(fields) = serde_json::from_slice(&bytes).unwrap() else { panic!() };
    let named = fields.into_iter().filter(|(name, _)| !PUBLIC_IN_LINES.contains(&name.as_str()));
    let texts = named.filter_map(|(name, value)| Some((name, value.as_str()?.replace('-', ""))));
    texts.collect()
}

async fn live_everywhere(world: &World, serial: u32) {
    for town in world.cast.towns() {
        let clerk = world.desk(&town.clerk).await;
        let resident = Resident { serial, doses: Vec::new() };
        let subject = clerk.register_subject(&resident.to_request()).await.unwrap();
        let dose = RegisterVaccination { subject, vaccination: dose(1) };
        clerk.register_vaccination(&dose).await.unwrap();
    }
}

#[test]
fn a_number_has_another_index_in_every_room() {
    on_both(async |world| {
        let serial = fresh_number();
        live_everywhere(world, serial).await;
        let number = IndividualNumber::for_test(serial);
        let mut sql = Sql::owner(world, ServiceKind::Partition);
        let mut indexes = Vec::new();
        for town in world.cast.towns() {
            let index = room_keys(world, town.code).blind_index(&number);
            let hex: String = index.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let column = ("number_index".to_owned(), true);
            let room = format!("municipality = '{}'", town.code);
            assert!(sql.values("subject_number", &column, &room).contains(&hex), "{}", town.name);
            let others = format!("municipality <> '{}'", town.code);
            assert!(!sql.values("subject_number", &column, &others).contains(&hex));
            indexes.push(hex);
        }
        indexes.dedup();
        assert_eq!(indexes.len(), 3);
    });
}

#[test]
fn no_value_stands_in_two_rooms() {
    on_both(async |world| {
        // Somebody who is in all three registers and was asked about, found, withheld.
        let serial = fresh_number();
        live_everywhere(world, serial).await;
        let koriyama = world.desk(&world.cast.koriyama.clerk).await;
        for town in [&world.cast.adachi, &world.cast.uruma] {
            koriyama.ask(&question(serial, town.code)).await.unwrap();
        }
        let mut sql = Sql::owner(world, ServiceKind::Partition);
        let rooms = world.cast.towns().map(|town| values(&mut sql, town.code.as_str()));
        for (at, room) in rooms.iter().enumerate() {
            assert!(room.len() > 200, "an empty room proves nothing");
            for other in &rooms[at + 1..] {
                for (value, here) in room {
                    let there = other.get(value);
                    assert_eq!(there, None, "{value} is in {here:?} too");
                }
            }
        }
    });
}

/// Else a value would go unnoticed for a slip of the pen.
#[test]
fn every_declared_public_column_is_there() {
    on_both(async |world| {
        let mut places = vec!["municipality".to_owned()];
        places.extend(["inquiry", "request"].map(|name| format!("operation_log.body.{name}")));
        for table in Sql::owner(world, ServiceKind::Partition).tables() {
            let columns = table.columns.iter();
            places.extend(columns.map(|(column, _)| format!("{}.{column}", table.name)));
        }
        for public in PUBLIC {
            assert!(places.iter().any(|place| place == public), "{public}");
        }
    });
}
