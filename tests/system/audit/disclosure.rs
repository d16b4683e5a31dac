//! "Who received my records?": the answer is proven to somebody who trusts nobody.

use domain::IndividualNumber;
use serde_json::{Value, json};
use watari::story::residents::Resident;
use wire::WireNumber;
use wire::partition::{DISCLOSURES, Disclose, Disclosure, Received};

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
    let number = IndividualNumber::for_test(person);
    let mut question = json!({
        "logKeys": world.site.settings.partition().unwrap().log_verifiers,
        "individualNumber": number.reveal().to_string(),
        "provider": world.cast.adachi.code,
        "received": serde_json::to_value(&received).unwrap(),
    });
    let places = oracle::ask("check_disclosure.py", &question).unwrap();
    assert_eq!(places.as_array().unwrap().len(), 3);
    // Another content, another salt, another person, another place: nothing of it holds.
    let spoilt: [(&str, Value); 4] = [
        ("/received/0/content", Value::from("[]")),
        ("/received/1/salt", question["received"][0]["salt"].clone()),
        ("/received/2/receipt/index", Value::from(0)),
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

async fn received(world: &World, number: u32) -> Vec<Received> {
    let supervisor = world.desk(&world.cast.adachi.supervisor).await;
    let individual_number = WireNumber(IndividualNumber::for_test(number));
    let wanted = Disclose { individual_number };
    let disclosure: Disclosure = supervisor.room(DISCLOSURES, &wanted).await.unwrap();
    disclosure.received
}
