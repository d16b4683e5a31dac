//! What a decision may not write, and what it may not take away.

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

#[tokio::test(flavor = "multi_thread")]
async fn nobody_supersedes_a_dose_without_having_heard_of_it() {
    on_both(|desk| {
        let other = Vaccination { lot: "EX0002".to_owned(), ..dose(1) };
        let [first, second] =
            [dose(1), other.clone()].map(|dose| desk.put(desk.doubtful(dose, None)));
        desk.decide((first, 1), QuarantineDecision::TakeAsIs).unwrap();
        let taken = desk.decide((second, 1), QuarantineDecision::TakeAsIs);
        assert_eq!(taken, Err("dose-registered"));
        assert_eq!(desk.doses().len(), 1);
        let corrected = QuarantineDecision::TakeCorrected { dose: other, subject: None };
        let done = desk.decide((second, 1), corrected).unwrap();
        assert_eq!(done.vaccination_version, Some(2));
    })
    .await;
}
