//! One person's doses for the municipality's own systems, as FHIR resources in the shape of JP Core.

use db::Tx;
use domain::vaccination::{Provenance, Standing, Status, Vaccination};
use domain::{Action, Permit};
use room::Host;
use room::operation_log::{About, entry};
use room::store;
use room::store::subject::Found;
use room::store::vaccination::Held;
use service::ApiError;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::fhir::{
    ADDRESS_NUMBER_SYSTEM, Bundle, CodeableConcept, Coding, Identifier, Immunization,
    ImmunizationType, Meta, PROFILE, ProtocolApplied, Reference, VACCINATION_SYSTEM,
};
use wire::records::RecordSource;

use crate::search::Search;

/// The doses that were asked for; an unknown person has none.
pub(crate) async fn search(
    host: &Host,
    permit: Permit,
    search: Search,
) -> Result<Bundle, ApiError> {
    permit.expect_action(Action::SearchImmunizations)?;
    let room = host.room(permit.municipality())?;
    let (keys, patient) = (room.keys()?, search.patient.clone());
    let read = move |tx: &mut Tx, permit: &Permit| {
        let id = store::subject::find_by_address(tx, &keys, permit, &patient)?;
        let Some(id) = id else { return Ok(None) };
        let found = store::subject::find(tx, &keys, permit, id)?;
        let held = store::vaccination::newest(tx, &keys, permit, &id)?;
        Ok(found.map(|found| (found, held)))
    };
    let known = host.read("partition.search-immunizations", &permit, read).await?;
    let subject = known.as_ref().map(|(found, _)| found.id.0);
    let (total, found) = known.map_or((0, Vec::new()), |known| select(&permit, &search, known));
    let result = format!("found {total}, shown {}", found.len());
    let about = About { subject, ..About::default() };
    room.queue.add(entry(&permit, about, &result)).await?;
    Ok(Bundle::searchset(total, found))
}

fn select(
    permit: &Permit,
    search: &Search,
    (found, mut held): (Found, Vec<Held>),
) -> (usize, Vec<Immunization>) {
    // 利用停止: the municipality may not use these doses any more.
    if found.subject.flags.stopped {
        return (0, Vec::new());
    }
    held.retain(|held| search.wants(held.version.vaccination.date));
    let shown = held.iter().take(search.count);
    (held.len(), shown.map(|held| resource(permit, &found, held)).collect())
}

fn resource(permit: &Permit, found: &Found, held: &Held) -> Immunization {
    let dose = &held.version.vaccination;
    let source = &held.version.provenance;
    let recorded = recorded(source);
    let is_ours = !matches!(source, Provenance::Adopted { .. } | Provenance::Noticed { .. });
    let is_protected = found.subject.flags.withheld;
    let id = held.id.0.to_string();
    Immunization {
        resource_type: ImmunizationType::Immunization,
        meta: Meta {
            version_id: held.number.to_string(),
            last_updated: recorded.clone(),
            profile: vec![PROFILE.to_owned()],
            security: is_protected.then(Coding::restricted).into_iter().collect(),
        },
        identifier: vec![Identifier { system: VACCINATION_SYSTEM.to_owned(), value: id.clone() }],
        id,
        status: status(held.version.standing, dose.status).to_owned(),
        vaccine_code: vaccine(dose),
        patient: Reference {
            r#type: Some("Patient".to_owned()),
            identifier: Some(Identifier {
                system: format!("{ADDRESS_NUMBER_SYSTEM}{}", permit.municipality()),
                value: found.subject.address_number.reveal().to_owned(),
            }),
            display: None,
        },
        occurrence_date_time: dose.date.to_string(),
        recorded,
        primary_source: is_ours,
        location: dose.venue.as_deref().map(Reference::display),
        manufacturer: Reference::display(&dose.maker),
        lot_number: dose.lot.clone(),
        protocol_applied: vec![ProtocolApplied { dose_number_positive_int: dose.dose_number }],
    }
}

/// The register keeps words, no codes.
fn vaccine(dose: &Vaccination) -> CodeableConcept {
    let words = [&dose.vaccine_kind, &dose.product].into_iter().flatten().cloned();
    let words: Vec<String> = words.collect();
    let text = if words.is_empty() { dose.maker.clone() } else { words.join(" ") };
    CodeableConcept { coding: Vec::new(), text: Some(text) }
}

fn status(standing: Standing, status: Status) -> &'static str {
    match (standing, status) {
        (Standing::Withdrawn, _) => "entered-in-error",
        (Standing::InForce, Status::Done) => "completed",
        (Standing::InForce, Status::NotDone) => "not-done",
    }
}

fn recorded(source: &Provenance) -> String {
    let at = OffsetDateTime::from_unix_timestamp(RecordSource::from(source).at_unix_s);
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}
