//! The permission list in force, read again when its file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use domain::law::PermissionList;

use crate::config::ConfigError;

/// How often the file is looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// The list as it is now; a clone is the same list.
#[derive(Clone, Debug)]
pub struct Permissions {
    current: Arc<RwLock<Arc<PermissionList>>>,
    path: Option<PathBuf>,
}

impl Permissions {
    /// The list in the file, or the one that ships with the program.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let list = path.map_or(Ok(PermissionList::built_in()), read)?;
        Ok(Self { current: Arc::new(RwLock::new(Arc::new(list))), path: path.map(Path::to_owned) })
    }

    pub fn current(&self) -> Arc<PermissionList> {
        match self.current.read() {
            Ok(current) => Arc::clone(&current),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    /// Follows the file; a list that cannot be read leaves the old one in force.
    pub async fn follow(self) {
        let Some(path) = self.path.clone() else { return };
        let mut seen = changed_at(&path);
        loop {
            tokio::time::sleep(RELOAD).await;
            let now = changed_at(&path);
            if now == seen {
                continue;
            }
            seen = now;
            match read(&path) {
                Ok(list) => self.replace(list),
                Err(error) => tracing::warn!(%error, "permission list not read again"),
            }
        }
    }

    fn replace(&self, list: PermissionList) {
        if let Ok(mut current) = self.current.write() {
            *current = Arc::new(list);
        }
    }
}

fn read(path: &Path) -> Result<PermissionList, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|_| ConfigError::PermissionList)?;
    PermissionList::parse(&text).map_err(|_| ConfigError::PermissionList)
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|file| file.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_cannot_be_read_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        assert!(Permissions::load(Some(&path)).is_err());
        std::fs::write(&path, "nonsense\n1\n").unwrap();
        assert!(Permissions::load(Some(&path)).is_err());
    }

    #[test]
    fn without_a_file_the_shipped_list_is_in_force() {
        let permissions = Permissions::load(None).unwrap();
        assert_eq!(*permissions.current(), PermissionList::built_in());
    }
}
