//! `watari import`: sends a file to a municipality's room and shows what it would change; a second
//! person, who names that preview with `--approve`, lets it into the register.

use std::path::PathBuf;
use std::process::ExitCode;

use domain::OperatorId;
use wire::imports::{Counts, ImportState, Purpose, Stage};

use super::log::submit::password;
use crate::cli::ConfigArg;
use crate::send_file::Sender;
use crate::story::site::Site;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; docs/FILES.md publishes the layouts
    file: PathBuf,
    /// Name of the certificate beside the configuration: a terminal's or a system's
    #[arg(long = "as", value_name = "NAME")]
    certificate: String,
    /// User id of the person at the terminal; a system needs none
    #[arg(long, value_name = "ID", value_parser = OperatorId::parse, requires = "password_file")]
    operator: Option<OperatorId>,
    /// A file with that person's password; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Let the file, sent and checked by somebody else, into the register: exactly what this
    /// preview stands for
    #[arg(long, value_name = "PREVIEW", conflicts_with = "compare")]
    approve: Option<String>,
    /// Only compare the file with the register
    #[arg(long)]
    compare: bool,
    /// Write every problem to this file (CSV)
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArg,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let site = Site::new(Settings::load(&args.config.config)?);
    let person = match (&args.operator, &args.password_file) {
        (Some(operator), Some(path)) => Some((operator, password(path)?)),
        _ => None,
    };
    runtime::block_on(async {
        let sender = Sender::log_in(&site, &args.certificate, person).await?;
        let state = match &args.approve {
            Some(preview) => sender.approve(&args.file, preview).await?,
            None => {
                let purpose = if args.compare { Purpose::Compare } else { Purpose::Register };
                sender.prepare(&args.file, purpose, screen).await?
            }
        };
        if let Some(path) = &args.problems {
            let problems = sender.problems(state.import).await?;
            std::fs::write(path, problems).map_err(Failure::file(path))?;
        }
        told(&state).iter().for_each(|line| screen.line(line));
        Ok(ExitCode::from(u8::from(state.stage == Stage::Refused)))
    })
}

fn told(state: &ImportState) -> Vec<String> {
    let Counts { rows, new, unchanged, changed, doubtful, rejected, missing_in_file } =
        state.counts;
    let layout = state.layout.as_deref().unwrap_or("-");
    let mut lines = vec![format!("{:?}: {layout}, {rows} rows", state.stage)];
    for (count, what) in [
        (new, "new"),
        (unchanged, "as registered"),
        (changed, "changed"),
        (doubtful, "doubtful, for the quarantine desk"),
        (rejected, "rejected"),
        (missing_in_file, "registered, not in the file"),
    ] {
        if count > 0 {
            lines.push(format!("  {count:>8}  {what}"));
        }
    }
    lines.extend(state.reasons.iter().map(|(code, count)| format!("  {count:>8}    {code}")));
    if let Some(problem) = &state.problem {
        let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        lines.push(format!("{line}{} {}", problem.title, problem.next_step));
    }
    if let (Some(preview), Stage::Checked) = (&state.preview, state.stage) {
        lines.push("A second person, who has seen this, lets it into the register with".to_owned());
        lines.push(format!("  --approve {preview}"));
    }
    lines
}
