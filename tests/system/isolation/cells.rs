//! Somebody with every right on the database moves, alters and cuts sealed values: the room notices,
//! and says that it failed, never "nothing" and never something wrong (C011, C013).

use std::collections::BTreeSet;

use crypto::Cell;
use domain::{IndividualNumber, MunicipalityCode};
use room::store::reseal::COLUMNS;
use watari::story::cast::Town;
use wire::CallError;
use wire::partition::{ListPage, PROVISIONS_LIST, Provisions};

use super::letter::{self, room_keys};
use super::scene::{Place, Reader, damaged, on_both};
use super::sql::{Sql, id_is};
use crate::support::{fresh_number, question};

#[test]
fn a_persons_entry_opens_only_as_its_own_person_and_version() {
    on_both(async |scene| {
        let [subject, _] = scene.subjects;
        for withheld in [true, false, true] {
            scene.withhold(subject, withheld).await.unwrap();
        }
        // Version 4 is in force and says "withheld"; 1 and 3 do not.
        let wrong = [
            scene.subject(0, 1),
            scene.subject(0, 2),
            scene.subject(0, 3),
            scene.subject(1, 1),
            scene.number(0),
            scene.dose(0, false),
            scene.inquiry(0, "answer_sealed"),
            scene.provision(scene.asked[0].inquiry),
        ];
        let wrong = wrong.map(|place| scene.sealed(&place));
        let readers = [Reader::Ask(scene.numbers[0])];
        scene.expect_noticed(&scene.subject(0, 4), &wrong, &readers).await;
        // Each of these writes a version or a dose when it can read.
        let mut sql = scene.sql();
        let (place, right) = (scene.subject(0, 4), scene.sealed(&scene.subject(0, 4)));
        for (hex, is_right) in wrong.iter().map(|hex| (hex, false)).chain([(&right, true)]) {
            let bytes = sql.bytes(hex);
            sql.run(&format!("UPDATE subject SET sealed = {bytes} WHERE {}", place.rows));
            for reader in [Reader::Vaccinate(subject), Reader::Withhold(subject)] {
                if is_right {
                    scene.read(&reader).await.unwrap();
                } else {
                    scene.expect_fault(&reader, "subject.sealed").await;
                }
            }
        }
    });
}

#[test]
fn a_number_opens_only_for_its_own_person() {
    on_both(async |scene| {
        let wrong = [scene.number(1), scene.subject(0, 1), scene.dose(0, true)];
        let wrong = wrong.map(|place| scene.sealed(&place));
        let readers = [Reader::Ask(scene.numbers[0]), Reader::Register(scene.numbers[0])];
        scene.expect_noticed(&scene.number(0), &wrong, &readers).await;
    });
}

#[test]
fn a_number_that_points_to_another_person_finds_nobody_elses_records() {
    on_both(async |scene| {
        let mut sql = scene.sql();
        let [one, other] = scene.subjects.map(|id| sql.bytes(&id.simple().to_string()));
        let [left, right] = [scene.number(0).rows, scene.number(1).rows];
        // Both ways of mixing up: the handles change places, with and without the sealed numbers.
        let [mine, theirs] = [0, 1].map(|who| scene.sealed(&scene.number(who)));
        let [mine, theirs] = [sql.bytes(&mine), sql.bytes(&theirs)];
        let indexes = [&left, &right].map(|rows| {
            let read = sql.hex("number_index");
            sql.text(&format!("SELECT {read} AS value FROM subject_number WHERE {rows}"))
        });
        let [at_mine, at_theirs] = indexes.map(|hex| format!("number_index = {}", sql.bytes(&hex)));
        let mut put = |rows: &str, subject: &str, sealed: &str| {
            let set = format!("subject_id = {subject}, number_sealed = {sealed}");
            assert_eq!(sql.run(&format!("UPDATE subject_number SET {set} WHERE {rows}")), 1);
        };
        for (sealed_here, sealed_there) in [(&mine, &theirs), (&theirs, &mine)] {
            put(&at_mine, &other, sealed_here);
            put(&at_theirs, &one, sealed_there);
            for number in scene.numbers {
                scene.expect_fault(&Reader::Ask(number), "handles changed places").await;
                scene.expect_fault(&Reader::Register(number), "handles changed places").await;
            }
            put(&at_mine, &one, &mine);
            put(&at_theirs, &other, &theirs);
        }
        for number in scene.numbers {
            assert!(scene.read(&Reader::Ask(number)).await.unwrap().starts_with("Provided"));
        }
    });
}

#[test]
fn the_askers_own_register_is_read_with_the_same_care() {
    on_both(async |scene| {
        let mut sql = scene.sql();
        let koriyama = scene.world.cast.koriyama.code;
        let keys = room_keys(scene.world, koriyama);
        let [mine, theirs] = scene.numbers.map(|number| {
            let index = keys.blind_index(&IndividualNumber::for_test(number));
            let rows = format!("number_index = {}", sql.bytes(&to_hex(index.as_bytes())));
            Place { table: "subject_number", column: "number_sealed", rows }
        });
        let (right, wrong) = (scene.sealed(&mine), scene.sealed(&theirs));
        let mut put = |hex: &str| {
            let bytes = sql.bytes(hex);
            sql.run(&format!(
                "UPDATE subject_number SET number_sealed = {bytes} WHERE {}",
                mine.rows
            ))
        };
        assert_eq!(put(&wrong), 1);
        let asked = question(scene.numbers[0], scene.world.cast.adachi.code);
        scene.expect_fault(&Reader::AskAgain(asked.clone()), "own number").await;
        assert_eq!(put(&right), 1);
        assert!(scene.read(&Reader::AskAgain(asked)).await.is_ok());
    });
}

#[test]
fn a_dose_opens_only_as_its_own_dose_of_its_own_person() {
    on_both(async |scene| {
        let wrong = [
            scene.dose(0, true),
            scene.dose(1, false),
            scene.subject(0, 1),
            scene.number(0),
            scene.provision(scene.asked[0].inquiry),
        ];
        let wrong = wrong.map(|place| scene.sealed(&place));
        let readers = [Reader::Ask(scene.numbers[0])];
        scene.expect_noticed(&scene.dose(0, false), &wrong, &readers).await;
    });
}

#[test]
fn a_dose_given_to_another_person_or_made_a_newer_version_does_not_open() {
    on_both(async |scene| {
        let mut sql = scene.sql();
        let other = sql.bytes(&scene.subjects[1].simple().to_string());
        let rows = scene.dose(0, false).rows;
        let copy = |subject: &str, version: i32| {
            format!(
                "INSERT INTO vaccination SELECT municipality, {subject}, id, {version}, sealed, \
                 created_at_unix_ms FROM vaccination WHERE {rows}"
            )
        };
        for (who, subject, version) in [(1, other.as_str(), 1), (0, "subject_id", 2)] {
            assert_eq!(sql.run(&copy(subject, version)), 1);
            scene.expect_fault(&Reader::Ask(scene.numbers[who]), "a copied dose").await;
            let copied = format!("version = {version} AND subject_id = {}", {
                sql.bytes(&scene.subjects[who].simple().to_string())
            });
            let copied = format!("{copied} AND id IN (SELECT id FROM vaccination WHERE {rows})");
            assert_eq!(sql.run(&format!("DELETE FROM vaccination WHERE {copied}")), 1);
            let answer = scene.read(&Reader::Ask(scene.numbers[who])).await.unwrap();
            assert!(answer.starts_with("Provided"), "{answer}");
        }
    });
}

#[test]
fn a_kept_answer_opens_only_for_its_own_inquiry() {
    on_both(async |scene| {
        let wrong = [
            scene.inquiry(1, "answer_sealed"),
            scene.inquiry(0, "receipt_sealed"),
            scene.provision(scene.asked[0].inquiry),
        ];
        let wrong = wrong.map(|place| scene.sealed(&place));
        let asked = &scene.asked[0];
        let readers = [Reader::Find(asked.inquiry), Reader::AskAgain(asked.clone())];
        scene.expect_noticed(&scene.inquiry(0, "answer_sealed"), &wrong, &readers).await;
    });
}

/// Nothing in the program reads a kept proof yet, so it is opened here as the program will.
#[test]
fn a_kept_proof_opens_only_for_its_own_inquiry() {
    on_both(async |scene| {
        let keys = room_keys(scene.world, scene.world.cast.koriyama.code);
        let row = scene.asked[0].inquiry.0.into_bytes();
        let cell = Cell { table: "inquiry", column: "receipt_sealed", row: &row, version: 1 };
        let open = |hex: &str| keys.open(&cell, &from_hex(hex));
        let right = scene.sealed(&scene.inquiry(0, "receipt_sealed"));
        assert!(open(&right).unwrap().starts_with(b"{\"receipt\""));
        let wrong = [scene.inquiry(1, "receipt_sealed"), scene.inquiry(0, "answer_sealed")];
        let wrong = wrong.map(|place| scene.sealed(&place));
        for hex in wrong.into_iter().chain(damaged(&right)) {
            assert!(open(&hex).is_err(), "{hex}");
        }
        let foreign = room_keys(scene.world, scene.world.cast.adachi.code);
        assert!(foreign.open(&cell, &from_hex(&right)).is_err());
    });
}

#[test]
fn what_was_provided_opens_only_for_its_own_inquiry() {
    on_both(async |scene| {
        // An inquiry of ours, so that it can be repeated as the broker would.
        let world = scene.world;
        let (koriyama, adachi) = (&world.cast.koriyama, &world.cast.adachi);
        let [asker, source] = [koriyama, adachi].map(|town: &Town| room_keys(world, town.code));
        let number = IndividualNumber::for_test(scene.numbers[0]);
        let header = letter::header(world);
        let inquiry = header.inquiry;
        let content = letter::content(&asker, &header, &number);
        let (sealed, _) = letter::seal(&source, &header, &content);
        let inquiry_sent = letter::sign(&asker, header, sealed);
        let permit = letter::permit(&letter::permit_key(world), &letter::claims(&inquiry_sent));
        let request = letter::request(inquiry_sent, permit);
        letter::provide(world, &request).await.unwrap();

        let wrong = [
            scene.provision(scene.asked[0].inquiry),
            scene.provision(scene.asked[1].inquiry),
            scene.inquiry(0, "answer_sealed"),
        ];
        let wrong = wrong.map(|place| scene.sealed(&place));
        let readers = [Reader::Provisions, Reader::ProvideAgain(Box::new(request))];
        scene.expect_noticed(&scene.provision(inquiry), &wrong, &readers).await;
    });
}

#[test]
fn rows_copied_into_another_room_under_the_same_handle_do_not_open_there() {
    on_both(async |scene| {
        let world = scene.world;
        let uruma = world.cast.uruma.code;
        let (number, subject) = (scene.numbers[0], scene.subjects[0]);
        let mut sql = scene.sql();
        let is_mine = |sql: &Sql, column: &str| {
            format!("municipality = '131211' AND {}", id_is(sql, column, &subject))
        };
        // The thief even has Uruma's index key, so that the number is found there.
        let index = room_keys(world, uruma).blind_index(&IndividualNumber::for_test(number));
        let index = sql.bytes(&to_hex(index.as_bytes()));
        for (table, columns, rows) in [
            ("subject", "id, version, sealed, created_at_unix_ms", is_mine(&sql, "id")),
            (
                "subject_number",
                &*format!("{index}, subject_id, number_sealed"),
                is_mine(&sql, "subject_id"),
            ),
            (
                "vaccination",
                "subject_id, id, version, sealed, created_at_unix_ms",
                is_mine(&sql, "subject_id"),
            ),
        ] {
            let copy = format!("INSERT INTO {table} SELECT '{uruma}', {columns} FROM {table}");
            assert!(sql.run(&format!("{copy} WHERE {rows}")) > 0);
        }
        let supervisor = world.desk(&world.cast.uruma.supervisor).await;
        expect_internal(&supervisor.withhold(subject, false).await.unwrap_err());
        let asked = scene.koriyama.ask(&question(number, uruma)).await.unwrap_err();
        let code = asked.problem().map(|problem| problem.code.as_str());
        assert_eq!(code, Some("source-unavailable"), "{asked:?}");
        // The room itself is well: others are found and nobody is invented.
        let nobody = fresh_number();
        world.arrive_in_koriyama(nobody).await;
        assert!(scene.koriyama.ask(&question(nobody, uruma)).await.is_ok());
    });
}

#[test]
fn records_of_inquiries_copied_into_another_room_do_not_open_there() {
    on_both(async |scene| {
        let (world, id) = (scene.world, scene.asked[0].inquiry);
        let mut sql = scene.sql();
        let table = |sql: &mut Sql, name: &str| {
            let columns =
                sql.tables().into_iter().find(|table| table.name == name).unwrap().columns;
            columns[1..].iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let mut copy = |name: &str, column: &str, to: MunicipalityCode| {
            let (columns, rows) = (table(&mut sql, name), id_is(&sql, column, &id.0));
            let copy = format!("INSERT INTO {name} SELECT '{to}', {columns} FROM {name}");
            assert_eq!(sql.run(&format!("{copy} WHERE {rows}")), 1);
        };
        copy("inquiry", "id", world.cast.adachi.code);
        copy("provision", "inquiry_id", world.cast.uruma.code);
        expect_internal(&scene.clerk.find(id).await.unwrap_err());
        let supervisor = world.desk(&world.cast.uruma.supervisor).await;
        let page = ListPage { from: 0, limit: 1_000 };
        let listed = supervisor.room::<Provisions>(PROVISIONS_LIST, &page).await;
        expect_internal(&listed.unwrap_err());
        let rows = id_is(&sql, "inquiry_id", &id.0);
        let rows = format!("municipality = '{}' AND {rows}", world.cast.uruma.code);
        assert_eq!(sql.run(&format!("DELETE FROM provision WHERE {rows}")), 1);
        assert!(supervisor.room::<Provisions>(PROVISIONS_LIST, &page).await.is_ok());
    });
}

/// A sealed column that neither a test above nor the room's own tests of its list name would be
/// tested by nobody.
#[test]
fn every_sealed_column_is_tested() {
    on_both(async |scene| {
        let mut sealed = BTreeSet::new();
        for table in scene.sql().tables() {
            let is_sealed = |name: &str| name == "sealed" || name.ends_with("_sealed");
            let columns = table.columns.iter().filter(|(name, _)| is_sealed(name));
            sealed.extend(columns.map(|(name, _)| format!("{}.{name}", table.name)));
        }
        let listed = COLUMNS.iter().map(|one| format!("{}.{}", one.table, one.column));
        // Append only, under a key of its own; tested above.
        let tested: BTreeSet<_> = listed.chain(["provision.content_sealed".to_owned()]).collect();
        assert_eq!(sealed, tested);
    });
}

fn expect_internal(error: &CallError) {
    let got = error.problem().map(|problem| (problem.status, problem.code.as_str()));
    assert_eq!(got, Some((500, "internal")), "{error:?}");
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
