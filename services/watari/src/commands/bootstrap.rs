use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use domain::OperatorId;
use registry::FirstOperator;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use wire::identity::Certificate;
use wire::tls::TlsError;
use wire::{PeerIdentity, WirePassword};

use crate::cli::ConfigArg;
use crate::commands::telemetry_beside;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The user id
    #[arg(long, value_name = "ID", value_parser = OperatorId::parse)]
    operator: OperatorId,
    /// A file with the password, 12 to 128 characters
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// The certificate (PEM) of the terminal of national operations where this person logs in
    #[arg(long, value_name = "FILE")]
    terminal_certificate: PathBuf,
    #[command(flatten)]
    config: ConfigArg,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config.config)?;
    let _telemetry = telemetry_beside(&settings)?;
    let first = first_operator(args)?;
    let config = settings.registry()?;
    let clock = runtime::clock();
    let done = async { Ok(registry::bootstrap(config, first, clock.as_ref()).await?) };
    runtime::block_on(done)?;
    screen.line(&format!("{} may log in now.", args.operator));
    Ok(ExitCode::SUCCESS)
}

fn first_operator(args: &Args) -> Result<FirstOperator, Failure> {
    let password = fs::read_to_string(&args.password_file);
    let password = password.map_err(Failure::file(&args.password_file))?;
    let der = CertificateDer::from_pem_file(&args.terminal_certificate);
    let der = der.map_err(|_| TlsError::Certificate)?;
    let certificate = Certificate::read(&der).ok_or(TlsError::Certificate)?;
    let PeerIdentity::Terminal { municipality: None, terminal } = certificate.identity else {
        return Err(Failure::Claim("the certificate is a terminal's of national operations"));
    };
    Ok(FirstOperator {
        operator: args.operator.clone(),
        password: WirePassword::new(password.trim_end_matches(['\r', '\n']).to_owned()),
        terminal,
        thumbprint: crypto::sha256(&der),
    })
}
