//! Who is told of a change, on both engines, without the network.

use crypto::KeyStore;
use db::RoomKey;
use db::test_support::TestDb;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, Standing, Status, Vaccination};
use domain::{
    Action, Actor, InquiryId, MunicipalityCode, OpContext, OperatorId, RequestId, Role, TerminalId,
    authorize,
};
use service::ApiError;
use time::macros::{date, datetime};

use crate::change::queue_for;
use crate::question::Content;
use crate::store;
use crate::store::provision::Asked;
use crate::store::vaccination::{Held, Version};

fn code(text: &str) -> MunicipalityCode {
    MunicipalityCode::parse(text).unwrap()
}

fn dose(lot: &str) -> Vaccination {
    Vaccination {
        status: Status::Done,
        dose_number: 1,
        date: date!(2021 - 06 - 01),
        maker: "ファイザー".to_owned(),
        lot: lot.to_owned(),
        product: None,
        vaccine_kind: None,
        venue: None,
    }
}

/// One municipality asks every night for years; another one asked first of all.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_about_whom_was_asked_a_thousand_times_is_corrected_all_the_same() {
    for test in TestDb::each(&crate::MIGRATIONS, crate::ROLE).await {
        let disk = tempfile::tempdir().unwrap();
        let keys = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
        let keys = keys.make_room(code("131211")).unwrap();
        let actor = Actor::Operator {
            id: OperatorId::parse("clerk-1").unwrap(),
            municipality: code("131211"),
            role: Role::Clerk,
            terminal: TerminalId::parse("terminal").unwrap(),
        };
        let at = datetime!(2026-04-01 09:00 UTC);
        let context = OpContext::new(actor, RequestId::make_random(), at);
        let permit = authorize(&context, Action::CorrectVaccination, code("131211")).unwrap();
        let provenance = Provenance::registered(&context).unwrap();
        let (subject, room) = (SubjectId::make_random(), RoomKey::parse("131211").unwrap());
        let done = test.db.room_transaction("test", room, move |tx| {
            let id = keys.dose_id(&subject, None, 1);
            let version = |lot| Version {
                vaccination: dose(lot),
                provenance: provenance.clone(),
                standing: Standing::InForce,
            };
            for (number, lot) in [(1, "WRONG1"), (2, "RIGHT1")] {
                let place = (&subject, &id, number);
                store::vaccination::insert(tx, &keys, &permit, place, &version(lot))?;
            }
            // All in the same millisecond: the pages end inside of it.
            for nth in 0..2_001 {
                let inquirer = code(if nth == 2_000 { "472131" } else { "072036" });
                let inquiry = InquiryId::make_random();
                let asked = Asked { inquiry, inquirer, permit_id: "permit".to_owned() };
                let content = Content::new(vec![dose("WRONG1")])?;
                store::provision::insert(tx, &keys, &permit, (&asked, subject), &content)?;
            }
            let held = |number, lot| Held { id, number, version: version(lot) };
            let (before, after) = (held(1, "WRONG1"), held(2, "RIGHT1"));
            queue_for(tx, &keys, &permit, &subject, (&before, Some(&after)))?;
            let told = store::notice_out::of_subject(tx, &keys, &permit, &subject)?;
            let shown = store::provision::list_of(tx, &keys, &permit, subject);
            Ok::<_, ApiError>((told, shown.map(drop)))
        });
        let (told, shown) = done.await.unwrap();
        let told = told.into_iter().map(|one| (one.recipient, one.outbound.grounds.len()));
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        assert_eq!(told, [(code("072036"), 2_000), (code("472131"), 1)]);
        assert_eq!(shown.unwrap_err().kind().code, "disclosure-too-long");
    }
}
