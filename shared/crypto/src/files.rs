use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::CryptoError;

const OWNER_ONLY: u32 = 0o600;
/// The group may read, since Kubernetes mounts secrets so; it may not write, others may do nothing.
const EXPOSED: u32 = 0o037;
/// No key file of ours comes near; a wrong path must not fill the memory.
const FILE_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn make_folder(folder: &Path) -> Result<(), CryptoError> {
    Ok(DirBuilder::new().recursive(true).mode(0o700).create(folder)?)
}

/// Reads a key file, unless others than its owner have a hand in it.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, CryptoError> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.permissions().mode() & EXPOSED != 0 {
        return Err(CryptoError::KeyFileExposed);
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(CryptoError::Malformed);
    }
    // Room for the whole file at once: a growing string would leave copies of a key behind.
    let capacity = usize::try_from(metadata.len() + 1).map_err(|_| CryptoError::Malformed)?;
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    Read::by_ref(&mut file).take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a new file durably; refuses to overwrite one.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), CryptoError> {
    write_and_sync(OpenOptions::new().create_new(true), path, bytes)?;
    sync_folder_of(path)
}

/// Replaces a file in one step, and overwrites what stood in it: after a crash there is the old one
/// or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CryptoError> {
    let (unfinished, former) = (unfinished(path), former(path));
    write_and_sync(OpenOptions::new().create(true).truncate(true), &unfinished, bytes)?;
    // A former file left by a crash holds what was to go then.
    destroy_former(path, &former)?;
    match fs::hard_link(path, &former) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs::rename(&unfinished, path)?;
    sync_folder_of(path)?;
    destroy_one(&former)?;
    sync_folder_of(path)
}

/// Overwrites a file, then removes it.
///
/// A copy-on-write disk may still hold the old bytes; whoever digs them up still needs the
/// key-encryption key, which is kept elsewhere.
pub(crate) fn destroy(path: &Path) -> Result<(), CryptoError> {
    for path in [&unfinished(path), &former(path), path] {
        destroy_one(path)?;
    }
    sync_folder_of(path)
}

/// After a crash just before the renaming, the former file is still the file itself.
fn destroy_former(path: &Path, former: &Path) -> Result<(), CryptoError> {
    let place = |path: &Path| fs::metadata(path).map(|known| (known.dev(), known.ino())).ok();
    match (place(path), place(former)) {
        (Some(file), Some(other)) if file == other => Ok(fs::remove_file(former)?),
        _ => destroy_one(former),
    }
}

fn destroy_one(path: &Path) -> Result<(), CryptoError> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => overwrite(file)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    Ok(fs::remove_file(path)?)
}

/// Held until dropped; keeps two writers, of this process or another, from losing each other's key.
pub(crate) fn lock(path: &Path) -> Result<File, CryptoError> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

/// The same for readers, of whom there may be many: a file is not read while it is overwritten.
pub(crate) fn lock_to_read(path: &Path) -> Result<File, CryptoError> {
    let file = File::open(path)?;
    file.lock_shared()?;
    Ok(file)
}

fn write_and_sync(options: &mut OpenOptions, path: &Path, bytes: &[u8]) -> Result<(), CryptoError> {
    let mut file = options.write(true).mode(OWNER_ONLY).open(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

fn overwrite(mut file: File) -> Result<(), CryptoError> {
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    Ok(file.sync_all()?)
}

/// A new name is durable only once its folder is.
fn sync_folder_of(path: &Path) -> Result<(), CryptoError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?)
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("unfinished")
}

fn former(path: &Path) -> PathBuf {
    path.with_extension("former")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("key");
        create(&file, b"text").unwrap();
        for (mode, want) in [
            (0o600, true),
            (0o400, true),
            (0o440, true),
            (0o644, false),
            (0o660, false),
            (0o604, false),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let read = read(&file);
            let refused = read.as_ref().err() == Some(&CryptoError::KeyFileExposed);
            assert_eq!((read.is_ok(), refused), (want, !want), "mode {mode:o}");
        }
    }

    #[test]
    fn a_replaced_file_is_whole_and_a_destroyed_one_gone_with_its_leftovers() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("room.json");
        for text in ["a longer text", "short"] {
            replace(&file, text.as_bytes()).unwrap();
            assert_eq!(read(&file).unwrap().as_str(), text);
        }
        fs::write(unfinished(&file), "left by a crash").unwrap();
        destroy(&file).unwrap();
        assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
        assert_eq!(destroy(&file), Ok(()));
    }

    #[test]
    fn a_replaced_file_is_overwritten_wherever_a_crash_had_stopped() {
        let disk = tempfile::tempdir().unwrap();
        let (file, witness) = (disk.path().join("room.json"), disk.path().join("witness"));
        // Stopped between the link and the renaming, or after the renaming, or not at all.
        for left in ["link", "older", "nothing"] {
            create(&file, b"old keys").unwrap();
            fs::hard_link(&file, &witness).unwrap();
            match left {
                "link" => fs::hard_link(&file, former(&file)).unwrap(),
                "older" => fs::write(former(&file), "older keys").unwrap(),
                _ => {}
            }
            replace(&file, b"new keys").unwrap();
            assert_eq!(read(&file).unwrap().as_str(), "new keys", "{left}");
            assert_eq!(fs::read(&witness).unwrap(), [0; 8], "{left}");
            assert!(!former(&file).exists());
            fs::remove_file(&witness).unwrap();
            destroy(&file).unwrap();
        }
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("key");
        let length = usize::try_from(FILE_BYTES_MAX).unwrap() + 1;
        create(&file, &vec![b'a'; length]).unwrap();
        assert_eq!(read(&file).err(), Some(CryptoError::Malformed));
    }
}
