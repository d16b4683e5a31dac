//! Announces a file; who announces it sends it.

use domain::{Action, Permit};
use room::Host;
use room::operation_log::{About, actor, entry};
use service::ApiError;
use uuid::Uuid;
use wire::imports::{FILE_BYTES_MAX, ImportState, OPEN_IMPORTS_MAX, OpenImport};

use crate::{problems, store};

const SHA256_CHARS: usize = 64;

pub async fn open(
    host: &Host,
    permit: Permit,
    request: OpenImport,
) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::PrepareImport)?;
    let room = host.room(permit.municipality())?;
    check(&request)?;
    let done = room.queue.write(move |tx, acts| {
        let import = request.import;
        if let Some(file) = store::file::find(tx, &permit, import)? {
            let is_same = file.is_same(&request) && file.uploaded_by == actor(&permit);
            let result = if is_same { "known" } else { problems::IMPORT_REUSED.code };
            acts.add(entry(&permit, about(import), result));
            return Ok(is_same.then_some(file).ok_or(&problems::IMPORT_REUSED));
        }
        let open = store::file::count_open(tx, &permit)?;
        if u64::try_from(open).is_ok_and(|open| open >= OPEN_IMPORTS_MAX) {
            acts.add(entry(&permit, about(import), problems::TOO_MANY_IMPORTS.code));
            return Ok(Err(&problems::TOO_MANY_IMPORTS));
        }
        store::file::insert(tx, &permit, &request, &actor(&permit))?;
        acts.add(entry(&permit, about(import), "announced"));
        let file = store::file::find(tx, &permit, import)?;
        file.map(Ok).ok_or_else(store::broken_row)
    });
    done.await?.map(store::file::File::state).map_err(ApiError::new)
}

fn check(request: &OpenImport) -> Result<(), ApiError> {
    if !(1..=FILE_BYTES_MAX).contains(&request.total_bytes) {
        return Err(ApiError::new(&problems::FILE_TOO_LARGE));
    }
    let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if request.sha256.len() != SHA256_CHARS || !request.sha256.bytes().all(is_hex) {
        return Err(ApiError::field("sha256"));
    }
    let is_known =
        |name: &String| interchange::LAYOUTS.iter().any(|layout| layout.name == name.as_str());
    if request.layout.as_ref().is_some_and(|name| !is_known(name)) {
        return Err(ApiError::field("layout"));
    }
    Ok(())
}

/// What the operation log says of the file an act was about.
pub(crate) fn about(import: Uuid) -> About {
    About { purpose: format!("import {import}"), ..About::default() }
}
