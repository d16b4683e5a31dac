//! The services as one table, for every command that goes through all of them.

use db::Migrations;
use domain::ServiceKind;
use service::Endpoint;
use utoipa::openapi::OpenApi;

/// What a service calls over the network stands before it: the order of starting.
pub const IN_ORDER: [ServiceKind; 5] = [
    ServiceKind::Registry,
    ServiceKind::ProvisionLog,
    ServiceKind::Broker,
    ServiceKind::Intake,
    ServiceKind::Partition,
];

pub fn endpoints(kind: ServiceKind) -> &'static [Endpoint] {
    match kind {
        ServiceKind::Registry => registry::ENDPOINTS,
        ServiceKind::ProvisionLog => provision_log::ENDPOINTS,
        ServiceKind::Broker => broker::ENDPOINTS,
        ServiceKind::Intake => intake::ENDPOINTS,
        ServiceKind::Partition => partition::endpoints(),
    }
}

pub fn openapi(kind: ServiceKind) -> OpenApi {
    match kind {
        ServiceKind::Registry => registry::openapi(),
        ServiceKind::ProvisionLog => provision_log::openapi(),
        ServiceKind::Broker => broker::openapi(),
        ServiceKind::Intake => intake::openapi(),
        ServiceKind::Partition => partition::openapi(),
    }
}

/// Tables and database role of a service; the broker has neither.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    pub migrations: &'static Migrations,
    pub role: &'static str,
}

pub fn schema(kind: ServiceKind) -> Option<Schema> {
    let (migrations, role) = match kind {
        ServiceKind::Registry => (&registry::MIGRATIONS, registry::ROLE),
        ServiceKind::ProvisionLog => (&provision_log::MIGRATIONS, provision_log::ROLE),
        ServiceKind::Intake => (&intake::MIGRATIONS, intake::ROLE),
        ServiceKind::Partition => (&partition::MIGRATIONS, partition::ROLE),
        ServiceKind::Broker => return None,
    };
    Some(Schema { migrations, role })
}
