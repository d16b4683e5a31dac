use domain::{TerminalId, municipalities};
use service::{ApiError, Caller};
use time::OffsetDateTime;
use wire::registry::RegisterMunicipality;

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::store::{self, Host};

const URL_BYTES_MAX: usize = 200;

/// Lets a municipality take part, or moves its room to another host.
pub(crate) async fn register_municipality(
    registry: &Registry,
    caller: &Caller,
    request: RegisterMunicipality,
) -> Result<(), ApiError> {
    let code = request.municipality;
    let access = Access::of(&caller.context, "RegisterMunicipality").to(code);
    let access = access.concerning(code.to_string());
    let at = caller.context.at;
    make(registry, caller, access, async { prepare(request, at) }).await
}

fn prepare(request: RegisterMunicipality, at: OffsetDateTime) -> Result<Work, ApiError> {
    let RegisterMunicipality { municipality: code, host, url } = request;
    municipalities::municipality(code).ok_or_else(|| ApiError::field("municipality"))?;
    // An instance is named like a terminal: see `wire::PeerIdentity`.
    TerminalId::parse(&host).map_err(|_| ApiError::field("host"))?;
    if !is_base_url(&url) {
        return Err(ApiError::field("url"));
    }
    let new = Host { host, url };
    Ok(Box::new(move |tx, _| {
        match store::municipality_find(tx, code)? {
            Some(old) if old == new => return Ok(Change::Same),
            Some(_) => store::municipality_move(tx, code, &new)?,
            None => store::municipality_insert(tx, code, &new, at)?,
        }
        store::directory_advance(tx)?;
        Ok(Change::Made)
    }))
}

/// `https://`, a host, perhaps a port and a path; no user, query or fragment.
fn is_base_url(url: &str) -> bool {
    let allowed = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'/' | b'[' | b']')
    };
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let has_host = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    has_host && url.len() <= URL_BYTES_MAX && rest.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_https_and_nothing_but_a_place() {
        for url in ["https://127.0.0.1:8443", "https://[::1]:1/", "https://adachi.example.jp/room"]
        {
            assert!(is_base_url(url), "{url}");
        }
        for url in [
            "http://a",
            "https://",
            "https:///a",
            "https://u:p@a",
            "https://a?b",
            "https://a#b",
            "https://a b",
            "https://a\r\nb",
            &format!("https://{}", "a".repeat(200)),
        ] {
            assert!(!is_base_url(url), "{url}");
        }
    }
}
