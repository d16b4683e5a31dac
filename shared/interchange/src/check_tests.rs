use domain::IndividualNumber;
use time::macros::date;

use super::*;
use crate::layout::{BATCH_1, DOSES_1, DOSES_LEDGER, SUBJECTS_1, VOUCHERS_1};

fn options() -> Options {
    Options {
        municipality: Some(MunicipalityCode::parse("131211").unwrap()),
        today: date!(2026 - 11 - 20),
    }
}

/// Everything found in a file with this header and these lines.
fn check(layout: &Layout, lines: &[&str]) -> (Vec<Row>, Vec<Problem>, Summary) {
    let text = [&[layout.header().as_str()], lines].concat().join("\r\n");
    let mut first = Checker::open(text.as_bytes(), options()).unwrap();
    while first.next_row().unwrap().is_some() {}
    let conflicts = first.into_conflicts();
    let mut checker = Checker::open(text.as_bytes(), options()).unwrap().knowing(conflicts);
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    while let Some(row) = checker.next_row().unwrap() {
        match row {
            Ok(row) => rows.push(row),
            Err(found) => problems.extend(found),
        }
    }
    (rows, problems, checker.summary())
}

fn number(serial: u32) -> String {
    IndividualNumber::for_test(serial).reveal().to_owned()
}

fn subject(serial: u32, change: (usize, &str)) -> String {
    let (number, address) = (number(serial), format!("A{serial}"));
    let mut cells = [&number, &address, "渡 花子", "ワタリ ハナコ", "1980-01-02", "2", "", ""]
        .map(String::from);
    cells[change.0] = change.1.to_owned();
    cells.join(",")
}

#[test]
fn a_sound_file_is_read_to_its_last_row() {
    let rows: Vec<String> = (0..50).map(|serial| subject(serial, (6, ""))).collect();
    let lines: Vec<&str> = rows.iter().map(String::as_str).collect();
    let (rows, problems, summary) = check(&SUBJECTS_1, &lines);
    assert_eq!((rows.len(), problems), (50, vec![]));
    assert_eq!((summary.rows, summary.usable, summary.layout), (50, 50, "subjects-1"));
}

#[test]
fn every_wrong_cell_of_a_person_is_named_by_line_column_and_reason() {
    let wrong_check = number(1).chars().take(11).chain(['0']).collect::<String>();
    let wrong_check =
        if wrong_check == number(1) { number(1).replace('0', "1") } else { wrong_check };
    let cases: [(usize, &str, Reason); 14] = [
        (0, "", Reason::Missing),
        (0, "12345", Reason::IndividualNumberDigits),
        (0, &wrong_check, Reason::IndividualNumberCheck),
        (1, "全角", Reason::AddressNumber),
        (2, "=cmd", Reason::Formula),
        (2, "@x", Reason::Formula),
        (3, "hanako", Reason::Kana),
        (4, "1980-02-30", Reason::Date),
        (4, "S55.1.2", Reason::EraDate),
        (4, "2026-11-21", Reason::FutureDate),
        (5, "3", Reason::Sex),
        (6, "1979-12-31", Reason::ImpossibleDate),
        (7, "2999-01-01", Reason::FutureDate),
        (7, "1900-01-01", Reason::ImpossibleDate),
    ];
    for (column, text, reason) in cases {
        let (rows, problems, _) =
            check(&SUBJECTS_1, &[&subject(7, (6, "")), &subject(1, (column, text))]);
        let want = Problem { line: 3, column: Some(SUBJECTS_1.columns[column].name), reason };
        assert_eq!((rows.len(), problems), (1, vec![want]), "{reason:?}");
    }
}

#[test]
fn all_that_is_wrong_with_a_row_is_said_at_once() {
    let (_, problems, summary) = check(&SUBJECTS_1, &["1,,=a,a,x,0,y,z"]);
    assert_eq!(problems.len(), 8);
    assert_eq!(summary.problems.values().sum::<u64>(), 8);
}

#[test]
fn of_rows_that_contradict_each_other_none_is_used_in_whatever_order() {
    let same_number = format!("{},B1,渡,ワタリ,1980-01-02,1,,", number(1));
    let persons = [subject(1, (6, "")), same_number, subject(2, (1, "A1")), subject(3, (6, ""))];
    let vouchers = [
        "A1,131211,0000000001,1,2026-01-01",
        "A2,131211,0000000001,2,2026-01-01",
        "A2,131211,0000000001,2,2026-01-02",
        "A3,131211,0000000003,1,2026-01-01",
    ];
    let doses = [
        "A1,1,2026-04-01,ファイザー,EX1,,,,",
        "A1,1,2026-04-02,ファイザー,EX1,,,,",
        "A1,1,2026-04-03,ファイザー,EX1,,,,",
        "A3,1,2026-04-01,ファイザー,EX1,,,,",
    ];
    let persons = persons.each_ref().map(String::as_str);
    for (layout, lines) in [(&SUBJECTS_1, persons), (&VOUCHERS_1, vouchers), (&DOSES_1, doses)] {
        for places in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let (rows, problems, _) = check(layout, &places.map(|place| lines[place]));
            assert_eq!(rows.len(), 1, "{}", layout.name);
            assert!(problems.iter().all(|one| one.reason == Reason::Conflict), "{problems:?}");
            let sound = places.iter().position(|place| *place == 3).unwrap() + 2;
            assert!(problems.iter().all(|one| one.line != u64::try_from(sound).unwrap()));
        }
    }
}

#[test]
fn the_same_row_twice_is_one_row() {
    let line = subject(1, (6, ""));
    let (rows, problems, _) = check(&SUBJECTS_1, &[&line, &subject(2, (6, "")), &line]);
    assert_eq!(rows.len(), 2);
    let found: Vec<_> = problems.iter().map(|one| (one.line, one.column, one.reason)).collect();
    let want = [(4, Some("個人番号"), Reason::Duplicate), (4, Some("宛名番号"), Reason::Duplicate)];
    assert_eq!(found, want);
}

#[test]
fn a_row_that_comes_back_still_says_whose_doses_it_is_about() {
    let one = "A1,2,soon,ファイザー,EX1,,,,";
    let named = |layout: &Layout, line: &str| {
        let text = format!("{}\n{line}\n", layout.header());
        let mut checker = Checker::open(text.as_bytes(), options()).unwrap();
        assert!(checker.next_row().unwrap().unwrap().is_err());
        checker.came_back().map(|(address, doses)| (address.reveal().to_owned(), doses.clone()))
    };
    assert_eq!(named(&DOSES_1, one), Some(("A1".to_owned(), vec![2])));
    assert_eq!(named(&DOSES_1, "A1,0,2026-04-01,ファイザー,EX1,,,,"), None);
    let ledger = "A4,,,,,,,,,,20260401,,,,,ファイザー,";
    assert_eq!(named(&DOSES_LEDGER, ledger), Some(("A4".to_owned(), vec![2])));
}

#[test]
fn a_voucher_of_another_municipality_does_not_come_in() {
    let (rows, problems, _) = check(
        &VOUCHERS_1,
        &["A1,131211,0000000001,1,2026-01-01", "A2,072036,0000000002,1,2026-01-01"],
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(problems[0].reason, Reason::OtherMunicipality);
}

#[test]
fn the_ledgers_line_holds_up_to_two_doses() {
    let one = "A1,20260401120000,20260401,0000000001,131211,会場,医師,ファイザー,EX1,,,,,,,,";
    let two = "A2,,20260401,,,,,ファイザー,EX1,,20260422,,,,,ファイザー,EX2";
    let none = "A3,,,,,,,,,,,,,,,,";
    let lotless = "A4,,20260401,,,,,ファイザー,,,,,,,,,";
    let (rows, problems, _) = check(&DOSES_LEDGER, &[one, two, none, lotless]);
    let doses: Vec<usize> =
        rows.iter().map(|row| if let Row::Doses(doses) = row { doses.len() } else { 9 }).collect();
    assert_eq!(doses, [1, 2, 0]);
    let missing =
        Problem { line: 5, column: Some("1回目ロット番号"), reason: Reason::Missing };
    assert_eq!(problems, [missing]);
}

#[test]
fn ugly_lines_cost_themselves_and_not_the_file() {
    let good = "A1,1,2026-04-01,ファイザー,EX1,,,,";
    let wide = ",".repeat(9_000);
    let long = "x".repeat(20_000);
    let lines = [good, "A2,\"1", "A\0,1", &wide, &long, "", "A3,1", "A4,1,2026-04-01,a,b,,,,"];
    let (rows, problems, summary) = check(&DOSES_1, &lines);
    assert_eq!(rows.len(), 2);
    let found: Vec<_> = problems.iter().map(|one| (one.line, one.reason)).collect();
    let want = [
        (3, Reason::BrokenQuotes),
        (4, Reason::ControlCharacter),
        (5, Reason::WrongColumns),
        (6, Reason::LineTooLong),
        (8, Reason::WrongColumns),
    ];
    assert_eq!(found, want);
    assert_eq!((summary.rows, summary.usable), (7, 2));
}

#[test]
fn a_file_without_a_published_header_is_refused_whole() {
    for text in ["", "a,b\n1,2\n", "個人番号\n", "\"\n", "\0\n"] {
        let opened = Checker::open(text.as_bytes(), options());
        assert!(matches!(opened, Err(FileError::Empty | FileError::UnknownHeader)), "{text:?}");
    }
}

#[test]
fn no_problem_repeats_what_stood_in_the_cell() {
    let secret = number(3).replace('9', "8");
    let (_, problems, summary) = check(&SUBJECTS_1, &[&subject(3, (0, &secret))]);
    let said = format!("{problems:?} {summary:?}");
    assert!(!said.contains(&secret) && !said.contains("花子"), "{said}");
}

#[test]
fn a_batch_asks_about_a_person_once() {
    let (one, two, three) = (number(1), number(2), number(3));
    let lines = [
        format!("{one},072036,A1,R-1"),
        format!("{two},472131,,"),
        format!("{one},472131,,"),
        format!("{three},072037,,=1"),
        format!("{}1,072036,,", &three[..11]),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (rows, problems, summary) = check(&BATCH_1, &lines);
    let [Row::Batch(first), Row::Batch(second)] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(first.reference.as_ref().map(|text| text.reveal()), Some("R-1"));
    assert_eq!((second.provider.as_str(), &second.address_number), ("472131", &None));
    let problems: Vec<_> = problems.iter().map(|p| (p.line, p.column, p.reason)).collect();
    assert_eq!(
        problems,
        [
            (4, Some("個人番号"), Reason::Duplicate),
            (5, Some("転出元市区町村コード"), Reason::MunicipalityCode),
            (5, Some("整理番号"), Reason::Formula),
            (6, Some("個人番号"), Reason::IndividualNumberCheck),
        ]
    );
    assert_eq!((summary.rows, summary.usable), (5, 2));
}
