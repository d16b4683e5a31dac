use std::process::ExitCode;

use utoipa::openapi::{Info, OpenApi, Paths};

use crate::cli::ServiceArg;
use crate::{Failure, services};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// registry, provision-log, broker, intake, partition or all
    #[arg(default_value = "all", value_parser = ServiceArg::parse)]
    service: ServiceArg,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let document = match args.service {
        ServiceArg::One(kind) => services::openapi(kind),
        ServiceArg::All => merged(),
    };
    let text = document.to_pretty_json().map_err(|_| Failure::Claim("the description is JSON"))?;
    screen.line(&text);
    Ok(ExitCode::SUCCESS)
}

/// Services share paths (`/v1/inquiries`, `/readyz`), so each path is led by its service's name.
pub(crate) fn merged() -> OpenApi {
    let mut info = Info::new("Watari", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "All services.  The first part of each path names the service and is not sent: each \
         service has an address of its own."
            .to_owned(),
    );
    let empty = OpenApi::new(info, Paths::new());
    services::IN_ORDER
        .into_iter()
        .fold(empty, |all, kind| all.nest(format!("/{kind}"), services::openapi(kind)))
}

#[cfg(test)]
mod tests {
    use service::health;

    use super::*;

    #[test]
    fn the_description_names_every_route() {
        let described = serde_json::to_value(merged()).unwrap();
        assert_eq!(described["openapi"], "3.1.0");
        for kind in services::IN_ORDER {
            let own = services::endpoints(kind).iter().filter(|e| !health::ENDPOINTS.contains(e));
            for endpoint in own {
                let path = format!("/{kind}{}", endpoint.path.replace(":.*", ""));
                let method = endpoint.method.as_str().to_lowercase();
                assert!(described["paths"][&path][&method].is_object(), "{method} {path}");
            }
        }
    }
}
