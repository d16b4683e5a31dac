use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, get, post};
use domain::{Action, Clock as _, FixedClock, InquiryId, ServiceKind};
use ledger::{Checkpoint, Hash, KeyName, Note, Origin, Signer, Tree, leaf_hash};
use service::health::{LIVE, METRICS, READY};
use service::pki::Authority;
use service::server::Running;
use service::{ApiError, Body, Endpoint, problems};
use wire::provision_log::{
    self as api, Act, Cosignatures, Entry, FindOutcomes, FoundOutcomes, IndexedEntry, LeafBody,
    ListOutcomes, Objection, ObjectionHeard, Outcomes, Proof, ProveConsistency, Receipt,
};

use super::{make_key, play, url};

pub(crate) const ORIGIN: &str = "log.example/provision";

static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get(api::WITNESS_CHECKPOINT, Action::WitnessLog),
    Endpoint::post(api::CONSISTENCY, Action::ReadCheckpoint),
    Endpoint::post(api::COSIGNATURES, Action::WitnessLog),
    Endpoint::post(api::OBJECTIONS, Action::WitnessLog),
    Endpoint::post(api::OUTCOMES_LIST, Action::ReadOutcomes),
    Endpoint::post(api::OUTCOMES_FIND, Action::ReadOutcomes),
    LIVE,
    READY,
    METRICS,
];

/// A log with a real tree and a real key that can be told to lie; a clone is the same log.
#[derive(Clone)]
pub(crate) struct FakeLog {
    pub(crate) url: String,
    pub(crate) kept: Arc<Mutex<Kept>>,
    _running: Arc<Mutex<Running>>,
}

pub(crate) struct Kept {
    signer: Signer,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) bodies: Vec<String>,
    /// Cosigned notes and objections as they came.
    pub(crate) cosigned: Vec<Note>,
    pub(crate) objections: Vec<Objection>,
    /// Lines of others that are published with a checkpoint.
    pub(crate) lines: Vec<ledger::Signature>,
    pub(crate) is_down: bool,
    pub(crate) gives_wrong_proofs: bool,
    /// No hashes at all.
    pub(crate) gives_broken_proofs: bool,
    /// Entries that are neither listed nor found.
    pub(crate) denied: HashSet<InquiryId>,
    /// What is done to receipts before they are given out.
    pub(crate) spoil: Option<fn(&mut Receipt)>,
    pub(crate) lists: usize,
    pub(crate) finds: usize,
}

impl FakeLog {
    pub(crate) fn start(authority: &Authority, clock: Arc<FixedClock>) -> Self {
        let signer = Signer::new(KeyName::parse(ORIGIN).unwrap(), make_key().into_ed25519());
        let kept = Arc::new(Mutex::new(Kept {
            signer,
            clock,
            bodies: Vec::new(),
            cosigned: Vec::new(),
            objections: Vec::new(),
            lines: Vec::new(),
            is_down: false,
            gives_wrong_proofs: false,
            gives_broken_proofs: false,
            denied: HashSet::new(),
            spoil: None,
            lists: 0,
            finds: 0,
        }));
        let data = Data::from(Arc::clone(&kept));
        let running = play(authority, ServiceKind::ProvisionLog, ENDPOINTS, move |app| {
            app.app_data(data.clone())
                .route(api::WITNESS_CHECKPOINT, get().to(checkpoint))
                .route(api::CONSISTENCY, post().to(prove))
                .route(api::COSIGNATURES, post().to(cosign))
                .route(api::OBJECTIONS, post().to(object))
                .route(api::OUTCOMES_LIST, post().to(list))
                .route(api::OUTCOMES_FIND, post().to(find));
        });
        Self { url: url(&running), kept, _running: Arc::new(Mutex::new(running)) }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept.lock().unwrap());
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Kept) -> T) -> T {
        read(&self.kept.lock().unwrap())
    }

    pub(crate) fn verifier(&self) -> String {
        self.read(|kept| kept.signer.verifier().to_string())
    }

    pub(crate) fn append(&self, entry: &Entry) -> Receipt {
        let mut kept = self.kept.lock().unwrap();
        let is_known = |one: &Entry| {
            one.inquiry == entry.inquiry && one.outcome.settles() && entry.outcome.settles()
        };
        let settled = kept.entries().find(|(.., one)| is_known(one)).map(|(index, ..)| index);
        let index = settled.unwrap_or(kept.bodies.len().try_into().unwrap());
        if settled.is_none() {
            let logged_at_unix_ms = kept.clock.now().unix_timestamp() * 1_000;
            let body = LeafBody { logged_at_unix_ms, act: Act::Outcome(entry.clone()) };
            kept.bodies.push(serde_json::to_string(&body).unwrap());
        }
        kept.receipt(index)
    }
}

impl Kept {
    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        for body in &self.bodies {
            tree.append(leaf_hash(body.as_bytes()));
        }
        tree
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let tree = self.tree();
        let origin = Origin::parse(ORIGIN).unwrap();
        Checkpoint { origin, size: tree.size(), root: tree.root() }
    }

    /// Index, time and entry of every outcome; other bodies only make the tree grow.
    fn entries(&self) -> impl Iterator<Item = (u64, i64, Entry)> {
        (0..).zip(&self.bodies).filter_map(|(index, body)| {
            let body: LeafBody = serde_json::from_str(body).ok()?;
            match body.act {
                Act::Outcome(entry) => Some((index, body.logged_at_unix_ms, entry)),
                Act::Order(_) => None,
            }
        })
    }

    fn receipt(&self, index: u64) -> Receipt {
        let tree = self.tree();
        let proof = tree.inclusion_proof(index, tree.size(), |_, _| Err::<Vec<Hash>, _>(()));
        Receipt {
            entry: self.bodies[usize::try_from(index).unwrap()].clone(),
            index,
            checkpoint: self.checkpoint().sign(&self.signer).to_string(),
            proof: proof.unwrap().iter().map(|hash| hash.as_bytes().to_vec().into()).collect(),
        }
    }

    fn is_up(&self) -> Result<(), ApiError> {
        if self.is_down { Err(ApiError::new(&problems::UNAVAILABLE)) } else { Ok(()) }
    }
}

async fn checkpoint(kept: Data<Mutex<Kept>>) -> Result<HttpResponse, ApiError> {
    let kept = kept.lock().unwrap();
    kept.is_up()?;
    let mut note = kept.checkpoint().sign(&kept.signer);
    kept.lines.iter().for_each(|line| {
        note.add_line(line.clone());
    });
    Ok(HttpResponse::Ok().body(note.to_string()))
}

async fn prove(
    kept: Data<Mutex<Kept>>,
    Body(wanted): Body<ProveConsistency>,
) -> Result<Json<Proof>, ApiError> {
    let kept = kept.lock().unwrap();
    kept.is_up()?;
    let ProveConsistency { old_size, new_size } = wanted;
    let proof = kept.tree().consistency_proof(old_size, new_size, |_, _| Err::<Vec<Hash>, _>(()));
    let mut hashes: Vec<_> =
        proof.unwrap().iter().map(|hash| hash.as_bytes().to_vec().into()).collect();
    if kept.gives_wrong_proofs {
        hashes.push(vec![7; 32].into());
    }
    if kept.gives_broken_proofs {
        hashes.push(vec![7; 31].into());
    }
    Ok(Json(Proof { hashes }))
}

async fn cosign(
    kept: Data<Mutex<Kept>>,
    Body(told): Body<Cosignatures>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let mut kept = kept.lock().unwrap();
    kept.is_up()?;
    kept.cosigned.push(told.note.parse().unwrap());
    Ok(Json(serde_json::json!({})))
}

async fn object(
    kept: Data<Mutex<Kept>>,
    Body(objection): Body<Objection>,
) -> Result<Json<ObjectionHeard>, ApiError> {
    let mut kept = kept.lock().unwrap();
    kept.is_up()?;
    kept.objections.push(objection);
    Ok(Json(ObjectionHeard { sustained: true }))
}

async fn list(
    kept: Data<Mutex<Kept>>,
    Body(wanted): Body<ListOutcomes>,
) -> Result<Json<Outcomes>, ApiError> {
    let mut kept = kept.lock().unwrap();
    kept.is_up()?;
    kept.lists += 1;
    let ListOutcomes { municipality, from_index, limit } = wanted;
    let entries = kept.entries().map(|(index, logged_at_unix_ms, entry)| IndexedEntry {
        index,
        logged_at_unix_ms,
        entry,
    });
    let mut entries: Vec<IndexedEntry> = entries
        .filter(|one| one.index >= from_index)
        .filter(|one| [one.entry.inquirer, one.entry.provider].contains(&municipality))
        .filter(|one| !kept.denied.contains(&one.entry.inquiry))
        .collect();
    let next_index = entries.get(usize::from(limit)).map(|one| one.index);
    entries.truncate(usize::from(limit));
    Ok(Json(Outcomes { entries, next_index }))
}

async fn find(
    kept: Data<Mutex<Kept>>,
    Body(wanted): Body<FindOutcomes>,
) -> Result<Json<FoundOutcomes>, ApiError> {
    let mut kept = kept.lock().unwrap();
    kept.is_up()?;
    kept.finds += 1;
    assert!(wanted.inquiries.len() <= api::FIND_INQUIRIES_MAX, "{}", wanted.inquiries.len());
    let found = kept.entries().filter(|(_, _, entry)| {
        entry.outcome.settles()
            && wanted.inquiries.contains(&entry.inquiry)
            && !kept.denied.contains(&entry.inquiry)
            && [entry.inquirer, entry.provider].contains(&wanted.municipality)
    });
    let mut receipts: Vec<Receipt> = found.map(|(index, ..)| kept.receipt(index)).collect();
    if let Some(spoil) = kept.spoil {
        receipts.iter_mut().for_each(spoil);
    }
    Ok(Json(FoundOutcomes { receipts }))
}
