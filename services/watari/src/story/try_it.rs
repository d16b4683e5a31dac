//! What a newcomer may type next.

use domain::ServiceKind;
use wire::{partition, provision_log, registry};

use super::show::question;
use super::site::{Passwords, Site};
use crate::Failure;
use cast::{Cast, Residents};

/// Commands for a shell, ready to be pasted.
pub fn commands(site: &Site) -> Result<String, Failure> {
    let cast = Cast::new()?;
    let clerk = &cast.koriyama.clerk;
    let question = question(&cast, &Residents::new(0).moved);
    let question = serde_json::to_string(&question);
    let url = |kind, path| format!("{}{path}", site.addresses.url(kind));
    Ok(format!(
        "  cd '{pki}'\n\
         \x20 koriyama() {{ curl -sS --cacert authority.pem --cert {terminal}.pem \\\n\
         \x20     --key {terminal}-key.pem -H 'Content-Type: application/json' \"$@\"; }}\n\
         \n\
         \x20 # Log in: the terminal's certificate and the clerk's password.\n\
         \x20 TOKEN=$(koriyama -d '{{\"userId\":\"{user}\",\"password\":\"{password}\"}}' \\\n\
         \x20     {log_in} | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\n\
         \n\
         \x20 # Ask Adachi.  Sent twice, it gives the same answer and leaves one log entry.\n\
         \x20 koriyama -H \"Authorization: Bearer $TOKEN\" {ask} -d \\\n\
         \x20     '{question}'\n\
         \n\
         \x20 # The provision log's signed checkpoint.\n\
         \x20 koriyama {checkpoint}",
        pki = site.layout.authority().display(),
        terminal = clerk.terminal,
        user = clerk.id,
        password = Passwords::load(&site.layout)?.of(&clerk.id)?,
        log_in = url(ServiceKind::Registry, registry::LOG_IN),
        ask = url(ServiceKind::Partition, partition::INQUIRIES),
        question = question.map_err(|_| Failure::Claim("a question is JSON"))?,
        checkpoint = url(ServiceKind::ProvisionLog, provision_log::CHECKPOINT),
    ))
}
