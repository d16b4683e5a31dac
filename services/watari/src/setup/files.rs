use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use domain::ServiceKind;

use super::{DatabaseUrls, WITH_DATABASE, make_password};
use crate::Failure;
use cast::Cast;
use cast::Layout;

/// Makes the folder ours: readable by the owner only, and empty before.
pub(super) fn claim(layout: &Layout) -> Result<(), Failure> {
    let folder = layout.folder();
    let refuse = |fault| Err(Failure::Folder { path: folder.to_owned(), fault });
    if layout.settings().exists() {
        return refuse("has been set up already");
    }
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return refuse("is not empty and holds no watari.toml");
    }
    for folder in [folder, &layout.authority(), &layout.databases(), &layout.secrets()] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(Failure::file(folder))?;
    }
    Ok(())
}

/// Writes a file that only the owner may read; never overwrites one.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(Failure::file(path))
}

/// How `watari.toml` names each service's database, in the order of [`WITH_DATABASE`].
pub(super) fn write_database_urls(
    layout: &Layout,
    urls: Option<[DatabaseUrls; 4]>,
) -> Result<Vec<String>, Failure> {
    let Some(urls) = urls else {
        return Ok(WITH_DATABASE
            .map(|kind| format!("url = \"sqlite:databases/{kind}.db\""))
            .into());
    };
    let write = |(kind, urls): (ServiceKind, DatabaseUrls)| {
        let file = format!("{kind}-database");
        write_new(&layout.secrets().join(&file), &urls.url)?;
        let mut text = format!("url = {{ file = \"secrets/{file}\" }}");
        if let Some(owner_url) = &urls.owner_url {
            write_new(&layout.secrets().join(format!("{file}-owner")), owner_url)?;
            text.push_str(&format!("\nowner_url = {{ file = \"secrets/{file}-owner\" }}"));
        }
        Ok(text)
    };
    WITH_DATABASE.into_iter().zip(urls).map(write).collect()
}

/// A password of its own for each person of the demonstration.
pub(super) fn write_passwords(layout: &Layout, cast: &Cast) -> Result<(), Failure> {
    let mut text = String::from("# Made for this folder only: users of the demonstration.\n");
    for person in cast.people() {
        text.push_str(&format!("{} = \"{}\"\n", person.id, make_password()));
    }
    write_new(&layout.passwords(), &text)
}
