//! How the endpoints are called by which something leaves the room on purpose, and those of the
//! municipality's own systems.

use domain::{Action, IndividualNumber, Role};
use serde_json::json;
use wire::exports::{DISCLOSURES_FULL, DISCLOSURES_PAGE, EXPORTS_DOSES, EXPORTS_SUBJECTS};
use wire::pmh::{PMH_VACCINATIONS, PMH_VACCINATIONS_SEARCH};

use super::{Row, Scene};

pub(super) fn row(action: Action, scene: &Scene) -> Option<Row> {
    let (clerk, supervisor) = (Some(Role::Clerk), Some(Role::Supervisor));
    let export = |layout: &str, limit: u16| json!({ "layout": layout, "encoding": "cp932", "lineEnd": "crlf", "limit": limit });
    Some(match (action, scene.path) {
        (Action::ExportRecords, EXPORTS_DOSES) => {
            Row::new(supervisor, export("doses-1", 9), export("doses-1", 0))
        }
        (Action::ExportRecords, EXPORTS_SUBJECTS) => {
            Row::new(supervisor, export("subjects-export-1", 9), export("doses-1", 9))
        }
        (Action::DiscloseAll, DISCLOSURES_FULL | DISCLOSURES_PAGE) => {
            let number = |serial| IndividualNumber::for_test(serial).reveal().to_owned();
            let disclose = |serial| json!({ "individualNumber": number(serial) });
            Row { knows_subject: true, ..Row::new(supervisor, disclose(1), disclose(999)) }
        }
        (Action::CorrectVaccination, PMH_VACCINATIONS) => {
            let item = json!({
                "modificationSeg": "1", "municipalityIdentityKey": "1", "vaccination": scene.dose,
            });
            let send = |items| json!({ "vaccinations": items });
            Row::new(clerk, send(vec![item]), send(vec![]))
        }
        (Action::SearchImmunizations, PMH_VACCINATIONS_SEARCH) => {
            let search = |key: &str| json!({ "municipalityIdentityKey": key });
            Row { knows_subject: true, ..Row::new(clerk, search("2"), search("99999")) }
        }
        _ => return None,
    })
}
