use domain::MunicipalityCode;
use domain::vaccination::Status;
use domain::voucher::VoucherNumber;
use proptest::prelude::*;
use time::macros::date;

use super::*;
use crate::generator::Lives;
use crate::measure::{alarms, score, twins};
use crate::rules::DEFAULT_KIND;
use crate::slips::Slip;

const TODAY: Date = date!(2026 - 04 - 01);

fn dose(dose_number: u16, date: Date) -> Vaccination {
    Vaccination {
        status: Status::Done,
        dose_number,
        date,
        maker: "ファイザー".to_owned(),
        lot: "EX0001".to_owned(),
        product: None,
        vaccine_kind: None,
        venue: None,
    }
}

fn first() -> Vaccination {
    dose(1, date!(2021 - 06 - 01))
}

fn second() -> Vaccination {
    dose(2, date!(2021 - 06 - 22))
}

fn third() -> Vaccination {
    dose(3, date!(2022 - 01 - 20))
}

fn adult(doses: &[Vaccination]) -> Person<'_> {
    let birth_date = date!(1980 - 05 - 05);
    Person { birth_date, died_on: None, moved_out_on: None, doses, beside: &[], unread: &[] }
}

fn asked(dose: &Vaccination, person: &Person<'_>) -> Vec<DoubtKind> {
    asked_with(dose, person, &VoucherState::NotGiven).into_iter().map(|doubt| doubt.kind).collect()
}

fn asked_with(dose: &Vaccination, person: &Person<'_>, voucher: &VoucherState) -> Vec<Doubt> {
    doubts(&Rules::shipped(), dose, person, voucher, TODAY)
}

#[test]
fn ordinary_doses_are_not_asked_about() {
    let doses = [first(), second(), third()];
    for dose in &doses {
        assert_eq!(asked(dose, &adult(&doses)), [], "{}", dose.dose_number);
        assert_eq!(asked(dose, &adult(&[])), [], "the person moved in with it");
    }
    for (maker, lot) in
        [("Pfizer", "ex0001"), ("ﾌｧｲｻﾞｰ", "ＥＸ０００１"), ("武田／モデルナ", "3002184")]
    {
        let dose = Vaccination { maker: maker.to_owned(), lot: lot.to_owned(), ..first() };
        assert_eq!(asked(&dose, &adult(&[])), [], "{maker} {lot}");
    }
    let beginning = Vaccination { product: Some("コミナティ".to_owned()), ..first() };
    assert_eq!(asked(&beginning, &adult(&[])), []);
    let unknown_kind = Vaccination {
        vaccine_kind: Some("rabies".to_owned()),
        maker: "試験製薬".to_owned(),
        lot: "?".to_owned(),
        ..first()
    };
    assert_eq!(asked(&unknown_kind, &adult(&[])), [], "no table says anything about this kind");
}

#[test]
fn each_date_that_cannot_be_is_asked_about() {
    use DoubtKind::{
        AfterDeath, AfterMovingOut, AgeImplausible, AgeOutsideProduct, BeforeBirth, BeforeCampaign,
        FutureDate,
    };
    let day = first().date;
    let eve = day.previous_day().unwrap();
    let born = |birth_date| Person { birth_date, ..adult(&[]) };
    let cases = [
        (first(), born(date!(2021 - 06 - 02)), BeforeBirth),
        (first(), born(date!(1900 - 05 - 01)), AgeImplausible),
        (first(), Person { died_on: Some(eve), ..adult(&[]) }, AfterDeath),
        (first(), Person { moved_out_on: Some(eve), ..adult(&[]) }, AfterMovingOut),
        (dose(1, date!(2021 - 02 - 16)), adult(&[]), BeforeCampaign),
        (dose(1, date!(2026 - 04 - 02)), adult(&[]), FutureDate),
        (first(), born(date!(2019 - 06 - 01)), AgeOutsideProduct),
    ];
    for (dose, person, want) in cases {
        assert_eq!(asked(&dose, &person), [want]);
    }
    for person in [
        Person { died_on: Some(day), moved_out_on: Some(day), ..adult(&[]) },
        born(date!(2009 - 06 - 02)),
    ] {
        assert_eq!(asked(&first(), &person), [], "the last day, and the eve of the birthday");
    }
}

#[test]
fn doses_are_compared_with_each_other() {
    use DoubtKind::{DoseOrder, IntervalTooShort, NumberSkipped, RegisteredDiffers};
    let on = |number, date| dose(number, date);
    let cases = [
        (on(2, date!(2021 - 05 - 31)), vec![first()], vec![DoseOrder]),
        (on(2, date!(2021 - 06 - 01)), vec![first()], vec![DoseOrder]),
        (on(1, date!(2021 - 06 - 23)), vec![second()], vec![DoseOrder]),
        (on(2, date!(2021 - 06 - 18)), vec![first()], vec![IntervalTooShort]),
        (on(2, date!(2021 - 06 - 19)), vec![first()], vec![]),
        (on(1, date!(2021 - 06 - 05)), vec![second()], vec![IntervalTooShort]),
        (on(3, date!(2021 - 12 - 10)), vec![first(), second()], vec![IntervalTooShort]),
        (third(), vec![first()], vec![NumberSkipped]),
        (on(2, date!(2021 - 06 - 23)), vec![first(), second()], vec![RegisteredDiffers]),
        (second(), vec![first(), second()], vec![]),
    ];
    for (place, (dose, doses, want)) in cases.into_iter().enumerate() {
        assert_eq!(asked(&dose, &adult(&doses)), want, "case {place}");
    }
}

#[test]
fn an_interval_is_too_long_where_the_table_says_so() {
    let infant = |dose_number, date| Vaccination {
        vaccine_kind: Some("rotavirus".to_owned()),
        maker: "GSK".to_owned(),
        ..dose(dose_number, date)
    };
    let doses = [infant(1, date!(2023 - 03 - 01)), infant(2, date!(2023 - 03 - 29))];
    let born = Person { birth_date: date!(2023 - 01 - 10), ..adult(&doses) };
    assert_eq!(asked(&doses[1], &born), []);
    let late = infant(2, date!(2023 - 07 - 06));
    let of_late = asked(&late, &Person { doses: &doses[..1], ..born });
    assert_eq!(of_late, [DoubtKind::AgeOutsideProduct, DoubtKind::IntervalTooLong]);
}

#[test]
fn makers_products_and_lots_are_compared_with_the_table_of_the_day() {
    use DoubtKind::{
        LotOfOtherMaker, LotShape, MakerUnknown, ProductNotInUse, ProductOfOtherMaker,
        ProductUnknown,
    };
    let with = |maker: &str, product: Option<&str>, lot: &str| Vaccination {
        maker: maker.to_owned(),
        product: product.map(str::to_owned),
        lot: lot.to_owned(),
        ..first()
    };
    let likely = |dose: &Vaccination| match asked_with(dose, &adult(&[]), &VoucherState::NotGiven)
        .into_iter()
        .find_map(|doubt| doubt.likely)
    {
        Some(Likely::Dose(dose)) => Some((dose.maker, dose.product, dose.lot)),
        _ => None,
    };
    let pfizer = |lot: &str| Some(("ファイザー".to_owned(), None, lot.to_owned()));
    let cases = [
        (with("ファイサー", None, "EX0001"), vec![MakerUnknown], pfizer("EX0001")),
        (with("試験製薬", None, "ABC"), vec![MakerUnknown], None),
        (with("モデルナ", None, "EX0001"), vec![LotOfOtherMaker], pfizer("EX0001")),
        (with("ファイザー", None, "EXO001"), vec![LotShape], pfizer("EX0001")),
        (with("ファイザー", None, "EX001"), vec![LotShape], None),
        (
            with("ファイザー", Some("スパイクバックス筋注"), "EX0001"),
            vec![ProductOfOtherMaker],
            None,
        ),
        (with("ファイザー", Some("不明"), "EX0001"), vec![ProductUnknown], None),
        (with("第一三共", None, "AAA"), vec![ProductNotInUse], None),
    ];
    for (dose, want, meant) in cases {
        assert_eq!(asked(&dose, &adult(&[])), want, "{}", dose.lot);
        assert_eq!(likely(&dose), meant, "{}", dose.lot);
    }
}

#[test]
fn a_voucher_says_whose_dose_it_is_and_which() {
    use DoubtKind::{VoucherNeverIssued, VoucherOfMunicipality, VoucherOfOther, VoucherOtherDose};
    let neighbour = Neighbour {
        number: VoucherNumber::parse("0000000043").unwrap(),
        subject: SubjectId::make_random(),
        of_same_person: true,
        doses: vec![1],
    };
    let own = vec![neighbour.clone()];
    let anybodys = vec![Neighbour { of_same_person: false, ..neighbour.clone() }];
    let other = MunicipalityCode::parse("072036").unwrap();
    let meant = Some(Likely::Voucher(neighbour.clone()));
    let cases = [
        (VoucherState::NotGiven, None),
        (VoucherState::IssuedToPerson { doses: vec![1, 2] }, None),
        (
            VoucherState::NeverIssued { neighbours: own.clone() },
            Some((VoucherNeverIssued, meant.clone())),
        ),
        (VoucherState::IssuedToOther { neighbours: own }, Some((VoucherOfOther, meant))),
        (
            VoucherState::NeverIssued { neighbours: anybodys.clone() },
            Some((VoucherNeverIssued, None)),
        ),
        (VoucherState::OtherMunicipality(other), Some((VoucherOfMunicipality, None))),
        (
            VoucherState::IssuedToPerson { doses: vec![2] },
            Some((VoucherOtherDose, Some(Likely::Dose(dose(2, first().date))))),
        ),
    ];
    for (state, want) in cases {
        let asked = asked_with(&first(), &adult(&[]), &state);
        let asked = asked.into_iter().next().map(|doubt| (doubt.kind, doubt.likely));
        assert_eq!(asked, want, "{state:?}");
    }
    // A row that names nobody may mean anybody's voucher.
    let alone = voucher_doubt(&VoucherState::NeverIssued { neighbours: anybodys }, 1).unwrap();
    assert!(matches!(alone.likely, Some(Likely::Voucher(_))));
}

#[test]
fn the_likely_answer_is_the_only_one_that_leaves_no_doubt() {
    let doses = [first(), second(), third()];
    let likely = |dose: &Vaccination, doses: &[Vaccination]| {
        let asked = asked_with(dose, &adult(doses), &VoucherState::NotGiven);
        let first = asked.into_iter().next().unwrap().likely;
        first.map(|likely| match likely {
            Likely::Dose(dose) => (dose.dose_number, dose.date),
            _ => panic!("a dose"),
        })
    };
    let exchanged = [dose(1, second().date), dose(2, first().date), third()];
    assert_eq!(likely(&exchanged[0], &exchanged), Some((1, first().date)));
    assert_eq!(likely(&exchanged[1], &exchanged), Some((2, second().date)));
    let old_year = dose(3, date!(2021 - 01 - 20));
    assert_eq!(likely(&old_year, &doses[..2]), Some((3, third().date)));
    assert_eq!(likely(&dose(4, third().date), &doses[..2]), Some((3, third().date)));
    let nearly = dose(2, date!(2021 - 06 - 18));
    assert_eq!(likely(&nearly, &doses[..1]), None, "any later day is as likely as another");
}

#[test]
fn a_dose_that_was_not_given_is_compared_with_nothing_but_its_own_number() {
    let none = Vaccination { status: Status::NotDone, ..dose(2, date!(2020 - 01 - 01)) };
    assert_eq!(asked(&none, &adult(&[first()])), []);
    assert_eq!(asked(&none, &adult(&[second()])), [DoubtKind::RegisteredDiffers]);
}

#[test]
fn somebody_who_is_like_one_person_is_probably_that_person() {
    let [one, other] = [SubjectId::make_random(), SubjectId::make_random()];
    assert_eq!(duplicate(&[], false), None);
    let doubt = |likely| Some(Doubt { kind: DoubtKind::DuplicatePerson, likely });
    assert_eq!(duplicate(&[one], false), doubt(Some(Likely::Person(one))));
    assert_eq!(duplicate(&[one, other], false), doubt(None));
    assert_eq!(duplicate(&[], true), doubt(None), "nobody is registered yet");
    assert_eq!(duplicate(&[one], true), doubt(None));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_life_without_errors_is_asked_about(seed: u64) {
        let rules = Rules::shipped();
        for life in Lives::new(&rules, seed, TODAY).take(5) {
            let person = Person {
                birth_date: life.birth_date,
                died_on: life.died_on,
                moved_out_on: life.moved_out_on,
                ..adult(&life.doses)
            };
            for dose in &life.doses {
                prop_assert_eq!(asked(dose, &person), []);
            }
        }
    }

    /// Whatever a row says, it is asked about or not; nothing stops.
    #[test]
    fn no_row_stops_the_engine(
        texts in ("\\PC{0,20}", "\\PC{0,20}", "\\PC{0,20}"), number: u16, day in 0..4_000_000_i32,
    ) {
        let date = Date::from_julian_day(day).unwrap();
        let (maker, lot, product) = texts;
        let dose = Vaccination { maker, lot, product: Some(product), ..dose(number, date) };
        let doses = [first(), second(), dose.clone()];
        let _ = asked_with(&dose, &adult(&doses), &VoucherState::IssuedToPerson { doses: vec![u16::MAX] });
    }
}

/// The shares of docs/QUALITY.md in small; the whole table comes from `examples/planted_errors.rs`.
#[test]
fn the_published_shares_hold() {
    const SEED: u64 = 20_260_401;
    let rules = Rules::shipped();
    assert!(rules.campaign(DEFAULT_KIND).is_some());
    for slip in Slip::ALL {
        let score = score(&rules, slip, (SEED + 1, 300), TODAY);
        assert_eq!(score.planted, 300, "{slip:?}");
        assert!(score.caught * 100 >= score.detectable * 99, "{score:?}");
        assert!(score.itself * 100 >= score.detectable * 98, "{score:?}");
        assert!(score.right_held * 100 <= score.right * held(slip), "{score:?}");
        let (detectable, right, wrong) = least(slip);
        assert!(score.detectable * 100 >= detectable * score.planted, "{score:?}");
        assert!(score.likely_right * 100 >= right * score.caught, "{score:?}");
        assert!(score.likely_wrong * 100 <= wrong * score.caught, "{score:?}");
    }
    let lives: Vec<_> = Lives::new(&rules, SEED, TODAY).take(4_000).collect();
    let alarms = alarms(&rules, &lives, TODAY);
    assert!(alarms.rows > 8_000);
    assert!(alarms.false_alarms * 1_000 <= alarms.rows, "{alarms:?}");
    assert!(alarms.false_twins * 1_000 <= alarms.persons, "{alarms:?}");
    let twins = twins(&rules, (SEED, 300), TODAY);
    assert_eq!(twins.caught, twins.planted);
}

/// In percent: how many right rows of the person are asked about with the wrong one, at most.
fn held(slip: Slip) -> u32 {
    match slip {
        Slip::YearBeside => 13,
        Slip::DayAndMonth => 22,
        Slip::IntervalShort => 34,
        Slip::NumberWrong | Slip::NumberWrongNoVoucher | Slip::DoseGivenTwice => 46,
        Slip::DayBeside => 5,
        Slip::MakerWrong => 1,
        _ => 0,
    }
}

/// In percent: how many of a slip leave a trace, get the right answer at least, a wrong one at most.
fn least(slip: Slip) -> (u32, u32, u32) {
    match slip {
        Slip::VoucherMisread | Slip::VoucherTransposed => (100, 98, 1),
        Slip::VoucherMisreadNobodyNamed => (90, 28, 1),
        Slip::DatesSwapped => (100, 88, 1),
        Slip::NumberWrong | Slip::MakerMisspelt => (100, 97, 1),
        Slip::NumberWrongNoVoucher => (60, 95, 2),
        Slip::YearBeside => (68, 70, 2),
        Slip::DayAndMonth => (45, 18, 13),
        Slip::FutureDate => (100, 0, 35),
        Slip::MakerWrong => (92, 68, 3),
        Slip::LotLookAlike => (72, 75, 2),
        Slip::LotCut => (72, 0, 1),
        Slip::IntervalShort => (80, 0, 9),
        Slip::ProductForOtherAge => (50, 0, 10),
        Slip::DayBeside => (0, 0, 10),
        Slip::LotDigit => (0, 0, 0),
        Slip::AfterDeath | Slip::AfterMovingOut => (100, 0, 10),
        _ => (100, 0, 2),
    }
}

#[path = "beside_tests.rs"]
mod beside;
