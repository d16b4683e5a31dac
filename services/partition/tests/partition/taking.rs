//! Captures are taken from the intake, and devices made known to it, room by room.

use crypto::SigningKey;
use domain::{Role, TerminalId};
use wire::devices::{
    DEVICES, DEVICES_LIST, DEVICES_REVOKE, Devices, ListDevices, RegisterDevice, RevokeDevice,
};

use crate::world::{ADACHI, Desk, KORIYAMA, on_both_with, until};

const SOON: &str = "captures_every_ms = 100";

fn tablet() -> TerminalId {
    TerminalId::parse("tablet-1").unwrap()
}

async fn register(supervisor: &Desk) {
    register_as(supervisor, tablet()).await;
}

async fn register_as(supervisor: &Desk, device: TerminalId) {
    let key = SigningKey::make_random().unwrap().verifying_key();
    let device = RegisterDevice {
        device,
        thumbprint: vec![7; 32].into(),
        verifying_key: key.as_bytes().to_vec().into(),
    };
    supervisor.post::<()>(DEVICES, &device).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_captures_nor_a_lost_device_wait_for_another_rooms_many_captures() {
    on_both_with(SOON, async |world| {
        world.intake.state().is_endless = true;
        until("both rooms' captures are asked for", async || {
            let fetched = world.intake.state().fetched.clone();
            let of = |code: &str| fetched.iter().filter(|one| one.as_str() == code).count();
            of(ADACHI) > 1 && of(KORIYAMA) > 1
        })
        .await;
        for municipality in [ADACHI, KORIYAMA] {
            let supervisor = world.desk(municipality, Role::Supervisor);
            register(&supervisor).await;
            let lost = RevokeDevice { device: tablet() };
            supervisor.post::<()>(DEVICES_REVOKE, &lost).await.unwrap();
            until("the intake knows that the device is lost", async || {
                let listed = supervisor.post(DEVICES_LIST, &ListDevices::default()).await;
                let listed: Devices = listed.unwrap();
                listed.devices.iter().all(|one| one.in_force)
            })
            .await;
        }
        world.intake.state().is_endless = false;
        let told = world.intake.state().told.clone();
        assert_eq!(told.iter().filter(|one| **one == (tablet(), true)).count(), 2, "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_that_was_away_hears_of_every_device_when_it_is_back() {
    on_both_with(SOON, async |mut world| {
        register(&world.desk(KORIYAMA, Role::Supervisor)).await;
        let is_told = async || !world.intake.state().told.is_empty();
        until("the intake hears of the device", is_told).await;
        world.stop().await;
        world.intake.state().is_away = true;
        world.intake.state().told.clear();
        world.start().await;
        let is_told = async || !world.intake.state().told.is_empty();
        until("it was told in vain", is_told).await;
        // It has lost what it knew.
        world.intake.state().told.clear();
        world.intake.state().is_away = false;
        let knows = async || world.intake.state().told.contains(&(tablet(), false));
        until("it is told once more", knows).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_intake_refuses_keeps_back_no_other_and_no_capture() {
    on_both_with(SOON, async |world| {
        let refused = TerminalId::parse("tablet-0").unwrap();
        world.intake.state().other = Some(refused.clone());
        let supervisor = world.desk(KORIYAMA, Role::Supervisor);
        register_as(&supervisor, refused.clone()).await;
        register(&supervisor).await;
        let lost = RevokeDevice { device: tablet() };
        supervisor.post::<()>(DEVICES_REVOKE, &lost).await.unwrap();
        let knows = async || world.intake.state().told.contains(&(tablet(), true));
        until("the intake knows that the other one is lost", knows).await;
        world.intake.state().fetched.clear();
        let fetched =
            async || world.intake.state().fetched.iter().any(|one| one.as_str() == KORIYAMA);
        until("its room's captures are taken all the same", fetched).await;
        let listed = supervisor.post(DEVICES_LIST, &ListDevices::default()).await;
        let listed: Devices = listed.unwrap();
        let in_force: Vec<_> = listed.devices.iter().map(|one| one.in_force).collect();
        assert_eq!(in_force, [false, true]);
    })
    .await;
}
