//! Which of several rows that don't go together is asked about.

use super::*;

/// Which rows of a file are asked about, by dose number.
fn asked_of_file(rows: &[Vaccination], person: &Person<'_>) -> Vec<u16> {
    let person = Person { beside: rows, ..*person };
    let is_asked = |row: &&Vaccination| !asked(row, &person).is_empty();
    rows.iter().filter(is_asked).map(|row| row.dose_number).collect()
}

#[test]
fn of_rows_that_contradict_each_other_the_one_is_asked_about_that_can_be_told() {
    let fourth = || dose(4, date!(2022 - 07 - 01));
    let wrong = |number: usize, date| {
        let mut rows = vec![first(), second(), third(), fourth()];
        rows[number - 1].date = date;
        rows
    };
    let cases = [
        // Its day can't be anyway.
        (wrong(2, date!(2020 - 06 - 22)), vec![2]),
        (wrong(2, date!(2030 - 06 - 22)), vec![2]),
        // It contradicts more of the others than any of them does.
        (wrong(1, date!(2022 - 06 - 01)), vec![1]),
        (wrong(3, date!(2021 - 05 - 20)), vec![3]),
        (wrong(4, date!(2021 - 06 - 02)), vec![4]),
        // Nothing tells which of the two is wrong.
        (wrong(3, date!(2022 - 07 - 20)), vec![3, 4]),
        (wrong(2, date!(2021 - 06 - 05)), vec![1, 2]),
    ];
    for (place, (rows, want)) in cases.into_iter().enumerate() {
        assert_eq!(asked_of_file(&rows, &adult(&[])), want, "case {place}");
    }
}

#[test]
fn what_is_registered_is_not_asked_about_so_what_contradicts_it_is() {
    let wrong = [dose(1, date!(2022 - 06 - 01))];
    let rows = [second(), third()];
    assert_eq!(asked_of_file(&rows, &adult(&wrong)), [2, 3]);
    assert_eq!(asked_of_file(&rows, &adult(&[])), [0_u16; 0]);
}

#[test]
fn a_dose_whose_row_came_back_is_not_missing() {
    let rows = [first(), third()];
    assert_eq!(asked_of_file(&rows, &adult(&[])), [3]);
    assert_eq!(asked_of_file(&rows, &Person { unread: &[2], ..adult(&[]) }), [0_u16; 0]);
    assert_eq!(asked_of_file(&rows[1..], &Person { unread: &[1], ..adult(&[]) }), [3]);
}
