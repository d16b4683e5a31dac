//! Files of a made-up country, with errors planted in known rows.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::{IndividualNumber, MunicipalityCode};
use interchange::layout::{DOSES_1, SUBJECTS_1};

use crate::Failure;

/// Of the rows, one in so many is wrong.
const WRONG_ONE_IN: u32 = 200;
const FAMILY: [&str; 8] = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村"];
const GIVEN: [&str; 8] = ["太郎", "花子", "一郎", "さくら", "健", "恵", "翔", "結衣"];
const KANA: [&str; 8] =
    ["タロウ", "ハナコ", "イチロウ", "サクラ", "ケン", "メグミ", "ショウ", "ユイ"];

/// How many rows were made wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Planted {
    pub(super) subjects: u64,
    pub(super) doses: u64,
}

pub(super) fn path(folder: &Path, code: MunicipalityCode, kind: &str) -> PathBuf {
    folder.join(format!("{code}-{kind}.csv"))
}

/// Writes two files for each municipality.
pub(super) fn write(
    folder: &Path,
    municipalities: &[MunicipalityCode],
    subjects: u32,
    doses: u32,
) -> Result<Planted, Failure> {
    let count = u32::try_from(municipalities.len()).unwrap_or(1).max(1);
    let mut planted = Planted::default();
    for (at, code) in (0..).zip(municipalities.iter().copied()) {
        let share = |all: u32| all / count + u32::from(at < all % count);
        let (persons, given) = (share(subjects), share(doses));
        let first = at * (subjects / count + 1);
        let path_of = |kind| path(folder, code, kind);
        let file = path_of("subjects");
        planted.subjects +=
            write_subjects(&file, first..first + persons).map_err(Failure::file(&file))?;
        let file = path_of("doses");
        planted.doses +=
            write_doses(&file, (first, persons.max(1)), given).map_err(Failure::file(&file))?;
    }
    Ok(planted)
}

fn is_wrong(serial: u32) -> bool {
    serial % WRONG_ONE_IN == WRONG_ONE_IN / 2
}

fn word<'a>(words: &[&'a str], at: u32) -> &'a str {
    let count = u32::try_from(words.len()).unwrap_or(1).max(1);
    words.get(usize::try_from(at % count).unwrap_or(0)).copied().unwrap_or_default()
}

fn write_subjects(path: &Path, serials: std::ops::Range<u32>) -> std::io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut planted = 0;
    writeln!(out, "{}", SUBJECTS_1.header())?;
    for serial in serials {
        let number = IndividualNumber::for_test(serial).reveal().to_owned();
        let mixed = serial.wrapping_mul(2_654_435_761) >> 8;
        let (family, given) = (word(&FAMILY, mixed), word(&GIVEN, mixed / 8));
        let kana = word(&KANA, mixed / 8);
        // Everybody has a birthday and kana of their own, so that nobody is like anybody else.
        let (year, month, day) = (1930 + mixed % 80, 1 + (mixed / 80) % 12, 1 + (mixed / 960) % 28);
        let number = if is_wrong(serial) {
            planted += 1;
            // A check digit that does not fit.
            let (head, last) = number.split_at(number.len() - 1);
            format!("{head}{}", if last == "0" { "1" } else { "0" })
        } else {
            number
        };
        writeln!(
            out,
            "{number},{},{family} {given},{kana}{},{year}-{month:02}-{day:02},{},,",
            serial,
            letters(serial),
            1 + serial % 2
        )?;
    }
    out.flush()?;
    Ok(planted)
}

/// A number in kana.
fn letters(serial: u32) -> String {
    const DIGITS: [&str; 10] = ["ア", "イ", "ウ", "エ", "オ", "カ", "キ", "ク", "ケ", "コ"];
    let digits =
        serial.to_string().bytes().map(|digit| u32::from(digit - b'0')).collect::<Vec<_>>();
    digits.into_iter().map(|digit| word(&DIGITS, digit)).collect()
}

/// Each person in turn gets a first dose, then each a second, and so on.
fn write_doses(path: &Path, (first, persons): (u32, u32), doses: u32) -> std::io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut planted = 0;
    writeln!(out, "{}", DOSES_1.header())?;
    for at in 0..doses {
        let (serial, number) = (first + at % persons, 1 + at / persons);
        let is_registered = !is_wrong(serial);
        // The first two a month apart, each further one eight months later.
        let months = if number < 3 { 4 + number } else { 6 + 8 * (number - 2) };
        let (year, month) = (2021 + months / 12, 1 + months % 12);
        let day = 1 + serial % 28;
        // A day of the far future, and doses of persons who came back as rejected rows.
        let year = if is_registered && is_wrong(at) { 2999 } else { year };
        planted += u64::from(!is_registered || year == 2999);
        let lot = at % 9_000;
        writeln!(
            out,
            "{serial},{number},{year}-{month:02}-{day:02},ファイザー,EX{lot:04},,,,集団接種会場"
        )?;
    }
    out.flush()?;
    Ok(planted)
}
