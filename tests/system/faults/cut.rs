//! A line is cut in the middle of an inquiry: before the request arrived, or after it was done.

use std::net::SocketAddr;

use domain::{Role, ServiceKind};
use watari::story::desk::Desk;
use watari::story::site::{Passwords, Site};
use wire::CallError;
use wire::partition::{ListPage, PROVISIONS_LIST, Provisions};

use super::proxy::{Cut, Proxy};
use super::stage::{Case, LOG, ROOM, SOURCE, Stage, on_both};

/// Entries that settle the inquiry at the moment when the asker has lost it.
type Left = usize;

const CUTS: [Cut; 2] = [Cut::BeforeRequest, Cut::BeforeAnswer];

fn address(stage: &Stage, kind: ServiceKind) -> SocketAddr {
    stage.world.house.settings.listen(kind).unwrap().address
}

#[test]
fn a_line_from_broker_to_log_may_be_cut() {
    on_both(async |stage: &mut Stage| {
        let proxy = Proxy::to(address(stage, ServiceKind::ProvisionLog));
        let url = std::mem::replace(log_url(stage), proxy.url());
        restart(stage, ServiceKind::Broker).await;
        for cut in CUTS {
            // The log had written the entry: nobody saw it, and the retry finds it.
            let left = if cut == Cut::BeforeAnswer { 1 } else { 0 };
            for case in stage.cases() {
                lose(stage, (&proxy, cut), &case, left, |answer| LOG.assert(answer)).await;
            }
        }
        *log_url(stage) = url;
        restart(stage, ServiceKind::Broker).await;
    });
}

#[test]
fn a_line_from_partition_to_broker_may_be_cut() {
    on_both(async |stage: &mut Stage| {
        let proxy = Proxy::to(address(stage, ServiceKind::Broker));
        let url = std::mem::replace(broker_url(stage), proxy.url());
        restart(stage, ServiceKind::Partition).await;
        for cut in CUTS {
            let left = if cut == Cut::BeforeAnswer { 1 } else { 0 };
            for case in stage.cases() {
                lose(stage, (&proxy, cut), &case, left, |answer| ROOM.assert(answer)).await;
            }
        }
        *broker_url(stage) = url;
        restart(stage, ServiceKind::Partition).await;
    });
}

#[test]
fn a_line_from_broker_to_source_may_be_cut() {
    on_both(async |stage: &mut Stage| {
        let source = stage.second.house.settings.listen(ServiceKind::Partition).unwrap().address;
        let proxy = Proxy::to(source);
        stage.second.register_at(&stage.world, &proxy.url()).await;
        for cut in CUTS {
            for case in stage.cases() {
                lose(stage, (&proxy, cut), &case, 0, |answer| SOURCE.assert(answer)).await;
                let found = usize::from(!case.doses.is_empty());
                assert_eq!(provisions(stage, &case).await, found, "provided once, kept once");
            }
        }
        stage.second.register_at(&stage.world, &stage.second.url()).await;
    });
}

#[test]
fn a_line_from_terminal_to_partition_may_be_cut() {
    on_both(async |stage: &mut Stage| {
        let proxy = Proxy::to(address(stage, ServiceKind::Partition));
        let mut settings = stage.world.house.settings.clone();
        settings.partition.as_mut().unwrap().listen.address = proxy.address;
        let site = Site::new(settings);
        let passwords = Passwords::load(&site.layout).unwrap();
        let clerk = &stage.world.cast.koriyama.clerk;
        assert_eq!(clerk.role, Role::Clerk);
        let behind = Desk::log_in(&site, clerk, &passwords).await.unwrap();
        let direct = std::mem::replace(&mut stage.clerk, behind.into());
        for cut in CUTS {
            let left = if cut == Cut::BeforeAnswer { 1 } else { 0 };
            for case in stage.cases() {
                lose(stage, (&proxy, cut), &case, left, |answer| {
                    assert!(matches!(answer, Err(CallError::Unavailable)), "{answer:?}");
                })
                .await;
            }
        }
        stage.clerk = direct;
    });
}

/// The question is lost to a cut; a retry with the same id is definite and leaves one entry.
async fn lose(
    stage: &Stage,
    (proxy, cut): (&Proxy, Cut),
    case: &Case,
    left: Left,
    assert_lost: impl Fn(&Result<wire::partition::AskAnswer, CallError>),
) {
    proxy.arm(cut);
    let answer = stage.clerk.ask(&case.asked).await;
    assert!(proxy.has_cut(), "{cut:?}: the line was not used");
    assert_lost(&answer);
    assert_eq!(stage.settled(case).await.len(), left, "{cut:?}");
    stage.assert_recovers(std::slice::from_ref(case)).await;
}

async fn provisions(stage: &Stage, case: &Case) -> usize {
    let supervisor = stage.second.desk(&stage.second.town.supervisor).await;
    let page = ListPage { from: 0, limit: 1_000 };
    let found: Provisions = supervisor.room(PROVISIONS_LIST, &page).await.unwrap();
    found.provisions.iter().filter(|one| one.inquiry == case.asked.inquiry).count()
}

async fn restart(stage: &mut Stage, kind: ServiceKind) {
    stage.stop(kind).await;
    stage.start_again(kind).await;
    stage.definite(&stage.case(0)).await;
}

fn log_url(stage: &mut Stage) -> &mut String {
    &mut stage.world.house.settings.broker.as_mut().unwrap().provision_log_url
}

fn broker_url(stage: &mut Stage) -> &mut String {
    &mut stage.world.house.settings.partition.as_mut().unwrap().broker_url
}
