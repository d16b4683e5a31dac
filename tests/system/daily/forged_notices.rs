//! Notices that nobody sent, or not like this: refused by the broker, and by the recipient even if
//! the broker were false.

use crypto::{KeyStore, Purpose, RoomKeys};
use domain::{
    Clock as _, IndividualNumber, InquiryId, MunicipalityCode, NoticeHeader, NoticeId, NoticeKind,
    Outcome, RequestId, ServiceKind, SystemClock,
};
use serde_json::json;
use uuid::Uuid;
use wire::notices::{
    BrokerNotice, NOTICES, NOTICES_RECEIVE, NoticeReceived, NoticeRouted, ReceiveNotice,
};
use wire::partition::{AskAnswer, DISCLOSURES, Disclose, Disclosure, Received};
use wire::{Base64Bytes, CallError, WireNumber};

use super::towns::Towns;
use crate::support::{Engine, RUNTIME, dose, fresh_number, question};

/// Everything a perfect thief has: the keys of every room, and the services' certificates.
struct Thief<'a> {
    towns: &'a Towns,
    adachi: RoomKeys,
    koriyama: RoomKeys,
    uruma: RoomKeys,
    number: u32,
    answer: AskAnswer,
    asked_at_unix_s: i64,
    subject: Uuid,
}

#[test]
fn a_forged_notice_is_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            let thief = Thief::new(&towns).await;
            thief.deceive_the_broker().await;
            thief.deceive_the_recipient().await;
            thief.speak_of_what_never_was().await;
            drop(thief);
            towns.stop().await;
        });
    }
}

fn keys(towns: &Towns, room: MunicipalityCode) -> RoomKeys {
    let keys = &towns.world.site.settings.partition().unwrap().keys;
    let store = KeyStore::open(&keys.key_encryption_key, &keys.folder).unwrap();
    store.room(room).unwrap().unwrap()
}

fn code<A: std::fmt::Debug>(answer: Result<A, CallError>) -> String {
    answer.unwrap_err().problem().unwrap().code.clone()
}

impl<'a> Thief<'a> {
    /// Koriyama has asked Adachi about a person.
    async fn new(towns: &'a Towns) -> Self {
        let cast = &towns.world.cast;
        let number = fresh_number();
        towns.live(&cast.adachi.clerk, number, &[dose(1)]).await;
        let subject = towns.live(&cast.koriyama.clerk, number, &[]).await;
        let clerk = towns.desk(&cast.koriyama.clerk).await;
        let answer = clerk.ask(&question(number, cast.adachi.code)).await.unwrap();
        let [adachi, koriyama, uruma] = cast.towns().map(|town| keys(towns, town.code));
        let provided = towns.entries(Outcome::Provided).await;
        let asked = provided.values().find(|one| one.entry.inquiry == answer.inquiry);
        let asked_at_unix_s = asked.unwrap().entry.asked_at_unix_s;
        Self { towns, adachi, koriyama, uruma, number, answer, asked_at_unix_s, subject }
    }

    fn header(&self) -> NoticeHeader {
        let cast = &self.towns.world.cast;
        let now = SystemClock.now().unix_timestamp();
        NoticeHeader {
            notice: NoticeId::make_random(),
            kind: NoticeKind::Corrected,
            inquiry: self.answer.inquiry,
            inquirer: cast.koriyama.code,
            provider: cast.adachi.code,
            procedure: "transfer-in".to_owned(),
            legal_basis: "number-act-19-16".to_owned(),
            items: "vaccination".to_owned(),
            operator: cast.adachi.clerk.id.clone(),
            terminal: cast.adachi.clerk.terminal.clone(),
            asked_at_unix_s: self.asked_at_unix_s,
            sent_at_unix_s: now,
        }
    }

    /// A letter to Koriyama that takes the dose back, signed with any key.
    fn notice(&self, header: NoticeHeader, signer: &RoomKeys) -> BrokerNotice {
        let content = json!({ "earlier": [dose(1)], "after": null }).to_string();
        let salt = [7; 32];
        let opened = crypto::Salt::from_bytes(&salt).unwrap();
        let number = IndividualNumber::for_test(self.number);
        let commitment = crypto::Commitment::new(&opened, &number, content.as_bytes());
        let salt = Base64Bytes(salt.to_vec());
        let letter = json!({ "content": content, "salt": salt, "origin": Uuid::now_v7() });
        let published = self.koriyama.public_keys();
        let to = published.sealing_current().unwrap();
        let bytes = letter.to_string().into_bytes();
        let sealed = crypto::seal_notice(to, &header.to_signed_bytes(), &bytes).unwrap();
        let commitment = Base64Bytes(commitment.as_bytes().to_vec());
        let signed = BrokerNotice::signed_bytes(&header, &commitment.0, &sealed);
        let signature = signer.sign(Purpose::Notice, &signed).to_bytes();
        let (sealed, signature) = (Base64Bytes(sealed), Base64Bytes(signature.to_vec()));
        BrokerNotice { header, commitment, sealed, signature }
    }

    async fn send(&self, holder: &str, notice: &BrokerNotice) -> Result<NoticeRouted, CallError> {
        let client = self.towns.world.site.client(holder, ServiceKind::Broker).unwrap();
        client.post(NOTICES, &RequestId::make_random(), None, notice).await
    }

    /// With the broker's own certificate.
    async fn bring(&self, message: &ReceiveNotice) -> Result<NoticeReceived, CallError> {
        let site = &self.towns.world.site;
        let client = site.client("broker", ServiceKind::Partition).unwrap();
        client.post(NOTICES_RECEIVE, &RequestId::make_random(), None, message).await
    }

    async fn deceive_the_broker(&self) {
        let send =
            async |holder: &str, notice: BrokerNotice| code(self.send(holder, &notice).await);
        let good = || self.notice(self.header(), &self.adachi);
        assert_eq!(
            send("partition", self.notice(self.header(), &self.uruma)).await,
            "not-authentic"
        );
        // The host of other rooms speaks for none of these.
        assert_eq!(send("second", good()).await, "not-authentic");
        let mut altered = good();
        altered.sealed.0[2_000] ^= 1;
        assert_eq!(send("partition", altered).await, "not-authentic");
        let mut altered = good();
        altered.commitment.0[0] ^= 1;
        assert_eq!(send("partition", altered).await, "not-authentic");
        let mut altered = good();
        altered.header.inquirer = self.towns.world.cast.uruma.code;
        assert_eq!(send("partition", altered).await, "not-authentic");
        let old = NoticeHeader { sent_at_unix_s: 1, ..self.header() };
        assert_eq!(send("partition", self.notice(old, &self.adachi)).await, "out-of-time");
        let other = NoticeHeader { procedure: "tax".to_owned(), ..self.header() };
        assert_eq!(send("partition", self.notice(other, &self.adachi)).await, "not-permitted");
        let itself = NoticeHeader { inquirer: self.header().provider, ..self.header() };
        assert_eq!(send("partition", self.notice(itself, &self.adachi)).await, "not-permitted");
        let broken = NoticeHeader { items: "a\nb".to_owned(), ..self.header() };
        assert_eq!(send("partition", self.notice(broken, &self.adachi)).await, "malformed");
        assert!(self.towns.entries(Outcome::Corrected).await.is_empty(), "nothing is on record");
    }

    /// A genuine correction, as the provider's own records prove it to anybody.
    async fn genuine(&self) -> Received {
        let cast = &self.towns.world.cast;
        let desk = self.towns.desk(&cast.adachi.supervisor).await;
        let number = WireNumber(IndividualNumber::for_test(self.number));
        let wanted = Disclose { individual_number: number };
        for _ in 0..100 {
            let told: Disclosure = desk.room(DISCLOSURES, &wanted).await.unwrap();
            let corrected = told.received.into_iter().find(|one| one.outcome == Outcome::Corrected);
            if let Some(corrected) = corrected {
                return corrected;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the correction is not on record");
    }

    async fn deceive_the_recipient(&self) {
        let cast = &self.towns.world.cast;
        let subject = {
            let desk = self.towns.desk(&cast.adachi.clerk).await;
            let number = Some(WireNumber(IndividualNumber::for_test(self.number)));
            let way = wire::records::FindRecords {
                individual_number: number,
                ..wire::records::FindRecords::default()
            };
            let found: wire::records::PersonRecords =
                desk.room(wire::records::RECORDS_FIND, &way).await.unwrap();
            found.subject.subject
        };
        let mut right = dose(1);
        right.lot = "RIGHT1".to_owned();
        self.towns.correct(&cast.adachi.clerk, subject, right).await;
        let notice = self.towns.notices(&cast.koriyama.clerk, self.subject, 1).await.remove(0);
        let receipt = self.genuine().await.receipt.unwrap();
        let refused = async |message: ReceiveNotice| {
            assert_eq!(code(self.bring(&message).await), "notice-refused");
        };
        // Signed by the sender, under the proof of another one.
        let other = self.notice(self.header(), &self.adachi);
        refused(ReceiveNotice { notice: other, receipt: receipt.clone() }).await;
        // The very id that is on record, with another content.
        let header = NoticeHeader { notice: notice.notice, ..self.header() };
        let replayed = self.notice(header, &self.adachi);
        assert_eq!(code(self.send("partition", &replayed).await), "already-settled");
        refused(ReceiveNotice { notice: replayed, receipt: receipt.clone() }).await;
        let forged = self.notice(self.header(), &self.uruma);
        refused(ReceiveNotice { notice: forged, receipt }).await;
        self.towns.notices(&cast.koriyama.clerk, self.subject, 1).await;
    }

    /// The log takes in nothing about inquiries that never were, whoever signs.
    async fn speak_of_what_never_was(&self) {
        let cast = &self.towns.world.cast;
        let before = self.towns.entries(Outcome::Corrected).await.len();
        let never = NoticeHeader { inquiry: InquiryId::make_random(), ..self.header() };
        let of_another = NoticeHeader { provider: cast.uruma.code, ..self.header() };
        let released = NoticeHeader { kind: NoticeKind::Released, ..self.header() };
        let other_law = NoticeHeader { asked_at_unix_s: 1_790_000_000, ..self.header() };
        for (header, signer) in [
            (never, &self.adachi),
            (of_another, &self.uruma),
            (released, &self.adachi),
            (other_law, &self.adachi),
        ] {
            let sent = self.send("partition", &self.notice(header, signer)).await;
            assert_eq!(code(sent), "no-such-end");
        }
        assert_eq!(self.towns.entries(Outcome::Corrected).await.len(), before);
        assert!(self.towns.entries(Outcome::Released).await.is_empty());
        self.towns.notices(&cast.koriyama.clerk, self.subject, 1).await;
    }
}
