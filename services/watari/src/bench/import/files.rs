//! Files of a made-up country, with errors planted in known rows.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::{IndividualNumber, MunicipalityCode};
use interchange::layout::{DOSES_1, SUBJECTS_1, VOUCHERS_1};

use crate::Failure;

/// Of the persons, one in so many comes back, and so do that person's doses.
const WRONG_ONE_IN: u32 = 200;
/// How many of ten thousand doses are wrong, and how.  Five in a hundred vouchers are misread.
const SLIPS: [(u32, &str); 7] = [
    (500, "voucher: one digit misread"),
    (20, "date in the future"),
    (20, "year before"),
    (20, "dose number one too high"),
    (20, "maker misspelt"),
    (20, "lot: character left out"),
    (20, "address number of nobody"),
];
const NOT_REGISTERED: &str = "person came back";
const KANA: [&str; 10] = ["ア", "イ", "ウ", "エ", "オ", "カ", "キ", "ク", "ケ", "コ"];

/// What is wrong in a file, by line.
pub(super) type Planted = BTreeMap<u64, &'static str>;

pub(super) fn path(folder: &Path, code: MunicipalityCode, kind: &str) -> PathBuf {
    folder.join(format!("{code}-{kind}.csv"))
}

/// Writes three files for each municipality; says what is wrong in which.
pub(super) fn write(
    folder: &Path,
    municipalities: &[MunicipalityCode],
    (subjects, doses): (u32, u32),
) -> Result<HashMap<PathBuf, Planted>, Failure> {
    let count = u32::try_from(municipalities.len()).unwrap_or(1).max(1);
    let mut planted = HashMap::new();
    for (at, code) in (0..).zip(municipalities.iter().copied()) {
        let share = |all: u32| all / count + u32::from(at < all % count);
        let (persons, given) = (share(subjects).max(1), share(doses));
        let first = at * (subjects / count + 1);
        for kind in ["subjects", "vouchers", "doses"] {
            let file = path(folder, code, kind);
            let written = match kind {
                "subjects" => write_subjects(&file, first..first + persons),
                "vouchers" => write_vouchers((&file, code), (first, persons), given),
                _ => write_doses((&file, code), (first, persons), given),
            };
            planted.insert(file.clone(), written.map_err(Failure::file(&file))?);
        }
    }
    Ok(planted)
}

fn is_wrong(serial: u32) -> bool {
    serial % WRONG_ONE_IN == WRONG_ONE_IN / 2
}

fn write_subjects(path: &Path, serials: std::ops::Range<u32>) -> std::io::Result<Planted> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut planted = Planted::new();
    writeln!(out, "{}", SUBJECTS_1.header())?;
    for (line, serial) in (2..).zip(serials) {
        let number = IndividualNumber::for_test(serial).reveal().to_owned();
        let mixed = serial.wrapping_mul(2_654_435_761) >> 8;
        // Everybody has a birthday and kana of their own, so that nobody is like anybody else; and
        // is grown up when the doses are given.
        let (year, month, day) = (1930 + mixed % 75, 1 + (mixed / 80) % 12, 1 + (mixed / 960) % 28);
        let number = if is_wrong(serial) {
            planted.insert(line, "individual number: check digit");
            // A check digit that does not fit.
            let (head, last) = number.split_at(number.len() - 1);
            format!("{head}{}", if last == "0" { "1" } else { "0" })
        } else {
            number
        };
        let (kana, sex) = (kana(serial), 1 + serial % 2);
        writeln!(out, "{number},{serial},住民 {serial},{kana},{year}-{month:02}-{day:02},{sex},,")?;
    }
    out.flush()?;
    Ok(planted)
}

/// A number in kana.
fn kana(number: u32) -> String {
    let digits = number.to_string();
    digits.bytes().filter_map(|digit| KANA.get(usize::from(digit - b'0')).copied()).collect()
}

/// Each person in turn gets a first dose, then each a second, and so on: who, and which.
fn given((first, persons): (u32, u32), doses: u32) -> impl Iterator<Item = (u64, u32, u32)> {
    (2..).zip(0..doses).map(move |(line, at)| (line, first + at % persons, 1 + at / persons))
}

/// In steps of seven, so that most slips meet a number that nobody has.
fn voucher(serial: u32, number: u32) -> u64 {
    (u64::from(serial) * 8 + u64::from(number)) * 7
}

fn write_vouchers(
    (path, code): (&Path, MunicipalityCode),
    persons: (u32, u32),
    doses: u32,
) -> std::io::Result<Planted> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{}", VOUCHERS_1.header())?;
    for (_, serial, number) in given(persons, doses).filter(|(_, serial, _)| !is_wrong(*serial)) {
        let voucher = voucher(serial, number);
        writeln!(out, "{serial},{code},{voucher:010},{number},2021-04-01")?;
    }
    out.flush()?;
    Ok(Planted::new())
}

fn write_doses(
    (path, code): (&Path, MunicipalityCode),
    persons: (u32, u32),
    doses: u32,
) -> std::io::Result<Planted> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut planted = Planted::new();
    writeln!(out, "{}", DOSES_1.header())?;
    for (line, serial, number) in given(persons, doses) {
        let slip = if is_wrong(serial) { Some(NOT_REGISTERED) } else { slip(serial, number) };
        planted.extend(slip.map(|slip| (line, slip)));
        let slipped = |what: &str| u32::from(slip.is_some_and(|slip| slip.starts_with(what)));
        // The first two a month apart, each further one eight months later.
        let months = if number < 3 { 4 + number } else { 6 + 8 * (number - 2) };
        let (month, day) = (1 + months % 12, 1 + serial % 28);
        let year = 2021 + months / 12 + 978 * slipped("date in") - slipped("year");
        let address = serial + 4_000_000_000 * slipped("address");
        let tens = 10_u64.pow(1 + serial % 6);
        let voucher = voucher(serial, number);
        // The digit beside, or the one below where there is none.
        let misread = if voucher / tens % 10 < 9 { voucher + tens } else { voucher - tens };
        let voucher = if slipped("voucher") == 1 { misread } else { voucher };
        let number = number + slipped("dose number");
        let maker = if slipped("maker") == 1 { "ファイサー" } else { "ファイザー" };
        let lot = format!("EX{:04}", serial % 9_000);
        let lot = lot.get(slipped("lot").try_into().unwrap_or(0)..).unwrap_or_default();
        writeln!(
            out,
            "{address},{number},{year}-{month:02}-{day:02},{maker},{lot},,{code},{voucher:010},\
             集団接種会場"
        )?;
    }
    out.flush()?;
    Ok(planted)
}

/// What went wrong with a dose, if anything did: the same for the same dose.
fn slip(serial: u32, number: u32) -> Option<&'static str> {
    let mut chance = (serial.wrapping_mul(31) ^ number).wrapping_mul(2_654_435_761) >> 8;
    chance %= 10_000;
    let mut bound = 0;
    let slip = SLIPS.iter().find(|(share, _)| {
        bound += share;
        chance < bound
    });
    slip.map(|(_, what)| *what)
}
