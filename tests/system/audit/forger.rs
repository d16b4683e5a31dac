//! An attacker who holds the log's online key: makes everything in the database fit again.

use db::Tx;
use diesel::prelude::*;
use domain::retention::segment_of;
use ledger::{Checkpoint, Hash, Origin, Signer, Tree, leaf_hash};
use wire::provision_log::LeafBody;

use super::rows::{self, checkpoint, entry, leaf, seq, tile};

/// Makes leaves, tiles and checkpoints anew for the bodies that are there now.
pub(super) fn seal(tx: &mut Tx, origin: &Origin, signer: &Signer) {
    let mut leaves = stored_leaves(tx);
    for (index, body) in rows::bodies(tx) {
        let place = usize::try_from(index).unwrap();
        if let Some(leaf) = leaves.get_mut(place) {
            *leaf = leaf_hash(&body);
            rows::set_leaf(tx, index, &body);
        }
    }
    seal_leaves(tx, origin, signer, &leaves);
}

/// Signs every stored checkpoint again, over these leaves.
pub(super) fn seal_leaves(tx: &mut Tx, origin: &Origin, signer: &Signer, leaves: &[Hash]) {
    diesel::delete(tile::table).execute(tx).unwrap();
    let mut tree = Tree::new();
    sign(tx, origin, signer, &tree);
    for leaf in leaves {
        for full in tree.append(*leaf) {
            let row = (
                tile::level.eq(i16::from(full.id.level)),
                tile::idx.eq(seq(full.id.index)),
                tile::hashes.eq(full.to_bytes()),
            );
            diesel::insert_into(tile::table).values(row).execute(tx).unwrap();
        }
        sign(tx, origin, signer, &tree);
    }
}

fn sign(tx: &mut Tx, origin: &Origin, signer: &Signer, tree: &Tree) {
    let (size, root) = (tree.size(), tree.root());
    let note = Checkpoint { origin: origin.clone(), size, root }.sign(signer).to_string();
    let row = checkpoint::table.filter(checkpoint::size.eq(seq(size)));
    let values = (checkpoint::note.eq(note), checkpoint::root.eq(root.as_bytes().as_slice()));
    diesel::update(row).set(values).execute(tx).unwrap();
}

/// Adds an order that no service took in, with the checkpoint that speaks of it.
pub(super) fn append(tx: &mut Tx, origin: &Origin, signer: &Signer, body: &str) -> u64 {
    let mut leaves = stored_leaves(tx);
    let index = u64::try_from(leaves.len()).unwrap();
    rows::insert(tx, index, index - 1, body.as_bytes());
    let row = entry::table.filter(entry::seq.eq(seq(index)));
    let segment = month_of(body);
    if matches!(tx, Tx::Postgres(_)) {
        rows::execute(tx, &format!("SELECT open_segment({segment})"));
    }
    let nobody = (entry::inquirer.eq(None::<String>), entry::provider.eq(None::<String>));
    let values = (entry::act.eq("order"), entry::segment.eq(segment), nobody.0, nobody.1);
    diesel::update(row).set(values).execute(tx).unwrap();
    let made = leaf_hash(body.as_bytes());
    leaves.push(made);
    let row = (leaf::seq.eq(seq(index)), leaf::hash.eq(made.as_bytes().as_slice()));
    diesel::insert_into(leaf::table).values(row).execute(tx).unwrap();
    let row = (
        checkpoint::size.eq(seq(index + 1)),
        checkpoint::issued_at_unix_ms.eq(0),
        checkpoint::root.eq([0; 32].as_slice()),
        checkpoint::note.eq(""),
    );
    diesel::insert_into(checkpoint::table).values(row).execute(tx).unwrap();
    seal_leaves(tx, origin, signer, &leaves);
    index
}

pub(super) fn stored_leaves(tx: &mut Tx) -> Vec<Hash> {
    let rows: Vec<Vec<u8>> = leaf::table.order(leaf::seq).select(leaf::hash).load(tx).unwrap();
    rows.iter().map(|hash| Hash::try_from(hash.as_slice()).unwrap()).collect()
}

/// The month in which a body says that it was logged.
fn month_of(body: &str) -> i32 {
    let body: LeafBody = serde_json::from_str(body).unwrap();
    segment_of(body.logged_at_unix_ms).unwrap().number()
}
