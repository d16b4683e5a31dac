//! A second attempt under the same id: what was provided is provided again, but not about a person
//! who has been protected meanwhile, and not about somebody else.

use domain::{IndividualNumber, InquiryHeader};
use wire::partition::ProvideAnswer;

use super::letter::{
    claims, content, header, permit, permit_key, provide, request, room_keys, seal, sign,
};
use crate::support::{World, dose, fresh_number, on_both};

/// An attempt that the broker permits, about this person.
async fn attempt(
    world: &World,
    header: &InquiryHeader,
    number: &IndividualNumber,
) -> ProvideAnswer {
    let koriyama = room_keys(world, world.cast.koriyama.code);
    let adachi = room_keys(world, world.cast.adachi.code);
    let (sealed, _) = seal(&adachi, header, &content(&koriyama, header, number));
    let inquiry = sign(&koriyama, header.clone(), sealed);
    let permit = permit(&permit_key(world), &claims(&inquiry));
    provide(world, &request(inquiry, permit)).await.unwrap()
}

#[test]
fn a_retry_is_provided_again_until_the_person_is_protected() {
    on_both(async |world| {
        let serial = fresh_number();
        let subject = world.live_in_adachi(serial, &[dose(1)]).await;
        let (header, number) = (header(world), IndividualNumber::for_test(serial));
        let first = attempt(world, &header, &number).await;
        let again = attempt(world, &header, &number).await;
        assert!(first.commitment.is_some());
        assert_eq!(again.commitment, first.commitment);
        world.withhold_in_adachi(subject).await;
        assert_eq!(attempt(world, &header, &number).await.commitment, None);
    });
}

#[test]
fn an_id_once_used_for_somebody_finds_nobody_else() {
    on_both(async |world| {
        let (one, other) = (fresh_number(), fresh_number());
        world.live_in_adachi(one, &[dose(1)]).await;
        world.live_in_adachi(other, &[dose(1)]).await;
        let header = header(world);
        let first = attempt(world, &header, &IndividualNumber::for_test(one)).await;
        assert!(first.commitment.is_some());
        let second = attempt(world, &header, &IndividualNumber::for_test(other)).await;
        assert_eq!(second.commitment, None);
    });
}
