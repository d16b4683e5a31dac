//! The permission list in force, read again when its file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::config::ConfigError;
use domain::law::PermissionList;

/// How often the file is looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// The permission list in force: the built-in one, or a file's, as last found good.
#[derive(Debug)]
pub struct Permissions {
    file: Option<PathBuf>,
    current: RwLock<Arc<PermissionList>>,
}

impl Permissions {
    /// A service does not start with a list it can't read.
    pub fn load(file: Option<&Path>) -> Result<Arc<Self>, ConfigError> {
        let list = match file {
            None => PermissionList::built_in(),
            Some(path) => std::fs::read_to_string(path)
                .ok()
                .and_then(|text| PermissionList::parse(&text).ok())
                .ok_or(ConfigError::PermissionList)?,
        };
        let file = file.map(Path::to_owned);
        Ok(Arc::new(Self { file, current: RwLock::new(Arc::new(list)) }))
    }

    pub fn current(&self) -> Arc<PermissionList> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the file for as long as the process lives.
    pub async fn follow(self: Arc<Self>) {
        let Some(path) = self.file.clone() else { return };
        let mut seen = None;
        loop {
            let path = path.clone();
            let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(path).ok());
            let text = Some(text.await.ok().flatten());
            if text != seen {
                self.take(text.as_ref().and_then(Option::as_deref));
                seen = text;
            }
            tokio::time::sleep(RELOAD).await;
        }
    }

    /// Takes a new text; a missing or unreadable one leaves the list in force.
    fn take(&self, text: Option<&str>) {
        let Some(text) = text else {
            tracing::warn!("the permission list's file can't be read; the old list stays in force");
            return;
        };
        match PermissionList::parse(text) {
            Ok(list) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
                tracing::info!("the permission list was read");
            }
            Err(error) => tracing::warn!(%error, "the old permission list stays in force"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "inquirer,provider,procedure,legal_basis,items,valid_from,valid_until\n";

    #[test]
    fn a_good_list_is_taken_and_a_bad_one_is_not() {
        let permissions = Permissions::load(None).unwrap();
        assert_eq!(*permissions.current(), PermissionList::built_in());
        permissions.take(Some(HEAD));
        let empty = PermissionList::parse(HEAD).unwrap();
        assert_eq!(*permissions.current(), empty);
        permissions.take(Some(&format!("{HEAD}131212,*,a,b,c,,\n")));
        permissions.take(None);
        assert_eq!(*permissions.current(), empty);
    }

    #[test]
    fn a_service_does_not_start_without_its_list() {
        let missing = Permissions::load(Some(Path::new("/nowhere/list.csv")));
        assert!(matches!(missing, Err(ConfigError::PermissionList)));
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("list.csv");
        std::fs::write(&file, HEAD).unwrap();
        let permissions = Permissions::load(Some(&file)).unwrap();
        let row = "*,*,transfer-in,number-act-19-16,vaccination,,\n";
        std::fs::write(&file, format!("{HEAD}{row}")).unwrap();
        let following = tokio::spawn(Arc::clone(&permissions).follow());
        let before = PermissionList::parse(HEAD).unwrap();
        while *permissions.current() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        following.abort();
    }
}
