//! Rows that contradict each other, or a register that says otherwise: which of them wait, which come
//! back, and that the order of a file decides nothing.

use domain::Role;
use domain::vaccination::{Status, Vaccination};
use time::macros::date;
use wire::imports::{ImportState, Purpose};
use wire::quarantine::{
    LikelyAnswer, ListQuarantine, QUARANTINE_LIST, QuarantineRows, QuarantinedRow,
};

use crate::files::{DOSES, SUBJECTS, VOUCHERS, dose, doses, subject, subjects, voucher};
use crate::importing::{counts, import};
use crate::world::{ADACHI, World, on_both};

/// The same lines in three orders, each checked against the same register.
async fn in_every_order(world: &World, head: &str, lines: &[String]) -> Vec<ImportState> {
    let clerk = world.desk(ADACHI, Role::Clerk);
    let mut states = Vec::new();
    for turn in 0..3 {
        let mut lines = lines.to_vec();
        if turn > 0 {
            lines.reverse();
        }
        lines.rotate_left(turn);
        let file = format!("{head}\n{}", lines.concat());
        states.push(clerk.prepare(Purpose::Register, file.as_bytes()).await);
    }
    states
}

async fn waiting(world: &World) -> Vec<QuarantinedRow> {
    let list = ListQuarantine { kind: None, after: None, limit: 100 };
    let clerk = world.desk(ADACHI, Role::Clerk);
    clerk.post::<QuarantineRows>(QUARANTINE_LIST, &list).await.unwrap().rows
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_row_comes_first_the_register_becomes_the_same() {
    on_both(async |world| {
        import(&world, &subjects(0..3)).await;
        let persons = [
            subject(5),
            subject(5).replace("1980-", "1981-"),
            subject(6),
            subject(7).replace(",A0007,", ",A0006,"),
            subject(8),
        ];
        let vouchers = [voucher(0, 1), voucher(0, 2).replace("A0000", "A0001"), voucher(2, 1)];
        let doses = [dose(0, 1), dose(0, 1).replace("EX0001", "EX0009"), dose(0, 2), dose(1, 1)];
        for (head, lines, want) in [
            (SUBJECTS, &persons[..], [1, 0, 0, 0, 4]),
            (VOUCHERS, &vouchers[..], [1, 0, 0, 0, 2]),
            (DOSES, &doses[..], [2, 0, 0, 0, 2]),
        ] {
            for state in in_every_order(&world, head, lines).await {
                assert_eq!(counts(&state), want, "{state:?}");
                assert_eq!(state.reasons.keys().collect::<Vec<_>>(), ["conflict"]);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vouchers_tell_which_of_two_rows_about_one_dose_is_right() {
    on_both(async |world| {
        import(&world, &subjects(0..3)).await;
        let number = |voucher: u32, dose: u16, serial: u32| {
            voucher_row(serial, &format!("{voucher:010}"), dose)
        };
        let issued = [number(10, 1, 0), number(20, 2, 0), number(11, 1, 1), number(12, 1, 2)];
        import(&world, &format!("{VOUCHERS}\n{}", issued.concat())).await;
        let with =
            |row: String, voucher: u32| row.replace(",,,,", &format!(",,131211,{voucher:010},"));
        let lines = [
            // The second dose was written down as the first one.
            with(dose(0, 1), 10),
            with(dose(0, 2).replace("A0000,2", "A0000,1"), 20),
            // The same voucher twice, and a row without any: nothing tells.
            with(dose(1, 1), 11),
            with(dose(1, 1).replace("EX0001", "EX0002"), 11),
            with(dose(2, 1), 12),
            dose(2, 1).replace("EX0001", "EX0002"),
        ];
        for state in in_every_order(&world, DOSES, &lines).await {
            assert_eq!(counts(&state), [1, 0, 0, 1, 4], "{state:?}");
            assert_eq!(state.reasons.get("conflict"), Some(&4), "{state:?}");
            assert_eq!(state.reasons.get("voucher-other-dose"), Some(&1), "{state:?}");
        }
    })
    .await;
}

fn voucher_row(serial: u32, number: &str, dose: u16) -> String {
    format!("{},131211,{number},{dose},2021-04-01\n", crate::files::address(serial))
}

#[tokio::test(flavor = "multi_thread")]
async fn persons_of_one_file_who_are_alike_all_wait_for_people() {
    on_both(async |world| {
        let twin = subject(31).replace("1980-02-04", "1980-01-03");
        let lines = [subject(2), twin, subject(4)];
        for state in in_every_order(&world, SUBJECTS, &lines).await {
            assert_eq!(counts(&state), [1, 0, 0, 2, 0], "{state:?}");
        }
        let file = format!("{SUBJECTS}\n{}", lines.concat());
        import(&world, &file).await;
        let rows = waiting(&world).await;
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.doubts[0].code == "duplicate-person"));
        // The same file once more asks nobody again.
        assert_eq!(counts(&import(&world, &file).await), [0, 1, 0, 2, 0]);
        assert_eq!(waiting(&world).await.len(), 2);
        // Beside the registered person's own row there is nobody else whom it may be.
        let other = subject(32).replace("1980-02-05", "1980-01-05");
        let file = format!("{SUBJECTS}\n{other}{}", subject(4));
        assert_eq!(counts(&import(&world, &file).await), [0, 1, 0, 1, 0]);
        let row = waiting(&world).await.pop().unwrap();
        let Some(LikelyAnswer::Person { subject }) = row.doubts[0].likely else { panic!("one") };
        assert_eq!(subject, world.person(ADACHI, 4).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_says_whose_dose_it_is_where_nobody_has_the_address_number() {
    on_both(async |world| {
        import(&world, &subjects(0..2)).await;
        import(&world, &format!("{VOUCHERS}\n{}{}", voucher(0, 1), voucher(1, 1))).await;
        let row = |address: &str, number: u16, voucher: &str| {
            format!("{address},{number},2021-05-15,ファイザー,EX0001,,131211,{voucher},\n")
        };
        let lines = [
            row("A7000", 1, "0000000000"),
            row("A7001", 1, "0000000002"),
            row("A7002", 2, "0000000001"),
            dose(7003, 1),
        ];
        let state = import(&world, &format!("{DOSES}\n{}", lines.concat())).await;
        assert_eq!(counts(&state), [0, 0, 0, 1, 3], "{state:?}");
        let [row] = &waiting(&world).await[..] else { panic!("one row") };
        assert_eq!((row.line, row.subject), (2, None));
        assert_eq!(row.doubts[0].code, "person-of-voucher");
        let Some(LikelyAnswer::Voucher { subject, .. }) = &row.doubts[0].likely else {
            panic!("a voucher")
        };
        assert_eq!(*subject, world.person(ADACHI, 0).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_row_holds_no_right_one_back_where_it_can_be_told() {
    on_both(async |world| {
        import(&world, &subjects(0..4)).await;
        let third = |serial: u32| dose(serial, 3).replace("2021-07-", "2022-03-");
        let lines = [
            // A day that can't be; a row that can't be read; a day that contradicts both others.
            dose(0, 1) + &dose(0, 2).replace("2021-", "2020-") + &third(0),
            dose(1, 1) + &dose(1, 2).replace("2021-", "2999-") + &third(1),
            dose(2, 1).replace("2021-05-", "2022-04-") + &dose(2, 2) + &third(2),
            // Nothing tells which of the two.
            dose(3, 1) + &dose(3, 2).replace("2021-06-15", "2021-05-18") + &third(3),
        ];
        for state in in_every_order(&world, DOSES, &lines).await {
            assert_eq!(counts(&state), [7, 0, 0, 4, 1], "{state:?}");
            for (reason, count) in
                [("before-campaign", 1), ("future-date", 1), ("interval-too-short", 2)]
            {
                assert_eq!(state.reasons.get(reason), Some(&count), "{state:?}");
            }
            assert!(!state.reasons.contains_key("number-skipped"), "{state:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dose_that_is_registered_as_not_given_does_not_swallow_the_one_that_was() {
    on_both(async |world| {
        import(&world, &subjects(0..1)).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let not_given = Vaccination {
            status: Status::NotDone,
            dose_number: 1,
            date: date!(2021 - 05 - 15),
            maker: "ファイザー".to_owned(),
            lot: "EX0001".to_owned(),
            product: None,
            vaccine_kind: None,
            venue: None,
        };
        clerk.vaccinate(world.person(ADACHI, 0).await, not_given).await;
        let file = doses(0..1);
        let state = clerk.prepare(Purpose::Register, file.as_bytes()).await;
        assert_eq!(counts(&state), [1, 0, 0, 1, 0], "{state:?}");
        assert_eq!(state.differences[0].columns, ["接種状況"]);
    })
    .await;
}
