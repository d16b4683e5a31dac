//! Venues: devices with certificates, people who were issued vouchers, and what the room has got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cast::Resident;
use crypto::{KeyStore, Numbered, RoomKeys, SealingPublicKey, SigningKey};
use db::{Db, RoomKey};
use device::Device;
use diesel::prelude::*;
use domain::capture::{Capture, Ticket};
use domain::subject::{Flags, Subject, SubjectId};
use domain::vaccination::{Provenance, Status, Vaccination};
use domain::voucher::VoucherNumber;
use domain::{
    Action, Actor, AddressNumber, Clock as _, MunicipalityCode, OpContext, OperatorId, Permit,
    PersonalText, RequestId, ServiceKind, SystemClock, TerminalId, authorize,
};
use room::store::subject::Found;
use room::store::voucher::Issued;
use service::Directory;
use service::participants::verify;
use service::pki::Authority;
use time::macros::date;
use uuid::Uuid;
use watari::story::desk::Desk;
use watari::story::site::Site;
use wire::devices::{DEVICES, RegisterDevice};
use wire::intake::{CAPTURES, CapturesAnswered, DEVICE_DIRECTORY, SealedCapture, SendCaptures};
use wire::registry::Signed;
use wire::tls::TlsFiles;
use wire::{CallError, Client, PeerIdentity};

diesel::table! {
    capture_done (municipality, id, device) {
        municipality -> Text,
        device -> Text,
        id -> Binary,
        result -> Text,
    }
}

diesel::table! {
    vaccination (municipality, subject_id, id, version) {
        municipality -> Text,
        subject_id -> Binary,
        id -> Binary,
        version -> Integer,
    }
}

/// Nobody's serial before.
const SERIALS_FROM: u32 = 7_000_000;

/// A tablet and its line to the intake.
pub(super) struct Tablet {
    pub(super) device: Device,
    pub(super) line: Client,
    pub(super) thumbprint: [u8; 32],
    pub(super) files: TlsFiles,
}

impl Tablet {
    /// A device with a certificate; nobody has registered it.
    pub(super) fn issue(site: &Site, municipality: MunicipalityCode, name: &str) -> Self {
        let name = TerminalId::parse(name).unwrap();
        let authority = Authority::open(&site.layout.authority(), &SystemClock).unwrap();
        let identity = PeerIdentity::Device { municipality, device: name.clone() };
        let file = Uuid::new_v4().to_string();
        let issued = authority.issue(&identity, &[], &file).unwrap();
        let line = site.client(&file, ServiceKind::Intake).unwrap();
        let key = SigningKey::make_random().unwrap();
        let device = Device { municipality, name, key };
        Self { device, line, thumbprint: issued.thumbprint, files: issued.files }
    }

    pub(super) fn registration(&self) -> RegisterDevice {
        RegisterDevice {
            device: self.device.name.clone(),
            thumbprint: self.thumbprint.to_vec().into(),
            verifying_key: self.device.key.verifying_key().as_bytes().to_vec().into(),
        }
    }

    pub(super) async fn register(&self, supervisor: &Desk) {
        supervisor.room::<()>(DEVICES, &self.registration()).await.unwrap();
    }

    pub(super) async fn send(
        &self,
        captures: &[SealedCapture],
    ) -> Result<CapturesAnswered, CallError> {
        let call = SendCaptures { captures: captures.to_vec() };
        self.line.post(CAPTURES, &RequestId::make_random(), None, &call).await
    }

    /// Until the intake has heard of this device.
    pub(super) async fn until_heard(&self, capture: &SealedCapture) {
        let begun = Instant::now();
        while self.send(std::slice::from_ref(capture)).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the intake does not hear of it");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The own municipality's key, from the directory that the intake hands on.
    pub(super) async fn sealing_key(&self, site: &Site) -> Numbered<SealingPublicKey> {
        let pinned = &site.settings.participants().unwrap().directory_key;
        let pinned = crypto::VerifyingKey::parse(pinned).unwrap();
        let signed: Signed =
            self.line.get(DEVICE_DIRECTORY, &RequestId::make_random()).await.unwrap();
        let directory = verify(&pinned, crypto::Purpose::Directory, &signed).unwrap();
        let directory = Directory::read(directory);
        let member = directory.member(self.device.municipality).unwrap();
        member.sealing_key(SystemClock.now().unix_timestamp()).unwrap().clone()
    }
}

/// The number on the voucher of the nth person.
pub(super) fn voucher(nth: u32) -> String {
    format!("{:010}", 7_000_000_000_u64 + u64::from(nth) * 1_111)
}

/// The name of the nth person.
pub(super) fn name_of(nth: u32) -> String {
    Resident { serial: SERIALS_FROM + nth, doses: Vec::new() }.to_request().name
}

/// A first dose as a device captures it, some hour of a day.
pub(super) fn capture(municipality: MunicipalityCode, voucher: &str, hour: u8) -> Capture {
    Capture {
        id: Uuid::now_v7(),
        voucher: Ticket::read(voucher, municipality).unwrap(),
        dose: dose(),
        captured_at_unix_ms: 1_640_000_000_000 + i64::from(hour) * 3_600_000,
    }
}

pub(super) fn dose() -> Vaccination {
    Vaccination {
        status: Status::Done,
        dose_number: 1,
        date: date!(2021 - 12 - 20),
        maker: "ファイザー".to_owned(),
        lot: "FK0108".to_owned(),
        product: Some("コミナティ筋注".to_owned()),
        vaccine_kind: None,
        venue: Some("足立保健所".to_owned()),
    }
}

/// What stands behind the room: its keys and its database.
pub(super) struct Backroom {
    db: Db,
    keys: Arc<RoomKeys>,
    permit: Permit,
}

impl Backroom {
    pub(super) async fn open(site: &Site, municipality: MunicipalityCode) -> Self {
        let config = site.settings.partition().unwrap();
        let db = Db::open(&config.database.service().unwrap()).await.unwrap();
        let store = KeyStore::open(&config.keys.key_encryption_key, &config.keys.folder).unwrap();
        let keys = Arc::new(store.room(municipality).unwrap().unwrap());
        let actor = Actor::Service { kind: ServiceKind::Partition, instance: "main".to_owned() };
        let context = OpContext::new(actor, RequestId::make_random(), SystemClock.now());
        let permit = authorize(&context, Action::RunJobs, municipality).unwrap();
        Self { db, keys, permit }
    }

    fn room(&self) -> RoomKey {
        RoomKey::parse(self.permit.municipality().as_str()).unwrap()
    }

    /// Registers people who each have a voucher for a first dose; their handles come back.
    pub(super) async fn issue_vouchers(&self, people: std::ops::Range<u32>) -> Vec<SubjectId> {
        let (keys, permit) = (Arc::clone(&self.keys), self.permit.clone());
        let work = move |tx: &mut db::Tx| {
            let mut handles = Vec::new();
            for nth in people.clone() {
                let found = person(nth);
                room::store::subject::insert(tx, &keys, &permit, &found)?;
                let provenance = found.provenance.clone().unwrap();
                let issued = Issued {
                    subject: found.id,
                    number: VoucherNumber::parse(&voucher(nth)).unwrap(),
                    dose_number: 1,
                    issued_on: date!(2021 - 04 - 01),
                    provenance,
                };
                room::store::voucher::insert(tx, &keys, &permit, &issued)?;
                handles.push(found.id);
            }
            Ok::<_, service::ApiError>(handles)
        };
        self.db.room_transaction("test.vouchers", self.room(), work).await.unwrap()
    }

    /// How captures ended, and how often.
    pub(super) async fn results(&self) -> BTreeMap<String, usize> {
        self.results_where(|_| true).await
    }

    async fn results_where(&self, counts: impl Fn(&str) -> bool) -> BTreeMap<String, usize> {
        let municipality = self.permit.municipality();
        let read = move |tx: &mut db::Tx| {
            capture_done::table
                .filter(capture_done::municipality.eq(municipality.as_str()))
                .select((capture_done::device, capture_done::result))
                .load::<(String, String)>(tx)
                .map_err(db::DbError::from)
        };
        let all = self.db.room_read("test.results", self.room(), read).await.unwrap();
        let mut counted = BTreeMap::new();
        let all = all.into_iter().filter(|(device, _)| counts(device));
        all.for_each(|(_, result)| *counted.entry(result).or_default() += 1);
        counted
    }

    /// How many rows of doses each of these persons has.
    pub(super) async fn doses(&self, people: &[SubjectId]) -> Vec<usize> {
        let municipality = self.permit.municipality();
        let read = move |tx: &mut db::Tx| {
            vaccination::table
                .filter(vaccination::municipality.eq(municipality.as_str()))
                .select(vaccination::subject_id)
                .load::<Vec<u8>>(tx)
                .map_err(db::DbError::from)
        };
        let all = self.db.room_read("test.doses", self.room(), read).await.unwrap();
        let mut counted = std::collections::HashMap::<Vec<u8>, usize>::new();
        all.into_iter().for_each(|subject| *counted.entry(subject).or_default() += 1);
        let of = |one: &SubjectId| counted.get(one.0.as_bytes().as_slice()).copied().unwrap_or(0);
        people.iter().map(of).collect()
    }

    /// Neither the intake's database and configuration nor any log hold a voucher, a dose or a key.
    pub(super) async fn expect_nothing_in_the_clear_at(&self, world: &crate::support::World) {
        let mut texts = Vec::new();
        if world.engine == crate::support::Engine::Sqlite {
            let files = std::fs::read_dir(world.site.layout.databases()).unwrap();
            let files = files.map(|entry| entry.unwrap().path());
            texts.extend(files.map(|path| std::fs::read(path).unwrap()));
        }
        let config = format!("{:?}", world.site.settings.intake().unwrap());
        assert!(!config.contains("signing") && !config.contains("encryption"), "{config}");
        texts.push(config.into_bytes());
        for needle in [&voucher(0), &voucher(1), "FK0108", "足立保健所"] {
            for text in &texts {
                let found = text.windows(needle.len()).any(|part| part == needle.as_bytes());
                assert!(!found, "{needle} is in the clear");
            }
        }
    }

    /// Waits until so many captures are dealt with.
    pub(super) async fn until_settled(&self, captures: usize, wait_max: Duration) {
        self.until_settled_where(|_| true, (captures, wait_max)).await;
    }

    /// The same with those of one device; says how they ended.
    pub(super) async fn until_settled_of(
        &self,
        device: &TerminalId,
        captures: usize,
        wait_max: Duration,
    ) -> BTreeMap<String, usize> {
        self.until_settled_where(|one| one == device.as_str(), (captures, wait_max)).await
    }

    async fn until_settled_where(
        &self,
        counts: impl Fn(&str) -> bool,
        (captures, wait_max): (usize, Duration),
    ) -> BTreeMap<String, usize> {
        let begun = Instant::now();
        loop {
            let results = self.results_where(&counts).await;
            let settled: usize = results.values().sum();
            if settled >= captures {
                return results;
            }
            assert!(begun.elapsed() < wait_max, "{settled} of {captures} are dealt with");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn person(nth: u32) -> Found {
    let request = Resident { serial: SERIALS_FROM + nth, doses: Vec::new() }.to_request();
    let operator = OperatorId::parse("clerk-adachi").unwrap();
    Found {
        id: SubjectId::make_random(),
        version: 1,
        subject: Subject {
            address_number: AddressNumber::parse(&request.address_number).unwrap(),
            name: PersonalText::parse(&request.name).unwrap(),
            name_kana: PersonalText::parse(&request.name_kana).unwrap(),
            birth_date: date!(1950 - 01 - 01),
            sex: request.sex,
            flags: Flags::default(),
        },
        provenance: Some(Provenance::Registered { operator, at_unix_s: 1 }),
    }
}
