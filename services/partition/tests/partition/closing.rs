//! A room opens only if its operation log continues what the room signed last (C104, C105).

use domain::Role;
use ledger::{Checkpoint, KeyName, Note, Origin, WitnessVerifier};
use wire::partition::{ListPage, PROVISIONS_LIST, Provisions};

use crate::world::log::ORIGIN;
use crate::world::{ADACHI, KORIYAMA, World, on_both, refusal};

async fn look(world: &World, municipality: &str) -> Result<Provisions, wire::CallError> {
    let desk = world.desk(municipality, Role::Supervisor);
    desk.post(PROVISIONS_LIST, &ListPage { from: 0, limit: 1 }).await
}

/// Some lines, signed; then some more.
async fn work(world: &World) {
    for _ in 0..5 {
        look(world, KORIYAMA).await.unwrap();
    }
    world.pass(61).await;
    look(world, KORIYAMA).await.unwrap();
    look(world, KORIYAMA).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_signs_its_log_at_most_once_a_minute() {
    on_both(async |world| {
        work(&world).await;
        assert_eq!(world.count("operation_checkpoint").await, 2);
        let sql = "SELECT note AS text FROM operation_checkpoint ORDER BY size DESC LIMIT 1";
        let note: Note = world.text(sql).await.parse().unwrap();
        let name = KeyName::parse(&format!("{ORIGIN}/operations/{KORIYAMA}")).unwrap();
        let verifier =
            WitnessVerifier::new(name, world.registry.signing_key(KORIYAMA).to_ed25519());
        assert!(verifier.verify(&note).unwrap().is_some());
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        assert_eq!(checkpoint.origin, Origin::parse(verifier.name().as_str()).unwrap());
        assert_eq!(checkpoint.size, 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_continues_what_was_signed_opens_again() {
    on_both(async |mut world| {
        work(&world).await;
        for _ in 0..2 {
            world.stop().await;
            world.start().await;
            look(&world, KORIYAMA).await.unwrap();
        }
        assert_eq!(world.lines(KORIYAMA).await.len(), 9);
    })
    .await;
}

/// What somebody with all rights does to a stopped room; its last root still fits what is there.
const DAMAGES: [(&str, [&str; 2]); 4] = [
    (
        "set back",
        [
            "DROP TRIGGER operation_log_stays; \
             DELETE FROM operation_log WHERE municipality = '072036' AND seq > 3",
            "DELETE FROM operation_log WHERE municipality = '072036' AND seq > 3",
        ],
    ),
    (
        "emptied",
        [
            "DROP TRIGGER operation_log_stays; \
             DELETE FROM operation_log WHERE municipality = '072036'",
            "DELETE FROM operation_log WHERE municipality = '072036'",
        ],
    ),
    (
        "edited",
        [
            "DROP TRIGGER operation_log_keeps; UPDATE operation_log SET body = X'7B7D' \
             WHERE municipality = '072036' AND seq = 2",
            "UPDATE operation_log SET body = '{}' WHERE municipality = '072036' AND seq = 2",
        ],
    ),
    (
        "signed by another",
        [
            "DROP TRIGGER operation_checkpoint_keeps; \
             UPDATE operation_checkpoint SET note = REPLACE(note, '/072036', '/131211')",
            "UPDATE operation_checkpoint SET note = REPLACE(note, '/072036', '/131211')",
        ],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_log_is_not_as_it_was_signed_stays_closed() {
    for (what, damage) in DAMAGES {
        on_both(async |mut world| {
            look(&world, ADACHI).await.unwrap();
            work(&world).await;
            world.stop().await;
            world.execute(damage).await;
            world.start().await;
            let refused = refusal(look(&world, KORIYAMA).await);
            assert_eq!(refused, (503, "room-closed".to_owned()), "{what}");
            // The attempt is in the instance's own log; the neighbour's room is open.
            let own = world.lines("000000").await;
            let [line] = own.as_slice() else { panic!("{what}: {own:?}") };
            assert_eq!((line.result.as_str(), line.actor.as_str()), ("room-closed", "person-1"));
            look(&world, ADACHI).await.unwrap();
        })
        .await;
    }
}
