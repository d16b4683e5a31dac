//! `watari validate`: a vendor checks a file at home, without database and network.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;

use domain::law::day_in_japan;
use domain::{Clock as _, MunicipalityCode, SystemClock};
use interchange::{Options, list_problems};

use crate::Failure;
use screen::{Screen, complain};

const UNREADABLE: u8 = 2;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; docs/FILES.md publishes the layouts
    file: PathBuf,
    /// Whose file it is: six digits
    #[arg(long, value_name = "CODE", value_parser = parse_code)]
    municipality: Option<MunicipalityCode>,
    /// Write every problem to this file (CSV)
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
}

fn parse_code(text: &str) -> Result<MunicipalityCode, &'static str> {
    MunicipalityCode::parse(text).map_err(|_| "six digits, the last of them a check digit")
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let input = File::open(&args.file).map_err(Failure::file(&args.file))?;
    let today = day_in_japan(SystemClock.now());
    let options = Options { municipality: args.municipality, today };
    let problems = match &args.problems {
        Some(path) => Some(BufWriter::new(File::create(path).map_err(Failure::file(path))?)),
        None => None,
    };
    let summary = match list_problems(BufReader::new(input), options, problems) {
        Ok(summary) => summary,
        Err(error) => {
            complain(&format!("{}: {error}", args.file.display()));
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    let encoding = summary.encoding.map_or("ASCII", |encoding| encoding.as_str());
    screen.line(&format!("{} ({encoding})", summary.layout));
    screen.line(&format!("{} of {} rows can be used", summary.usable, summary.rows));
    for (reason, count) in &summary.problems {
        screen.line(&format!("  {count:>8}  {}  {}", reason.code(), reason.text()));
    }
    let has_problems = summary.usable != summary.rows;
    if has_problems && args.problems.is_none() {
        screen.line("--problems FILE writes each with its line, column and next step");
    }
    Ok(ExitCode::from(u8::from(has_problems)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The exit code for a file with this text, and what was written about its rows.
    fn validate(text: &str) -> (ExitCode, String) {
        let folder = tempfile::tempdir().unwrap();
        let (file, problems) = (folder.path().join("in.csv"), folder.path().join("out.csv"));
        fs::write(&file, text).unwrap();
        let args = Args {
            file,
            municipality: Some(parse_code("131211").unwrap()),
            problems: Some(problems.clone()),
        };
        (run(&args, Screen::Silent).unwrap(), fs::read_to_string(problems).unwrap())
    }

    #[test]
    fn a_vendor_hears_which_rows_cannot_be_used_and_why() {
        let header = interchange::layout::VOUCHERS_1.header();
        let good = "A1,131211,0000000001,1,2026-01-01";
        let (code, _) = validate(&format!("{header}\n{good}\n"));
        assert_eq!(code, ExitCode::SUCCESS);
        let other = "A2,072036,0000000002,1,2026-01-01";
        let (code, problems) = validate(&format!("{header}\n{good}\n{other}\n"));
        assert_eq!(code, ExitCode::FAILURE);
        assert!(problems.contains("3,市区町村コード,other-municipality,"), "{problems}");
        assert!(!problems.contains("072036"), "{problems}");
        // Of two rows that contradict each other neither is used, the first as little as the other.
        let holder = "A2,131211,0000000001,2,2026-01-01";
        let (code, problems) = validate(&format!("{header}\n{good}\n{holder}\n"));
        assert_eq!(code, ExitCode::FAILURE);
        assert!(
            ["2", "3"]
                .iter()
                .all(|line| { problems.contains(&format!("{line},接種券番号,conflict,")) })
        );
        let (code, _) = validate("a,b\n1,2\n");
        assert_eq!(code, ExitCode::from(UNREADABLE));
    }
}
