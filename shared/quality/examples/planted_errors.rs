//! Prints the table of docs/QUALITY.md: `cargo run --release -p quality --features test-support
//! --example planted_errors`.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::time::Instant;

use quality::Rules;
use quality::generator::Lives;
use quality::measure::{alarms, score, table, twins};
use quality::slips::Slip;
use time::macros::date;

const SEED: u64 = 20_260_401;
const SLIPS_EACH: u32 = 5_000;
const PERSONS: usize = 200_000;

fn main() {
    let (rules, today) = (Rules::shipped(), date!(2026 - 04 - 01));
    let lives: Vec<_> = Lives::new(&rules, SEED, today).take(PERSONS).collect();
    let begun = Instant::now();
    let alarms = alarms(&rules, &lives, today);
    let seconds = begun.elapsed().as_secs_f64();
    let scores: Vec<_> = Slip::ALL
        .into_iter()
        .map(|slip| score(&rules, slip, (SEED + 1, SLIPS_EACH), today))
        .collect();
    let twins = twins(&rules, (SEED + 2, SLIPS_EACH), today);
    println!("{}", table(&scores, &alarms, &twins));
    println!("{:.0} ordinary rows/s on one core", f64::from(alarms.rows) / seconds);
}
