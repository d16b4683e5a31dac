use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    bench, bootstrap, demo, doctor, import, log, migrate, openapi, routes, run, seed, setup, show,
    validate,
};
use crate::{Failure, services};
use screen::{Screen, complain};

/// Lets vaccination records cross over with the person who moves.
#[derive(Debug, Parser)]
#[command(name = "watari", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on SQLite with synthetic residents and show an inquiry (the default)
    Demo(demo::Args),
    /// Write certificates, keys and watari.toml for services in processes of their own
    Setup(setup::Args),
    /// Create or update the databases
    Migrate(migrate::Args),
    /// Start services in this process until Ctrl-C or SIGTERM
    Run(run::Args),
    /// Register the first person of national operations; everybody else comes through the API
    Bootstrap(bootstrap::Args),
    /// Register the demonstration's municipalities, people and residents with running services
    Seed(ConfigArg),
    /// Show the demonstration's inquiries against running services
    Show(ConfigArg),
    /// Check files, certificates, databases and services, and say what to do
    Doctor(ConfigArg),
    /// Send a file to a municipality's room, see what it would change, approve it
    Import(import::Args),
    /// Check a file of subjects, vouchers or doses at home, without database and network
    Validate(validate::Args),
    /// Verify, export, prove, hold, destroy and mend the provision log, most of it off-line
    Log(log::Args),
    /// Measure this machine: inquiries per second, and what their times give away
    Bench(bench::Args),
    /// Print the API description (OpenAPI 3.1) of one service, or of all
    Openapi(openapi::Args),
    /// Print every route with its action and who may call it
    Routes,
}

/// The one argument of commands that work on an installation.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfigArg {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "watari.toml")]
    pub(crate) config: PathBuf,
}

/// Reads the command line, does it, says why not.
pub fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Demo(demo::Args::default()));
    match dispatch(command, Screen::detect()) {
        Ok(code) => code,
        Err(failure) => {
            complain_of(&failure);
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn complain_of(failure: &Failure) {
    complain(&format!("watari: {}", failure.chain()));
    if let Some(step) = failure.next_step() {
        complain(&format!("  next: {step}"));
    }
}

fn dispatch(command: Command, screen: Screen) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(args) => demo::run(args, screen),
        Command::Setup(args) => setup::run(&args, screen),
        Command::Migrate(args) => migrate::run(&args, screen),
        Command::Run(args) => run::run(&args, screen),
        Command::Bootstrap(args) => bootstrap::run(&args, screen),
        Command::Seed(args) => seed::run(&args, screen),
        Command::Show(args) => show::run(&args, screen),
        Command::Doctor(args) => doctor::run(&args, screen),
        Command::Import(args) => import::run(&args, screen),
        Command::Validate(args) => validate::run(&args, screen),
        Command::Log(args) => log::run(args, screen),
        Command::Bench(args) => bench::run(&args, screen),
        Command::Openapi(args) => openapi::run(&args, screen),
        Command::Routes => Ok(routes::run(screen)),
    }
}

/// `registry`, `provision-log`, `broker`, `intake`, `partition` or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceArg {
    All,
    One(domain::ServiceKind),
}

impl ServiceArg {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "all" {
            return Ok(Self::All);
        }
        let kind = domain::ServiceKind::parse(text).map(Self::One);
        kind.ok_or("one of registry, provision-log, broker, intake, partition, all")
    }

    /// The named services, each once, in the order of starting.
    pub(crate) fn kinds(named: &[Self]) -> Vec<domain::ServiceKind> {
        let is_named = |kind| named.iter().any(|one| *one == Self::All || *one == Self::One(kind));
        services::IN_ORDER.into_iter().filter(|kind| is_named(*kind)).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use domain::ServiceKind;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_documents_say_to_type_can_be_typed() {
        let documents = [
            include_str!("../../../docs/AUDITING.md"),
            include_str!("../../../docs/FILES.md"),
            include_str!("../../../README.md"),
        ];
        let lines = documents.iter().flat_map(|text| text.lines());
        let typed: Vec<_> = lines
            .map(|line| line.split(" #").next().unwrap_or_default())
            .map(|line| line.split(" > ").next().unwrap_or_default())
            .map(|line| line.strip_prefix("target/release/").unwrap_or(line))
            .filter(|line| line.starts_with("watari "))
            .collect();
        assert!(typed.len() > 10, "{typed:?}");
        for line in typed {
            let words = line.split_whitespace();
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn named_services_start_in_their_order() {
        let named =
            [ServiceArg::parse("partition").unwrap(), ServiceArg::parse("registry").unwrap()];
        assert_eq!(ServiceArg::kinds(&named), [ServiceKind::Registry, ServiceKind::Partition]);
        assert_eq!(ServiceArg::kinds(&[ServiceArg::All]).len(), 5);
    }
}
