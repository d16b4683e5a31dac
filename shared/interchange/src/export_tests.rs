use domain::subject::{Flags, Sex};
use domain::{IndividualNumber, PersonalText};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use time::macros::date;

use super::*;
use crate::{Checker, DoseRow, Options, Row};

// The one value that must never be in a file has no cell.
assert_not_impl_any!(IndividualNumber: Exportable, AsRef<str>, ToString, Into<String>);
assert_not_impl_any!(Option<IndividualNumber>: Exportable);
// Nor is there a way in for any text: each text of a dose is taken from the dose.
assert_not_impl_any!(String: Exportable);
assert_not_impl_any!(&'static str: Exportable);
assert_impl_all!(AddressNumber: Exportable);

const EVERY_WAY: [WrittenAs; 3] = [WrittenAs::Utf8, WrittenAs::Utf8Bom, WrittenAs::Cp932];

fn dose(nth: u16, maker: &str) -> DoseOut {
    DoseOut {
        vaccination: Vaccination {
            status: Status::Done,
            dose_number: nth,
            date: date!(2021 - 06 - 01),
            maker: maker.to_owned(),
            lot: "EX1".to_owned(),
            product: None,
            vaccine_kind: None,
            venue: None,
        },
        voucher: None,
        version: 1,
        recorded_at_unix_s: 1_622_505_600,
    }
}

fn address(text: &str) -> AddressNumber {
    AddressNumber::parse(text).unwrap()
}

fn write(
    layout: &'static Layout,
    written_as: WrittenAs,
    people: &[(AddressNumber, Vec<DoseOut>)],
) -> (Vec<u8>, Vec<Remark>) {
    let mut writer = Writer::new(layout, written_as, LineEnd::CrLf);
    writer.header();
    let remarks = people.iter().flat_map(|(address, doses)| writer.doses(address, doses));
    let remarks = remarks.collect();
    (writer.finish().0, remarks)
}

/// What the checker makes of it; nothing may be wrong with any row.
fn read(bytes: &[u8]) -> Vec<DoseRow> {
    let options = Options { municipality: None, today: date!(2026 - 11 - 20) };
    let mut checker = Checker::open(bytes, options).unwrap();
    let mut found = Vec::new();
    while let Some(row) = checker.next_row().unwrap() {
        match row.unwrap() {
            Row::Doses(doses) => found.extend(doses),
            other => panic!("{other:?}"),
        }
    }
    found
}

fn expected(address: &AddressNumber, dose: &DoseOut, has_product: bool) -> DoseRow {
    let shot = dose.vaccination.clone();
    DoseRow {
        address_number: address.clone(),
        dose_number: shot.dose_number,
        date: shot.date,
        maker: shot.maker,
        lot: shot.lot,
        product: shot.product.filter(|_| has_product),
        voucher: dose.voucher.clone(),
        venue: shot.venue,
    }
}

/// Texts that CP932 has, with what CSV finds hard, and no formula.
fn text() -> impl Strategy<Value = String> {
    "[ァ-ヶ一-丈a-zA-Z0-9\",'髙①][ァ-ヶ一-丈a-zA-Z0-9\",' =+@-]{0,28}[ァ-ヶa-z0-9\",']"
        .prop_filter("CP932 has it", |text| to_cp932(text).is_some())
}

fn person() -> impl Strategy<Value = (AddressNumber, Vec<DoseOut>)> {
    let code = MunicipalityCode::parse("131211").unwrap();
    let voucher = prop::option::of("[0-9]{10}")
        .prop_map(move |text| text.map(|text| (code, VoucherNumber::parse(&text).unwrap())));
    let dose = (0..3_000i64, text(), text(), prop::option::of(text()), voucher);
    ("[0-9A-Z\"'][0-9A-Z,\"=-]{0,29}", prop::collection::vec(dose, 1..6)).prop_map(
        |(text, doses)| {
            let doses =
                doses.into_iter().zip(1..).map(|((day, maker, lot, more, voucher), nth)| {
                    let shot = dose_on(nth, day, maker, lot, more);
                    DoseOut { vaccination: shot, voucher, version: 1, recorded_at_unix_s: 0 }
                });
            (address(&text), doses.collect())
        },
    )
}

fn dose_on(nth: u16, day: i64, maker: String, lot: String, more: Option<String>) -> Vaccination {
    let date = date!(2010 - 01 - 01) + time::Duration::days(day);
    let (product, venue) = (more.clone(), more);
    Vaccination { date, lot, product, venue, ..dose(nth, &maker).vaccination }
}

proptest! {
    #[test]
    fn what_is_exported_is_read_back_as_the_same_rows(
        people in prop::collection::vec(person(), 1..20),
        which in 0..3usize,
    ) {
        let mut people = people;
        people.sort_by(|one, other| one.0.reveal().cmp(other.0.reveal()));
        people.dedup_by(|one, other| one.0 == other.0);
        let (bytes, remarks) = write(&DOSES_1, EVERY_WAY[which], &people);
        prop_assert_eq!(remarks, vec![]);
        let all = people.iter().flat_map(|(address, doses)| {
            doses.iter().map(|dose| expected(address, dose, true))
        });
        prop_assert_eq!(read(&bytes), all.collect::<Vec<_>>());

        let (bytes, remarks) = write(&DOSES_LEDGER, EVERY_WAY[which], &people);
        let has_place = |dose: &&DoseOut| dose.vaccination.dose_number <= 2;
        let first_two = people.iter().flat_map(|(address, doses)| {
            doses.iter().filter(has_place).map(|dose| expected(address, dose, false))
        });
        prop_assert_eq!(read(&bytes), first_two.collect::<Vec<_>>());
        let others = people.iter().flat_map(|(_, doses)| doses).filter(|dose| !has_place(dose));
        prop_assert_eq!(remarks.len(), others.count());
        prop_assert!(remarks.iter().all(|remark| remark.why == Why::NotInLayout));
    }

    #[test]
    fn no_cell_of_any_file_begins_a_formula(head in "[=+@＝＋－＠-]", rest in "[a-z(),\"' ]{0,20}z") {
        for written_as in EVERY_WAY {
            let people = [(address("1"), vec![dose(1, &format!("{head}{rest}"))])];
            let (bytes, remarks) = write(&DOSES_1, written_as, &people);
            prop_assert_eq!(remarks, vec![Remark { column: Some("メーカー"), why: Why::Neutralised }]);
            prop_assert_eq!(&read(&bytes)[0].maker, &format!("'{head}{rest}"));
        }
    }
}

#[test]
fn a_row_with_a_character_that_cp932_lacks_is_left_out_and_said() {
    for lacking in ["𠮷野", "葛\u{E0100}", "A〜B", "5¥", "A−B", "😀"] {
        let people = [(address("1"), vec![dose(1, lacking), dose(2, "試験製薬")])];
        let (bytes, remarks) = write(&DOSES_1, WrittenAs::Cp932, &people);
        let want = Remark { column: Some("メーカー"), why: Why::Unmappable };
        assert_eq!(remarks, [want], "{lacking}");
        let rows = read(&bytes);
        assert_eq!((rows.len(), rows[0].dose_number), (1, 2));
        let (bytes, remarks) = write(&DOSES_1, WrittenAs::Utf8Bom, &people);
        assert_eq!((read(&bytes).len(), remarks), (2, vec![]));
    }
}

#[test]
fn what_a_layout_has_no_column_for_is_left_out_and_said() {
    let mut of_a_kind = dose(1, "試験製薬");
    of_a_kind.vaccination.vaccine_kind = Some("MR".to_owned());
    let mut not_given = dose(2, "試験製薬");
    not_given.vaccination.status = Status::NotDone;
    let people = [(address("1"), vec![of_a_kind, not_given, dose(3, " ")])];
    let (bytes, remarks) = write(&DOSES_1, WrittenAs::Utf8, &people);
    let whys: Vec<Why> = remarks.iter().map(|remark| remark.why).collect();
    assert_eq!(whys, [Why::NotInLayout, Why::NotInLayout, Why::Empty]);
    assert!(read(&bytes).is_empty());
    let (bytes, remarks) = write(&DOSES_EXPORT_1, WrittenAs::Utf8, &people);
    assert_eq!(remarks, [Remark { column: Some("メーカー"), why: Why::Empty }]);
    let text = String::from_utf8(bytes).unwrap();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        rows,
        [
            "1,1,2021-06-01,試験製薬,EX1,,MR,1,,,,1,20210601090000",
            "1,2,2021-06-01,試験製薬,EX1,,,2,,,,1,20210601090000",
        ]
    );
}

#[test]
fn a_person_is_a_row_with_flags_and_without_the_number() {
    let person = Subject {
        address_number: address("0007"),
        name: PersonalText::parse("渡, \"花子\"").unwrap(),
        name_kana: PersonalText::parse("ワタリ ハナコ").unwrap(),
        birth_date: date!(1980 - 01 - 02),
        sex: Sex::Female,
        flags: Flags { withheld: true, died_on: Some(date!(2026 - 01 - 03)), ..Flags::default() },
    };
    let mut writer = Writer::new(&SUBJECTS_EXPORT_1, WrittenAs::Utf8Bom, LineEnd::Lf);
    writer.header();
    assert_eq!(writer.subject(&person), []);
    let (bytes, rows) = writer.finish();
    let row = "0007,\"渡, \"\"花子\"\"\",ワタリ ハナコ,1980-01-02,2,,2026-01-03,1,0";
    let want = format!("\u{FEFF}{}\n{row}\n", SUBJECTS_EXPORT_1.header());
    assert_eq!((String::from_utf8(bytes).unwrap(), rows), (want, 1));
    assert!(!SUBJECTS_EXPORT_1.header().contains("個人番号"));
}
