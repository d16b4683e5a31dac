use std::path::PathBuf;

use audit::{OrderAct, Survey};
use clap::Args;
use domain::retention::Segment;
use time::Date;
use time::macros::format_description;

use crate::orders::write_draft;
use crate::{Failure, Given, Keys, Place, Said};

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    keys: Keys,
    /// The month to draft an order for, as yyyymm [default: list all months]
    #[arg(long, value_name = "YYYYMM", requires = "out", value_parser = segment)]
    segment: Option<Segment>,
    /// The new file for the order; a number is added if the month takes more than one
    #[arg(long, value_name = "FILE", requires = "segment")]
    out: Option<PathBuf>,
    /// The day in Japan, if the log has long been quiet: yyyy-mm-dd
    #[arg(long, value_name = "DAY", value_parser = day)]
    today: Option<Date>,
}

impl Plan {
    pub(crate) fn run(&self, mut given: Given, now_unix_ms: i64) -> Result<Said, Failure> {
        let trust = self.keys.trust(&given)?;
        let mut source = self.place.open(&mut given)?;
        let survey = Survey::of(source.as_mut(), &trust)?;
        let today = self.today.map_or_else(|| survey.today(now_unix_ms), Ok)?;
        let Some((segment, out)) = self.segment.zip(self.out.as_ref()) else {
            return Ok(survey.lines(today).join("\n").into());
        };
        let slips = survey.draft(source.as_mut(), segment, today)?;
        let many = slips.len() > 1;
        let mut said = Vec::new();
        for (number, slip) in (1..).zip(slips) {
            let mut file = out.clone().into_os_string();
            if many {
                file.push(format!("-{number}"));
            }
            let order = OrderAct::Destroy(slip);
            said.push(write_draft(file.as_ref(), &trust.origin, order, now_unix_ms)?);
        }
        if said.is_empty() { Err(Failure::NothingToDestroy) } else { Ok(said.join("\n").into()) }
    }
}

fn segment(text: &str) -> Result<Segment, String> {
    let number: i32 = text.parse().map_err(|_| "a month, as yyyymm")?;
    Segment::try_from(number).map_err(|error| error.to_string())
}

fn day(text: &str) -> Result<Date, &'static str> {
    let form = format_description!("[year]-[month]-[day]");
    Date::parse(text, form).map_err(|_| "a day, as yyyy-mm-dd")
}
