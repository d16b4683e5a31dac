//! People with vouchers, put into a room that rests, by the room's own store.

use std::sync::Arc;

use crypto::{KeyStore, RoomKeys};
use db::{Db, RoomKey, Tx};
use domain::subject::{Flags, Subject, SubjectId};
use domain::vaccination::Provenance;
use domain::voucher::VoucherNumber;
use domain::{
    Action, Actor, AddressNumber, Clock as _, MunicipalityCode, OpContext, Permit, PersonalText,
    RequestId, ServiceKind, SystemClock, authorize,
};
use room::store::subject::Found;
use room::store::voucher::Issued;
use service::ApiError;
use time::macros::date;

use crate::Failure;
use crate::bench::ground::{Ground, residents};

/// Serials of these people, apart from the demonstration's.
const PEOPLE_FROM: u32 = 6_000_000;
/// People of one transaction.
const ROWS: usize = 500;

/// What stands on the voucher of the nth person.
pub(super) fn number(nth: u32) -> String {
    format!("{:010}", 7_000_000_000_u64 + u64::from(nth))
}

/// Registers so many people who each have a voucher for a first dose.
pub(super) async fn issue(
    ground: &Ground,
    municipality: MunicipalityCode,
    count: u32,
) -> Result<(), Failure> {
    let failed = |source| Failure::Database { service: "partition", source };
    let config = ground.house.settings.partition()?;
    let db = Db::open(&config.database.service()?).await.map_err(failed)?;
    let store = KeyStore::open(&config.keys.key_encryption_key, &config.keys.folder)?;
    let keys = store.room(municipality)?.ok_or(Failure::Claim("the room has its keys"))?;
    let keys = Arc::new(keys);
    let actor = Actor::Service { kind: ServiceKind::Partition, instance: "main".to_owned() };
    let context = OpContext::new(actor, RequestId::make_random(), SystemClock.now());
    let permit = authorize(&context, Action::RunJobs, municipality)
        .map_err(|_| Failure::Claim("a partition may work in its rooms"))?;
    let room = RoomKey::parse(municipality.as_str());
    let room = room.map_err(|_| Failure::Claim("a municipality has a room"))?;
    let operator = &ground.cast.adachi.clerk.id;
    let people: Vec<(u32, Found)> = (0..count)
        .zip(residents(PEOPLE_FROM..PEOPLE_FROM + count, false))
        .map(|(nth, one)| Some((nth, person(&one.to_request(), operator.clone())?)))
        .collect::<Option<_>>()
        .ok_or(Failure::Claim("invented people are well formed"))?;
    for some in people.chunks(ROWS) {
        let (keys, permit, some) = (Arc::clone(&keys), permit.clone(), some.to_vec());
        let work =
            move |tx: &mut Tx| some.iter().try_for_each(|one| put(tx, (&keys, &permit), one));
        let put: Result<(), ApiError> = db.room_transaction("bench.vouchers", room, work).await;
        put.map_err(|_| Failure::Claim("invented people fit into a register"))?;
    }
    Ok(())
}

fn put(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    (nth, person): &(u32, Found),
) -> Result<(), ApiError> {
    room::store::subject::insert(tx, keys, permit, person)?;
    let issued = Issued {
        subject: person.id,
        number: VoucherNumber::parse(&number(*nth)).map_err(|_| ApiError::field("voucher"))?,
        dose_number: 1,
        issued_on: date!(2021 - 04 - 01),
        provenance: person.provenance.clone().ok_or_else(|| ApiError::field("provenance"))?,
    };
    room::store::voucher::insert(tx, keys, permit, &issued)
}

fn person(
    request: &wire::partition::RegisterSubject,
    operator: domain::OperatorId,
) -> Option<Found> {
    Some(Found {
        id: SubjectId::make_random(),
        version: 1,
        subject: Subject {
            address_number: AddressNumber::parse(&request.address_number).ok()?,
            name: PersonalText::parse(&request.name).ok()?,
            name_kana: PersonalText::parse(&request.name_kana).ok()?,
            birth_date: date!(1950 - 01 - 01),
            sex: request.sex,
            flags: Flags::default(),
        },
        provenance: Some(Provenance::Registered { operator, at_unix_s: 1 }),
    })
}
