use time::OffsetDateTime;

use super::*;
use crate::{OperatorId, RequestId, TerminalId};

/// Changed by hand only: a change of this file is a change of who may do what.
#[test]
fn policy_table_is_as_published() {
    assert_eq!(table(), include_str!("policy.table.txt"));
}

fn operator(municipality: &str, role: Role) -> OpContext {
    let actor = Actor::Operator {
        id: OperatorId::parse("op").unwrap(),
        municipality: MunicipalityCode::parse(municipality).unwrap(),
        role,
        terminal: TerminalId::parse("t").unwrap(),
    };
    OpContext::new(actor, RequestId::make_random(), OffsetDateTime::UNIX_EPOCH)
}

#[test]
fn no_operator_reaches_another_room_by_any_action() {
    let other = MunicipalityCode::parse("072036").unwrap();
    for role in [Role::Clerk, Role::Supervisor] {
        for action in Action::ALL {
            if action != Action::LogOut {
                assert!(authorize(&operator("131211", role), action, other).is_err());
            }
        }
    }
}

#[test]
fn a_national_role_with_a_municipality_is_nobody() {
    let context = operator("131211", Role::National);
    assert!(Action::ALL.into_iter().all(|action| !may(&context.actor, action)));
}

#[test]
fn the_nation_reaches_no_personal_data() {
    let national = Actor::National {
        id: OperatorId::parse("n").unwrap(),
        terminal: TerminalId::parse("t").unwrap(),
    };
    let personal = [
        Action::RegisterSubject,
        Action::RegisterVaccination,
        Action::AskTransferIn,
        Action::ReadInquiry,
        Action::ReadProvisions,
        Action::ReadOperationLog,
        Action::ProvideRecords,
        Action::ReadOutcomes,
    ];
    assert!(personal.into_iter().all(|action| !may(&national, action)));
}

#[test]
fn a_permit_is_for_one_action() {
    let own = MunicipalityCode::parse("131211").unwrap();
    let permit = authorize(&operator("131211", Role::Clerk), Action::AskTransferIn, own).unwrap();
    assert!(permit.expect_action(Action::AskTransferIn).is_ok());
    assert!(permit.expect_action(Action::RegisterSubject).is_err());
}
