use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use domain::{OperatorId, RequestId, ServiceKind};
use wire::WirePassword;
use wire::provision_log::{ORDERS, Receipt, SignedOrder};
use wire::registry::{LOG_IN, LogInAnswer, LogInRequest};

use super::Line;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The signed order
    #[arg(value_name = "ORDER")]
    order: PathBuf,
    /// User id of a person of national operations
    #[arg(long, value_name = "ID", value_parser = OperatorId::parse)]
    operator: OperatorId,
    /// A file with that person's password; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    #[command(flatten)]
    line: Line,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let note = fs::read_to_string(&args.order).map_err(Failure::file(&args.order))?;
    let settings = Settings::load(&args.line.config.config)?;
    let password = password(&args.password_file)?;
    let request = LogInRequest { user_id: args.operator.to_string(), password };
    let registry = args.line.client(&settings, ServiceKind::Registry)?;
    let log = args.line.client(&settings, ServiceKind::ProvisionLog)?;
    runtime::block_on(async {
        let said = RequestId::make_random();
        let session = registry.post::<LogInAnswer>(LOG_IN, &said, None, &request).await;
        let token = session.map_err(Failure::call("log-in"))?.token;
        let receipt = log.post::<Receipt>(ORDERS, &said, Some(&token), &SignedOrder { note }).await;
        let index = receipt.map_err(Failure::call("sending the order"))?.index;
        screen.line(&format!("The order stands in the log at index {index}."));
        Ok(ExitCode::SUCCESS)
    })
}

/// What stands in a file, or comes from standard input.
pub(crate) fn password(path: &Path) -> Result<WirePassword, Failure> {
    let text = match path.as_os_str() == "-" {
        true => io::read_to_string(io::stdin()),
        false => fs::read_to_string(path),
    };
    let text = text.map_err(Failure::file(path))?;
    Ok(WirePassword::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
