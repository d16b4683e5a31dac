use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;

use crate::{DbError, DbUrl, Tx, run_blocking};

const NAME_BYTES_MAX: usize = 63;

/// Makes a database on the server that `owner` names, unless it is there; SQLite needs none.
pub async fn ensure_database(owner: &DbUrl, name: &str) -> Result<(), DbError> {
    // CREATE DATABASE takes no bind parameter, so a name is nothing but a plain word.
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || !name.bytes().all(is_plain) || name.len() > NAME_BYTES_MAX {
        return Err(DbError::InvalidName);
    }
    let (owner, name) = (owner.clone(), name.to_owned());
    run_blocking(move || match owner.connect_owner()? {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(mut c) => {
            let found = diesel::sql_query("SELECT FROM pg_catalog.pg_database WHERE datname = $1")
                .bind::<Text, _>(&name)
                .execute(&mut c)?;
            if found == 0 {
                c.batch_execute(&format!("CREATE DATABASE {name}"))?;
                // Otherwise every role of the server may enter and make temporary tables.
                c.batch_execute(&format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"))?;
            }
            Ok(())
        }
    })
    .await
}
