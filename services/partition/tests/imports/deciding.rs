//! The desk of doubtful rows, from outside: what a file left in doubt, and who decides.

use domain::Role;
use domain::vaccination::Vaccination;
use wire::CallError;
use wire::quarantine::{
    DecideQuarantine, Given, LikelyAnswer, ListQuarantine, QUARANTINE_DECIDE, QUARANTINE_LIST,
    QuarantineDecided, QuarantineDecision, QuarantineRows, QuarantinedRow,
};
use wire::records::{History, RECORDS_HISTORY, ReadHistory, SourceKind};

use crate::files::{DOSES, VOUCHERS, subjects, voucher};
use crate::importing::{counts, import};
use crate::world::{ADACHI, Desk, KORIYAMA, World, on_both, refusal};

/// A voucher misread by one digit, and a dose of a year in which nobody got any.
const DOUBTFUL: &str = "A0000,1,2021-05-15,ファイザー,EX0001,,131211,0000000009,\n\
                        A0001,1,2012-05-15,ファイザー,EX0001,,131211,0000000001,\n\
                        A0001,2,2021-06-15,ファイザー,EX0001,,131211,0000000001,\n";

impl Desk {
    async fn doubtful(&self, kind: Option<&str>) -> QuarantineRows {
        let kind = kind.map(str::to_owned);
        let list = ListQuarantine { kind, after: None, limit: 100 };
        self.post(QUARANTINE_LIST, &list).await.unwrap()
    }

    async fn decide(
        &self,
        row: &QuarantinedRow,
        decision: QuarantineDecision,
    ) -> Result<QuarantineDecided, CallError> {
        let QuarantinedRow { id, version, .. } = *row;
        self.post(QUARANTINE_DECIDE, &DecideQuarantine { id, version, decision }).await
    }
}

async fn with_doubts(world: &World) {
    import(world, &subjects(0..2)).await;
    let vouchers = [voucher(0, 1), voucher(1, 1), voucher(1, 2)].concat();
    import(world, &format!("{VOUCHERS}\n{vouchers}")).await;
    let state = import(world, &format!("{DOSES}\n{DOUBTFUL}")).await;
    assert_eq!(counts(&state), [1, 0, 0, 2, 0], "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misread_voucher_waits_with_its_reason_and_is_decided_on_once() {
    on_both(async |world| {
        with_doubts(&world).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let all = clerk.doubtful(None).await;
        assert_eq!((all.open, all.rows.len()), (2, 2));
        let misread = clerk.doubtful(Some("voucher-never-issued")).await;
        let [row] = &misread.rows[..] else { panic!("one row") };
        assert_eq!((row.line, row.version), (2, 1));
        let Given::Dose { voucher: Some(given), .. } = &row.given else { panic!("a dose") };
        assert_eq!(given.number, "0000000009");
        let [doubt] = &row.doubts[..] else { panic!("one doubt") };
        let Some(LikelyAnswer::Voucher { number, .. }) = &doubt.likely else { panic!("a voucher") };
        assert_eq!(number, "0000000000");

        let other = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let (one, two) = tokio::join!(
            clerk.decide(row, QuarantineDecision::TakeLikely),
            other.decide(row, QuarantineDecision::Drop { reason: "二重登録".to_owned() }),
        );
        let (done, late) = if one.is_ok() { (one, two) } else { (two, one) };
        assert_eq!(done.unwrap().version, 2);
        assert_eq!(refusal(late), (409, "already-decided".to_owned()));
        assert_eq!(clerk.doubtful(None).await.open, 1);
        let decided = world.acts(ADACHI, "DecideQuarantine").await;
        assert_eq!(decided.len(), 2);
        assert!(decided.contains(&"already-decided".to_owned()), "{decided:?}");
        assert_eq!(world.acts(ADACHI, "ReadQuarantine").await, ["read"; 3]);
        // The file once more: nothing is new, and nobody is asked again.
        import(&world, &format!("{DOSES}\n{DOUBTFUL}")).await;
        assert_eq!(clerk.doubtful(None).await.open, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_row_is_a_dose_that_says_who_decided() {
    on_both(async |world| {
        with_doubts(&world).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let before = clerk.doubtful(Some("before-campaign")).await;
        let [row] = &before.rows[..] else { panic!("one row") };
        let Given::Dose { dose, .. } = row.given.clone() else { panic!("a dose") };
        let wrong = QuarantineDecision::TakeCorrected {
            dose: Vaccination { dose_number: 0, ..dose.clone() },
            subject: None,
        };
        assert_eq!(refusal(clerk.decide(row, wrong).await).0, 400);
        let reason = "個人番号 999900000016".to_owned();
        let number = domain::IndividualNumber::for_test(7);
        let reason = reason.replace("999900000016", number.reveal());
        let drop = clerk.decide(row, QuarantineDecision::Drop { reason }).await;
        assert_eq!(refusal(drop).0, 400, "no individual number in a reason");
        let dose = Vaccination { date: dose.date.replace_year(2021).unwrap(), ..dose };
        let corrected = QuarantineDecision::TakeCorrected { dose: dose.clone(), subject: None };
        let done = clerk.decide(row, corrected).await.unwrap();
        assert_eq!(done.vaccination_version, Some(1));
        let history = ReadHistory { subject: done.subject.unwrap(), vaccination: None };
        let history: History = clerk.post(RECORDS_HISTORY, &history).await.unwrap();
        let taken = history.doses.iter().find(|one| Some(one.vaccination) == done.vaccination);
        let taken = taken.unwrap();
        assert_eq!(taken.dose, dose);
        assert_eq!(taken.source.kind, SourceKind::Decided);
        assert_eq!(taken.source.from, Some(row.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_is_for_the_staff_of_the_own_municipality() {
    on_both(async |world| {
        with_doubts(&world).await;
        let row = world.desk(ADACHI, Role::Clerk).doubtful(None).await.rows.remove(0);
        let elsewhere = world.desk(KORIYAMA, Role::Clerk);
        assert_eq!(elsewhere.doubtful(None).await.open, 0);
        let refused = elsewhere.decide(&row, QuarantineDecision::TakeAsIs).await;
        assert_eq!(refusal(refused), (404, "not-found".to_owned()));
        let list = ListQuarantine { kind: None, after: None, limit: 1 };
        let request = domain::RequestId::make_random();
        let system = world.system(ADACHI);
        let answer = system.post::<QuarantineRows>(QUARANTINE_LIST, &request, None, &list).await;
        assert_eq!(refusal(answer).0, 403);
        let clerk = world.desk(ADACHI, Role::Clerk);
        for (kind, limit) in [(Some("no-such-kind"), 1), (None, 0), (None, 201)] {
            let list = ListQuarantine { kind: kind.map(str::to_owned), after: None, limit };
            let answer = clerk.post::<QuarantineRows>(QUARANTINE_LIST, &list).await;
            assert_eq!(refusal(answer).0, 400);
        }
    })
    .await;
}
