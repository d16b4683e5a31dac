use std::path::{Path, PathBuf};

use wire::tls::TlsFiles;

/// Where things are in a folder that `watari setup` wrote.
#[derive(Clone, Debug)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn settings(&self) -> PathBuf {
        self.folder.join("watari.toml")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("watari.log")
    }

    /// Users and generated passwords of the demonstration; readable by the owner only.
    pub fn passwords(&self) -> PathBuf {
        self.folder.join("passwords.toml")
    }

    /// Written when the demonstration's residents are all registered.
    pub fn seeded(&self) -> PathBuf {
        self.folder.join("seeded")
    }

    /// The private authority and every certificate it issued.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("pki")
    }

    pub fn keys(&self) -> PathBuf {
        self.folder.join("keys")
    }

    pub fn databases(&self) -> PathBuf {
        self.folder.join("databases")
    }

    /// URLs with passwords, one file each.
    pub fn secrets(&self) -> PathBuf {
        self.folder.join("secrets")
    }

    /// Certificate and key issued under a name: a service's or a terminal's.
    pub fn tls(&self, holder: &str) -> TlsFiles {
        let folder = self.authority();
        TlsFiles {
            authority: folder.join("authority.pem"),
            revocation_list: folder.join("revoked.pem"),
            certificate: folder.join(format!("{holder}.pem")),
            key: folder.join(format!("{holder}-key.pem")),
        }
    }
}
