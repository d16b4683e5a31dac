//! The desk of doubtful rows, on both engines, without the network.

use crypto::KeyStore;
use db::RoomKey;
use db::test_support::TestDb;
use domain::subject::Sex;
use domain::vaccination::Status;
use domain::voucher::VoucherNumber;
use domain::{
    AddressNumber, IndividualNumber, InquiryId, Likeness, MunicipalityCode, OpContext,
    PersonalText, RequestId, Role, TerminalId, authorize,
};
use quality::{DoubtKind, Neighbour};
use room::question::Content;
use room::store::provision::Asked;
use time::macros::{date, datetime};
use uuid::Uuid;

use super::*;
use crate::quarantine::{Doubtful, Origin, State, discard_staged, insert, open_staged};

fn adachi() -> MunicipalityCode {
    MunicipalityCode::parse("131211").unwrap()
}

fn clerk() -> OperatorId {
    OperatorId::parse("clerk-1").unwrap()
}

fn permit() -> Permit {
    let terminal = TerminalId::parse("terminal").unwrap();
    let actor =
        Actor::Operator { id: clerk(), municipality: adachi(), role: Role::Clerk, terminal };
    let at = datetime!(2026-04-01 09:00 UTC);
    let context = OpContext::new(actor, RequestId::make_random(), at);
    authorize(&context, Action::DecideQuarantine, adachi()).unwrap()
}

/// A room with one person.
struct Desk {
    test: TestDb,
    keys: RoomKeys,
    permit: Permit,
    person: SubjectId,
}

async fn on_both(check: impl Fn(&Desk)) {
    for test in TestDb::each(&room::MIGRATIONS, room::ROLE).await {
        let disk = tempfile::tempdir().unwrap();
        let store = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
        let keys = store.make_room(adachi()).unwrap();
        let desk = Desk { test, keys, permit: permit(), person: SubjectId::make_random() };
        tokio::task::block_in_place(|| {
            let subject = person(&row_of(1), Flags::default());
            let found = Found { id: desk.person, version: 1, subject, provenance: None };
            desk.tx(|tx| register::subject::insert(tx, &desk.keys, &desk.permit, &found));
            check(&desk);
        });
    }
}

impl Desk {
    fn tx<T>(&self, work: impl Fn(&mut Tx) -> Result<T, ApiError>) -> T {
        let room = RoomKey::parse(adachi().as_str()).unwrap();
        self.test.db.room_transaction_blocking("test", room, work).unwrap()
    }

    fn insert(&self, rows: &[Doubtful], state: State) -> usize {
        self.tx(|tx| insert(tx, &self.keys, &self.permit, (rows, state)))
    }

    fn open(&self) -> Vec<Kept> {
        let all = (None, None, 200);
        self.tx(|tx| store::quarantine::list(tx, &self.keys, &self.permit, all))
    }

    fn decide(
        &self,
        (id, version): (Uuid, u32),
        decision: QuarantineDecision,
    ) -> Result<QuarantineDecided, &'static str> {
        let request = DecideQuarantine { id, version, decision };
        let (keys, permit, operator) = (&self.keys, &self.permit, &clerk());
        let act = Act { keys, permit, operator, request: &request };
        self.tx(|tx| act.settle(tx)).map_err(|kind| kind.code)
    }

    /// The versions of the person's doses, oldest first.
    fn doses(&self) -> Vec<Version> {
        let (keys, permit, person) = (&self.keys, &self.permit, &self.person);
        let held = self.tx(|tx| register::vaccination::versions(tx, keys, permit, person));
        held.into_iter().map(|held| held.version).collect()
    }

    fn doubtful(&self, dose: Vaccination, likely: Option<Likely>) -> Doubtful {
        let voucher = VoucherNumber::parse("0000000042").unwrap();
        let given =
            GivenDose { subject: Some(self.person), dose, voucher: Some((adachi(), voucher)) };
        let doubts = vec![Doubt { kind: DoubtKind::FutureDate, likely }];
        Doubtful {
            origin: Origin::Import(Uuid::from_u128(7)),
            line: 2,
            row: Row::Dose(given),
            doubts,
        }
    }

    /// The same where people were told that the register says otherwise.
    fn differing(&self, dose: Vaccination, likely: Option<Likely>) -> Doubtful {
        let doubts = vec![Doubt { kind: DoubtKind::RegisteredDiffers, likely }];
        Doubtful { doubts, ..self.doubtful(dose, None) }
    }

    /// Puts one row on the desk.
    fn put(&self, row: Doubtful) -> Uuid {
        assert_eq!(self.insert(&[row], State::Open), 1);
        self.open().last().unwrap().id
    }
}

fn dose(number: u16) -> Vaccination {
    Vaccination {
        status: Status::Done,
        dose_number: number,
        date: date!(2021 - 06 - 01),
        maker: "ファイザー".to_owned(),
        lot: "EX0001".to_owned(),
        product: None,
        vaccine_kind: None,
        venue: None,
    }
}

fn row_of(serial: u32) -> SubjectRow {
    let text = |text: &str| PersonalText::parse(text).unwrap();
    SubjectRow {
        individual_number: IndividualNumber::for_test(serial),
        address_number: AddressNumber::parse(&format!("A{serial}")).unwrap(),
        name: text("佐藤　太郎"),
        name_kana: text("サトウ　タロウ"),
        birth_date: date!(1950 - 01 - 11),
        sex: Sex::Male,
        moved_out_on: None,
        died_on: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_file_are_shown_when_it_is_approved_and_asked_about_once() {
    on_both(|desk| {
        let rows: Vec<_> = (1..=2_500).map(|number| desk.doubtful(dose(number), None)).collect();
        assert_eq!(desk.insert(&rows, State::Staged), 2_500);
        assert_eq!(desk.insert(&rows, State::Staged), 0, "a file that is checked again");
        assert!(desk.open().is_empty(), "nobody sees the rows of a file that is not approved");
        let import = Uuid::from_u128(7);
        assert_eq!(desk.tx(|tx| open_staged(tx, &desk.permit, import)), 2_500);
        assert_eq!(desk.open().len(), 200, "a page");

        // The same rows in another file, and one that is new.
        let again = |row: &Doubtful| Doubtful {
            origin: Origin::Import(Uuid::from_u128(8)),
            line: 9,
            ..row.clone()
        };
        let mut other: Vec<_> = rows.iter().map(again).collect();
        other.push(again(&desk.doubtful(dose(3_000), None)));
        assert_eq!(desk.insert(&other, State::Staged), 2_501);
        assert_eq!(desk.tx(|tx| open_staged(tx, &desk.permit, Uuid::from_u128(8))), 1);
        assert_eq!(desk.tx(|tx| store::quarantine::count_open(tx, &desk.permit)), 2_501);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_thrown_away_takes_no_row_of_another_along() {
    on_both(|desk| {
        let row = desk.doubtful(dose(1), None);
        let other = Doubtful { origin: Origin::Import(Uuid::from_u128(8)), ..row.clone() };
        assert_eq!(desk.insert(&[row], State::Staged), 1);
        assert_eq!(desk.insert(&[other], State::Staged), 1);
        assert_eq!(desk.tx(|tx| discard_staged(tx, &desk.permit, Uuid::from_u128(7))), 1);
        assert_eq!(desk.tx(|tx| open_staged(tx, &desk.permit, Uuid::from_u128(8))), 1);
        assert_eq!(desk.open().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_decided_on_once_and_says_then_who_decided() {
    on_both(|desk| {
        let id = desk.put(desk.doubtful(dose(1), None));
        assert_eq!(desk.decide((id, 2), QuarantineDecision::TakeAsIs), Err("already-decided"));
        assert_eq!(desk.decide((Uuid::nil(), 1), QuarantineDecision::TakeAsIs), Err("not-found"));
        let done = desk.decide((id, 1), QuarantineDecision::TakeAsIs).unwrap();
        assert_eq!((done.version, done.vaccination_version), (2, Some(1)));
        assert_eq!(done.subject, Some(desk.person.0));
        for version in [1, 2] {
            let again = desk.decide((id, version), QuarantineDecision::TakeAsIs);
            assert_eq!(again, Err("already-decided"));
        }
        assert!(desk.open().is_empty());
        let [version] = &desk.doses()[..] else { panic!("one version") };
        assert_eq!(version.vaccination, dose(1));
        let Provenance::Decided { operator, quarantined, .. } = &version.provenance else {
            panic!("decided")
        };
        assert_eq!((operator, *quarantined), (&clerk(), id));
        // The file comes once more: what was decided stands.
        assert_eq!(desk.insert(&[desk.doubtful(dose(1), None)], State::Open), 0);
    })
    .await;
}

/// Else the name and number in it would outlive an erasure of that person.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_taken_names_the_person_whose_record_it_became() {
    on_both(|desk| {
        let stranger = Doubtful { row: Row::Subject(row_of(77)), ..desk.doubtful(dose(1), None) };
        let taken = desk.put(stranger);
        let done = desk.decide((taken, 1), QuarantineDecision::TakeAsIs).unwrap();
        assert!(done.subject.is_some());
        let dropped = desk.put(desk.doubtful(dose(2), None));
        let reason = "二重に届いた".to_owned();
        desk.decide((dropped, 1), QuarantineDecision::Drop { reason }).unwrap();
        for (id, person) in [(taken, done.subject), (dropped, None)] {
            let named = desk.tx(|tx| store::quarantine::taken_for(tx, &desk.permit, id));
            assert_eq!(named, person);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_gets_a_further_version_and_is_never_overwritten() {
    on_both(|desk| {
        let first = desk.put(desk.doubtful(dose(1), None));
        desk.decide((first, 1), QuarantineDecision::TakeAsIs).unwrap();
        let likely = Vaccination { lot: "EX0002".to_owned(), ..dose(1) };
        let given = Vaccination { lot: "EXOO02".to_owned(), ..dose(1) };
        let second = desk.put(desk.differing(given, Some(Likely::Dose(likely.clone()))));
        let done = desk.decide((second, 1), QuarantineDecision::TakeLikely).unwrap();
        assert_eq!(done.vaccination_version, Some(2));
        let versions = desk.doses();
        let taken: Vec<_> = versions.iter().map(|version| &version.vaccination).collect();
        assert_eq!(taken, [&dose(1), &likely]);
        // The likely answer is what is registered: nothing is written.
        let other = Vaccination { lot: "EX9999".to_owned(), ..dose(1) };
        let third = desk.put(desk.doubtful(other, Some(Likely::Dose(likely))));
        let done = desk.decide((third, 1), QuarantineDecision::TakeLikely).unwrap();
        assert_eq!((done.vaccination_version, desk.doses().len()), (Some(2), 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_received_the_dose_hears_what_was_decided() {
    on_both(|desk| {
        let (keys, permit, person) = (&desk.keys, &desk.permit, desk.person);
        let first = desk.put(desk.doubtful(dose(1), None));
        desk.decide((first, 1), QuarantineDecision::TakeAsIs).unwrap();
        let koriyama = MunicipalityCode::parse("072036").unwrap();
        let content = Content::new(vec![dose(1)]).unwrap();
        let asked = Asked {
            inquiry: InquiryId::make_random(),
            inquirer: koriyama,
            permit_id: "permit".to_owned(),
        };
        desk.tx(|tx| {
            let whom = (&asked, person);
            register::provision::insert(tx, keys, permit, whom, &content)
        });
        let told = || desk.tx(|tx| register::notice_out::of_subject(tx, keys, permit, &person));
        assert!(told().is_empty());
        let other = Vaccination { lot: "EX0002".to_owned(), ..dose(1) };
        let second = desk.put(desk.differing(other, None));
        desk.decide((second, 1), QuarantineDecision::TakeAsIs).unwrap();
        let told: Vec<_> = told().into_iter().map(|notice| notice.recipient).collect();
        assert_eq!(told, [koriyama]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_nobody_can_place_is_refused_until_a_person_is_named() {
    on_both(|desk| {
        let voucher = VoucherNumber::parse("0000000043").unwrap();
        let given = GivenDose { subject: None, dose: dose(1), voucher: Some((adachi(), voucher)) };
        let capture = |likely| Doubtful {
            origin: Origin::Capture(Uuid::new_v4()),
            line: 0,
            row: Row::Dose(given.clone()),
            doubts: vec![Doubt { kind: DoubtKind::VoucherNeverIssued, likely }],
        };
        let id = desk.put(capture(None));
        assert_eq!(desk.decide((id, 1), QuarantineDecision::TakeAsIs), Err("whose-row"));
        assert_eq!(desk.decide((id, 1), QuarantineDecision::TakeLikely), Err("no-likely-answer"));
        let unknown =
            QuarantineDecision::TakeCorrected { dose: dose(1), subject: Some(Uuid::nil()) };
        assert_eq!(desk.decide((id, 1), unknown), Err("not-found"));
        let reason = "接種していない".to_owned();
        let done = desk.decide((id, 1), QuarantineDecision::Drop { reason }).unwrap();
        assert_eq!((done.vaccination, desk.doses().len()), (None, 0));

        // Another capture with the same voucher and dose is the same question; with a likely
        // voucher it would have gone to that voucher's person.
        assert_eq!(desk.insert(&[capture(None)], State::Open), 0);
        let second = GivenDose { dose: dose(2), ..given.clone() };
        let meant = Neighbour {
            number: VoucherNumber::parse("0000000042").unwrap(),
            subject: desk.person,
            of_same_person: false,
            doses: vec![2],
        };
        let row = Doubtful { row: Row::Dose(second), ..capture(Some(Likely::Voucher(meant))) };
        let id = desk.put(row);
        let done = desk.decide((id, 1), QuarantineDecision::TakeLikely).unwrap();
        assert_eq!((done.subject, done.vaccination_version), (Some(desk.person.0), Some(1)));
        // From now on the person is told of it, and of none that became nobody's.
        let number = &IndividualNumber::for_test(1);
        let whom = crate::about::Whom { number, subject: Some(desk.person) };
        let said = desk.tx(|tx| crate::about::said(tx, &desk.keys, &desk.permit, whom));
        assert_eq!(said.unwrap().doubtful.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_entry_is_another_person_or_the_next_version_of_the_same() {
    on_both(|desk| {
        let row = row_of(2);
        let likeness = Likeness::new(&row.name_kana, row.birth_date, row.sex);
        let (keys, permit) = (&desk.keys, &desk.permit);
        let find = |tx: &mut Tx| {
            register::likeness::find(tx, keys, permit, std::slice::from_ref(&likeness))
        };
        let alike = desk.tx(find);
        assert_eq!(alike, [[desk.person]]);
        let twin = |serial: u32| Doubtful {
            origin: Origin::Import(Uuid::from_u128(7)),
            line: 2,
            row: Row::Subject(row_of(serial)),
            doubts: quality::duplicate(&[desk.person], false).into_iter().collect(),
        };
        let [same, other] = [2, 3].map(|serial| desk.put(twin(serial)));
        let corrected = QuarantineDecision::TakeCorrected { dose: dose(1), subject: None };
        assert_eq!(desk.decide((same, 1), corrected), Err("not-a-dose"));
        let done = desk.decide((same, 1), QuarantineDecision::TakeLikely).unwrap();
        assert_eq!(done.subject, Some(desk.person.0));
        let found = desk.tx(|tx| register::subject::find(tx, keys, permit, desk.person)).unwrap();
        assert_eq!((found.version, found.subject.address_number.reveal()), (2, "A2"));
        for serial in [1, 2] {
            let address = AddressNumber::parse(&format!("A{serial}")).unwrap();
            let known =
                desk.tx(|tx| register::subject::find_by_address(tx, keys, permit, &address));
            assert_eq!(known, Some(desk.person), "both numbers lead to the person");
        }
        let done = desk.decide((other, 1), QuarantineDecision::TakeAsIs).unwrap();
        assert_ne!(done.subject, Some(desk.person.0));
        assert_eq!(desk.tx(find)[0].len(), 2);
        // The same row again, its number taken by now: refused, and nothing of it stays.
        let third = desk.put(Doubtful {
            row: Row::Subject(SubjectRow {
                individual_number: IndividualNumber::for_test(3),
                ..row_of(4)
            }),
            ..twin(4)
        });
        let refusal = desk.decide((third, 1), QuarantineDecision::TakeAsIs);
        assert_eq!(refusal, Err("already-registered"));
        assert_eq!((desk.tx(find)[0].len(), desk.open().len()), (2, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_moved_to_another_person_is_not_read() {
    on_both(|desk| {
        let id = desk.put(desk.doubtful(dose(1), None));
        let handle = tokio::runtime::Handle::current();
        handle.block_on(desk.test.as_owner(store::quarantine::move_to_others));
        let room = RoomKey::parse(adachi().as_str()).unwrap();
        let read = desk.test.db.room_transaction_blocking("test", room, |tx| {
            store::quarantine::find(tx, &desk.keys, &desk.permit, id)
        });
        assert!(read.is_err());
    })
    .await;
}

#[path = "quarantine_limits_tests.rs"]
mod limits;
