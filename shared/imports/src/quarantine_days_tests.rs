//! Days that a decision may not write, and days it may not take away.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_takes_no_day_away_that_is_registered() {
    on_both(|desk| {
        let (keys, permit) = (&desk.keys, &desk.permit);
        let died_on = Some(date!(2024 - 02 - 29));
        let flags = Flags { died_on, withheld: true, ..Flags::default() };
        let subject = person(&row_of(1), flags);
        let dead = Found { id: desk.person, version: 2, subject, provenance: None };
        desk.tx(|tx| register::subject::insert(tx, keys, permit, &dead));
        let twin = Doubtful {
            row: Row::Subject(row_of(2)),
            doubts: quality::duplicate(&[desk.person], false).into_iter().collect(),
            ..desk.doubtful(dose(1), None)
        };
        desk.decide((desk.put(twin), 1), QuarantineDecision::TakeLikely).unwrap();
        let found = desk.tx(|tx| register::subject::find(tx, keys, permit, desk.person)).unwrap();
        assert_eq!((found.version, found.subject.flags), (3, flags));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dose_of_the_future_is_not_taken_as_it_is() {
    on_both(|desk| {
        let future = Vaccination { date: date!(2027 - 01 - 01), ..dose(1) };
        let id = desk.put(desk.doubtful(future, None));
        assert_eq!(desk.decide((id, 1), QuarantineDecision::TakeAsIs), Err("no-dose"));
        assert!(desk.doses().is_empty());
    })
    .await;
}
