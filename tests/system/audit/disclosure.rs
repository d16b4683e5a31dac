//! "Who received my records?": the answer is proven to somebody who trusts nobody.

use domain::{IndividualNumber, Outcome};
use serde_json::{Value, json};
use watari::story::residents::Resident;
use wire::WireNumber;
use wire::partition::{DISCLOSURES, Disclose, Disclosure, Received};
use wire::records::{
    CorrectVaccination, FindRecords, PersonRecords, RECORDS_FIND, VACCINATIONS_CORRECT,
    VaccinationChanged,
};

use super::master::{alone, inquire_about, unlimited};
use super::oracle;
use crate::support::{Engine, RUNTIME, World, dose, fresh_number};

#[test]
fn the_second_verifier_checks_a_disclosure() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let _turn = alone();
        RUNTIME.block_on(async {
            let world = World::start_with(engine, unlimited).await;
            disclose(&world).await;
            world.house.stop().await;
        });
    }
}

async fn disclose(world: &World) {
    let [person, neighbour] = [fresh_number(), fresh_number()];
    for (number, doses) in [(person, 2), (neighbour, 1)] {
        world.arrive_in_koriyama(number).await;
        let doses: Vec<_> = (1..=doses).map(dose).collect();
        world.live_in_adachi(number, &doses).await;
    }
    let asked = inquire_about(world, &[person, neighbour, person, person]).await;
    let received = received(world, person).await;
    let inquiries: Vec<_> = received.iter().map(|one| one.inquiry).collect();
    let mut own = vec![asked[0], asked[2], asked[3]];
    own.sort_by_key(|inquiry| inquiries.iter().position(|one| one == inquiry));
    assert_eq!(inquiries, own, "every one and no other");
    let received = corrected(world, person, received.len()).await;
    let number = IndividualNumber::for_test(person);
    let mut question = json!({
        "logKeys": world.site.settings.partition().unwrap().log_verifiers,
        "individualNumber": number.reveal().to_string(),
        "provider": world.cast.adachi.code,
        "received": serde_json::to_value(&received).unwrap(),
    });
    let places = oracle::ask("check_disclosure.py", &question).unwrap();
    assert_eq!(places.as_array().unwrap().len(), 4);
    // Another content, another salt, another person, another place: nothing of it holds.
    let spoilt: [(&str, Value); 6] = [
        ("/received/0/content", Value::from("[]")),
        ("/received/1/salt", question["received"][0]["salt"].clone()),
        ("/received/2/receipt/index", Value::from(0)),
        ("/received/3/content", question["received"][0]["content"].clone()),
        ("/received/3/outcome", Value::from("provided")),
        ("/individualNumber", Value::from(IndividualNumber::for_test(neighbour).reveal())),
    ];
    for (place, value) in spoilt {
        let kept = question.pointer(place).unwrap().clone();
        *question.pointer_mut(place).unwrap() = value;
        oracle::ask("check_disclosure.py", &question).unwrap_err();
        *question.pointer_mut(place).unwrap() = kept;
    }
    // Somebody about whom nobody asked.
    let quiet = fresh_number();
    let clerk = world.desk(&world.cast.adachi.clerk).await;
    let resident = Resident { serial: quiet, doses: Vec::new() };
    clerk.register_subject(&resident.to_request()).await.unwrap();
    assert!(self::received(world, quiet).await.is_empty());
}

/// A correction is a hand-over too; it is there as soon as it is on record.
async fn corrected(world: &World, number: u32, provided: usize) -> Vec<Received> {
    let clerk = world.desk(&world.cast.adachi.clerk).await;
    let individual_number = Some(WireNumber(IndividualNumber::for_test(number)));
    let way = FindRecords { individual_number, ..FindRecords::default() };
    let found: PersonRecords = clerk.room(RECORDS_FIND, &way).await.unwrap();
    let read = &found.doses[0];
    let mut dose = read.dose.clone();
    dose.lot = "RIGHT1".to_owned();
    let reason = "ロット番号の誤記".to_owned();
    let subject = found.subject.subject;
    let body = CorrectVaccination { subject, vaccination: read.vaccination, dose, reason };
    let changed: VaccinationChanged =
        clerk.room_if_match(VACCINATIONS_CORRECT, &read.etag, &body).await.unwrap();
    assert_eq!(changed.notices, 1, "one municipality, however often it asked");
    for _ in 0..200 {
        let received = received(world, number).await;
        if received.len() > provided {
            assert_eq!(received.last().unwrap().outcome, Outcome::Corrected);
            return received;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the correction is not on record");
}

async fn received(world: &World, number: u32) -> Vec<Received> {
    let supervisor = world.desk(&world.cast.adachi.supervisor).await;
    let individual_number = WireNumber(IndividualNumber::for_test(number));
    let wanted = Disclose { individual_number };
    let disclosure: Disclosure = supervisor.room(DISCLOSURES, &wanted).await.unwrap();
    disclosure.received
}
