//! Forged, altered and stale inquiries, sent by whoever holds the broker's certificate, and even its
//! permit key: the provider believes only the inquirer's own signatures (C012, C066 to C068, C091).

use crypto::{Purpose, RoomKeys, SigningKey};
use domain::{IndividualNumber, InquiryHeader, InquiryId, MunicipalityCode, ServiceKind};
use jsonwebtoken::EncodingKey;
use wire::CallError;
use wire::broker::{BrokerInquiry, InquiryPermit};
use wire::partition::{ListPage, OPERATION_LOG_LIST, OperationLog, ProvideRequest};

use super::letter::{
    claims, content, header, now_unix_s, permit, permit_key, provide, request, room_keys, seal,
    sign,
};
use super::sql::{Sql, id_is};
use crate::support::{World, dose, fresh_number, on_both};

/// What happened to an inquiry on its way.
type Change = (&'static str, fn(&mut BrokerInquiry));

/// Everything a perfect thief has.
pub(super) struct Thief {
    world: &'static World,
    koriyama: RoomKeys,
    adachi: RoomKeys,
    pub(super) uruma: RoomKeys,
    permit_key: EncodingKey,
    /// Of a person with a dose in Adachi.
    number: IndividualNumber,
}

impl Thief {
    pub(super) async fn new(world: &'static World) -> Self {
        let serial = fresh_number();
        world.live_in_adachi(serial, &[dose(1)]).await;
        let keys = |code| room_keys(world, code);
        Self {
            world,
            koriyama: keys(world.cast.koriyama.code),
            adachi: keys(world.cast.adachi.code),
            uruma: keys(world.cast.uruma.code),
            permit_key: permit_key(world),
            number: IndividualNumber::for_test(serial),
        }
    }

    /// Koriyama's genuine inquiry with this header.
    fn inquiry(&self, header: InquiryHeader) -> BrokerInquiry {
        let content = content(&self.koriyama, &header, &self.number);
        self.holding(header, &content)
    }

    /// Sealed to Adachi and signed by Koriyama, with any content.
    fn holding(&self, header: InquiryHeader, content: &[u8]) -> BrokerInquiry {
        let (sealed, _) = seal(&self.adachi, &header, content);
        sign(&self.koriyama, header, sealed)
    }

    /// With the permit that a broker would give if it checked nothing.
    fn permitted(&self, inquiry: BrokerInquiry) -> ProvideRequest {
        let permit = permit(&self.permit_key, &claims(&inquiry));
        request(inquiry, permit)
    }

    pub(super) fn genuine(&self) -> BrokerInquiry {
        self.inquiry(header(self.world))
    }

    /// The genuine inquiry under a permit that says something else.
    fn under(&self, change: impl FnOnce(&mut InquiryPermit)) -> ProvideRequest {
        let inquiry = self.genuine();
        let mut claims = claims(&inquiry);
        change(&mut claims);
        let permit = permit(&self.permit_key, &claims);
        request(inquiry, permit)
    }

    /// Changed on the way, the permit being what it was.
    fn altered(&self, change: impl FnOnce(&mut ProvideRequest)) -> ProvideRequest {
        let mut request = self.permitted(self.genuine());
        change(&mut request);
        request
    }

    /// Changed by a broker, which permits what it changed.
    fn repermitted(&self, change: impl FnOnce(&mut BrokerInquiry)) -> ProvideRequest {
        let mut inquiry = self.genuine();
        change(&mut inquiry);
        self.permitted(inquiry)
    }

    async fn expect_refused(&self, what: &str, request: ProvideRequest) {
        let error = provide(self.world, &request).await.expect_err(what);
        let code = error.problem().map(|problem| problem.code.as_str());
        assert!(matches!(error, CallError::Refused(_)), "{what}: {error:?}");
        assert_eq!(code, Some("inquiry-refused"), "{what}");
        let inquiry = &request.header.inquiry;
        let results = self.operations(request.header.provider, inquiry).await;
        assert_eq!(results, ["inquiry-refused"], "{what}");
        self.expect_no_record(what, inquiry);
    }

    /// Results in a room's operation log that name this inquiry.
    pub(super) async fn operations(
        &self,
        room: MunicipalityCode,
        inquiry: &InquiryId,
    ) -> Vec<String> {
        let towns = self.world.cast.towns();
        let town = towns.into_iter().find(|town| town.code == room).unwrap();
        let supervisor = self.world.desk(&town.supervisor).await;
        let (mut from, mut results) = (0, Vec::new());
        loop {
            let page = ListPage { from, limit: 1_000 };
            let log: OperationLog = supervisor.room(OPERATION_LOG_LIST, &page).await.unwrap();
            let Some(last) = log.entries.last() else { return results };
            from = last.sequence + 1;
            let lines = log.entries.into_iter().map(|one| one.entry);
            let lines = lines.filter(|line| line.inquiry == Some(inquiry.0));
            results.extend(lines.map(|line| {
                assert_eq!((line.act.as_str(), line.subject), ("ProvideRecords", None));
                line.result
            }));
            if from % 1_000 != 0 {
                return results;
            }
        }
    }

    pub(super) fn expect_no_record(&self, what: &str, inquiry: &InquiryId) {
        let mut sql = Sql::owner(self.world, ServiceKind::Partition);
        for table in ["provision", "held_inquiry"] {
            let is_it = id_is(&sql, "inquiry_id", &inquiry.0);
            let rows = format!("SELECT count(*) || '' AS value FROM {table} WHERE {is_it}");
            assert_eq!(sql.text(&rows), "0", "{what}: {table}");
        }
    }
}

#[test]
fn the_thief_writes_like_koriyama_itself() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let genuine = thief.permitted(thief.genuine());
        let first = provide(world, &genuine).await.unwrap();
        assert!(first.commitment.is_some());
        // Sent again in time, it is the same answer under the same record, sealed to Koriyama.
        let again = provide(world, &genuine).await.unwrap();
        assert_eq!(first.commitment.map(|c| c.0), again.commitment.map(|c| c.0));
        let mut sql = Sql::owner(world, ServiceKind::Partition);
        let is_it = id_is(&sql, "inquiry_id", &genuine.header.inquiry.0);
        let rows = format!("SELECT count(*) || '' AS value FROM provision WHERE {is_it}");
        assert_eq!(sql.text(&rows), "1");
    });
}

#[test]
fn a_permit_counts_for_one_message_one_provider_and_a_short_time() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let now = now_unix_s();
        let other_key = SigningKey::make_random().unwrap();
        let other_key = EncodingKey::from_ed_pem(other_key.reveal_pem().unwrap().as_bytes());
        let (other_key, other) = (other_key.unwrap(), thief.genuine());
        let uruma = world.cast.uruma.code;
        for (what, request) in [
            ("message digest", thief.under(|claims| claims.message.0[0] ^= 1)),
            ("no digest", thief.under(|claims| claims.message.0.clear())),
            ("expired", thief.under(|claims| claims.exp = now - 6)),
            ("not yet in force", thief.under(|claims| claims.nbf = now + 60)),
            ("another inquiry", thief.under(|claims| claims.inquiry = InquiryId::make_random())),
            ("another inquirer", thief.under(|claims| claims.sub = uruma)),
            ("another provider", thief.under(|claims| claims.aud = uruma.to_string())),
            ("another issuer", thief.under(|claims| claims.iss = "watari-registry".to_owned())),
            ("another key", {
                let inquiry = thief.genuine();
                let permit = permit(&other_key, &claims(&inquiry));
                request(inquiry, permit)
            }),
            ("another message's permit", {
                request(thief.genuine(), permit(&thief.permit_key, &claims(&other)))
            }),
            ("no permit", thief.altered(|request| request.permit.clear())),
            (
                "no signature",
                thief.altered(|request| {
                    let end = request.permit.rfind('.').unwrap() + 1;
                    request.permit.truncate(end);
                }),
            ),
            (
                "algorithm none",
                thief.altered(|request| {
                    let (_, claims) = request.permit.split_once('.').unwrap();
                    let (claims, _) = claims.split_once('.').unwrap();
                    // {"typ":"JWT","alg":"none"}
                    request.permit = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{claims}.");
                }),
            ),
        ] {
            thief.expect_refused(what, request).await;
        }
    });
}

#[test]
fn what_a_broker_changes_on_the_way_is_noticed_even_if_it_permits_it() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let (uruma, koriyama) = (world.cast.uruma.code, world.cast.koriyama.code);
        let changes: [Change; 9] = [
            ("time", |inquiry| inquiry.header.asked_at_unix_s -= 1),
            ("operator", |inquiry| {
                inquiry.header.operator = domain::OperatorId::parse("clerk-other").unwrap();
            }),
            ("inquiry id", |inquiry| inquiry.header.inquiry = InquiryId::make_random()),
            ("first sealed byte", |inquiry| inquiry.sealed.0[0] ^= 1),
            ("last sealed byte", |inquiry| *inquiry.sealed.0.last_mut().unwrap() ^= 128),
            ("cut", |inquiry| inquiry.sealed.0.truncate(1_600)),
            ("nothing sealed", |inquiry| inquiry.sealed.0.clear()),
            ("signature", |inquiry| inquiry.signature.0[63] ^= 1),
            ("no signature", |inquiry| inquiry.signature.0.clear()),
        ];
        for (what, change) in changes {
            let request = thief.altered(|request| {
                let ProvideRequest { header, sealed, signature, .. } = request.clone();
                let mut inquiry = BrokerInquiry { header, sealed, signature };
                change(&mut inquiry);
                (request.header, request.sealed) = (inquiry.header, inquiry.sealed);
                request.signature = inquiry.signature;
            });
            thief.expect_refused(what, request).await;
            thief.expect_refused(what, thief.repermitted(change)).await;
        }
        let routed = thief.repermitted(|inquiry| inquiry.header.provider = uruma);
        thief.expect_refused("another provider", routed).await;
        let renamed = thief.repermitted(|inquiry| inquiry.header.inquirer = uruma);
        thief.expect_refused("another inquirer", renamed).await;
        let own = thief.repermitted(|inquiry| {
            (inquiry.header.inquirer, inquiry.header.provider) = (koriyama, koriyama);
        });
        thief.expect_refused("the inquirer itself as provider", own).await;
    });
}

#[test]
fn only_the_inquirers_own_signatures_count_outside_and_inside() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let (head, number) = (|| header(world), &thief.number);
        let other_number = IndividualNumber::for_test(fresh_number());
        let foreign = {
            let header = head();
            let content = content(&thief.koriyama, &header, number);
            let (sealed, _) = seal(&thief.adachi, &header, &content);
            sign(&thief.uruma, header, sealed)
        };
        let inside = |make: &dyn Fn(&InquiryHeader) -> Vec<u8>| {
            let header = head();
            let content = make(&header);
            thief.holding(header, &content)
        };
        let genuine = |header: &InquiryHeader| content(&thief.koriyama, header, number);
        for (what, inquiry) in [
            ("outside by another room", foreign),
            ("inside by another room", inside(&|h| content(&thief.uruma, h, number))),
            ("inside by the provider", inside(&|h| content(&thief.adachi, h, number))),
            ("number signature missing", inside(&|_| number.reveal().as_bytes().to_vec())),
            ("number signature cut", inside(&|h| genuine(h)[..75].to_vec())),
            ("something behind it", inside(&|h| [genuine(h).as_slice(), b"0"].concat())),
            (
                "another number under it",
                inside(&|h| [other_number.reveal().as_bytes(), &genuine(h)[12..]].concat()),
            ),
            ("signed for another header", inside(&|_| genuine(&head()))),
            (
                "signed for another purpose",
                inside(&|h| {
                    let signed =
                        [h.to_signed_bytes().as_slice(), number.reveal().as_bytes()].concat();
                    let signature = thief.koriyama.sign(Purpose::Inquiry, &signed);
                    [number.reveal().as_bytes(), &signature.to_bytes()].concat()
                }),
            ),
            ("not a number", inside(&|h| [b"999900000000", &genuine(h)[12..]].concat())),
            ("nothing inside", inside(&|_| Vec::new())),
        ] {
            thief.expect_refused(what, thief.permitted(inquiry)).await;
        }
    });
}

#[test]
fn what_is_sealed_for_another_room_or_question_does_not_open() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let header = || header(world);
        let sealed_to = |to: &RoomKeys, bound_to: &InquiryHeader, sent: InquiryHeader| {
            let content = content(&thief.koriyama, &sent, &thief.number);
            let (sealed, _) = seal(to, bound_to, &content);
            thief.permitted(sign(&thief.koriyama, sent, sealed))
        };
        let (first, second) = (header(), header());
        let to_uruma = sealed_to(&thief.uruma, &first, first.clone());
        thief.expect_refused("sealed to Uruma", to_uruma).await;
        let to_itself = sealed_to(&thief.koriyama, &second, second.clone());
        thief.expect_refused("sealed to Koriyama", to_itself).await;
        let moved = sealed_to(&thief.adachi, &header(), header());
        thief.expect_refused("sealed with another header", moved).await;
    });
}

#[test]
fn old_inquiries_and_those_from_the_future_are_refused_though_signed_and_permitted() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let max = world.site.settings.partition().unwrap().limits.clock_s_max;
        for away_s in [-max - 1, -max - 86_400, max + 60, i64::MIN / 2] {
            let asked_at_unix_s = now_unix_s().saturating_add(away_s);
            let stale = thief.inquiry(InquiryHeader { asked_at_unix_s, ..header(world) });
            thief.expect_refused(&format!("{away_s} s"), thief.permitted(stale)).await;
        }
        let asked_at_unix_s = now_unix_s() - max + 30;
        let late = thief.inquiry(InquiryHeader { asked_at_unix_s, ..header(world) });
        assert!(provide(world, &thief.permitted(late)).await.is_ok());
    });
}

#[test]
fn the_provider_looks_into_its_own_permission_list() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        let adachi = world.cast.adachi.code;
        for (what, header) in [
            ("procedure", InquiryHeader { procedure: "tax".to_owned(), ..header(world) }),
            (
                "basis",
                InquiryHeader { legal_basis: "number-act-19-15".to_owned(), ..header(world) },
            ),
            ("items", InquiryHeader { items: "all".to_owned(), ..header(world) }),
            ("not a law code", InquiryHeader { items: "a\nb".to_owned(), ..header(world) }),
            ("asking itself", InquiryHeader { inquirer: adachi, ..header(world) }),
            (
                "a room nobody has",
                InquiryHeader {
                    inquirer: MunicipalityCode::parse("092037").unwrap(),
                    ..header(world)
                },
            ),
        ] {
            thief.expect_refused(what, thief.permitted(thief.inquiry(header))).await;
        }
    });
}
