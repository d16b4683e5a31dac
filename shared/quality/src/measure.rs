//! How much of what is planted is caught, how often the likely answer is right, and how often an
//! ordinary row is asked about.

use std::collections::HashMap;

use domain::spelling::folded;
use domain::subject::SubjectId;
use domain::vaccination::Vaccination;
use domain::voucher::VoucherNumber;
use domain::{Likeness, PersonalText};
use time::{Date, Duration};

use crate::doubt::{Doubt, Likely, Person, doubts, voucher_doubt};
use crate::generator::{Chance, Life, Lives, issued};
use crate::rules::{DEFAULT_KIND, Rules};
use crate::slips::{Given, Planted, Slip, infant, plant};
use crate::voucher::{Neighbour, VoucherState, neighbours};

/// What was found of one kind of slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    pub slip: Slip,
    pub planted: u32,
    /// Of those planted: how many contradict anything that is known.
    pub detectable: u32,
    /// Of the detectable ones: how many were asked about.
    pub caught: u32,
    /// Of those caught: how often the wrong row was asked about, not only one that it contradicts.
    pub itself: u32,
    /// Right rows of the same persons, and how many of them were asked about with the wrong one.
    pub right: u32,
    pub right_held: u32,
    /// Of those caught: how many came with exactly the true answer, and with a wrong one.
    pub likely_right: u32,
    pub likely_wrong: u32,
}

/// What was asked about although nothing is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    pub rows: u32,
    pub false_alarms: u32,
    pub persons: u32,
    /// Persons who look like somebody else without being it.
    pub false_twins: u32,
}

/// Two entries of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Twins {
    pub planted: u32,
    pub caught: u32,
}

/// Persons in the made-up register: whose vouchers count as issued.
const POPULATION: u32 = 300_000;

impl Score {
    fn new(slip: Slip) -> Self {
        Self {
            slip,
            planted: 0,
            detectable: 0,
            caught: 0,
            itself: 0,
            right: 0,
            right_held: 0,
            likely_right: 0,
            likely_wrong: 0,
        }
    }
}

/// Plants a kind of slip into lives until it has happened so often.
pub fn score(rules: &Rules, slip: Slip, (seed, count): (u64, u32), today: Date) -> Score {
    let mut chance = Chance::new(seed ^ 0x51);
    let mut score = Score::new(slip);
    for life in Lives::new(rules, seed, today).take(usize::try_from(POPULATION).unwrap_or(0)) {
        if score.planted == count {
            break;
        }
        let Some(planted) = plant(rules, &life, slip, (&mut chance, today)) else { continue };
        let life = if slip == Slip::IntervalLong { infant(&life) } else { life };
        score.planted += 1;
        let (right, right_held) = beside(rules, &life, &planted, today);
        score.right += right;
        score.right_held += right_held;
        if !is_detectable(rules, &life, (slip, &planted), today) {
            continue;
        }
        score.detectable += 1;
        let asked = asked(rules, &life, (slip, &planted), today);
        score.itself += u32::from(!asked.is_empty());
        score.caught += u32::from(!asked.is_empty() || right_held > 0);
        match is_right(&asked, &life, (slip, &planted)) {
            Some(true) => score.likely_right += 1,
            Some(false) => score.likely_wrong += 1,
            None => {}
        }
    }
    score
}

fn asked(rules: &Rules, life: &Life, (slip, planted): (Slip, &Planted), today: Date) -> Vec<Doubt> {
    let voucher = state(life, planted.voucher.as_ref());
    if slip == Slip::VoucherMisreadNobodyNamed {
        return voucher_doubt(&nobody(voucher), planted.dose.dose_number).into_iter().collect();
    }
    doubts(rules, &planted.dose, &person(life, &planted.doses), &voucher, today)
}

/// The person's rows that are as they should be, and how many of them are asked about.
fn beside(rules: &Rules, life: &Life, planted: &Planted, today: Date) -> (u32, u32) {
    let is_right = |dose: &&Vaccination| **dose != planted.dose && life.doses.contains(dose);
    let person = person(life, &planted.doses);
    let (mut right, mut held) = (0, 0);
    for dose in planted.doses.iter().filter(is_right) {
        right += 1;
        let asked = doubts(rules, dose, &person, &VoucherState::NotGiven, today);
        held += u32::from(!asked.is_empty());
    }
    (right, held)
}

/// Whether the likely answer is the truth; `None` if there is none.
fn is_right(asked: &[Doubt], life: &Life, (slip, planted): (Slip, &Planted)) -> Option<bool> {
    let likely = asked.iter().find_map(|doubt| doubt.likely.as_ref())?;
    Some(match likely {
        Likely::Dose(dose) => {
            // A dose entered twice is right if it leaves the first one alone.
            slip != Slip::DoseGivenTwice && is_truth(dose, &planted.truth)
        }
        Likely::Voucher(voucher) => {
            voucher.subject == subject(life.serial)
                && life.vouchers.contains(&(voucher.number.clone(), planted.truth.dose_number))
        }
        Likely::Person(_) => false,
    })
}

fn is_truth(dose: &Vaccination, truth: &Vaccination) -> bool {
    let rules = Rules::shipped();
    crate::findings::is_same(&rules, dose, truth)
}

/// Looks at lives in which nothing is wrong.
pub fn alarms(rules: &Rules, lives: &[Life], today: Date) -> Alarms {
    let mut found = Alarms::default();
    let mut known: HashMap<String, u32> = HashMap::new();
    for life in lives {
        found.persons += 1;
        let twins = known.entry(likeness(&life.name_kana, life)).or_default();
        found.false_twins += u32::from(*twins > 0);
        *twins += 1;
        for dose in &life.doses {
            let own = life.vouchers.iter().find(|(_, of)| *of == dose.dose_number);
            let voucher = own.map(|(number, _)| Given::Own(number.clone()));
            let voucher = state(life, voucher.as_ref());
            let asked = doubts(rules, dose, &person(life, &life.doses), &voucher, today);
            found.rows += 1;
            found.false_alarms += u32::from(!asked.is_empty());
        }
    }
    found
}

/// Enters persons twice, the second time as another register would spell them.
pub fn twins(rules: &Rules, (seed, persons): (u64, u32), today: Date) -> Twins {
    let mut found = Twins::default();
    for life in Lives::new(rules, seed, today).take(usize::try_from(persons).unwrap_or(0)) {
        found.planted += 1;
        let other = life.name_kana.replace('　', " ").replace('ョ', "ヨ").replace('ッ', "ツ");
        found.caught += u32::from(likeness(&life.name_kana, &life) == likeness(&other, &life));
    }
    found
}

fn likeness(kana: &str, life: &Life) -> String {
    let kana = PersonalText::parse(kana).ok();
    let likeness = kana.map(|kana| Likeness::new(&kana, life.birth_date, life.sex));
    likeness.map(|likeness| likeness.reveal().to_owned()).unwrap_or_default()
}

/// Everything came in one file.
fn person<'a>(life: &Life, doses: &'a [Vaccination]) -> Person<'a> {
    let Life { birth_date, died_on, moved_out_on, .. } = *life;
    Person { birth_date, died_on, moved_out_on, doses: &[], beside: doses, unread: &[] }
}

fn subject(serial: u32) -> SubjectId {
    SubjectId(uuid::Uuid::from_u128(u128::from(serial)))
}

/// What a register with everybody's vouchers would say.
fn state(life: &Life, given: Option<&Given>) -> VoucherState {
    let number = match given {
        None => return VoucherState::NotGiven,
        Some(Given::OtherMunicipality(code)) => return VoucherState::OtherMunicipality(*code),
        Some(Given::Own(number)) => number,
    };
    let owner = |number: &VoucherNumber| issued(number).filter(|(serial, _)| *serial < POPULATION);
    let near = || {
        let near = neighbours(number).filter_map(|number| {
            let (serial, dose) = owner(&number)?;
            let of_same_person = serial == life.serial;
            Some(Neighbour { number, subject: subject(serial), of_same_person, doses: vec![dose] })
        });
        near.collect()
    };
    match owner(number) {
        Some((serial, dose)) if serial == life.serial => {
            VoucherState::IssuedToPerson { doses: vec![dose] }
        }
        Some(_) => VoucherState::IssuedToOther { neighbours: near() },
        None => VoucherState::NeverIssued { neighbours: near() },
    }
}

/// What is known where the voucher alone says whose the row is.
fn nobody(state: VoucherState) -> VoucherState {
    match state {
        VoucherState::NeverIssued { neighbours } => VoucherState::NeverIssued {
            neighbours: neighbours
                .into_iter()
                .map(|one| Neighbour { of_same_person: false, ..one })
                .collect(),
        },
        VoucherState::IssuedToOther { .. } => VoucherState::NotGiven,
        other => other,
    }
}

/// Whether a slip leaves a trace, told from the truth and the tables, not by the engine.
fn is_detectable(
    rules: &Rules,
    life: &Life,
    (slip, planted): (Slip, &Planted),
    today: Date,
) -> bool {
    match slip {
        Slip::VoucherMisreadNobodyNamed => {
            // Another person's voucher is read as well as one's own.
            let Some(Given::Own(number)) = &planted.voucher else { return false };
            let owner = issued(number).filter(|(serial, _)| *serial < POPULATION);
            owner.is_none_or(|(_, dose)| {
                dose != planted.truth.dose_number
                    && owner.is_some_and(|(serial, _)| serial == life.serial)
            })
        }
        Slip::YearBeside
        | Slip::DayAndMonth
        | Slip::BirthDateGiven
        | Slip::DayBeside
        | Slip::IntervalShort
        | Slip::NumberWrongNoVoucher
        | Slip::MakerWrong
        | Slip::ProductForOtherAge => !is_possible(rules, life, planted, today),
        Slip::LotLookAlike | Slip::LotCut => !has_known_lot(rules, &planted.dose),
        Slip::LotDigit => false,
        _ => true,
    }
}

/// Whether the rows as handed in could be somebody's true rows.
fn is_possible(rules: &Rules, life: &Life, planted: &Planted, today: Date) -> bool {
    let day = planted.dose.date;
    let last = [Some(today), life.died_on, life.moved_out_on].into_iter().flatten().min();
    let first = rules.campaign(DEFAULT_KIND).map_or(life.birth_date, |row| row.starts_on);
    let is_in_time = last.is_none_or(|last| day <= last) && day >= first.max(life.birth_date);
    let maker = rules.maker(&planted.dose.maker);
    let of_maker = || rules.products(DEFAULT_KIND).filter(|row| Some(row.maker.as_str()) == maker);
    let age = (day - life.birth_date).whole_days();
    let suits = of_maker().any(|row| {
        let is_this = planted.dose.product.as_deref().is_none_or(|name| name == row.product);
        let suits_age = row.age_days_min.is_none_or(|min| min <= age + 1)
            && row.age_days_max.is_none_or(|max| age <= max);
        is_this && row.is_used_on(day) && suits_age
    });
    is_in_time && suits && has_known_lot(rules, &planted.dose) && are_in_order(rules, planted)
}

/// Whether the maker has such lots, as far as the shapes of its lots are known.
fn has_known_lot(rules: &Rules, dose: &Vaccination) -> bool {
    let maker = rules.maker(&dose.maker);
    let lot = folded(&dose.lot);
    let shape_of = |c: char| if c.is_ascii_digit() { '9' } else { 'A' };
    let shape: String = lot.chars().map(shape_of).collect();
    rules
        .products(DEFAULT_KIND)
        .filter(|row| Some(row.maker.as_str()) == maker)
        .any(|row| row.lots.is_empty() || row.lot_shapes().any(|known| known == shape))
}

/// Numbers and days rise together, without gaps, and no faster than the rules allow.
fn are_in_order(rules: &Rules, planted: &Planted) -> bool {
    let mut doses = planted.doses.clone();
    doses.sort_by_key(|dose| (dose.dose_number, dose.date));
    doses.windows(2).all(|pair| {
        let [one, next] = pair else { return true };
        if *one != planted.dose && *next != planted.dose {
            return true;
        }
        let product = next.product.as_deref();
        let vaccine = (DEFAULT_KIND, rules.maker(&next.maker), product);
        let rule = rules.interval(vaccine, (next.dose_number, next.date));
        let days = rule.map_or(1, |rule| rule.days_min.max(1));
        next.dose_number == one.dose_number + 1 && next.date - one.date >= Duration::days(days)
    })
}

/// The table of docs/QUALITY.md.
pub fn table(scores: &[Score], alarms: &Alarms, twins: &Twins) -> String {
    let share = |part: u32, of: u32| match of {
        0 => "–".to_owned(),
        _ => format!("{:.2} %", 100.0 * f64::from(part) / f64::from(of)),
    };
    let mut table =
        "| planted | count | detectable | caught of these | the row itself | right rows \
                     held with it | likely answer right | likely answer wrong |\n\
                     |---|---:|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for score in scores {
        let line = [
            score.slip.text().to_owned(),
            score.planted.to_string(),
            share(score.detectable, score.planted),
            share(score.caught, score.detectable),
            share(score.itself, score.detectable),
            share(score.right_held, score.right),
            share(score.likely_right, score.caught),
            share(score.likely_wrong, score.caught),
        ];
        table.push_str(&format!("| {} |\n", line.join(" | ")));
    }
    let Twins { planted, caught } = twins;
    let line = format!(
        "| person entered twice | {planted} | 100.00 % | {} | – | – | – | – |\n",
        share(*caught, *planted)
    );
    table.push_str(&line);
    let Alarms { rows, false_alarms, persons, false_twins } = alarms;
    table.push_str(&format!(
        "\nOrdinary rows: {rows}, asked about: {false_alarms} ({}). Ordinary persons: {persons}, \
         taken for somebody else's second entry: {false_twins} ({}).\n",
        share(*false_alarms, *rows),
        share(*false_twins, *persons),
    ));
    table
}
